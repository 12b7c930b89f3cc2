"""Releases: with the daemon and without it, each is in the log before its slots are given; a grant
that is revoked or expired restores nothing; and a restore that is killed leaves at most a release that
was logged and never used."""
import itertools
import json
import socket
import subprocess
import time

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
REFUSED = 4
MESSAGES = 40


def entries_of(vault, log):
    """The payloads of a log: what the bundles hold, newest width of each, as far as it is signed. A
    killed writer may leave more in a bundle: of an act that was not logged and not done."""
    return list(itertools.islice(bundled(vault, log), size_of(vault, log)))


def size_of(vault, log):
    return int((vault.path / "log" / log / "checkpoint").read_text().split("\n")[1])


def bundled(vault, log):
    folder = vault.path / "log" / log / "tile" / "entries"
    bundles = {}
    for path in folder.rglob("*"):
        if path.is_file():
            name = str(path.relative_to(folder)).split(".p/")[0]
            data = path.read_bytes()
            if len(data) > len(bundles.get(name, b"")):
                bundles[name] = data
    for name in sorted(bundles):
        data, at = bundles[name], 0
        while at < len(data):
            length = int.from_bytes(data[at:at + 2], "big")
            yield data[at + 2:at + 2 + length]
            at += 2 + length


def fields(entry):
    """kind, {type: bytes}"""
    kind, at, found = int.from_bytes(entry[1:3], "big"), 11, {}
    while at < len(entry):
        number = int.from_bytes(entry[at:at + 2], "big")
        length = int.from_bytes(entry[at + 2:at + 4], "big")
        found[number] = entry[at + 4:at + 4 + length]
        at += 4 + length
    return kind, found


ACTS = {1: "release", 2: "grant-revoked", 5: "policy-set", 6: "restore-begun", 7: "restore-done",
        10: "master-drilled", 11: "master-added", 12: "master-retired"}


def acts(vault):
    """[(act, number of copies)] of the control log, in its order."""
    found = []
    for entry in entries_of(vault, "control"):
        kind, values = fields(entry)
        if kind == 4:
            act = ACTS[int.from_bytes(values[6], "big")]
            found.append((act, int.from_bytes(values[9], "big") if act == "release" else 0))
    return found


def released(vault):
    return sum(count for _, count in acts(vault))


class Fixture:
    def __init__(self):
        self.vault, self.ledger = Vault(PROGRAMS), Ledger()
        with Daemon(self.vault), Lmtp(self.vault.address) as client:
            for number in range(MESSAGES):
                message = mails.ordinary(number, 2000)
                self.ledger.sending(message)
                for reply in client.deliver("s@example.net", ["anna@example.com"], message):
                    self.ledger.add(reply.archive_id, "anna@example.com", message)
        self.grant = self.vault.grant()

    def restore(self, name, status=0, **options):
        out = self.vault.folder / name
        done = self.vault.command("restore", self.vault.path, "--grant", self.grant, "--identity",
                                  self.vault.folder / "reader.key", "--all", "--format", "eml",
                                  "--out", out, status=status, **options)
        return done, out


def restore_is_logged_with_and_without_the_daemon():
    for daemon in [False, True]:
        fixture = Fixture()
        vault = fixture.vault
        assert released(vault) == 0, acts(vault)
        if daemon:
            with Daemon(vault):
                _, out = fixture.restore("out")
                assert released(vault) == MESSAGES, acts(vault)
        else:
            _, out = fixture.restore("out")
        names = [act for act, _ in acts(vault)]
        assert names[0] == "restore-begun" and names[-1] == "restore-done", names
        assert released(vault) == MESSAGES, acts(vault)
        assert len(list(out.rglob("*.eml"))) == MESSAGES


def batches_hold_every_record():
    """The hash lists have as many hashes as the batches say, and more than there are messages."""
    vault = Fixture().vault
    count = 0
    for entry in entries_of(vault, "archive"):
        kind, values = fields(entry)
        if kind == 2:
            count += int.from_bytes(values[9], "big")
    assert count == 3 * MESSAGES, count  # body, copy, terms copy


def revoked_grant_restores_nothing():
    for daemon in [False, True]:
        fixture = Fixture()
        vault = fixture.vault

        def revoke_and_try():
            junk = vault.folder / "junk.grant"
            junk.write_text("no grant\n")
            done = vault.command("grant", "revoke", vault.path, junk, status=1)
            assert b"junk.grant: " in done.stderr, done
            vault.command("grant", "revoke", vault.path, fixture.grant)
            done, out = fixture.restore("out", status=REFUSED)
            assert b"revoked" in done.stderr, done
            assert not list(out.rglob("*.eml")) if out.exists() else True

        if daemon:
            with Daemon(vault):
                revoke_and_try()
        else:
            revoke_and_try()
        assert [act for act, _ in acts(vault)] == ["grant-revoked"], acts(vault)


def slots_are_asked_for_by_grant_only():
    """On the read socket: whoever has no good grant gets nothing, whatever he sends."""

    fixture = Fixture()
    vault = fixture.vault
    text = fixture.grant.read_bytes()
    changed = text.replace(b"case: ", b"case: x", 1)
    assert changed != text
    with Daemon(vault):
        for grant in [b"", b"muniment-grant/1\n", changed, text[:-1], text]:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(vault.path / "run" / "read"))
                client.sendall(b"release\n" + len(grant).to_bytes(4, "big") + grant)
                answer = json.loads(client.makefile().readline())
                assert answer["ok"] == (grant == text), answer
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(vault.path / "run" / "read"))
            client.sendall(b"release\n" + len(text).to_bytes(4, "big") + text)
            stream = client.makefile("rb")
            assert json.loads(stream.readline())["ok"]
            client.sendall((1).to_bytes(4, "big") + bytes(16))
            assert json.loads(stream.readline())["ok"], "a copy that is not there is no error"
            length = int.from_bytes(stream.read(4), "big")
            assert stream.read(length)[0] == 1
            client.sendall((16385).to_bytes(4, "big"))
            assert stream.read() == b"", "the daemon closes"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(vault.path / "run" / "operate"))
            client.sendall(b"release\n")
            assert json.loads(client.makefile().readline())["code"] == "REFUSED"
    assert released(vault) == 0, acts(vault)


def killed_while_releasing_has_logged_all_that_was_used():
    """The command, as the writer, and the daemon are killed at random moments of a restore: what came
    out is never more than the log says, and the vault opens and restores."""
    for daemon in [False, True]:
        fixture = Fixture()
        vault = fixture.vault
        for attempt in range(4):
            out = vault.folder / f"out{daemon}{attempt}"
            before = released(vault)
            words = [PROGRAMS.muniment, "restore", vault.path, "--grant", fixture.grant,
                     "--identity", vault.folder / "reader.key", "--all", "--format", "eml",
                     "--out", out]
            if daemon:
                with Daemon(vault) as running:
                    process = subprocess.Popen(words, stdout=subprocess.DEVNULL,
                                               stderr=subprocess.DEVNULL)
                    time.sleep(0.05 + 0.1 * attempt)
                    running.kill()
                    process.wait()
            else:
                process = subprocess.Popen(words, stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL)
                time.sleep(0.05 + 0.1 * attempt)
                process.kill()
                process.wait()
            used = len(list(out.rglob("*.eml"))) if out.exists() else 0
            logged = released(vault) - before
            assert used <= logged, f"{used} messages came out, {logged} were logged"
        _, out = fixture.restore("last")
        assert len(list(out.rglob("*.eml"))) == MESSAGES


if __name__ == "__main__":
    harness.run(restore_is_logged_with_and_without_the_daemon, batches_hold_every_record,
                revoked_grant_restores_nothing, slots_are_asked_for_by_grant_only,
                killed_while_releasing_has_logged_all_that_was_used)
