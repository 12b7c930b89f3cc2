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
PLAN = struct.Struct("=iiiiii")
NTH_MAX = harness.numbers(8, 40)
FOREVER = -1
LARGE = 2 << 20
KNOWN = "known@example.com"


class Faults:
    """The plan that faults.c follows, shared through a mapped file."""

    def __init__(self, vault):
        path = vault.folder / "faults"
        path.write_bytes(bytes(PLAN.size))
        self.file = open(path, "r+b")
        self.plan = mmap.mmap(self.file.fileno(), PLAN.size)
        self.env = {"MUNIMENT_FAULTS_ROOT": str(vault.path), "MUNIMENT_FAULTS_FILE": str(path),
                    "LD_PRELOAD": str(PROGRAMS.helper("faults.so"))}

    def fail(self, call, nth, count, error):
        self.plan[4:] = PLAN.pack(0, nth, count, error, 0, 0)[4:]
        self.plan[0:4] = struct.pack("=i", CALLS[call])

    def stop(self):
        self.plan[0:4] = bytes(4)

    @property
    def failed(self):
        """How many calls were made to fail since fail()."""
        return PLAN.unpack(self.plan)[5]


class Sender:
    """Delivers numbered messages, keeps the ledger, insists on 250 or 4xx."""

    def __init__(self, vault, ledger):
        self.vault, self.ledger, self.number = vault, ledger, 0

    def one(self, size=1500, recipient=None):
        """True when it was archived. A new mailbox every few messages: the keyring writes too."""
        self.number += 1
        message = (mails.attachment(self.number, size) if size > 1 << 20
                   else mails.ordinary(self.number, size))
        recipient = recipient or f"box{self.number // 3}@example.com"
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
    """(messages refused, calls failed) of a fault while a pack is begun and small and large messages
    are sent; then, without it, the next must be taken."""
    # This ends the pack, so that the next message begins one. All syncs, as the catalog makes some.
    faults.fail("sync", 1, FOREVER, errno.EIO)
    assert not sender.one(recipient=KNOWN)
    faults.fail(*fault)
    refused = sum(not sender.one(size) for size in [1500, LARGE, 1500])
    faults.stop()
    failed = faults.failed
    assert daemon.process.poll() is None, f"{fault}: archived ended\n{daemon.log_text()[-2000:]}"
    harness.eventually(f"mail is taken again after {fault}", sender.one, 20)
    return refused, failed


def failures_of(call):
    """The 1st, 2nd, ... call fails, until there is no such call any more, and then all of them do."""
    vault, ledger = Vault(PROGRAMS), Ledger()
    faults, refused, nth_max = Faults(vault), 0, 0
    with Daemon(vault, env=faults.env) as daemon:
        sender = Sender(vault, ledger)
        assert sender.one(recipient=KNOWN)
        for error in [errno.EIO, errno.ENOSPC]:
            for nth in range(1, NTH_MAX + 1):
                refused_now, failed = one_failure(sender, faults, daemon, (call, nth, 1, error))
                refused += refused_now
                if failed == 0:
                    break
                nth_max = max(nth_max, nth)
            refused_now, failed = one_failure(sender, faults, daemon, (call, 1, FOREVER, error))
            assert refused_now > 0 and failed > 1, f"{call}: {refused_now} refused, {failed} failed"
            refused += refused_now
        vault.check_ledger(ledger)
        daemon.kill()
    vault.check_ledger(ledger)
    vault.verify()
    assert nth_max >= 2, f"the program makes hardly any {call}: {nth_max}"
    print(f"        {call}: 1st to {ordinal(nth_max)}, {len(ledger.acknowledged)} archived, "
          f"{refused} answered 4xx")
    return refused


def ordinal(number):
    return f"{number}" + {1: "st", 2: "nd", 3: "rd"}.get(number, "th")


def failing_writes_lose_nothing():
    assert failures_of("write") >= 6


def failing_syncs_lose_nothing():
    assert failures_of("sync") >= 6


def failing_renames_lose_nothing():
    assert failures_of("rename") >= 6


def failing_opens_lose_nothing():
    assert failures_of("open") >= 6


def start_with(faults, vault, fault):
    """Starts with a fault in it: the daemon says no and ends, or it runs. True when a call failed."""
    faults.fail(*fault)
    daemon = Daemon(vault, env=faults.env, wait=False)
    try:
        daemon.wait_ready()
        daemon.kill()
    except AssertionError as problem:
        status = daemon.process.returncode
        assert status is not None and status > 0, f"{fault}: ended with {status}: {problem}"
    faults.stop()
    return faults.failed > 0


def failing_calls_at_start_lose_nothing():
    """After a kill the 1st, 2nd, ... call of the recovery fails."""
    vault, ledger = Vault(PROGRAMS), Ledger()
    faults, sender, nth_max = Faults(vault), Sender(vault, ledger), {}
    for call in CALLS:
        for nth in range(1, NTH_MAX + 1):
            with Daemon(vault) as daemon:
                assert sender.one() and sender.one(LARGE if nth == 2 else 1500)
                daemon.kill()
            if not start_with(faults, vault, (call, nth, 1, errno.EIO)):
                break
            nth_max[call] = nth
    with Daemon(vault):
        vault.check_ledger(ledger)
    vault.verify()
    assert nth_max["write"] > 1 and nth_max["sync"] > 1 and nth_max["open"] > 1, nth_max
    print(f"        at start: up to the nth call: {nth_max}")


if __name__ == "__main__":
    harness.run(failing_writes_lose_nothing, failing_syncs_lose_nothing,
                failing_renames_lose_nothing, failing_opens_lose_nothing,
                failing_calls_at_start_lose_nothing)
