"""No plaintext at rest: words planted in headers, bodies, attachments and addresses are in no file
below the vault (raw or zstd-decompressed), in no log, no temporary file and no core dump."""
import base64
import os
import pathlib
import resource
import signal
import subprocess
import tempfile

import harness
import mails
import traces
from harness import Daemon, Vault
from lmtp import Lmtp

harness.need_program("zstd")
PROGRAMS = harness.build()
HEADER, BODY, ATTACHED = b"Zanzibarheader", b"Quixoticbody", b"Xylophoneattachment"
OWNER, SENDER, STRANGER = "wobbegongowner", "jabberwocksender", "vortigauntstranger"
CANARIES = [HEADER, BODY, ATTACHED, base64.b64encode(ATTACHED), OWNER.encode(), SENDER.encode(),
            STRANGER.encode()]
WORDS = traces.Words(CANARIES)


def canary_message(number, size):
    """The words again and again: compressible, and some of it in every sector."""
    line = BODY + b" %d " % number + BODY + b"\r\n"
    attached = base64.b64encode((ATTACHED + b" ") * 40)
    return (b"From: " + SENDER.encode() + b"@b.test\r\nSubject: " + HEADER + b" %d\r\n" % number +
            b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n" +
            line * (size // len(line)) + b"--x\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
            attached + b"\r\n--x--\r\n")


def send_canaries(vault):
    with Lmtp(vault.address) as client:
        for number, size in enumerate([500, 5000, 100000, 900000, 3 << 20, 9 << 20]):
            for how in ["data", "bdat"]:
                replies = client.deliver(f"{SENDER}@b.test",
                                         [f"{OWNER}{number}@example.com", f"{STRANGER}@far.test"],
                                         canary_message(number, size), how)
                assert all(r.code == 250 for r in replies), replies
        # Begun and given up: nothing of it may stay behind either.
        client.envelope(f"{SENDER}@b.test", [f"{OWNER}@example.com"])
        client.command("DATA")
        client.send(canary_message(99, 4 << 20))


def the_search_finds_what_is_there():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "plain")
        path.write_bytes(b"\0" * 5000 + HEADER.lower() + b"\0")
        packed = subprocess.run(["zstd", "-c"], input=canary_message(1, 9000), capture_output=True,
                                check=True).stdout
        pathlib.Path(folder, "packed").write_bytes(b"junk" * 99 + packed + b"junk")
        hits, _ = traces.in_files([folder], WORDS)
        assert len(hits) == 2, hits


def no_file_holds_plaintext():
    vault = Vault(PROGRAMS)
    temporary = vault.folder / "tmp"
    temporary.mkdir()
    vault.configure(level="debug")
    with Daemon(vault, env={"TMPDIR": str(temporary)}) as daemon:
        send_canaries(vault)
        search(vault, temporary, daemon)
        daemon.kill()
    search(vault, temporary)
    with Daemon(vault, env={"TMPDIR": str(temporary)}) as daemon:  # recovery writes too
        search(vault, temporary, daemon)
    vault.verify()
    vault.command("rebuild", vault.path)
    search(vault, temporary)


def search(vault, temporary, daemon=None):
    hits, count = traces.in_files([vault.path, temporary], WORDS)
    assert count >= 4, f"only {count} files searched"
    hits += [(str(f), w) for f in [vault.key_path, vault.folder / "archived.log"]
             if (w := traces.in_bytes(f.read_bytes(), WORDS))]
    if daemon is not None:
        hits += traces.in_open_files(daemon.pid, WORDS)
    assert not hits, hits


def import_leaves_no_plaintext():
    vault = Vault(PROGRAMS)
    temporary = vault.folder / "tmp"
    temporary.mkdir()
    source = vault.folder / "import"
    source.mkdir()
    for number, size in enumerate([3000, 4 << 20]):
        (source / f"{number}.eml").write_bytes(canary_message(number, size))
    vault.command("import", vault.path, "--mailbox", f"{OWNER}@example.com", source,
                  env={"TMPDIR": str(temporary)})
    (vault.folder / "archived.log").touch()
    search(vault, temporary)


def a_crash_writes_no_core():
    vault = Vault(PROGRAMS)
    resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE)[1:] * 2)
    daemon = Daemon(vault)
    limits = pathlib.Path(f"/proc/{daemon.pid}/limits").read_text()
    (core,) = [line for line in limits.split("\n") if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"], core
    with Lmtp(vault.address) as client:
        client.envelope("a@b.test", [f"{OWNER}@example.com"])
        client.command("DATA")
        client.send(mails.ordinary(1))
        os.kill(daemon.pid, signal.SIGSEGV)
        _, status = os.waitpid(daemon.pid, 0)
        daemon.process.returncode = -1
    assert not os.WCOREDUMP(status)


if __name__ == "__main__":
    harness.run(the_search_finds_what_is_there, no_file_holds_plaintext,
                import_leaves_no_plaintext, a_crash_writes_no_core)
