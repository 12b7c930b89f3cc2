"""Failing system calls: the 1st ... nth write, sync, rename and open of the running daemon fails
with EIO or ENOSPC, once or for a while. Only 4xx are answered, no 250 is ever lost, and the daemon
takes mail again when the calls work again."""
import errno
import mmap
import struct

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
CALLS = {"write": 1, "sync": 2, "rename": 3, "open": 4}
NTH_MAX = harness.numbers(8, 40)
FOREVER = -1


class Faults:
    """The plan that faults.c follows, shared through a mapped file."""

    def __init__(self, vault):
        path = vault.folder / "faults"
        path.write_bytes(bytes(20))
        self.file = open(path, "r+b")
        self.plan = mmap.mmap(self.file.fileno(), 20)
        self.env = {"MUNIMENT_FAULTS_ROOT": str(vault.path), "MUNIMENT_FAULTS_FILE": str(path),
                    "LD_PRELOAD": str(PROGRAMS.helper("faults.so"))}

    def fail(self, call, nth, count, error):
        self.plan[4:20] = struct.pack("=iiii", nth, count, error, 0)
        self.plan[0:4] = struct.pack("=i", CALLS[call])

    def stop(self):
        self.plan[0:4] = bytes(4)

    @property
    def seen(self):
        return struct.unpack_from("=i", self.plan, 16)[0]


class Sender:
    """Delivers numbered messages, keeps the ledger, insists on 250 or 4xx."""

    def __init__(self, vault, ledger):
        self.vault, self.ledger, self.number = vault, ledger, 0

    def one(self, size=1500):
        """True when it was archived. A new mailbox every few messages: the keyring writes too."""
        self.number += 1
        message = (mails.attachment(self.number, size) if size > 1 << 20
                   else mails.ordinary(self.number, size))
        recipient = f"box{self.number // 3}@example.com"
        self.ledger.sending(message)
        with Lmtp(self.vault.address) as client:
            if client.greeting.code != 220:
                assert client.greeting.code == 421, client.greeting
                return False
            rcpt, = client.envelope(f"s{self.number}@client.test", [recipient])
            assert rcpt.code == 250 or 400 <= rcpt.code < 500, rcpt
            if rcpt.code != 250:
                return False
            reply = self.data(client, message)
        assert reply.code == 250 or 400 <= reply.code < 500, f"{reply} is neither 250 nor 4xx"
        if reply.code == 250:
            self.ledger.add(reply.archive_id, recipient, message)
        return reply.code == 250

    def data(self, client, message):
        reply = client.command("DATA")
        if reply.code != 354:
            return reply
        client.send(message.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return client.reply()


def one_failure(sender, faults, daemon, fault):
    """A fault while three messages are sent, then none: the next must be taken."""
    faults.fail(*fault)
    refused = sum(not sender.one(size) for size in [1500, 40000, 1500])
    faults.stop()
    assert daemon.process.poll() is None, f"{fault}: archived ended\n{daemon.log_text()[-2000:]}"
    harness.eventually(f"mail is taken again after {fault}", sender.one, 20)
    return refused


def failures_of(call):
    vault, ledger = Vault(PROGRAMS), Ledger()
    faults, refused = Faults(vault), 0
    with Daemon(vault, env=faults.env) as daemon:
        sender = Sender(vault, ledger)
        for _ in range(3):
            assert sender.one()
        for error in [errno.EIO, errno.ENOSPC]:
            for nth in range(1, NTH_MAX + 1):
                refused += one_failure(sender, faults, daemon, (call, nth, 1, error))
            refused += one_failure(sender, faults, daemon, (call, 1, FOREVER, error))
        vault.check_ledger(ledger)
        daemon.kill()
    vault.check_ledger(ledger)
    vault.verify()
    print(f"        {call}: {len(ledger.acknowledged)} archived, {refused} answered 4xx")
    return refused


def failing_writes_lose_nothing():
    assert failures_of("write") >= 6


def failing_syncs_lose_nothing():
    assert failures_of("sync") >= 6


def failing_renames_lose_nothing():
    failures_of("rename")


def failing_opens_lose_nothing():
    failures_of("open")


def failing_writes_of_large_bodies_lose_nothing():
    vault, ledger = Vault(PROGRAMS), Ledger()
    faults = Faults(vault)
    with Daemon(vault, env=faults.env) as daemon:
        sender = Sender(vault, ledger)
        assert sender.one(3 << 20)
        for call in ["open", "write", "sync"]:
            for nth in [1, 2, 3, 5]:
                faults.fail(call, nth, 1, errno.EIO)
                sender.one(3 << 20)
                faults.stop()
                assert daemon.process.poll() is None, daemon.log_text()[-2000:]
        harness.eventually("large mail is taken again", lambda: sender.one(3 << 20), 20)
        vault.check_ledger(ledger)
    vault.verify()


if __name__ == "__main__":
    harness.run(failing_writes_lose_nothing, failing_syncs_lose_nothing,
                failing_renames_lose_nothing, failing_opens_lose_nothing,
                failing_writes_of_large_bodies_lose_nothing)
