"""Looking for traces of plaintext and secrets: in files, in what zstd compressed there, in files
that a process holds open (deleted ones too) and in a process's memory."""
import os
import pathlib
import re
import subprocess
import tempfile

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
PIECE = 1 << 24
WINDOW = 8


class Words:
    """What is looked for: each word as it is, in lower and upper case."""

    def __init__(self, words):
        self.pattern = re.compile(b"|".join(re.escape(w) for w in words), re.I)
        self.longest = max(map(len, words))

    def find(self, data):
        match = self.pattern.search(data)
        return match.group(0) if match else None


class Bytes:
    """Exact byte strings: {name: bytes}. Thousands in hundreds of megabytes, hence grep, which is
    given eight bytes of each without a line's or a string's end in them."""

    def __init__(self, named):
        self.by_window = {}
        for name, value in named.items():
            at, window = window_of(value)
            self.by_window.setdefault(window, []).append((name, value, at))
        self.longest = max(len(v) for v in named.values())
        self.patterns = tempfile.NamedTemporaryFile(prefix="muniment-patterns-")
        self.patterns.write(b"\n".join(self.by_window))
        self.patterns.flush()

    def find(self, data):
        done = subprocess.run(["grep", "-aboF", "-f", self.patterns.name], input=data,
                              capture_output=True, env={**os.environ, "LC_ALL": "C"})
        assert done.returncode in (0, 1), done.stderr
        for line in done.stdout.split(b"\n")[:-1]:
            offset, _, window = line.partition(b":")
            for name, value, at in self.by_window[window]:
                start = int(offset) - at
                if start >= 0 and data.startswith(value, start):
                    return name
        return None


def window_of(value):
    for at in range(len(value) - WINDOW + 1):
        window = value[at:at + WINDOW]
        if b"\n" not in window and b"\0" not in window:
            return at, window
    raise AssertionError("a secret of which no part can be looked for")


def decompressed(data):
    """What zstd makes of each place that looks like the start of a frame, as far as it gets."""
    for match in re.finditer(re.escape(ZSTD_MAGIC), data):
        done = subprocess.run(["zstd", "-dc", "-q"], input=data[match.start():],
                              capture_output=True)
        yield done.stdout


def in_bytes(data, sought):
    found = sought.find(data)
    if found:
        return found
    for plain in decompressed(data):
        found = sought.find(plain)
        if found:
            return found
    return None


def in_files(folders, sought):
    """[(file, what)] below the folders."""
    hits, count = [], 0
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                count += 1
                found = in_bytes(path.read_bytes(), sought) or sought.find(str(path).encode())
                if found:
                    hits.append((str(path), found))
    return hits, count


def in_open_files(pid, sought):
    """Regular files that a process holds open, also ones without a name any more."""
    hits = []
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(link)
            if link.is_file():
                found = in_bytes(link.read_bytes(), sought)
                if found:
                    hits.append((target, found))
        except OSError:
            continue
    return hits


def in_memory(pid, sought):
    """[(mapping, what)] over all readable private and shared mappings; (hits, bytes read)."""
    hits, count = [], 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            fields = line.split()
            start, end = (int(x, 16) for x in fields[0].split("-"))
            if "r" not in fields[1] or fields[-1] in ("[vvar]", "[vsyscall]"):
                continue
            name = fields[5] if len(fields) > 5 else "anonymous"
            for at in range(start, end, PIECE):
                stop = min(end, at + PIECE + sought.longest)
                try:
                    memory.seek(at)
                    data = memory.read(stop - at)
                except OSError:
                    continue
                count += len(data)
                found = sought.find(data)
                if found:
                    hits.append((f"{name} {at:x}", found))
    return hits, count
