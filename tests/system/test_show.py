"""`muniment show`: a preview that no terminal obeys, the bytes themselves, and a trace in the log; and
the state folder, from which grant and identity are taken when they are not named."""
import json
import os
import re

import harness
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp
from sshd import Sshd

PROGRAMS = harness.build()
ESCAPE = b"\x1b]0;owned\x07\x1b[2J"
MESSAGE = (b"From: =?utf-8?q?J=C3=BCrgen?= <j@b.test>\r\nTo: u@example.com\r\n"
           b"Subject: hello " + ESCAPE + b" there\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n"
           b"Message-ID: <show-1@b.test>\r\nMIME-Version: 1.0\r\n"
           b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
           b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nfirst line\r\n" + ESCAPE
           + "second \u202e line\r\n".encode() + b"--b\r\nContent-Type: application/pdf\r\n"
           b"Content-Disposition: attachment; filename=\"a" + ESCAPE + b".pdf\"\r\n"
           b"Content-Transfer-Encoding: base64\r\n\r\nAAECAwQ=\r\n--b--\r\n")
PERIOD = ("--from", "1980-01", "--to", "2099-12")


class Fixture:
    made = None

    @classmethod
    def get(cls):
        if cls.made is None:
            vault, ledger = Vault(PROGRAMS), Ledger()
            daemon = Daemon(vault)
            with Lmtp(vault.address) as client:
                for owner, message in [("u@example.com", MESSAGE), ("w@example.com", b"Subject: w\r\n\r\n"
                                                                    b"the other\r\n")]:
                    (reply,) = client.deliver("s@b.test", [owner], message)
                    ledger.sending(message, [owner])
                    ledger.add(reply.archive_id, owner, message)
            harness.share(vault, daemon)
            cls.made = vault, [i for _, i in ledger.order], vault.grant()
        return cls.made


def show(*ids, options=(), grant=True, status=0, env=None):
    vault, _, all_grant = Fixture.get()
    keys = ("--grant", all_grant, "--identity", vault.folder / "reader.key") if grant else ()
    return vault.command("show", vault.path, *ids, *keys, *options, status=status, env=env)


def preview_shows_header_text_and_attachments():
    _, (first, second), _ = Fixture.get()
    text = show(first, second).stdout.decode()
    for part in ["Jürgen <j@b.test>", "u@example.com", "hello ", "Tue, 24 Nov 2026",
                 "show-1@b.test", "first line", "second ", "application/pdf", "the other"]:
        assert part in text, (part, text)


def nothing_that_a_terminal_obeys_is_printed():
    _, (first, _), _ = Fixture.get()
    done = show(first)
    for byte in done.stdout + done.stderr:
        assert byte == 0x0a or byte >= 0x20 and byte != 0x7f, (byte, done.stdout)
    assert "\u202e" not in done.stdout.decode()
    assert not re.search("[\u0080-\u009f]", done.stdout.decode())


def raw_gives_the_bytes():
    _, (first, _), _ = Fixture.get()
    assert show(first, options=("--raw",)).stdout == MESSAGE


def json_says_the_same():
    _, (first, second), _ = Fixture.get()
    both = json.loads(show(first, second, options=("--json",)).stdout)
    assert [m["id"] for m in both] == [first, second]
    assert both[0]["attachments"][0]["size"] == 5 and both[0]["message_id"] == "<show-1@b.test>"
    assert both[1]["text"] == "the other\r\n" and both[1]["from"] is None


def what_cannot_be_shown_has_its_status():
    vault, (first, second), _ = Fixture.get()
    show("0" * 32, status=3)
    assert b"the other" in show("0" * 32, second, status=5).stdout
    small = vault.grant("--mailbox", "w@example.com", *PERIOD, name="w")
    done = vault.command("show", vault.path, first, "--grant", small, "--identity",
                         vault.folder / "reader.key", status=4)
    assert b"Subject" not in done.stdout
    show("no-id", status=2)
    show(first, second, options=("--raw",), status=2)


def each_showing_is_in_the_log_before():
    """The control log grows by an entry for each message that is shown, and by none for a refusal."""
    vault, (first, second), _ = Fixture.get()

    def size():
        tree = (vault.path / "log" / "control" / "checkpoint").read_text().split("\n")[1]
        return int(tree)

    before = size()
    show(first, second)
    assert size() == before + 2, (before, size())
    show("0" * 32, status=3)
    assert size() == before + 2


def state_folder_gives_grant_and_identity():
    vault, (first, second), grant = Fixture.get()
    state = vault.folder / "state"
    kept = state / "muniment"
    env = {"XDG_STATE_HOME": str(state)}
    assert b"--grant" in show(first, grant=False, status=1, env=env).stderr
    kept.mkdir(parents=True, mode=0o700)
    (kept / "mine.grant").write_bytes(grant.read_bytes())
    (kept / "erika.key").write_bytes((vault.folder / "reader.key").read_bytes())
    done = show(first, grant=False, env=env)
    assert b"first line" in done.stdout and b"mine.grant" in done.stderr
    out = vault.folder / "kept-out"
    vault.command("restore", vault.path, "--all", "--format", "eml", "--out", out, env=env)
    assert len(list(out.rglob("*.eml"))) == 2
    os.chmod(kept, 0o755)
    show(first, grant=False, status=4, env=env)


def show_works_over_ssh():
    vault, (first, _), grant = Fixture.get()
    sshd = Sshd(PROGRAMS)
    sshd.give(vault)
    done = vault.command("show", sshd.address(vault), first, "--ssh", sshd.command, "--grant", grant,
                         "--identity", vault.folder / "reader.key", "--raw")
    assert done.stdout == MESSAGE


if __name__ == "__main__":
    harness.run(preview_shows_header_text_and_attachments, nothing_that_a_terminal_obeys_is_printed,
                raw_gives_the_bytes, json_says_the_same, what_cannot_be_shown_has_its_status,
                each_showing_is_in_the_log_before, state_folder_gives_grant_and_identity,
                show_works_over_ssh)
