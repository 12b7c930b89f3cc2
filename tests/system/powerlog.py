"""Power cuts from a recording (recorder.c): the folder as a disk may hold it when the power goes.

What had been synced is there. Of what was written later, any 512-byte sector may be there or not;
a file may be longer than its data; names made, renamed or removed since their folder was last
synced may be so or not yet, a rename as a whole. That is more than most file systems do, and all
that POSIX promises.
"""
import mmap
import pathlib
import struct

SECTOR = 512
HEAD = struct.Struct("=BIIQQQ")
(CREATE, FOUND, WRITE, TRUNCATE, SYNC, SYNC_DIRECTORY, RENAME, LINK, UNLINK, MKDIR, RMDIR, SYNC_ALL,
 UNSUPPORTED) = range(1, 14)
FOLDER = 0


class Operation:
    __slots__ = ("code", "file", "offset", "bytes", "start")

    def __init__(self, code, file, offset, data, start):
        self.code, self.file, self.offset, self.bytes, self.start = code, file, offset, data, start

    @property
    def path(self):
        return self.bytes.decode().rstrip("/")


def read_log(path):
    operations = []
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as log:
        at = 0
        while at + HEAD.size <= len(log):
            code, process, number, offset, length, start = HEAD.unpack_from(log, at)
            at += HEAD.size
            if at + length > len(log):
                break
            data = log[at:at + length]
            at += length
            if code == UNSUPPORTED:
                raise AssertionError(f"the recorder cannot follow: {data.decode()}")
            operations.append(Operation(code, (process, number), offset, data, start / 1e9))
    return operations


def parent(path):
    return path.rpartition("/")[0]


class File:
    """Bytes on the disk, and what was done since they were synced. `path` is its latest name."""

    def __init__(self, path, data=b""):
        self.path = path
        self.durable = bytearray(data)
        self.pending = []

    def sync(self):
        for operation in self.pending:
            apply(self.durable, operation, lambda: True)
        self.pending.clear()

    def after_cut(self, dice, chance):
        data = bytearray(self.durable)
        for operation in self.pending:
            apply(data, operation, lambda: dice.random() < chance)
        return data


def apply(data, operation, survives):
    """One write or truncate, sector by sector where it survives."""
    if operation.code == TRUNCATE:
        if survives():
            size = operation.offset
            del data[size:]
            data.extend(bytes(size - len(data)))
        return
    end = operation.offset + len(operation.bytes)
    if len(data) < end and survives():
        data.extend(bytes(end - len(data)))
    at = operation.offset
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        if survives():
            if len(data) < stop:
                data.extend(bytes(stop - len(data)))
            data[at:stop] = operation.bytes[at - operation.offset:stop - operation.offset]
        at = stop


class Disk:
    """Fed with operations in order; after_cut() may be asked for at any point."""

    def __init__(self, base, dropped=lambda operation, path: False):
        self.base = pathlib.Path(base)
        self.files, self.names, self.pending_names = {}, {}, []
        self.dropped = dropped
        for path in sorted(self.base.rglob("*")):
            name = str(path.relative_to(self.base))
            if path.is_file():  # numbered by its name until the recording opens it
                self.files[name] = File(name, path.read_bytes())
            self.names[name] = FOLDER if path.is_dir() else name

    def feed(self, op):
        if op.code == FOUND:
            self.files[op.file] = self.files[self.now()[op.path]]
        elif op.code == CREATE:
            self.files[op.file] = File(op.path)
            self.pending_names.append((op.path, op.file, None))
        elif op.code in (WRITE, TRUNCATE):
            self.files[op.file].pending.append(op)
        elif op.code == SYNC:
            file = self.files[op.file]
            if not self.dropped(op, file.path):
                file.sync()
        elif op.code == SYNC_DIRECTORY:
            if not self.dropped(op, op.path):
                self.sync_directory(op.path)
        elif op.code == SYNC_ALL:
            self.sync_all()
        else:
            self.feed_name(op)

    def feed_name(self, op):
        if op.code == RENAME:
            old, new = op.bytes.decode().split("\0")
            number = self.now()[old]
            self.files[number].path = new
            self.pending_names.append((new, number, old))
        elif op.code == LINK:
            self.pending_names.append((op.path, op.file, None))
        elif op.code == MKDIR:
            self.pending_names.append((op.path, FOLDER, None))
        elif op.code in (UNLINK, RMDIR):
            self.pending_names.append((op.path, None, None))

    def now(self):
        names = dict(self.names)
        for change in self.pending_names:
            apply_name(names, change)
        return names

    def sync_directory(self, folder):
        rest = []
        for change in self.pending_names:
            if parent(change[0]) == folder or (change[2] and parent(change[2]) == folder):
                apply_name(self.names, change)
            else:
                rest.append(change)
        self.pending_names = rest

    def sync_all(self):
        for file in self.files.values():
            file.sync()
        for change in self.pending_names:
            apply_name(self.names, change)
        self.pending_names.clear()

    def after_cut(self, target, dice, chance):
        """Writes the folder as a cut now may leave it. `chance` is that of each unsynced sector and
        name to have reached the disk."""
        names = dict(self.names)
        for change in self.pending_names:
            if dice.random() < chance:
                apply_name(names, change)
        target = pathlib.Path(target)
        target.mkdir(parents=True)
        for path, number in sorted(names.items()):
            if number == FOLDER:
                if (target / path).parent.is_dir():
                    (target / path).mkdir()
        for path, number in names.items():
            if number != FOLDER and (target / path).parent.is_dir():
                (target / path).write_bytes(self.files[number].after_cut(dice, chance))


def apply_name(names, change):
    path, number, old = change
    if old is not None and names.get(old) == number:
        del names[old]
    if number is None:
        names.pop(path, None)
    else:
        names[path] = number
