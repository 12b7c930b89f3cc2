"""The passphrase is asked for on the terminal, twice when it is new, without echo."""
import os
import pathlib
import pty
import select
import signal
import tempfile
import termios
import time

import harness

PROGRAMS = harness.build()
QUESTIONS = (b"master key: ", b"again: ")


def ask(out, answers):
    """Runs `master create` on a terminal of its own: output, wait status, echo at each question."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(PROGRAMS.muniment, ["muniment", "master", "create", "--out", str(out)])
    shown, echoes, asked = b"", [], 0
    while select.select([terminal], [], [], 60)[0]:
        try:
            read = os.read(terminal, 4096)
        except OSError:
            break
        shown += read
        if not read:
            break
        if answers and shown.endswith(QUESTIONS) and len(shown) > asked:
            asked = len(shown)
            time.sleep(0.1)
            echoes.append(bool(termios.tcgetattr(terminal)[3] & termios.ECHO))
            os.write(terminal, answers.pop(0))
    status = os.waitpid(pid, 0)[1]
    os.close(terminal)
    return shown, status, echoes


def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="muniment-test-"))
    harness.KEPT.append(path)
    return path / "master"


def master_is_made_when_the_passphrase_is_entered_again():
    out = folder()
    shown, status, echoes = ask(out, [b"correct horse\n", b"another\n", b"correct horse\n"])
    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert echoes == [False, False, False], "what is typed is shown"
    assert b"correct" not in shown
    assert (out / "master.pub").exists()


def master_is_not_made_when_it_is_never_entered_again():
    out = folder()
    shown, status, _ = ask(out, [b"correct horse\n", b"a\n", b"b\n", b"c\n"])
    assert os.waitstatus_to_exitcode(status) == 1, shown
    assert list(out.iterdir()) == [], "a master that nobody can open is left"


def interrupted_question_leaves_nothing():
    out = folder()
    shown, status, _ = ask(out, [b"correct horse\n", b"\x03"])
    assert os.waitstatus_to_exitcode(status) in (1, -signal.SIGINT), shown
    assert list(out.iterdir()) == []


def empty_passphrase_is_refused():
    out = folder()
    shown, status, _ = ask(out, [b"\n"])
    assert os.waitstatus_to_exitcode(status) == 1, shown
    assert list(out.iterdir()) == []


if __name__ == "__main__":
    harness.run(master_is_made_when_the_passphrase_is_entered_again,
                master_is_not_made_when_it_is_never_entered_again,
                interrupted_question_leaves_nothing, empty_passphrase_is_refused)
