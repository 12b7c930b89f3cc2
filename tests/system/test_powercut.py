"""Power cuts: a kill keeps the page cache, a cut does not.

The daemon runs under a recorder and takes mail on several connections. Then, at random points of
the recording, its folder is made anew as a disk may hold it at that moment (powerlog.py): the
daemon starts on it, every message answered 250 before the cut must restore exactly, `verify --deep`
must be content, and nothing that was not sent may show up. And the proof that this proves something:
with a single sync taken out of the recording, or all those of one kind, the same check must fail.
"""
import itertools
import pathlib
import random
import shutil
import tempfile
import time

import harness
import mails
import powerlog
from harness import Daemon, Elsewhere, Ledger, Vault
from lmtp import Load, Lmtp

PROGRAMS = harness.build()
CUTS = harness.numbers(100, 1000)
MESSAGES = 160
ALONE = 10
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
    """Runs of the daemon: the folder before, what they did, what they acknowledged and when."""

    def __init__(self):
        self.vault, self.ledger = Vault(PROGRAMS), Ledger()
        self.vault.configure(disk_reserve="1M")
        self.base = self.vault.folder / "base"
        shutil.copytree(self.vault.path, self.base)
        log = self.vault.folder / "recording"
        recorder = {"MUNIMENT_RECORDER_ROOT": str(self.vault.path),
                    "MUNIMENT_RECORDER_LOG": str(log), "LD_PRELOAD": str(PROGRAMS.helper("recorder.so"))}
        for first in [0, MESSAGES]:  # a restart in the middle: a second pack
            with Daemon(self.vault, env=recorder):
                source = sample_source(first)
                Load(self.vault.address, CONNECTIONS, source, self.ledger).start().join()
        with Daemon(self.vault, env=recorder):
            self.alone = [self.deliver_alone(number) for number in range(ALONE)]
        assert len(self.ledger.acknowledged) == 2 * MESSAGES + ALONE
        self.grant = self.vault.grant()
        self.operations = powerlog.read_log(log)
        syncs = sum(op.code == powerlog.SYNC for op in self.operations)
        assert syncs > 50, f"only {syncs} syncs recorded: the recorder does not see the daemon"

    def deliver_alone(self, number):
        """(before, after): one message, while no other is under way."""
        message = mails.ordinary(f"alone {number}")
        self.ledger.sending(message)
        with Lmtp(self.vault.address) as client:
            before = time.monotonic()
            (reply,) = client.deliver("alone@client.test", ["box0@example.com"], message)
            self.ledger.add(reply.archive_id, "box0@example.com", message)
        return before, time.monotonic()

    def acknowledged_at(self, position):
        """The ledger as it stood when the operation at `position` began, or at the end."""
        at_end = position >= len(self.operations)
        moment = float("inf") if at_end else self.operations[position].start
        early = Ledger()
        early.sent = self.ledger.sent
        for when, archive_id in self.ledger.order:
            if when < moment:
                early.acknowledged[archive_id] = self.ledger.acknowledged[archive_id]
                early.owners[archive_id] = self.ledger.owners[archive_id]
        return early


class Cut:
    """One folder after a power cut, named like the vault so that its key is found beside it."""

    def __init__(self, recording, disk, position, dice, chance):
        self.recording, self.position, self.chance = recording, position, chance
        place = pathlib.Path(tempfile.mkdtemp(prefix="muniment-cut-", dir=harness.fast_place()))
        harness.KEPT.append(place)
        disk.after_cut(place / "vault", dice, chance)
        shutil.copy(recording.vault.key_path, place / "vault.vaultkey")
        (place / "vault" / "run").mkdir(exist_ok=True)
        self.vault = Elsewhere(recording.vault, place / "vault")

    def remove(self):
        """What was looked at and found good. Else it is kept with the failed test's folders."""
        shutil.rmtree(self.vault.path.parent)
        harness.KEPT.remove(self.vault.path.parent)

    def check(self):
        """Recovery by the daemon or, every third time, by the first command."""
        if self.position % 3 == 0:
            return self.compare()
        with Daemon(self.vault):
            return self.compare()

    def compare(self):
        early = self.recording.acknowledged_at(self.position)
        grant = self.recording.grant
        restored = self.vault.restored(grant) if early.acknowledged else {}
        self.vault.check_ledger(early, restored)
        self.vault.verify()
        return len(early.acknowledged)


def cuts(recording, positions, dice, chances, dropped=lambda op, path: False):
    """Cuts just before the operations at these positions, in order."""
    disk = powerlog.Disk(recording.base, dropped)
    at = 0
    for position in sorted(positions):
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


def random_positions(run, dice, count):
    return dice.sample(range(1, len(run.operations) + 1), count)


def acknowledged_mail_survives_power_cuts():
    run, checked, dice = recording(), 0, random.Random(SEED)
    for cut in cuts(run, random_positions(run, dice, CUTS), dice, [0.0, 0.3, 0.5, 0.9]):
        try:
            checked += cut.check()
        except AssertionError as problem:
            raise AssertionError(f"cut before operation {cut.position}, unsynced sectors survive "
                                 f"with {cut.chance}: {problem}") from problem
        cut.remove()
    assert checked > CUTS, "the cuts saw hardly any acknowledged mail"
    print(f"        {CUTS} cuts, {len(run.operations)} operations, {checked} messages compared")


def daemon_starts_after_a_cut_and_takes_more():
    run, dice = recording(), random.Random(SEED + 1)
    positions = random_positions(run, dice, harness.numbers(5, 50))
    for cut in cuts(run, positions, dice, [0.3]):
        ledger = run.acknowledged_at(cut.position)
        with Daemon(cut.vault), Lmtp(cut.vault.address) as client:
            message = mails.ordinary(f"after {cut.position}")
            ledger.sending(message)
            (reply,) = client.deliver("late@client.test", ["late@example.com"], message)
            assert reply.code == 250, reply
            ledger.add(reply.archive_id, "late@example.com", message)
        cut.vault.check_ledger(ledger, cut.vault.restored())
        cut.remove()


def failure_of(cut):
    """What the check of a cut says, or None."""
    try:
        cut.check()
        return None
    except AssertionError as problem:
        return str(problem)
    finally:
        cut.remove()


def losing_any_single_fdatasync_is_noticed():
    """Of a delivery with nothing else under way the one sync of its pack is left out; the power goes
    when it was answered. Each must be missed, and none when the sync is there."""
    run, dice = recording(), random.Random(SEED + 3)
    for before, after in run.alone:
        target = sync_between(run, before, after)
        position = next((i for i, op in enumerate(run.operations) if op.start > after),
                        len(run.operations))
        (cut,) = cuts(run, [position], dice, [0.0], lambda op, path: op is target)
        problem = failure_of(cut)
        assert problem and "LOST" in problem, f"without one fdatasync: {problem}"
        (cut,) = cuts(run, [position], dice, [0.0])
        problem = failure_of(cut)
        assert problem is None, problem
    print(f"        {len(run.alone)} single syncs left out, {len(run.alone)} losses noticed")


def sync_between(run, before, after):
    packs = {op.file for op in run.operations
             if op.code in (powerlog.FOUND, powerlog.CREATE) and ".pack" in op.path}
    syncs = [op for op in run.operations
             if op.code == powerlog.SYNC and op.file in packs and before < op.start < after]
    assert syncs, "no pack was synced between a message and its 250"
    return syncs[-1]  # the first message of a run also syncs its new pack's header


def must_fail(what, dropped):
    """With all syncs of one kind taken out some cut must lose mail; cuts keep nothing unsynced, as
    disks may."""
    run, dice = recording(), random.Random(SEED + 2)
    positions = random_positions(run, dice, 12) + [len(run.operations)]
    for cut in cuts(run, positions, dice, [0.0], dropped):
        if failure_of(cut) is not None:
            print(f"        {what}: found at operation {cut.position}")
            return
    raise AssertionError(f"{what}: no cut noticed it, so this test proves nothing")


def losing_the_syncs_of_packs_is_noticed():
    must_fail("packs not synced", lambda op, path: path.endswith(".pack"))


def losing_the_syncs_of_large_bodies_is_noticed():
    must_fail("stream packs not synced", lambda op, path: ".stream" in path)


def losing_the_syncs_of_the_keyring_is_noticed():
    must_fail("keyring not synced", lambda op, path: path.startswith("keyring"))


def losing_the_syncs_of_the_folder_is_noticed():
    must_fail("names of packs not synced", lambda op, path: path == "packs")


if __name__ == "__main__":
    harness.run(acknowledged_mail_survives_power_cuts, daemon_starts_after_a_cut_and_takes_more,
                losing_any_single_fdatasync_is_noticed,
                losing_the_syncs_of_packs_is_noticed,
                losing_the_syncs_of_large_bodies_is_noticed,
                losing_the_syncs_of_the_keyring_is_noticed,
                losing_the_syncs_of_the_folder_is_noticed)
