"""A drill of the master, from the challenge to what status says: with the daemon and without it, by
passphrase and by shares; who has not the master gets no result, and no vault takes what is not its."""
import contextlib
import json
import os
import socket
import stat
import threading
import time

import harness
from harness import Daemon, Vault
from test_master import Keys, errors, given, sheets
from test_release import acts

PROGRAMS = harness.build()
REFUSED, FAILED = 4, 1
DAY_S = 86400


def drilled(vault, name, *key, status=0):
    """Challenge and result, by whatever key; the result's path."""
    challenge, result = vault.folder / f"{name}.challenge", vault.folder / f"{name}.result"
    vault.command("drill", "challenge", vault.path, "--out", challenge)
    key = key or ("--master", vault.master, "--passphrase-file", vault.passphrase)
    vault.command("master", "drill", challenge, *key, "--out", result, status=status)
    assert result.exists() == (status == 0)
    return result


def told(vault):
    return json.loads(vault.command("status", vault.path, "--json").stdout)["vault"]


def drill_is_taken_up_with_and_without_the_daemon():
    for daemon in [False, True]:
        vault = Vault(PROGRAMS)
        with Daemon(vault) if daemon else contextlib.nullcontext():
            assert told(vault)["last_drill"] == 0
            assert abs(told(vault)["drill_due"] - 180 * DAY_S - time.time()) < 600
            assert b"Master drill:   never" in vault.command("status", vault.path).stdout
            begun = int(time.time())
            result = drilled(vault, "first")
            vault.command("drill", "take", vault.path, result)
            assert begun <= told(vault)["last_drill"] <= time.time()
            text = vault.command("status", vault.path).stdout
            assert b"Master drill:   0 days ago" in text and b"proved" not in text, text
            done = vault.command("drill", "take", vault.path, result, status=REFUSED)
            assert "before" in errors(done), errors(done)
        assert acts(vault)[0][0] == "master-drilled", acts(vault)


def wrong_keys_give_no_result():
    vault = Vault(PROGRAMS)
    wrong = vault.folder / "wrong"
    wrong.write_text("another\n")
    drilled(vault, "wrong", "--master", vault.master, "--passphrase-file", wrong, status=FAILED)
    vault.command("master", "create", "--out", vault.folder / "other", "--passphrase-file",
                  vault.passphrase)
    drilled(vault, "other", "--master", vault.folder / "other" / "master", "--passphrase-file",
            vault.passphrase, status=FAILED)
    assert told(vault)["last_drill"] == 0


def no_vault_takes_what_is_not_its():
    vault, other = Vault(PROGRAMS), Vault(PROGRAMS)
    result = drilled(other, "other")
    vault.command("drill", "take", vault.path, result, status=REFUSED)
    text = drilled(vault, "own").read_bytes()
    result.write_bytes(text.replace(b"canary: ", b"canary: 0", 1))
    vault.command("drill", "take", vault.path, result, status=FAILED)
    vault.command("drill", "take", vault.path, vault.folder / "nowhere", status=FAILED)
    vault.command("master", "drill", result, "--master", vault.master, "--passphrase-file",
                  vault.passphrase, "--out", vault.folder / "x", status=FAILED)
    assert told(vault)["last_drill"] == 0


def nothing_of_the_canary_is_in_the_files():
    """They are for carrying: readable, and the result says no more than who could open it."""
    vault = Vault(PROGRAMS)
    result = drilled(vault, "d")
    names = [line.split(":")[0] for line in result.read_text().splitlines()]
    assert names == ["muniment-drill-result/1", "vault", "created", "canary", "seal", "master",
                     "signature"]
    for path in [result, result.with_suffix(".challenge")]:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    vault.command("drill", "challenge", vault.path, "--out", result, status=FAILED)


def shares_are_drilled_too():
    keys = Keys()
    out = keys.made("m", shares=3, threshold=2)
    vault = keys.folder / "vault"
    keys.run("init", vault, "--master", out / "master.pub", "--domain", "example.org")
    challenge, result = keys.folder / "c", keys.folder / "r"
    keys.run("drill", "challenge", vault, "--out", challenge)
    keys.run("master", "drill", challenge, *given(sheets(out)[0]), "--out", result, status=FAILED)
    keys.run("master", "drill", challenge, *given(*sheets(out)[1:]), "--out", result)
    keys.run("drill", "take", vault, result)
    assert b"Master drill:   0 days ago" in keys.run("status", vault).stdout


class Told:
    """Stands in for the daemon: answers status with what it was told of the drills."""

    def __init__(self, vault, last, due):
        self.answer = {"ok": True, "vault": {"pair_exists": True, "last_drill": int(last),
                                             "drill_due": int(due)}}
        self.path = vault.path / "run" / "status"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()

    def serve(self):
        with self.listener.accept()[0] as client:
            client.makefile().readline()
            client.sendall(json.dumps(self.answer).encode() + b"\n")

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join(30)
        self.listener.close()
        self.path.unlink()


def status_warns_when_a_drill_is_due():
    vault = Vault(PROGRAMS)
    now = time.time()
    for last, due, days, is_due in [(now - 179 * DAY_S - 60, now + 600, 179, False),
                                    (now - 181 * DAY_S - 60, now - 600, 181, True),
                                    (0, now - 600, None, True), (0, now + 600, None, False)]:
        with Told(vault, last, due):
            text = vault.command("status", vault.path).stdout.decode()
        line = "never" if days is None else f"{days} days ago"
        assert f"Master drill:   {line}\n" in text, text
        assert ("has not proved for over 180 days" in text) == is_due, text


if __name__ == "__main__":
    harness.run(drill_is_taken_up_with_and_without_the_daemon, wrong_keys_give_no_result,
                no_vault_takes_what_is_not_its, nothing_of_the_canary_is_in_the_files,
                shares_are_drilled_too, status_warns_when_a_drill_is_due)
