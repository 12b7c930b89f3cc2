"""Power cuts: a kill keeps the page cache, a cut does not.

The daemon runs under a recorder and takes mail on several connections. Then, at random points of
the recording, its folder is made anew as a disk may hold it at that moment (powerlog.py): recovery
runs on it, every message answered 250 before the cut must restore exactly, `verify --deep` must be
content, and nothing that was not sent may show up. And the proof that this proves something: with
single syncs taken out of the recording the same check must fail.
"""
import itertools
import random
import shutil

import harness
import mails
import powerlog
from harness import Daemon, Ledger, Vault
from lmtp import Load, Lmtp

PROGRAMS = harness.build()
CUTS = harness.numbers(100, 1000)
MESSAGES = 160
CONNECTIONS = 6
SEED = 20240229


def sample_source(first):
    """Small mail to one to three of many owners, and now and then one too large for a group."""
    count = itertools.count(first)

    def next_message():
        number = next(count)
        if number >= first + MESSAGES:
            return None
        owners = [f"box{(number * 7 + k) % 40}@example.com" for k in range(1 + number % 3)]
        size = (2 << 20) if number % 80 == 40 else 600 + number * 13 % 5000
        message = mails.attachment(number, size) if size > 1 << 20 else mails.ordinary(number, size)
        return (f"s{number}@client.test", owners, message)
    return next_message


class Recording:
    """One run of the daemon: the folder before, what it did, what it acknowledged and when."""

    def __init__(self):
        self.vault, self.ledger = Vault(PROGRAMS), Ledger()
        self.base = self.vault.folder / "base"
        shutil.copytree(self.vault.path, self.base)
        log = self.vault.folder / "recording"
        recorder = {"MUNIMENT_RECORDER_ROOT": str(self.vault.path),
                    "MUNIMENT_RECORDER_LOG": str(log), "LD_PRELOAD": str(PROGRAMS.helper("recorder.so"))}
        for first in [0, MESSAGES]:  # a restart in the middle: a second pack
            with Daemon(self.vault, env=recorder):
                source = sample_source(first)
                Load(self.vault.address, CONNECTIONS, source, self.ledger).start().join()
        assert len(self.ledger.acknowledged) == 2 * MESSAGES
        self.grant = self.vault.grant()
        self.operations = powerlog.read_log(log)
        syncs = sum(op.code == powerlog.SYNC for op in self.operations)
        assert syncs > 50, f"only {syncs} syncs recorded: the recorder does not see the daemon"

    def acknowledged_before(self, time):
        """The ledger as it stood at a moment."""
        early = Ledger()
        early.sent = self.ledger.sent
        for when, archive_id in self.ledger.order:
            if when < time:
                early.acknowledged[archive_id] = self.ledger.acknowledged[archive_id]
                early.owners[archive_id] = self.ledger.owners[archive_id]
        return early


class Cut:
    """One folder after a power cut, named like the vault so that its key is found beside it."""

    def __init__(self, recording, disk, position, dice, chance):
        self.recording, self.position, self.chance = recording, position, chance
        self.folder = recording.vault.folder / "cut"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.path = self.folder / "vault"
        disk.after_cut(self.path, dice, chance)
        shutil.copy(recording.vault.key_path, self.folder / "vault.vaultkey")
        (self.path / "run").mkdir(exist_ok=True)

    def check(self):
        vault = self.recording.vault
        operations = self.recording.operations
        later = operations[self.position].start if self.position < len(operations) else float("inf")
        early = self.recording.acknowledged_before(later)
        restored = vault.restored(self.recording.grant, path=self.path) if early.acknowledged else {}
        vault.check_ledger(early, restored)
        vault.verify(path=self.path)
        return len(early.acknowledged)


def cuts(recording, count, dice, chances, dropped=lambda op, path: False):
    """Cuts at random places, in order, each just before an operation."""
    disk = powerlog.Disk(recording.base, dropped)
    positions = sorted(dice.sample(range(1, len(recording.operations) + 1), count))
    at = 0
    for position in positions:
        for operation in recording.operations[at:position]:
            disk.feed(operation)
        at = position
        yield Cut(recording, disk, position, dice, dice.choice(chances))


RECORDING = []


def recording():
    if not RECORDING:
        RECORDING.append(Recording())
        harness.share(RECORDING[0].vault)
    return RECORDING[0]


def acknowledged_mail_survives_power_cuts():
    run, checked = recording(), 0
    for cut in cuts(run, CUTS, random.Random(SEED), [0.0, 0.3, 0.5, 0.9]):
        try:
            checked += cut.check()
        except AssertionError as problem:
            raise AssertionError(f"cut before operation {cut.position}, unsynced sectors survive "
                                 f"with {cut.chance}: {problem}") from problem
    assert checked > CUTS, "the cuts saw hardly any acknowledged mail"
    print(f"        {CUTS} cuts, {len(run.operations)} operations, {checked} messages compared")


def daemon_starts_after_a_cut_and_takes_more():
    run, dice = recording(), random.Random(SEED + 1)
    for cut in cuts(run, harness.numbers(5, 50), dice, [0.3]):
        vault = harness.Elsewhere(run.vault, cut.path)
        ledger = run.acknowledged_before(run.operations[cut.position - 1].start)
        with Daemon(vault), Lmtp(vault.address) as client:
            message = mails.ordinary(f"after {cut.position}")
            ledger.sending(message)
            (reply,) = client.deliver("late@client.test", ["late@example.com"], message)
            assert reply.code == 250, reply
            ledger.add(reply.archive_id, "late@example.com", message)
        vault.check_ledger(ledger, vault.restored())


def must_fail(what, dropped):
    """With syncs taken out some cut must lose mail; cuts keep nothing unsynced, as disks may."""
    run = recording()
    for cut in cuts(run, 12, random.Random(SEED + 2), [0.0], dropped):
        try:
            cut.check()
        except AssertionError:
            print(f"        {what}: found at operation {cut.position}")
            return
    raise AssertionError(f"{what}: no cut noticed it, so this test proves nothing")


def losing_one_fdatasync_of_packs_is_noticed():
    must_fail("packs not synced", lambda op, path: path.endswith(".pack"))


def losing_the_sync_of_a_large_body_is_noticed():
    must_fail("stream packs not synced", lambda op, path: path.endswith(".stream"))


def losing_the_sync_of_the_keyring_is_noticed():
    must_fail("keyring not synced", lambda op, path: path.startswith("keyring"))


def losing_the_sync_of_the_folder_is_noticed():
    must_fail("names of packs not synced", lambda op, path: path == "packs")


if __name__ == "__main__":
    harness.run(acknowledged_mail_survives_power_cuts, daemon_starts_after_a_cut_and_takes_more,
                losing_one_fdatasync_of_packs_is_noticed,
                losing_the_sync_of_a_large_body_is_noticed,
                losing_the_sync_of_the_keyring_is_noticed,
                losing_the_sync_of_the_folder_is_noticed)
