"""Sixty-four sessions at once that do all that sessions do: deliver, retry, give up, chunk, reset,
go away. Meant for the thread sanitizer (tsan build), which ends the daemon on its first finding; and
a check of the ledger in every build."""
import os
import random
import threading

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp, as_data

PROGRAMS = harness.build()
SESSIONS = 64
ROUNDS = harness.numbers(6, 40)


class Session(threading.Thread):
    def __init__(self, vault, ledger, number):
        super().__init__(daemon=True)
        self.vault, self.ledger, self.number = vault, ledger, number
        self.dice, self.failure = random.Random(number), None

    def run(self):
        try:
            for turn in range(ROUNDS):
                with Lmtp(self.vault.address, timeout=300) as client:
                    self.deliver(client, turn, "data")
                    self.deliver(client, turn, "bdat")
                    self.give_up(client)
        except Exception as failure:
            self.failure = failure

    def deliver(self, client, turn, how):
        seed = turn if self.dice.random() < 0.2 else f"{self.number}.{turn}.{how}"  # some collide
        size = (2 << 20) if self.dice.random() < 0.03 else self.dice.randrange(300, 20000)
        message = mails.attachment(self.number, size) if size > 1 << 20 else mails.ordinary(seed, 900)
        stored = message if how == "bdat" else as_data(message)
        owners = [f"box{self.dice.randrange(200)}@example.com" for _ in range(self.dice.randrange(1, 4))]
        self.ledger.sending(stored)
        for owner, reply in zip(owners, client.deliver("s@b.test", owners, message, how)):
            assert reply.code == 250, reply
            self.ledger.add(reply.archive_id, owner, stored)

    def give_up(self, client):
        client.envelope("s@b.test", ["given-up@example.com"])
        kind = self.dice.randrange(3)
        if kind == 0:
            assert client.command("RSET").code == 250
        elif kind == 1:
            client.command("DATA")
            client.send(b"half a mess")
        else:
            client.send(b"BDAT 5000\r\nhalf")


def sixty_four_sessions_at_once_lose_nothing():
    vault, ledger = Vault(PROGRAMS), Ledger()
    env = {"TSAN_OPTIONS": "halt_on_error=1 exitcode=66 " + os.environ.get("TSAN_OPTIONS", ""),
           "G_SLICE": "always-malloc"}  # what GLib locks within itself the sanitizer does not see
    with Daemon(vault, env=env) as daemon:
        sessions = [Session(vault, ledger, number) for number in range(SESSIONS)]
        for session in sessions:
            session.start()
        for turn in range(5):
            vault.status()
        for session in sessions:
            session.join()
        failures = [s.failure for s in sessions if s.failure]
        assert not failures, f"{failures[:3]}\n{daemon.log_text()[-3000:]}"
    assert "WARNING: ThreadSanitizer" not in daemon.log_text(), daemon.log_text()[-5000:]
    vault.check_ledger(ledger)


if __name__ == "__main__":
    harness.run(sixty_four_sessions_at_once_lose_nothing)
