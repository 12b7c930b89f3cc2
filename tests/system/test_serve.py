"""Reading elsewhere: the vault lies behind a real sshd, under another account where that can be had.

The reader gets every byte over ssh://, as a restore at the host would give it; the host's processes
and files never hold plaintext; what a client may do is what its grant allows, also when it speaks
the protocol by hand.
"""
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import time

import harness
import mails
import traces
from harness import Daemon, Ledger, Vault, sha256
from lmtp import Lmtp
from sshd import ACCOUNT_ID, Sshd

PROGRAMS = harness.build()
CANARY = b"Hippogriffcanary"
WORDS = traces.Words([CANARY])
MESSAGES = 40
LARGE = 5 << 20

HELLO, GRANT, LIST, RELEASE, READ, LOG, MONTHS, PROVE, BATCHES = range(1, 10)
ANSWER, ERROR = 0x80, 0xff
NOT_FOUND, MALFORMED, REFUSED = 1, 6, 10
MAGIC = b"muniment-serve\n\0"
PERIOD = ("--from", "1980-01", "--to", "2099-12")


def canary_message(number):
    line = CANARY + b" line %d\r\n" % number
    size = LARGE if number % 8 == 7 else 20000
    return (b"From: a@example.com\r\nSubject: " + CANARY + b" %d\r\n\r\n" % number
            + b"".join(CANARY + os.urandom(30).hex().encode() + b"\r\n"
                       for _ in range(size // 78)) + line)


class Fixture:
    """A vault with mail behind an sshd. Begins without a daemon: `serve` is the writer itself then."""
    made = None
    daemon = None

    @classmethod
    def get(cls):
        if cls.made is None:
            vault, ledger, sshd = Vault(PROGRAMS), Ledger(), Sshd(PROGRAMS)
            harness.KEPT.remove(sshd.folder)
            harness.RUNNING.remove(sshd.process)
            harness.atexit.register(harness.shutil.rmtree, sshd.folder, ignore_errors=True)
            harness.atexit.register(sshd.process.kill)
            with Daemon(vault), Lmtp(vault.address) as client:
                for number in range(MESSAGES):
                    deliver(client, ledger, number)
            grant = vault.grant()
            sshd.give(vault)
            harness.share(vault)
            cls.made = vault, ledger, grant, sshd
        return cls.made

    @classmethod
    def with_daemon(cls):
        vault, _, _, sshd = cls.get()
        if cls.daemon is None:
            cls.daemon = sshd.daemon(vault)
            harness.RUNNING.remove(cls.daemon.process)
            harness.atexit.register(cls.daemon.process.kill)
        return cls.made


def deliver(client, ledger, number):
    message = canary_message(number)
    owners = [f"u{number % 3}@example.com", f"u{number % 3 + 1}@example.com"]
    ledger.sending(message, owners)
    for owner, reply in zip(owners, client.deliver("s@b.test", owners, message)):
        assert reply.code == 250, reply
        ledger.add(reply.archive_id, owner, message)


def remote(vault, sshd, verb, *words, status=0, grant=None, **options):
    """A reading command over ssh."""
    return vault.command(verb, sshd.address(vault), "--ssh", sshd.command, "--grant",
                         grant or vault.folder / "all.grant", "--identity",
                         vault.folder / "reader.key", *words, status=status, **options)


def files_of(folder):
    return {str(p.relative_to(folder)): sha256(p.read_bytes()) for p in folder.rglob("*.eml")}


# ---- what a reader gets --------------------------------------------------------------------------


def restore_over_ssh_gives_what_one_at_the_host_gives_without_a_daemon():
    compare_with_host(*Fixture.get())


def restore_over_ssh_gives_what_one_at_the_host_gives_beside_a_daemon():
    compare_with_host(*Fixture.with_daemon())


def compare_with_host(vault, ledger, grant, sshd):
    here, there = (pathlib.Path(tempfile.mkdtemp(dir=vault.folder)) for _ in range(2))
    vault.restore(here, grant)
    remote(vault, sshd, "restore", "--all", "--format", "eml", "--out", there)
    assert files_of(there) == files_of(here)
    assert sorted(files_of(there).values()) == sorted(
        d for i, d in ledger.acknowledged.items() for _ in ledger.owners[i])
    manifests = [json.loads((f / "manifest.json").read_text()) for f in [here, there]]
    assert manifests[0]["counts"] == manifests[1]["counts"]
    compare_proofs(vault, *manifests)
    done = vault.command("check", there, "--policy", policy_of(vault))
    assert b"%d of them in the log: all as archived" % len(files_of(there)) in done.stdout, done


def compare_proofs(vault, here, there):
    """Each message is proved by the same bytes; the batches by a newer checkpoint, where there is one."""
    assert here["messages"] and here["messages"] == there["messages"]
    assert all(m["in_log"] and m["salt"] and "path" in m for m in there["messages"])
    entries = [[b["entry"] for b in manifest["batches"]] for manifest in [here, there]]
    assert entries[0] and entries[0] == entries[1]


def policy_of(vault):
    path = vault.folder / "policy"
    key = vault.command("log", "checkpoint", vault.path, "--vkey").stdout.decode().split("\n")[0]
    path.write_text(f"log {key}\nquorum none\n")
    return path


def narrowing_works_over_ssh():
    vault, ledger, _, sshd = Fixture.with_daemon()
    out = vault.folder / "narrow"
    remote(vault, sshd, "restore", "--all", "--mailbox", "u2@example.com", "--format", "eml",
           "--out", out)
    wanted = [i for i, o in ledger.owners.items() if "u2@example.com" in o]
    assert sorted(p.stem for p in out.rglob("*.eml")) == sorted(wanted)
    one = vault.folder / "one-message"
    remote(vault, sshd, "restore", "--message", wanted[0], "--format", "eml", "--out", one)
    assert {p.stem for p in one.rglob("*.eml")} == {wanted[0]}
    remote(vault, sshd, "restore", "--message", "0" * 32, "--format", "eml", "--out",
           vault.folder / "none", status=3)
    remote(vault, sshd, "restore", "--all", "--mailbox", "nobody@example.com", "--format", "eml",
           "--out", vault.folder / "none", status=3)


def key_that_may_only_serve_is_enough():
    vault, ledger, _, sshd = Fixture.with_daemon()
    sshd.allow(f'restrict,command="muniment serve {vault.path}"')
    try:
        out = vault.folder / "forced"
        remote(vault, sshd, "restore", "--message", next(iter(ledger.acknowledged)), "--format",
               "eml", "--out", out)
        assert files_of(out)
    finally:
        sshd.allow()


def what_goes_wrong_is_told():
    vault, _, grant, sshd = Fixture.with_daemon()
    words = ("--all", "--format", "eml", "--out", vault.folder / "x")
    sshd.allow("restrict,command=\"false\"")
    try:
        done = remote(vault, sshd, "restore", *words, status=1)
        assert b"connection" in done.stderr, done
    finally:
        sshd.allow()
    away = Vault.__new__(Vault)
    away.__dict__.update(vault.__dict__)
    away.path = vault.folder / "not-there"
    done = remote(away, sshd, "restore", *words, status=1)
    assert b"no vault" in done.stderr, done
    for address in ["ssh://-oProxyCommand=x/v", "ssh://host", "ssh://u:p@host/v", "ssh://h/v?q"]:
        done = vault.command("restore", address, "--grant", grant, "--identity",
                             vault.folder / "reader.key", *words, status=1)
        assert b"no address" in done.stderr, done
    done = vault.command("message", sshd.address(vault), "0" * 32, status=1)
    assert b"where the vault lies" in done.stderr, done
    assert not (vault.folder / "x").exists()


def small_grant_gives_its_scope_only():
    vault, ledger, _, sshd = Fixture.with_daemon()
    small = small_grant()
    out = vault.folder / "small"
    remote(vault, sshd, "restore", "--all", "--format", "eml", "--out", out, grant=small)
    owners = {p.relative_to(out).parts[0] for p in out.rglob("*.eml")}
    assert owners == {"u0@example.com"}, owners


def small_grant():
    vault = Fixture.with_daemon()[0]
    path = vault.folder / "u0.grant"
    if not path.exists():
        vault.grant("--mailbox", "u0@example.com", *PERIOD, name="u0")
    return path


def broken_connection_ends_the_restore():
    vault, _, _, sshd = Fixture.with_daemon()
    out = vault.folder / "broken"
    process, serves = paused_restore(vault, sshd, "tar.zst")
    for pid in serves:
        os.kill(pid, 9)
    process.stdout.read()
    assert process.wait(timeout=60) in (1, 5)
    assert b"connection" in process.stderr.read()
    assert not out.exists()


# ---- the host holds no plaintext -----------------------------------------------------------------


def paused_restore(vault, sshd, format="mbox"):
    """A restore to a pipe that nobody empties: it is under way, and stays so. Large enough not to fit
    into what is read ahead and buffered. With the process ids of `muniment serve`."""
    words = [str(PROGRAMS.muniment), "restore", sshd.address(vault), "--ssh", sshd.command,
             "--grant", str(vault.folder / "all.grant"), "--identity",
             str(vault.folder / "reader.key"), "--all", "--format", format, "--out", "-"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL)
    harness.RUNNING.append(process)
    process.stdout.read(1)
    serves = [p for p in sshd.descendants() if is_serve(p)]
    assert serves, "no `muniment serve` is running"
    return process, serves


def is_serve(pid):
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[0].endswith(b"muniment") and b"serve" in words


def no_process_or_file_of_the_host_holds_plaintext():
    vault, ledger, _, sshd = Fixture.with_daemon()
    if not sshd.has_own_account:
        raise harness.Skip("needs root: the memory of an undumpable process is closed to others")
    process, serves = paused_restore(vault, sshd)
    time.sleep(0.5)
    hits, _ = traces.in_memory(process.pid, WORDS)
    assert hits, "the reader's own memory shows nothing: the search is blind"
    for pid in sshd.descendants():
        hits, count = traces.in_memory(pid, WORDS)
        assert count > 100000 and not hits, (pid, hits[:3])
        assert not traces.in_open_files(pid, WORDS)
    control = traces.Words([str(vault.path).encode()])
    for pid in serves:
        assert os.stat(f"/proc/{pid}").st_uid in (ACCOUNT_ID, 0)
        assert pathlib.Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()[1] == str(
            ACCOUNT_ID)
        assert traces.in_memory(pid, control)[0], "the host's memory cannot be searched"
    restored = process.stdout.read()
    assert process.wait(timeout=60) == 0, process.stderr.read()
    assert restored.count(b"Subject: " + CANARY) == sum(map(len, ledger.owners.values()))
    hits, count = traces.in_files([vault.path], WORDS)
    assert count > 5 and not hits, hits


# ---- a client that speaks the protocol by hand ---------------------------------------------------


class Client:
    """The protocol by hand, to `muniment serve` itself: what ssh would carry."""

    def __init__(self, vault=None):
        self.vault = vault or Fixture.with_daemon()[0]
        self.process = subprocess.Popen([PROGRAMS.muniment, "serve", self.vault.path],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        harness.RUNNING.append(self.process)

    def send(self, type, payload=b""):
        self.process.stdin.write(struct.pack(">IB", len(payload), type) + payload)
        self.process.stdin.flush()

    def receive(self):
        """(type, payload); None at the end."""
        header = self.process.stdout.read(5)
        if len(header) < 5:
            return None
        length, type = struct.unpack(">IB", header)
        return type, self.process.stdout.read(length)

    def ask(self, type, payload=b""):
        self.send(type, payload)
        return self.receive()

    def must(self, type, payload=b""):
        answer = self.ask(type, payload)
        assert answer and answer[0] == type | ANSWER, (type, answer)
        return answer[1]

    def greet(self, grant=None):
        self.must(HELLO, MAGIC + struct.pack(">H", 1))
        if grant is not None:
            self.must(GRANT, b"\1" + grant.read_bytes())
        return self

    def list(self, mailboxes=(), messages=(), start=0, end=1 << 40):
        payload = struct.pack(">B8x16xQQH", 0, start, end, 4096)
        for ids in [mailboxes, messages]:
            payload += struct.pack(">H", len(ids)) + b"".join(ids)
        answer = self.must(LIST, payload)
        (count,) = struct.unpack(">H", answer[:2])
        assert len(answer) == 2 + 96 * count
        return [answer[2 + 96 * i:98 + 96 * i] for i in range(count)]

    def release(self, ids):
        return self.ask(RELEASE, struct.pack(">H", len(ids)) + b"".join(ids))

    def read(self, record_id, offset=0, length=1 << 20):
        return self.ask(READ, record_id + struct.pack(">QI", offset, length))


def code_of(answer):
    assert answer and answer[0] == ERROR, answer
    return struct.unpack(">H", answer[1][:2])[0]


def record_is_given_only_after_its_release():
    client = Client().greet(Fixture.with_daemon()[2])
    entries = client.list()
    first, second = entries[0], next(e for e in entries if e[16:32] != entries[0][16:32])
    copy, body = first[:16], first[16:32]
    assert code_of(client.read(copy)) == REFUSED
    assert code_of(client.read(body)) == REFUSED
    assert client.release([copy])[0] == RELEASE | ANSWER
    for record in [copy, body]:
        assert client.read(record)[0] == READ | ANSWER
    assert code_of(client.read(second[:16])) == REFUSED
    assert code_of(client.read(second[16:32])) == REFUSED
    assert code_of(client.read(os.urandom(16))) == REFUSED


def release_outside_the_grant_is_refused():
    everything = Client().greet(Fixture.with_daemon()[2]).list()
    client = Client().greet(small_grant())
    own = client.list()
    assert 0 < len(own) < len(everything)
    foreign = [e for e in everything if e[:16] not in {o[:16] for o in own}]
    assert foreign
    assert code_of(client.release([foreign[0][:16]])) == REFUSED
    assert code_of(client.release([own[0][:16], foreign[0][:16]])) == REFUSED
    assert code_of(client.read(own[0][:16])) == REFUSED, "part of a refused release was given"
    # What is asked for by mailbox or id is cut to the grant as well.
    assert client.list(mailboxes=[foreign[0][32:48]]) == []
    assert client.list(messages=[e[16:32] for e in foreign if e[16:32] not in
                                 {o[16:32] for o in own}]) == []
    assert client.release([own[0][:16]])[0] == RELEASE | ANSWER


def copy_that_was_not_listed_is_not_released():
    grant = Fixture.with_daemon()[2]
    known = Client().greet(grant).list()[0][:16]
    assert code_of(Client().greet(grant).release([known])) == REFUSED


def log_is_proved_and_not_handed_out():
    """A record that nobody knows the hash of is in no batch; what is asked for beyond the log is not
    there, and the session goes on."""
    client = Client().greet(Fixture.with_daemon()[2])
    assert client.must(PROVE, os.urandom(32)) == b"\0"
    assert client.must(BATCHES, b"\0\0") == b"\0\0"
    assert code_of(client.ask(BATCHES, struct.pack(">HIQ", 1, 1, 1 << 40))) == NOT_FOUND
    answer = client.must(BATCHES, struct.pack(">HIQ", 1, 1, 1))
    assert answer[:2] == b"\0\1" and b"/archive/1\n" in answer, answer


def greet_with_short_grant(vault, seconds):
    """A loaded machine may take longer to make it and to greet than it is good for: then a longer one."""
    end = int(time.time()) + seconds
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
    short = vault.grant("--all", *PERIOD, "--expires", soon, name=f"short{seconds}")
    client = Client().greet()
    answer = client.ask(GRANT, b"\1" + short.read_bytes())
    if answer[0] == ERROR and time.time() >= end and seconds < 100:
        return greet_with_short_grant(vault, 2 * seconds)
    assert answer[0] == GRANT | ANSWER, answer
    return client, short, end


def forged_and_expired_grants_are_refused():
    vault, _, grant, _ = Fixture.with_daemon()
    wider = grant.read_bytes().replace(b"1980-01", b"1970-01")
    assert wider != grant.read_bytes()
    for text in [wider, b"", b"muniment-grant/2\n"]:
        client = Client().greet()
        answer = client.ask(GRANT, b"\1" + text)
        assert answer[0] == ERROR and client.receive() is None, answer
        assert client.process.wait(timeout=30) == 0
    client, short, end = greet_with_short_grant(vault, 6)
    (first, *_) = client.list()
    time.sleep(max(0, end + 1 - time.time()))
    assert code_of(client.release([first[:16]])) == REFUSED, "a session outlived its grant"
    everything = struct.pack(">B8x16xQQHHH", 0, 0, 1 << 40, 10, 0, 0)
    assert code_of(client.ask(LIST, everything)) == REFUSED, "a list outlived its grant"
    assert code_of(Client().greet().ask(GRANT, b"\1" + short.read_bytes())) == REFUSED


def session_outlives_a_roll_of_the_vault_key():
    """What it had open is under a key that is gone; twice, as the second key goes as well."""
    vault = Vault(PROGRAMS)
    with Daemon(vault), Lmtp(vault.address) as lmtp:
        for number in range(2):
            lmtp.deliver("s@b.test", ["u@example.com"], canary_message(number))
        client = Client(vault).greet(vault.grant())
        entries = client.list()
        assert len(entries) == 2
        for entry in entries:
            vault.command("vaultkey", "roll", vault.path, "--reason", "x")
            assert client.list() == entries
            assert client.release([entry[:16]])[0] == RELEASE | ANSWER
            assert client.read(entry[:16])[0] == READ | ANSWER
            assert client.must(PROVE, os.urandom(32)) == b"\0"


def revoked_grant_learns_nothing_more():
    vault = Fixture.with_daemon()[0]
    revoked = vault.grant("--all", *PERIOD, name="revoked")
    client = Client().greet(revoked)
    (first, *_) = client.list()
    # A leak checker cannot look at a process that became another user.
    vault.command("grant", "revoke", vault.path, revoked, env={"ASAN_OPTIONS": "detect_leaks=0"})
    everything = struct.pack(">B8x16xQQHHH", 0, 0, 1 << 40, 10, 0, 0)
    assert code_of(client.ask(LIST, everything)) == REFUSED, "a list outlived its grant"
    assert code_of(client.release([first[:16]])) == REFUSED
    assert code_of(client.ask(MONTHS, struct.pack(">B32xH", 0, 10))) == REFUSED


def broken_protocol_ends_the_session():
    grant = Fixture.with_daemon()[2]
    before_grant = [(LIST, b""), (RELEASE, b""), (READ, b""), (PROVE, b"h" * 32), (BATCHES, b"\0\0"), (10, b""), (GRANT, b"\2"), (HELLO, b"")]
    for type, payload in before_grant:
        client = Client().greet()
        assert code_of(client.ask(type, payload)) == MALFORMED
        assert client.receive() is None
    assert code_of(Client().ask(GRANT, b"\1" + grant.read_bytes())) == MALFORMED, "no greeting"
    after_grant = [(LIST, b"x"), (RELEASE, struct.pack(">H", 0)), (GRANT, b"\1"),
                   (RELEASE, struct.pack(">H", 4097) + b"i" * 16 * 4097), (RELEASE, b"\0\2" + b"i" * 16),
                   (READ, b"i" * 16 + struct.pack(">QI", 0, (1 << 20) + 1)),
                   (PROVE, b"h" * 31), (PROVE, b"h" * 33), (BATCHES, b"\0\1" + b"\0" * 11),
                   (BATCHES, b"\0\2" + struct.pack(">IQIQ", 1, 2, 1, 2)),
                   (BATCHES, struct.pack(">H", 65) + b"".join(struct.pack(">IQ", 1, n) for n in range(65))), (LOG, b"\3act: release\n"), (LOG, b"\1" + b"x" * 65537), (LOG, b"\1\xff")]
    for type, payload in after_grant:
        client = Client().greet(grant)
        assert code_of(client.ask(type, payload)) == MALFORMED
        assert client.receive() is None
    client = Client()
    client.process.stdin.raw.write(struct.pack(">IB", 1 << 20 | 4096, HELLO))
    assert client.process.wait(timeout=30) == 1 and client.receive() is None


def other_version_is_told():
    client = Client()
    assert code_of(client.ask(HELLO, MAGIC + struct.pack(">H", 0))) == 11


if __name__ == "__main__":
    harness.run(restore_over_ssh_gives_what_one_at_the_host_gives_without_a_daemon,
                restore_over_ssh_gives_what_one_at_the_host_gives_beside_a_daemon, narrowing_works_over_ssh,
                key_that_may_only_serve_is_enough, what_goes_wrong_is_told,
                small_grant_gives_its_scope_only, broken_connection_ends_the_restore,
                no_process_or_file_of_the_host_holds_plaintext,
                record_is_given_only_after_its_release, release_outside_the_grant_is_refused,
                copy_that_was_not_listed_is_not_released, log_is_proved_and_not_handed_out,
                forged_and_expired_grants_are_refused, session_outlives_a_roll_of_the_vault_key,
                revoked_grant_learns_nothing_more,
                broken_protocol_ends_the_session, other_version_is_told)
