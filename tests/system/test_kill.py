"""kill -9 under load, again and again: after each restart every message that was answered 250
restores exactly, `verify` is content and nothing that was not sent shows up."""
import itertools
import random
import threading
import time

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Load

PROGRAMS = harness.build()
KILLS = harness.numbers(20, 200)
CONNECTIONS = 6
SEED = 1


class Source:
    def __init__(self):
        self.count, self.lock = itertools.count(), threading.Lock()

    def __call__(self):
        with self.lock:
            number = next(self.count)
        size = (2 << 20) if number % 97 == 50 else 500 + number * 37 % 9000
        message = mails.attachment(number, size) if size > 1 << 20 else mails.ordinary(number, size)
        owners = [f"box{(number + k * 5) % 60}@example.com" for k in range(1 + number % 4)]
        return f"s{number}@client.test", owners, message


def check_recent(vault, ledger, grant, seen):
    """What was acknowledged since the last look, by id; returns what has been looked at now."""
    recent = [i for i in ledger.acknowledged if i not in seen]
    if recent:
        options = [word for archive_id in recent for word in ("--message", archive_id)]
        part = Ledger()
        part.sent = ledger.sent
        part.acknowledged = {i: ledger.acknowledged[i] for i in recent}
        part.owners = {i: ledger.owners[i] for i in recent}
        vault.check_ledger(part, vault.restored(grant(), options=options))
    return seen | set(recent)


def acknowledged_mail_survives_sigkill():
    """After each restart the daemon has all that was acknowledged since the one before; every tenth
    time the first command recovers, and everything is compared."""
    vault, ledger, source = Vault(PROGRAMS), Ledger(), Source()
    dice, idle, seen = random.Random(SEED), 0, set()
    for kill in range(KILLS):
        daemon = Daemon(vault)
        seen = check_recent(vault, ledger, vault.grant, seen)
        before = len(ledger.acknowledged)
        load = Load(vault.address, CONNECTIONS, source, ledger).start()
        time.sleep(dice.uniform(0.05, 0.7))
        daemon.kill()
        load.stop()
        assert not load.refused, load.refused[:3]
        idle += len(ledger.acknowledged) == before
        if kill % 10 == 9 or kill == KILLS - 1:
            vault.check_ledger(ledger)
            vault.verify()
            seen = set(ledger.acknowledged)
    assert idle < KILLS / 2, "most kills came before any mail was taken"
    stored = vault.status()["vault"]["messages"]
    print(f"        {KILLS} kills, {len(ledger.acknowledged)} messages acknowledged, "
          f"{stored - len(ledger.acknowledged)} stored whole before their 250 was sent")


def retries_after_a_kill_are_recognised():
    """A lost reply: the same delivery again names the same message and stores nothing."""
    vault, ledger = Vault(PROGRAMS), Ledger()
    source = Source()
    items = [source() for _ in range(40)]
    for _ in range(2):
        daemon = Daemon(vault)
        waiting = iter(items)
        lock = threading.Lock()

        def next_message():
            with lock:
                return next(waiting, None)
        Load(vault.address, CONNECTIONS, next_message, ledger).start().join()
        daemon.kill()
    assert len(ledger.acknowledged) == len(items), "a retry got a second id"
    vault.check_ledger(ledger)


if __name__ == "__main__":
    harness.run(acknowledged_mail_survives_sigkill, retries_after_a_kill_are_recognised)
