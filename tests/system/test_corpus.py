"""Byte exactness on real mail, where the corpus is: a sample of its bulk (all of it with --long) and
every edge case. Skipped where there is none."""
import threading

import harness
import mails
from harness import Daemon, Ledger, Skip, Vault
from lmtp import Load

PROGRAMS = harness.build()
SAMPLE = 2000
BULK = 46000
CONNECTIONS = 8


class Source:
    """Hands messages to the connections, each to its own mailbox of a few hundred."""

    def __init__(self, messages):
        self.messages, self.lock, self.count = iter(messages), threading.Lock(), 0

    def __call__(self):
        with self.lock:
            item = next(self.messages, None)
            if item is None:
                return None
            self.count += 1
            number = self.count
        return (f"from{number}@client.test", [f"box{number % 300}@example.com"], item[1])


def comes_back(messages, how, least):
    vault, ledger = Vault(PROGRAMS), Ledger()
    source = Source(messages)
    with Daemon(vault):
        load = Load(vault.address, CONNECTIONS, source, ledger, how).start().join()
        assert not load.refused, load.refused[:5]
        assert source.count >= least, f"only {source.count} messages in the corpus"
        acknowledged = sum(len(o) for o in ledger.owners.values())
        assert acknowledged == source.count, f"{acknowledged} of {source.count} acknowledged"
    vault.check_ledger(ledger)
    print(f"        {source.count} messages over {how}")


def folder():
    found = mails.corpus_folder()
    if found is None:
        raise Skip("no corpus of real mail here (set MUNIMENT_CORPUS)")
    return found


def bulk_mail_comes_back_exactly():
    step = harness.numbers(BULK // SAMPLE, 1)
    comes_back(mails.bulk(folder(), step), "data", SAMPLE - 10 if step > 1 else 45000)


def edge_cases_come_back_exactly_over_data():
    comes_back(mails.edge_cases(folder()), "data", 3000)


def edge_cases_come_back_exactly_over_bdat():
    comes_back(mails.edge_cases(folder()), "bdat", 3000)


if __name__ == "__main__":
    harness.run(bulk_mail_comes_back_exactly, edge_cases_come_back_exactly_over_data,
                edge_cases_come_back_exactly_over_bdat)
