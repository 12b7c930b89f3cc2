"""What every system test stands on: the programs under test, a vault with its keys, the daemon on a
port of its own, a ledger of what was answered 250, and the comparison of both with a restore.

A test is a program test_<what>.py whose cases are functions named as sentences:

    if __name__ == "__main__":
        harness.run(acknowledged_mail_survives_a_kill, ...)

Exit status 0 is passed, 77 that a case was skipped (its reason is printed; none failed), all else
failed. The folder of a failed test is kept and named.
"""
import atexit
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from lmtp import Lmtp

SKIPPED = 77
PASSPHRASE = "correct horse battery\n"
LONG = os.environ.get("MUNIMENT_LONG") == "1"
SOURCE = pathlib.Path(__file__).resolve().parents[2]
READY_S = 30
MEMORY_DISK = pathlib.Path("/dev/shm")
MEMORY_DISK_FREE_MIN = 512 << 20


class Skip(Exception):
    """What a test needs is not here; the reason is printed."""


def numbers(short, full):
    """How many of something: a few in ./check, all with ./check --long."""
    return full if LONG else short


class Build:
    """A build tree's programs. Which tree a test uses is said by CMake (MUNIMENT_BUILD)."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.archived = self.folder / "archived" / "archived"
        self.muniment = self.folder / "restore" / "muniment"
        for program in [self.archived, self.muniment]:
            if not program.exists():
                raise Skip(f"{program} is not built")

    def helper(self, name):
        path = self.folder / "tests" / "system" / name
        if not path.exists():
            raise Skip(f"{path} is not built")
        return path


def build(variable="MUNIMENT_BUILD"):
    return Build(os.environ.get(variable, SOURCE / "build" / "dev"))


class Ledger:
    """What was sent (SHA-256 -> the sets of recipients, where they were named), and what of it was
    answered 250 (archive id -> SHA-256 and recipients)."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}
        self.acknowledged = {}
        self.owners = {}
        self.order = []

    def sending(self, message, recipients=()):
        with self.lock:
            owners = self.sent.setdefault(sha256(message), set())
            if recipients:
                owners.add(frozenset(r.lower() for r in recipients))

    def add(self, archive_id, recipient, message):
        assert archive_id, "a 250 without an archive id"
        digest = sha256(message)
        with self.lock:
            known = self.acknowledged.setdefault(archive_id, digest)
            assert known == digest, f"{archive_id} names two messages"
            owners = self.owners.setdefault(archive_id, set())
            owners.add(recipient)
            if len(owners) == 1:
                self.order.append((time.monotonic(), archive_id))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@functools.lru_cache(maxsize=None)
def made_master(muniment):
    """One master for all vaults of a test program: a passphrase costs a second by design."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="muniment-master-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "passphrase").write_text(PASSPHRASE)
    subprocess.run([muniment, "master", "create", "--out", folder / "master", "--passphrase-file",
                    folder / "passphrase"], check=True, capture_output=True)
    return folder / "master"


class Vault:
    """A vault in a folder of its own, made with the commands, with a master and a reader."""

    def __init__(self, programs, domains=("example.com",), settings=None):
        self.programs = programs
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="muniment-test-"))
        KEPT.append(self.folder)
        self.path = self.folder / "vault"
        self.key_path = self.folder / "vault.vaultkey"
        self.passphrase = self.folder / "passphrase"
        self.passphrase.write_text(PASSPHRASE)
        self.port = free_port()
        shutil.copytree(made_master(str(programs.muniment)), self.folder / "master")
        self.command("identity", "create", "--out", self.folder / "reader.key")
        self.command("init", self.path, "--master", self.folder / "master" / "master.pub",
                     *[word for domain in domains for word in ("--domain", domain)])
        self.configure(listen=f"127.0.0.1:{self.port}", disk_reserve="16M",
                       max_connections="300", connections_per_peer="300", **(settings or {}))

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    @property
    def config(self):
        return self.path / "archived.conf"

    def configure(self, **values):
        set_keys(self.config, values)

    def command(self, *arguments, status=0, env=None, **options):
        """Runs `muniment`; any other exit status than `status` is a failure (None: any)."""
        words = [str(self.programs.muniment), *map(str, arguments)]
        options.setdefault("timeout", 1200)
        done = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, **(env or {})}, **options)
        if status is not None and done.returncode != status:
            raise AssertionError(f"{' '.join(words)}: exit {done.returncode}, expected {status}\n"
                                 + (done.stdout + done.stderr).decode(errors="replace"))
        return done

    def grant(self, *scope, name="all"):
        """A grant over everything, or over the scope given as options of `request`."""
        request, grant = self.folder / f"{name}.request", self.folder / f"{name}.grant"
        for path in [request, grant]:
            path.unlink(missing_ok=True)
        words = scope or ("--all", "--from", "1980-01", "--to", "2099-12")
        self.command("request", self.path, "--case", "test", "--reason", "system test", *words,
                     "--for", self.folder / "reader.pub", "--out", request)
        self.command("grant", request, "--master", self.master, "--passphrase-file",
                     self.passphrase, "--out", grant)
        return grant

    @property
    def master(self):
        return next(p for p in (self.folder / "master").iterdir() if p.suffix != ".pub")

    def restore(self, out, grant=None, options=("--all",), format="eml", status=0, path=None):
        grant = grant or self.grant()
        return self.command("restore", path or self.path, "--grant", grant, "--identity",
                            self.folder / "reader.key", *options, "--format", format, "--out", out,
                            status=status)

    def restored(self, grant=None, path=None, status=0, options=("--all",)):
        """{archive id: {mailbox: SHA-256}} of a restore, from the files themselves."""
        found = {}
        with tempfile.TemporaryDirectory(prefix="muniment-restored-", dir=fast_place()) as out:
            self.restore(out, grant, path=path, status=status, options=options)
            for file in pathlib.Path(out).rglob("*.eml"):
                copies = found.setdefault(file.stem, {})
                copies[file.relative_to(out).parts[0]] = sha256(file.read_bytes())
        return found

    def check_ledger(self, ledger, restored=None):
        """Every 250 restores exactly, for each recipient; nothing that was never sent shows up, and
        nothing for a part of its recipients only."""
        restored = self.restored() if restored is None else restored
        for archive_id, digest in ledger.acknowledged.items():
            got = restored.get(archive_id)
            assert got, f"LOST: {archive_id} was answered 250 and does not restore"
            assert set(got.values()) == {digest}, f"CHANGED: {archive_id}"
            missing = {r.lower() for r in ledger.owners[archive_id]} - set(got)
            assert not missing, f"LOST: {archive_id} for {missing}"
        strangers = {d for got in restored.values() for d in got.values()} - set(ledger.sent)
        assert not ledger.sent or not strangers, f"restored but never sent: {strangers}"
        for archive_id, got in restored.items():
            (digest,) = set(got.values())
            wanted = ledger.sent.get(digest)
            assert not wanted or set(got) in wanted, f"HALF: {archive_id} only for {set(got)}"

    def status(self):
        return json.loads(self.command("status", self.path, "--json").stdout)

    def verify(self, deep=True, status=0, path=None):
        return self.command("verify", path or self.path, *(["--deep"] if deep else []),
                            status=status)


class Elsewhere(Vault):
    """The same vault, its folder at another path: as a power cut or a tamperer left it."""

    def __init__(self, vault, path):
        self.__dict__.update(vault.__dict__)
        self.path = pathlib.Path(path)
        self.port = free_port()
        self.configure(listen=f"127.0.0.1:{self.port}")


class Daemon:
    """`archived` in the foreground, its log in a file beside the vault."""

    def __init__(self, vault, env=None, wait=True, config=None, program=None, user=None):
        """`user`: the id it runs as, with a `program` which that user can reach."""
        self.vault = vault
        self.log = vault.folder / "archived.log"
        words = [str(program or vault.programs.archived), "--config", str(config or vault.config)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **(env or {})}, user=user,
                                            group=user)
        RUNNING.append(self.process)
        if wait:
            self.wait_ready()

    @property
    def pid(self):
        return self.process.pid

    def wait_ready(self):
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"archived ended with {self.process.returncode}:\n"
                                     + self.log_text()[-3000:])
            try:
                with Lmtp(self.vault.address, lhlo=False) as client:
                    if client.greeting.code == 220:
                        return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("archived does not greet:\n" + self.log_text()[-3000:])

    def log_text(self):
        return self.log.read_text(errors="replace")

    def stop(self, expect=0):
        """SIGTERM, and the exit status that must follow."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=120)
        if status != expect:
            raise AssertionError(f"archived ended with {status}:\n" + self.log_text()[-3000:])

    def kill(self):
        ended = self.process.poll()
        assert ended is None, f"archived ended with {ended} by itself:\n" + self.log_text()[-3000:]
        self.process.kill()
        self.process.wait()

    def memory_kib(self, name="VmRSS"):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.M).group(1))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.stop() if kind is None else self.kill()


def set_keys(path, values):
    """Sets keys of archived.conf, which holds every key; an unknown one is an error, except as
    "group.key", which is then added to its group."""
    lines = path.read_text().split("\n")
    for name, value in values.items():
        group, _, key = name.rpartition(".")
        places = [i for i, line in enumerate(lines) if re.match(rf"{key}\s*=", line)]
        if places:
            lines[places[0]] = f"{key}={value}"
        else:
            assert group, f"archived.conf has no key {key}"
            lines.insert(lines.index(f"[{group}]") + 1, f"{key}={value}")
    path.write_text("\n".join(lines))


def fast_place():
    """Where many small files cost no disk: memory when there is enough, else None (the default)."""
    if MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > MEMORY_DISK_FREE_MIN:
        return MEMORY_DISK
    return None


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root")


def need_program(*names):
    for name in names:
        if shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
            raise Skip(f"{name} is not installed")


def eventually(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s: {what}"
        time.sleep(0.05)


KEPT = []
RUNNING = []


def share(vault, daemon=None):
    """A fixture that all cases of a program use: cleaned up at the program's end only."""
    KEPT.remove(vault.folder)
    atexit.register(shutil.rmtree, vault.folder, ignore_errors=True)
    if daemon is not None:
        RUNNING.remove(daemon.process)
        atexit.register(lambda: daemon.process.poll() is None and daemon.kill())


def one(case):
    """"passed", "skipped" or "failed"."""
    name = case.__name__.replace("_", " ")
    start = time.monotonic()
    try:
        case()
        verdict, why = "passed", ""
    except Skip as skip:
        verdict, why = "skipped", f": {skip}"
    except Exception:
        traceback.print_exc(file=sys.stdout)
        verdict, why = "failed", ""
    finally:
        for process in RUNNING:
            if process.poll() is None:
                process.kill()
        RUNNING.clear()
    print(f"{verdict:8}{name} ({time.monotonic() - start:.1f} s){why}", flush=True)
    if verdict != "failed":
        for folder in KEPT:
            shutil.rmtree(folder, ignore_errors=True)
    else:
        print("kept: " + " ".join(map(str, KEPT)), flush=True)
    KEPT.clear()
    return verdict


def run(*cases):
    wanted = sys.argv[1:]
    verdicts = [one(case) for case in cases if not wanted or case.__name__ in wanted]
    counts = {v: verdicts.count(v) for v in ["passed", "skipped", "failed"]}
    print(", ".join(f"{n} {v}" for v, n in counts.items()))
    if counts["failed"] or not verdicts:
        sys.exit(1)
    sys.exit(SKIPPED if counts["skipped"] else 0)
