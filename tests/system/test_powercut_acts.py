"""Power cuts while keys are destroyed and while packs are compacted: at every cut one vault key opens
the keyring, just one; what a command said was done is done; and nothing else is lost.

The command runs under the recorder (recorder.c), the vault key beside the vault included."""
import pathlib
import random
import re
import shutil
import tempfile

import harness
import powerlog
from harness import Elsewhere, Vault
from test_erasure import erase, erasures, filled, opening, without

PROGRAMS = harness.build()
CUTS = harness.numbers(14, 400)
SEED = 20280229
CHANCES = [0.0, 0.3, 0.5, 0.9]


class Recording:
    """One command on a vault that nobody else uses: the folder before, and what it did."""

    def __init__(self, vault, command):
        self.vault, self.grant = vault, vault.grant()
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="muniment-base-"))
        log = self.base / "recording"
        harness.KEPT.append(self.base)
        shutil.copytree(vault.path, self.base / "site" / "vault")
        shutil.copy(vault.key_path, self.base / "site" / "vault.vaultkey")
        vault.command(*command, env={"MUNIMENT_RECORDER_ROOT": str(vault.folder),
                                     "MUNIMENT_RECORDER_LOG": str(log),
                                     "LD_PRELOAD": str(PROGRAMS.helper("recorder.so"))})
        self.operations = powerlog.read_log(log)
        assert sum(op.code == powerlog.SYNC for op in self.operations) > 5, "hardly a sync is seen"

    def cuts(self, dice, dropped=lambda op, path: False):
        """(vault as the cut left it, whether the command had ended)"""
        disk, at = powerlog.Disk(self.base / "site", dropped), 0
        count = min(CUTS, len(self.operations))
        for position in sorted(dice.sample(range(1, len(self.operations)), count - 1)
                               + [len(self.operations)]):
            for operation in self.operations[at:position]:
                disk.feed(operation)
            at = position
            yield self.vault_after(disk, dice), position == len(self.operations)

    def vault_after(self, disk, dice):
        place = pathlib.Path(tempfile.mkdtemp(prefix="muniment-cut-", dir=harness.fast_place()))
        harness.KEPT.append(place)
        disk.after_cut(place / "site", dice, dice.choice(CHANCES))
        vault = Elsewhere(self.vault, place / "site" / "vault")
        vault.key_path, vault.folder = place / "site" / "vault.vaultkey", place
        (vault.path / "run").mkdir(exist_ok=True)
        host = vault.path / "host"
        host.write_text(re.sub(r"(?m)^vaultkey: .*$", f"vaultkey: {vault.key_path}",
                               host.read_text()))
        return vault


def remove(vault):
    """What was looked at."""
    harness.KEPT.remove(vault.folder)
    shutil.rmtree(vault.folder)


def check_erasure(recording, cut, is_ended, before, after):
    """Whether the erasure was done."""
    opens = opening(cut)
    assert len(opens) == 1, f"{opens} open"
    states = [state["state"] for state in erasures(cut)]
    assert set(states) <= {"cancelled", "final"}, states
    is_done = "final" in states
    assert is_done or not is_ended, "it was done, and is not"
    restored = restored_by(recording, cut)
    recording.vault.check_ledger(after if is_done else before, restored)
    assert not is_done or all(set(copies) <= after.owners.get(name, set())
                              for name, copies in restored.items()), "erased, and restored"
    cut.verify()
    return is_done


def restored_by(recording, cut):
    """With the grant and the reader of before."""
    return recording.vault.restored(recording.grant, path=cut.path)


class Erasure:
    """An act, the ledger before, and after."""

    def __init__(self, *words, gone=None, owner=None):
        vault, self.before, ids = filled(
            lambda n: [f"box{n % 3}@example.com", "all@example.com"][:1 + n % 2])
        self.before.sent = {}
        self.after = without(self.before, *([ids[gone]] if owner is None else []), owner=owner)
        scope = ["--mailbox", owner] if owner else ["--message", ids[gone]]
        self.recording = Recording(vault, [*words, vault.path, *scope, "--reason", "x", "--yes"])

    def check_cuts(self, dropped=lambda op, path: False):
        counts = {"undone": 0, "done": 0}
        for cut, is_ended in self.recording.cuts(random.Random(SEED), dropped):
            try:
                is_done = check_erasure(self.recording, cut, is_ended, self.before, self.after)
            finally:
                remove(cut)
            counts["done" if is_done else "undone"] += 1
        assert counts["undone"] > 0 and counts["done"] > 0, counts
        print(f"        {counts}, {len(self.recording.operations)} operations")


class Compaction:
    def __init__(self):
        vault, ledger, ids = filled(lambda n: [f"box{n % 3}@example.com"], 24)
        erase(vault, *ids[::2])
        self.left = without(ledger, *ids[::2])
        self.recording = Recording(vault, ["compact", vault.path])

    def check_cuts(self, dropped=lambda op, path: False):
        for cut, is_ended in self.recording.cuts(random.Random(SEED), dropped):
            try:
                self.check(cut, is_ended)
            finally:
                remove(cut)
        print(f"        {len(self.recording.operations)} operations")

    def check(self, cut, is_ended):
        packs = cut.path / "packs"
        assert not is_ended or list(packs.glob("*.compacted")), "it was done, and is not"
        self.recording.vault.check_ledger(self.left, restored_by(self.recording, cut))
        cut.verify()
        cut.command("compact", cut.path)
        assert list(packs.glob("*.compacted")) and not list(packs.glob("*.draft"))
        self.recording.vault.check_ledger(self.left, restored_by(self.recording, cut))
        cut.verify()


def an_erased_message_survives_power_cuts_whole_or_not_at_all():
    Erasure("erase", gone=3).check_cuts()


def a_shredded_mailbox_survives_power_cuts_whole_or_not_at_all():
    Erasure("shred", owner="all@example.com").check_cuts()


def a_compaction_loses_nothing_that_lives():
    Compaction().check_cuts()


def losing_syncs_is_noticed():
    """Else the above proves nothing."""
    act, compaction = Erasure("erase", gone=3), Compaction()
    for what, name in [(act, "vault/keyring"), (act, "vault.vaultkey"), (compaction, "vault/packs/")]:
        try:
            what.check_cuts(lambda op, path: path.startswith(name))
        except AssertionError as problem:
            print(f"        {name} not synced: {str(problem).splitlines()[0][:80]}")
        else:
            raise AssertionError(f"{name} not synced, and no cut noticed it")


if __name__ == "__main__":
    harness.run(an_erased_message_survives_power_cuts_whole_or_not_at_all,
                a_shredded_mailbox_survives_power_cuts_whole_or_not_at_all,
                a_compaction_loses_nothing_that_lives, losing_syncs_is_noticed)
