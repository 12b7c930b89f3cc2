"""The master key in many hands: shares are made, confirmed, checked, made anew and used, from files
and typed in on a terminal; a wrong one is named and never gives a wrong key."""
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import stat
import struct
import tempfile
import termios
import time

import harness

PROGRAMS = harness.build()
WORDS = 33
CTRL_C = b"\x03"
CLEAR = b"\x1b[H\x1b[J"
ENTER_SCREEN, LEAVE_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


class Keys:
    """A folder in which `muniment` commands about keys are run."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="muniment-test-"))
        harness.KEPT.append(self.folder)
        self.programs = PROGRAMS

    def run(self, *arguments, status=0, **options):
        # Without a terminal of its own: a question must fail at once, not wait.
        return harness.Vault.command(self, *arguments, status=status, start_new_session=True,
                                     **options)

    def made(self, name, shares=3, threshold=2, confirmed=True):
        """A folder with a set of shares."""
        out = self.folder / name
        self.run("master", "create", "--out", out, "--shares", shares, "--threshold", threshold)
        if confirmed:
            self.run("master", "confirm", out, *given(*sheets(out)))
        return out


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *arguments):
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            words = ["muniment", *map(str, arguments)]
            os.execv(PROGRAMS.muniment, words)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))

    def read(self):
        try:
            read = os.read(self.fd, 65536)
        except OSError:
            return False
        self.shown += read
        return bool(read)

    def expect(self, text, seconds=60):
        """Waits until text is shown; gives and forgets all up to it."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < end, f"never shown: {text}\n{self.shown[-3000:]}"
            if select.select([self.fd], [], [], 1)[0]:
                assert self.read(), f"ended before {text} was shown\n{self.shown[-3000:]}"
        before, self.shown = self.shown.split(text, 1)
        return before

    def type(self, text):
        """In pieces that fit what a terminal holds, reading what is shown meanwhile."""
        for start in range(0, len(text), 100):
            os.write(self.fd, text[start:start + 100])
            while select.select([self.fd], [], [], 0)[0] and self.read():
                pass

    def has_echo(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def finish(self):
        """The rest of what it shows, and its exit status."""
        while select.select([self.fd], [], [], 60)[0] and self.read():
            pass
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return self.shown, os.waitstatus_to_exitcode(status)


def sheets(folder):
    return sorted(folder.glob("share-*.txt"))


def given(*paths):
    return [word for path in paths for word in ("--share", path)]


def words_of(sheet):
    found = re.findall(r"^words-\d+: (.*)$", sheet.read_text(), re.M)
    words = " ".join(found).split()
    assert len(words) == WORDS
    return words


def typed(words):
    """Four letters of each word: what is enough."""
    return "".join(word[:4] + " " for word in words).encode()


def errors(done):
    return done.stderr.decode()


def fingerprint(folder):
    return re.search(r"^fingerprint: (.*)$", (folder / "master.pub").read_text(), re.M).group(1)


# ---- making and confirming ---------------------------------------------------------------------

def new_key_is_in_its_sheets_and_nowhere_else():
    keys = Keys()
    out = keys.made("m", shares=5, threshold=3, confirmed=False)
    assert sorted(p.name for p in out.iterdir()) == \
        ["master.pub.unconfirmed"] + [f"share-{i}-of-5.txt" for i in range(1, 6)]
    for sheet in sheets(out):
        assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    keys.run("init", keys.folder / "v", "--master", out / "master.pub.unconfirmed", status=1)
    done = keys.run("master", "create", "--out", out, "--shares", 5, "--threshold", 3, status=1)
    assert "waits for" in errors(done), errors(done)


def sets_that_cannot_be_are_usage_errors():
    keys = Keys()
    for shares, threshold in [(5, 1), (5, 6), (17, 2), (0, 2), (3, 0), (-1, -1)]:
        out = keys.folder / "m"
        keys.run("master", "create", "--out", out, f"--shares={shares}",
                 f"--threshold={threshold}", status=2)
        assert not out.exists()
    secret = keys.folder / "passphrase"
    secret.write_text("x\n")
    keys.run("master", "create", "--out", keys.folder / "m", "--shares", 3, "--threshold", 2,
             "--passphrase-file", secret, status=2)


def half_made_set_leaves_nothing():
    keys = Keys()
    out = keys.folder / "m"
    out.mkdir()
    (out / "share-3-of-3.txt").write_text("mine\n")
    keys.run("master", "create", "--out", out, "--shares", 3, "--threshold", 2, status=1)
    assert [p.name for p in out.iterdir()] == ["share-3-of-3.txt"]
    assert (out / "share-3-of-3.txt").read_text() == "mine\n"


def public_half_appears_when_all_shares_were_typed_in():
    keys = Keys()
    out = keys.made("m", confirmed=False)
    terminal = Terminal("master", "confirm", out)
    terminal.expect(ENTER_SCREEN)
    for number, sheet in enumerate(sheets(out), 1):
        terminal.expect(b"The first share of 3" if number == 1 else b"Share %d of the 3" % number)
        assert not terminal.has_echo()
        assert not (out / "master.pub").exists()
        terminal.type(typed(words_of(sheet)))
    shown, status = terminal.finish()
    assert status == 0, shown[-2000:]
    assert LEAVE_SCREEN in shown and b"Confirmed" in shown
    assert b"3 of the 3 sheets are still files" in shown
    assert (out / "master.pub").exists() and not (out / "master.pub.unconfirmed").exists()


def screen_is_clear_for_the_next_keeper():
    keys = Keys()
    out = keys.made("m", confirmed=False)
    first, second, _ = map(words_of, sheets(out))
    terminal = Terminal("master", "confirm", out)
    terminal.expect(b"The first share")
    terminal.type(typed(first))
    typing = terminal.expect(b"Share 2 of the 3")
    assert first[0].encode() in typing, "the words are not completed"
    terminal.expect(b"Share 1 of set")
    terminal.type(typed(second)[:-1])
    frames = terminal.expect(second[-1].encode()[:4] + b"_").split(CLEAR)
    assert len(frames) > 1 and re.search(rb"\b%s\b" % second[0].encode(), frames[-1])
    own = {word.encode() for word in second}
    for word in {word.encode() for word in first} - own:
        assert not re.search(rb"\b%s\b" % word, frames[-1]), "the last keeper's words are still shown"
    terminal.type(CTRL_C)
    shown, status = terminal.finish()
    assert status in (1, -signal.SIGINT), shown[-2000:]
    assert LEAVE_SCREEN in shown and b"interrupted" in shown
    assert not (out / "master.pub").exists() and (out / "master.pub.unconfirmed").exists()


def all_shares_are_needed_to_confirm():
    keys = Keys()
    out = keys.made("m", confirmed=False)
    done = keys.run("master", "confirm", out, *given(*sheets(out)[:2]), status=1)
    assert "3 are needed" in errors(done) and "1 more" in errors(done), errors(done)
    assert not (out / "master.pub").exists()
    other = keys.made("other", confirmed=False)
    done = keys.run("master", "confirm", out, *given(*sheets(other)), status=1)
    assert "is not of set" in errors(done) and "other/share-1-of-3.txt" in errors(done)
    assert not (out / "master.pub").exists()
    keys.run("master", "confirm", keys.folder, status=1)


def passphrase_that_was_never_confirmed_can_be():
    keys = Keys()
    secret = keys.folder / "passphrase"
    secret.write_text("correct horse\n")
    out = keys.folder / "m"
    keys.run("master", "create", "--out", out, "--passphrase-file", secret)
    public = (out / "master.pub").read_text()
    (out / "master.pub").unlink()
    secret.write_text("another\n")
    keys.run("master", "confirm", out, "--passphrase-file", secret, status=1)
    assert not (out / "master.pub").exists()
    secret.write_text("correct horse\n")
    keys.run("master", "confirm", out, "--passphrase-file", secret)
    assert (out / "master.pub").read_text() == public


# ---- what goes wrong at the prompt -------------------------------------------------------------

def mistyped_word_is_named_and_alone_typed_again():
    keys = Keys()
    words = words_of(sheets(keys.made("m", confirmed=False))[1])
    wrong = list(words)
    wrong[4] = "academic" if words[4] != "academic" else "zero"
    terminal = Terminal("master", "check-share")
    terminal.expect(b"The words of your share")
    terminal.type(typed(wrong))
    terminal.expect(b"look at word 5. Type that word again")
    terminal.type(typed(words[4:5]))
    shown, status = terminal.finish()
    assert status == 0, shown[-2000:]
    assert b"The words are right." in shown and re.search(rb"Share: +2\r", shown)


def words_that_changed_places_are_all_typed_again():
    keys = Keys()
    words = words_of(sheets(keys.made("m", confirmed=False))[0])
    swapped = words[:20] + [words[21], words[20]] + words[22:]
    terminal = Terminal("master", "check-share")
    terminal.expect(b"The words of your share")
    terminal.type(typed(swapped))
    terminal.expect(b"Type all of it again")
    terminal.type(typed(words))
    shown, status = terminal.finish()
    assert status == 0, shown[-2000:]


def wrong_shares_are_refused_at_once():
    keys = Keys()
    out, other = keys.made("m"), keys.made("other")
    first, second, _ = map(words_of, sheets(out))
    terminal = Terminal("master", "reshare", "--out", keys.folder / "new", "--shares", 2,
                        "--threshold", 2)
    terminal.expect(b"The first share")
    terminal.type(typed(first))
    terminal.expect(b"Share 1 of set")
    terminal.type(typed(first))
    terminal.expect(b"is the same as entry 1: a share counts once")
    terminal.type(typed(words_of(sheets(other)[1])))
    terminal.expect(b"do not belong together")
    terminal.type(typed(second))
    shown, status = terminal.finish()
    assert status == 0, shown[-2000:]
    keys.run("master", "confirm", keys.folder / "new", *given(*sheets(keys.folder / "new")))
    assert fingerprint(keys.folder / "new") == fingerprint(out) != fingerprint(other)


def terminal_is_as_before_when_given_up():
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        keys = Keys()
        out = keys.made("m", confirmed=False)
        terminal = Terminal("master", "confirm", out)
        terminal.expect(b"The first share")
        assert not terminal.has_echo()
        os.kill(terminal.pid, signal_number)
        terminal.expect(LEAVE_SCREEN)
        harness.eventually("the terminal shows what is typed again", terminal.has_echo)
        assert terminal.finish()[1] != 0
        assert not (out / "master.pub").exists()


def without_a_terminal_files_are_asked_for():
    keys = Keys()
    done = keys.run("master", "check-share", status=1)
    assert "--share FILE" in errors(done), errors(done)


# ---- what goes wrong with files ----------------------------------------------------------------

def refused(keys, out, *paths):
    """Makes nothing of these shares; gives the message."""
    done = keys.run("master", "reshare", "--out", out, "--shares", 2, "--threshold", 2,
                    *given(*paths), status=1)
    assert not out.exists(), "something was made of wrong shares"
    return errors(done)


def wrong_files_are_named():
    keys = Keys()
    out, new = keys.made("m", shares=4, threshold=3), keys.folder / "new"
    one, two, three, _ = sheets(out)
    stray = sheets(keys.made("stray", shares=4, threshold=3))[2]
    copy, typo, absent = (keys.folder / name for name in ("copy.txt", "typo.txt", "absent.txt"))

    message = refused(keys, new, one, two)
    assert str(one) in message and str(two) in message and "1 more of that set" in message
    message = refused(keys, new, one, two, stray)
    assert f"({stray}) does not belong to the others" in message, message
    copy.write_bytes(two.read_bytes())
    message = refused(keys, new, one, two, copy)
    assert f"({copy}) is the same as {two}" in message, message
    words = words_of(three)
    typo.write_text(" ".join([*words[:9], "acid" if words[9] != "acid" else "zero", *words[10:]]))
    message = refused(keys, new, one, two, typo)
    assert f"{typo}: " in message and "look at word 10" in message, message
    typo.write_text(" ".join([*words[:9], "acidd", *words[10:]]))
    message = refused(keys, new, one, two, typo)
    assert f"{typo}: word 10 is not on the list" in message and "acidd" not in message, message
    typo.write_text(three.read_text().replace("threshold: 3", "threshold: 2"))
    message = refused(keys, new, one, two, typo)
    assert f"{typo}: " in message and "signature does not fit" in message, message
    assert str(absent) in refused(keys, new, one, two, absent)


# ---- one keeper, alone -------------------------------------------------------------------------

def keeper_checks_his_sheet_alone():
    keys = Keys()
    out = keys.made("m", shares=5, threshold=3)
    done = keys.run("master", "check-share", "--share", sheets(out)[3], "--json")
    told = json.loads(done.stdout)
    assert (told["share"], told["shares"], told["threshold"]) == (4, 5, 3)
    assert told["signed"] and told["fingerprint"] == fingerprint(out)
    plain = keys.folder / "plain"
    plain.write_text(" ".join(words_of(sheets(out)[3])).upper())
    told = json.loads(keys.run("master", "check-share", "--share", plain, "--json").stdout)
    assert told["share"] == 4 and not told["signed"] and "fingerprint" not in told


def sheet_is_written_anew():
    keys = Keys()
    sheet, again = sheets(keys.made("m"))[0], keys.folder / "again.txt"
    keys.run("master", "sheet", "--share", sheet, "--out", again)
    assert again.read_bytes() == sheet.read_bytes()
    assert stat.S_IMODE(again.stat().st_mode) == 0o600
    keys.run("master", "sheet", "--share", sheet, "--out", again, status=1)
    plain, printed = keys.folder / "plain", keys.folder / "printed.txt"
    plain.write_text(" ".join(words_of(sheet)))
    keys.run("master", "sheet", "--share", plain, "--out", printed)
    told = json.loads(keys.run("master", "check-share", "--share", printed, "--json").stdout)
    assert told["share"] == 1


def code_is_drawn_without_words_in_arguments():
    keys = Keys()
    tools, seen = keys.folder / "tools", keys.folder / "seen"
    tools.mkdir()
    (tools / "qrencode").write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >>{seen}.arguments\ncat >>{seen}.input\n'
        f'echo >>{seen}.input\necho "a drawing"\n')
    (tools / "qrencode").chmod(0o755)
    out = keys.folder / "m"
    path = {"PATH": f"{tools}:{os.environ['PATH']}"}
    keys.run("master", "create", "--out", out, "--shares", 2, "--threshold", 2, env=path)
    inputs = pathlib.Path(f"{seen}.input").read_text().splitlines()
    arguments = pathlib.Path(f"{seen}.arguments").read_text()
    for sheet, text in zip(sheets(out), inputs, strict=True):
        assert text.split() == words_of(sheet)
        assert "#   a drawing\n" in sheet.read_text()
        assert not any(re.search(rf"\b{word}\b", arguments) for word in words_of(sheet))
    keys.run("master", "confirm", out, *given(*sheets(out)))
    (tools / "qrencode").write_text("#!/bin/sh\nexit 1\n")
    keys.run("master", "create", "--out", keys.folder / "n", "--shares", 2, "--threshold", 2,
             env=path, status=1)
    assert list((keys.folder / "n").iterdir()) == []


# ---- using the key -----------------------------------------------------------------------------

def grants_are_made_with_shares():
    keys = Keys()
    out, vault = keys.made("m", shares=3, threshold=2), keys.folder / "vault"
    mail = keys.folder / "one.eml"
    mail.write_bytes(b"From: a@example.com\r\nSubject: one\r\n\r\nhello\r\n")
    keys.run("init", vault, "--master", out / "master.pub", "--domain", "example.com")
    keys.run("import", vault, "--mailbox", "a@example.com", mail)
    keys.run("identity", "create", "--out", keys.folder / "reader.key")
    request = keys.folder / "r.request"
    keys.run("request", vault, "--case", "1", "--reason", "test", "--all", "--from", "1980-01",
             "--to", "2099-12", "--for", keys.folder / "reader.pub", "--out", request)
    one, two, three = sheets(out)
    stranger = sheets(keys.made("stranger"))

    keys.run("grant", request, status=2)
    keys.run("grant", request, "--shares", *given(one, two), status=2)
    done = keys.run("grant", request, *given(one), status=1)
    assert "1 more" in errors(done), errors(done)
    done = keys.run("grant", request, *given(*stranger), status=1)
    assert not (keys.folder / "r.grant").exists()

    keys.run("grant", request, *given(three, one), "--out", keys.folder / "files.grant")
    terminal = Terminal("grant", request, "--shares", "--out", keys.folder / "typed.grant")
    terminal.expect(b"Approvals:")
    terminal.expect(b"The first share")
    terminal.type(typed(words_of(two)))
    terminal.expect(b"Share 2 of the 2")
    terminal.type(typed(words_of(three)))
    shown, status = terminal.finish()
    assert status == 0, shown[-2000:]
    for grant in ("files.grant", "typed.grant"):
        restored = keys.folder / grant.replace(".grant", "")
        keys.run("restore", vault, "--grant", keys.folder / grant, "--identity",
                 keys.folder / "reader.key", "--all", "--format", "eml", "--out", restored)
        found, = restored.rglob("*.eml")
        assert found.read_bytes() == mail.read_bytes()


def new_set_is_of_the_same_key_and_the_old_one_still_combines():
    keys = Keys()
    old, new = keys.made("old", shares=3, threshold=2), keys.folder / "new"
    one, two, three = sheets(old)
    done = keys.run("master", "reshare", "--out", new, "--shares", 5, "--threshold", 4,
                    *given(two, three))
    assert "still combines" in errors(done), errors(done)
    keys.run("master", "confirm", new, *given(*sheets(new)))
    assert fingerprint(new) == fingerprint(old)
    message = refused(keys, keys.folder / "mixed", one, sheets(new)[1])
    assert "do not belong together" in message, message
    again = keys.folder / "again"
    keys.run("master", "reshare", "--out", again, "--shares", 2, "--threshold", 2, *given(one, two))
    keys.run("master", "confirm", again, *given(*sheets(again)))
    assert fingerprint(again) == fingerprint(old)


def passphrase_key_is_shared_too():
    keys = Keys()
    secret, old, new = keys.folder / "passphrase", keys.folder / "old", keys.folder / "new"
    secret.write_text("correct horse\n")
    keys.run("master", "create", "--out", old, "--passphrase-file", secret)
    keys.run("master", "reshare", "--out", new, "--shares", 2, "--threshold", 2, "--master",
             old / "master", "--passphrase-file", secret)
    keys.run("master", "confirm", new, *given(*sheets(new)))
    assert fingerprint(new) == fingerprint(old)


if __name__ == "__main__":
    harness.run(new_key_is_in_its_sheets_and_nowhere_else, sets_that_cannot_be_are_usage_errors,
                half_made_set_leaves_nothing, public_half_appears_when_all_shares_were_typed_in,
                screen_is_clear_for_the_next_keeper, all_shares_are_needed_to_confirm,
                passphrase_that_was_never_confirmed_can_be,
                mistyped_word_is_named_and_alone_typed_again,
                words_that_changed_places_are_all_typed_again, wrong_shares_are_refused_at_once,
                terminal_is_as_before_when_given_up, without_a_terminal_files_are_asked_for,
                wrong_files_are_named, keeper_checks_his_sheet_alone, sheet_is_written_anew,
                code_is_drawn_without_words_in_arguments, grants_are_made_with_shares,
                new_set_is_of_the_same_key_and_the_old_one_still_combines,
                passphrase_key_is_shared_too)
