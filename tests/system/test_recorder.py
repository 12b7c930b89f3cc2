"""The power-cut machinery on small programs whose right answer is known: what is synced survives
every cut, what is not may be lost, and the recorder admits what it cannot follow."""
import contextlib
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile

import harness
import powerlog

PROGRAMS = harness.build()

# Each step is acknowledged by the time at which it was done.
PROGRAM = """
import os, sys, time
def fd(name, flags=os.O_WRONLY | os.O_CREAT | os.O_APPEND):
    return os.open(name, flags, 0o600)
def sync_folder(name="."):
    folder = os.open(name, os.O_RDONLY)
    os.fsync(folder)
def done(what):
    print(what, time.monotonic(), flush=True)
os.chdir(sys.argv[1])
exec(sys.argv[2])
"""


def record(steps, before=(), then=()):
    """(base folder, operations, {what: time}) of one program, and of others after it."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="muniment-test-"))
    harness.KEPT.append(place)
    for name in ["base", "work"]:
        (place / name).mkdir()
        for file, data in before:
            (place / name / file).write_bytes(data)
    env = {"LD_PRELOAD": str(PROGRAMS.helper("recorder.so")), "PATH": "/usr/bin:/bin",
           "MUNIMENT_RECORDER_ROOT": str(place / "work"), "MUNIMENT_RECORDER_LOG": str(place / "log")}
    times = {}
    for program in (steps, *then):
        done = subprocess.run([sys.executable, "-c", PROGRAM, place / "work", program], env=env,
                              check=True, capture_output=True, text=True)
        times.update((line.split()[0], float(line.split()[1])) for line in done.stdout.splitlines())
    return place, powerlog.read_log(place / "log"), times


def states(place, operations, times, chance, seed=1):
    """(acknowledged names, folder) for a cut before each operation and after the last."""
    dice = random.Random(seed)
    disk = powerlog.Disk(place / "base")
    for position in range(len(operations) + 1):
        now = operations[position].start if position < len(operations) else float("inf")
        folder = place / f"cut{position}-{chance}"
        disk.after_cut(folder, dice, chance)
        yield {w for w, t in times.items() if t < now}, folder
        if position < len(operations):
            disk.feed(operations[position])


def lost(steps, holds, chances=(0.0, 0.5, 1.0), before=(), then=()):
    """Cuts after which something acknowledged does not hold."""
    place, operations, times = record(steps, before, then)
    return [f for chance in chances for acked, f in states(place, operations, times, chance)
            if not all(holds(what, f) for what in acked)]


APPEND = """
for i in range(20):
    f = fd("journal")
    os.write(f, b"%03d" % i * 300)
    {sync}
    {folder}
    done(i)
"""


def appended(what, folder):
    journal = folder / "journal"
    return journal.exists() and b"%03d" % int(what) * 300 in journal.read_bytes()


def synced_appends_survive_every_cut():
    assert not lost(APPEND.format(sync="os.fdatasync(f)", folder="sync_folder()"), appended)


def unsynced_appends_are_lost_by_some_cut():
    assert lost(APPEND.format(sync="pass", folder="sync_folder()"), appended)


def file_in_an_unsynced_folder_is_lost_by_some_cut():
    assert lost(APPEND.format(sync="os.fdatasync(f)", folder="pass"), appended)


REPLACE = """
for i in range(10):
    f = fd("draft", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(f, b"%03d" % i * 700)
    {sync}
    os.rename("draft", "file")
    sync_folder()
    done(i)
"""


def whole(what, folder):
    """The file is one of the versions, and no older than what was acknowledged."""
    text = (folder / "file").read_bytes() if (folder / "file").exists() else b""
    return len(text) == 2100 and text == text[:3] * 700 and int(text[:3]) >= int(what)


def replacing_by_rename_is_atomic_when_synced():
    assert not lost(REPLACE.format(sync="os.fsync(f)"), whole)
    assert lost(REPLACE.format(sync="pass"), whole)


def files_of_before_are_kept_and_changed_in_place():
    steps = """
f = fd("old", os.O_RDWR)
os.pwrite(f, b"NEW", 600)
os.fdatasync(f)
done("old")
os.unlink("gone")
sync_folder()
done("gone")
"""
    old = b"o" * 2000

    def holds(what, folder):
        if what == "gone":
            return not (folder / "gone").exists()
        return (folder / "old").read_bytes() == old[:600] + b"NEW" + old[603:]
    before = [("old", old), ("gone", b"g"), ("untouched", b"u")]
    assert not lost(steps, holds, before=before)
    place, operations, times = record(steps, before)
    for _, folder in states(place, operations, times, 0.5):
        assert (folder / "untouched").read_bytes() == b"u"


def files_of_two_programs_are_told_apart():
    """The second one opens other files first, so that it counts them in another order."""
    one = """
for name in ["a", "b"]:
    f = fd(name)
    os.write(f, name.encode() * 700)
    os.fdatasync(f)
    sync_folder()
    done(name)
"""
    two = """
for name in ["c", "b", "a"]:
    f = fd(name)
    os.write(f, name.encode() * 50)
    os.fdatasync(f)
    os.rename(name, name + name)
    sync_folder()
    done(name + name)
"""

    def holds(what, folder):
        letter = what[0]
        length = (0 if letter == "c" else 700) + (50 if len(what) == 2 else 0)
        found = [folder / name for name in (letter, letter * 2) if (folder / name).exists()]
        return any(f.read_bytes()[:length] == letter.encode() * length for f in found)
    assert not lost(one, holds, then=[two])


def sqlite_transactions_survive_every_cut():
    steps = """
import sqlite3
db = sqlite3.connect("db", isolation_level=None)
db.execute("PRAGMA journal_mode=%s")
db.execute("PRAGMA synchronous=%s")
db.execute("CREATE TABLE t (x)")
for i in range(3):
    db.execute("INSERT INTO t VALUES (?)", (str(i) * 2000,))
    done(i)
"""

    def holds(what, folder):
        try:
            with contextlib.closing(sqlite3.connect(folder / "db")) as db:
                query = "SELECT count(*) FROM t WHERE x = ?"
                return db.execute(query, (what * 2000,)).fetchone()[0] == 1
        except sqlite3.Error:
            return False
    for mode in [("WAL", "FULL"), ("DELETE", "EXTRA")]:
        assert not lost(steps % mode, holds, chances=(0.0, 0.5)), mode
    # A fine point that this finds: the removal of the journal is not synced with FULL.
    assert lost(steps % ("DELETE", "FULL"), holds, chances=(0.0,))


def what_cannot_be_followed_is_admitted():
    steps = """
import mmap
f = fd("mapped", os.O_RDWR | os.O_CREAT)
os.ftruncate(f, 4096)
mmap.mmap(f, 4096)
"""
    try:
        record(steps)
    except AssertionError as problem:
        assert "mapping" in str(problem)
        return
    raise AssertionError("a shared writable mapping was passed over in silence")


if __name__ == "__main__":
    harness.run(synced_appends_survive_every_cut, unsynced_appends_are_lost_by_some_cut,
                file_in_an_unsynced_folder_is_lost_by_some_cut,
                replacing_by_rename_is_atomic_when_synced,
                files_of_before_are_kept_and_changed_in_place, files_of_two_programs_are_told_apart,
                sqlite_transactions_survive_every_cut, what_cannot_be_followed_is_admitted)
