"""Vault key and keyring off the vault's disk: holders and copies on disks of their own (tmpfs) that come
and go, a copy behind a real sshd, and the way back: an escrow file that is opened offline gives the key
that opens the copied keyring. With the daemon and without it."""
import contextlib
import json
import os
import shutil
import stat
import subprocess

import harness
from harness import Daemon, Vault
from lmtp import Lmtp
from sshd import ACCOUNT_ID, Sshd

PROGRAMS = harness.build()
FAILED, REFUSED, PARTLY = 1, 4, 5
TRAILER_LEN = 112


class Disk:
    """A file system of its own that can be unmounted and mounted again with what it held."""

    def __init__(self, vault, name):
        harness.need_root()
        self.path, self.kept = vault.folder / name, vault.folder / f"{name}.kept"
        self.path.mkdir()
        self.kept.mkdir()
        self.is_mounted = False

    def __enter__(self):
        self.mount()
        return self

    def __exit__(self, *_):
        if self.is_mounted:
            subprocess.run(["umount", self.path], check=True)

    def mount(self):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", self.path],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise harness.Skip("nothing can be mounted here: " + done.stderr.strip())
        self.is_mounted = True
        for file in self.kept.iterdir():
            shutil.copy2(file, self.path)

    def unmount(self):
        for file in self.path.iterdir():
            shutil.copy2(file, self.kept)
        subprocess.run(["umount", self.path], check=True)
        self.is_mounted = False


def listed(vault, sort):
    found = json.loads(vault.command("vaultkey", sort, "list", vault.path, "--json").stdout)
    return {entry["name"]: entry for entry in found[sort]}, found


def pair_exists(vault):
    return vault.status()["vault"]["pair_exists"]


def make_escrow(vault, name="escrow"):
    folder = vault.folder / name
    done = vault.command("vaultkey", "escrow", "create", "--out", folder, "--passphrase-file",
                         vault.passphrase, "--json")
    made = json.loads(done.stdout)
    assert made["escrow"] == str(folder / "escrow") and made["public"] == str(folder / "escrow.pub")
    return folder


def with_and_without_daemon(case):
    def run():
        for runs in [False, True]:
            vault = Vault(PROGRAMS)
            with Daemon(vault) if runs else contextlib.nullcontext():
                case(vault)
    run.__name__ = case.__name__
    return run


@with_and_without_daemon
def a_pair_is_made_and_status_says_so(vault):
    escrow = make_escrow(vault)
    assert not pair_exists(vault)
    assert b"no pair exists" in vault.command("status", vault.path).stdout
    with Disk(vault, "usb") as usb, Disk(vault, "nas") as nas:
        vault.command("vaultkey", "holders", "add", vault.path, "safe", usb.path / "safe",
                      "--escrow", escrow / "escrow.pub")
        assert not pair_exists(vault)
        vault.command("vaultkey", "copies", "add", vault.path, "nas", nas.path)
        assert pair_exists(vault)
        assert b"no pair exists" not in vault.command("status", vault.path).stdout
        holders, state = listed(vault, "holders")
        assert state["pair_exists"] and state["generation"] == 1
        assert list(holders) == ["host", "safe"]
        assert holders["host"]["kind"] == "file" and not holders["host"]["off_disk"]
        assert holders["safe"]["kind"] == "escrow" and holders["safe"]["off_disk"]
        assert holders["safe"]["generations"] == [1] and holders["safe"]["away"] is None
        for path in [usb.path / "safe", *nas.path.iterdir()]:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        key = vault.key_path.read_text().split()[5]
        assert len(key) == 64 and key not in (usb.path / "safe").read_text()
        logged = vault.command("log", "list", vault.path, "--json").stdout
        assert b"holder-added" in logged and b"copy-added" in logged


@with_and_without_daemon
def what_is_away_is_not_written_to_and_caught_up_with(vault):
    with Disk(vault, "usb") as usb, Disk(vault, "nas") as nas:
        vault.command("vaultkey", "holders", "add", vault.path, "usb", usb.path / "key")
        vault.command("vaultkey", "copies", "add", vault.path, "nas", nas.path)
        first = listed(vault, "copies")[0]["nas"]["copied"]
        usb.unmount()
        nas.unmount()
        done = vault.command("vaultkey", "copies", "update", vault.path, "--json", status=PARTLY)
        results = {result["name"]: result for result in json.loads(done.stdout)}
        assert results["host"]["outcome"] == "done" and results["host"]["reason"] is None
        assert {results[name]["outcome"] for name in ["usb", "nas"]} == {"away"}, results
        assert "mounted" in results["nas"]["reason"]
        assert not list(usb.path.iterdir()) and not list(nas.path.iterdir())
        # A disk in a safe is what it is meant to be.
        assert pair_exists(vault)
        assert listed(vault, "holders")[0]["usb"]["away"]
        refused = vault.command("vaultkey", "holders", "remove", vault.path, "usb", status=None)
        assert refused.returncode in [FAILED, REFUSED]
        usb.mount()
        nas.mount()
        text = vault.command("vaultkey", "copies", "update", vault.path).stdout.decode()
        assert text.count("done") == 3, text
        assert listed(vault, "copies")[0]["nas"]["copied"] >= first


def another_disk_at_the_mount_point_is_told_apart():
    vault = Vault(PROGRAMS)
    with Disk(vault, "rotated") as disk:
        vault.command("vaultkey", "copies", "add", vault.path, "monday", disk.path)
        monday = {file.name: file.read_bytes() for file in disk.path.iterdir()}
        for file in disk.path.iterdir():
            file.unlink()
        vault.command("vaultkey", "copies", "add", vault.path, "tuesday", disk.path)
        copies = listed(vault, "copies")[0]
        assert copies["tuesday"]["away"] is None and "another" in copies["monday"]["away"]
        vault.command("vaultkey", "copies", "update", vault.path, status=PARTLY)
        for name, content in monday.items():
            (disk.path / name).write_bytes(content)
        copies = listed(vault, "copies")[0]
        assert copies["monday"]["away"] is None and copies["tuesday"]["away"]


def escrow_and_copy_bring_the_vault_back():
    vault = Vault(PROGRAMS)
    escrow = make_escrow(vault)
    out, wrong = vault.folder / "opened.vaultkey", vault.folder / "wrong"
    wrong.write_text("another\n")
    with Disk(vault, "usb") as usb, Disk(vault, "nas") as nas:
        with Daemon(vault):
            vault.command("vaultkey", "holders", "add", vault.path, "safe", usb.path / "safe",
                          "--escrow", escrow / "escrow.pub")
            vault.command("vaultkey", "copies", "add", vault.path, "nas", nas.path)
            with Lmtp(vault.address) as client:
                client.deliver("a@b.example", ["new@example.com"], b"Subject: kept\r\n\r\nkept\r\n")
            vault.command("vaultkey", "copies", "update", vault.path)
        opening = ["vaultkey", "open", usb.path / "safe", "--out", out, "--escrow"]
        vault.command(*opening, escrow / "escrow", "--passphrase-file", wrong, status=FAILED)
        # Neither the master's file nor another escrow key does.
        vault.command(*opening, vault.master, "--passphrase-file", vault.passphrase, status=FAILED)
        vault.command(*opening, make_escrow(vault, "other") / "escrow", "--passphrase-file",
                      vault.passphrase, status=FAILED)
        assert not out.exists()
        vault.command(*opening, escrow / "escrow", "--passphrase-file", vault.passphrase)
        (copy,) = nas.path.iterdir()
        before = vault.restored()
        # The disk of the vault dies: the packs come from a backup, the rest from elsewhere.
        vault.key_path.unlink()
        for name in ["keyring.sqlite", "keyring.sqlite-wal", "keyring.sqlite-shm", "catalog.sqlite"]:
            (vault.path / name).unlink(missing_ok=True)
        shutil.copy(copy, vault.path / "keyring.sqlite")
        shutil.copy(out, vault.key_path)
        for path in [vault.path / "keyring.sqlite", vault.key_path]:
            os.chown(path, vault.path.stat().st_uid, vault.path.stat().st_gid)
        vault.command("rebuild", vault.path)
        mailboxes = json.loads(vault.command("mailbox", "list", vault.path, "--json").stdout)
        assert "new@example.com" in {mailbox["address"] for mailbox in mailboxes}, mailboxes
        assert vault.restored() == before


def shares_of(folder):
    return sorted(folder.glob("share-*.txt"))


def given(*sheets):
    return [word for sheet in sheets for word in ("--share", sheet)]


def words_alone(folder, sheet):
    """What a keeper types off his paper, in a file."""
    plain = folder / f"{sheet.parent.name}-{sheet.stem}.plain"
    plain.write_text(" ".join(line.split(": ")[1] for line in sheet.read_text().splitlines()
                              if line.startswith("words-")))
    return plain


def make_shared(vault, verb, name):
    folder = vault.folder / name
    vault.command(*verb, "create", "--out", folder, "--shares", "3", "--threshold", "2")
    return folder


def escrow_key_in_shares_opens_what_was_lost():
    vault = Vault(PROGRAMS)
    escrow = ["vaultkey", "escrow"]
    folder = make_shared(vault, escrow, "shared")
    sheets, out = shares_of(folder), vault.folder / "opened.vaultkey"
    public = folder / "escrow.pub"
    assert [path.name for path in folder.iterdir() if path not in sheets] == \
        ["escrow.pub.unconfirmed"], "there is more than the sheets before all were entered again"
    vault.command(*escrow, "confirm", folder, *given(*sheets[:2]), status=FAILED)
    assert not public.exists()
    vault.command(*escrow, "confirm", folder, *given(*sheets))
    assert public.exists()
    assert "the escrow key" in sheets[0].read_text()
    told = json.loads(vault.command(*escrow, "check-share", "--share", sheets[1], "--json").stdout)
    assert told["role"] == "escrow" and told["share"] == 2 and told["signed"]
    with Disk(vault, "usb") as usb:
        vault.command("vaultkey", "holders", "add", vault.path, "safe", usb.path / "safe",
                      "--escrow", public)
        key = vault.key_path.read_text()
        vault.key_path.unlink()
        opening = ["vaultkey", "open", usb.path / "safe", "--out", out]
        few = vault.command(*opening, *given(sheets[1]), status=FAILED)
        assert b"1 more of that set" in few.stderr, few.stderr
        other = shares_of(make_shared(vault, escrow, "other"))
        mixed = vault.command(*opening, *given(sheets[0], other[1]), status=FAILED)
        assert b"do not belong together" in mixed.stderr, mixed.stderr
        another = vault.command(*opening, *given(*other[:2]), status=FAILED)
        assert b"another escrow key" in another.stderr, another.stderr
        assert not out.exists()
        vault.command(*opening, status=2)
        vault.command(*opening, "--escrow", public, *given(*sheets), status=2)
        # By paper and by sheet; the new set of the same key opens it as well.
        vault.command(*opening, *given(words_alone(vault.folder, sheets[2]), sheets[0]))
        assert out.read_text() == key
        again = vault.folder / "again"
        vault.command(*escrow, "reshare", "--out", again, "--shares", "2", "--threshold", "2",
                      *given(*sheets[:2]))
        vault.command(*escrow, "confirm", again, *given(*shares_of(again)))
        assert (again / "escrow.pub").read_text() == public.read_text()
        out.unlink()
        vault.command(*opening, *given(*shares_of(again)))
        assert out.read_text() == key


def share_of_one_role_is_refused_in_the_other():
    vault = Vault(PROGRAMS)
    roles = {"a master key": ["master"], "an escrow key": ["vaultkey", "escrow"]}
    made = {key: make_shared(vault, verb, "made-" + verb[-1]) for key, verb in roles.items()}
    for wanted, verb in roles.items():
        (theirs,) = roles.keys() - {wanted}
        folder, sheets = made[wanted], shares_of(made[theirs])
        plain = [words_alone(vault.folder, sheet) for sheet in sheets]
        new = ["reshare", "--out", vault.folder / "new", "--shares", "2", "--threshold", "2"]
        for shares in [sheets, plain]:
            for words in [["confirm", folder, *given(*shares)], [*new, *given(*shares)],
                          ["check-share", *given(shares[0])],
                          ["sheet", "--out", vault.folder / "sheet", *given(shares[0])]]:
                message = vault.command(*verb, *words, status=FAILED).stderr.decode()
                assert f"share of {theirs} " in message and f"one of {wanted}" in message, message
        # Nor does its folder become one of the other role by another name.
        name = verb[-1]
        (unconfirmed,) = made[theirs].glob("*.unconfirmed")
        shutil.copy(unconfirmed, made[theirs] / f"{name}.pub.unconfirmed")
        message = vault.command(*verb, "confirm", made[theirs], *given(*sheets),
                                status=FAILED).stderr.decode()
        assert f"this set is of {theirs}, not of {wanted}" in message, message
        (made[theirs] / f"{name}.pub.unconfirmed").unlink()
        assert not list(folder.glob("*.pub")) and not (vault.folder / "new").exists()
        assert not (vault.folder / "sheet").exists()


def a_copy_lies_behind_ssh():
    vault = Vault(PROGRAMS)
    sshd = Sshd(PROGRAMS)
    folder = sshd.folder / "it's a copy"
    folder.mkdir()
    os.chown(folder, ACCOUNT_ID if sshd.has_own_account else os.getuid(), -1)
    programs = vault.folder / "bin"
    programs.mkdir()
    # Whose key and known hosts: what an administrator has in ~/.ssh.
    (programs / "ssh").write_text(f"#!/bin/sh\nexec {sshd.command.replace('ssh', shutil.which('ssh'), 1)}"
                                  ' "$@"\n')
    (programs / "ssh").chmod(0o755)
    env = {"PATH": f"{programs}:{os.environ['PATH']}"}
    quoted = str(folder).replace(" ", "%20")
    address = f"ssh://{sshd.account}@127.0.0.1:{sshd.port}{quoted}"
    vault.command("vaultkey", "copies", "add", vault.path, "far", address, env=env)
    (copy,) = folder.iterdir()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert copy.read_bytes()[:6] == b"SQLite" and copy.read_bytes()[-TRAILER_LEN:][:4] == b"MNKC"
    vault.command("vaultkey", "holders", "list", vault.path, env=env)
    vault.command("vaultkey", "copies", "update", vault.path, env=env)
    assert [path.name for path in folder.iterdir()] == [copy.name]
    # It counts as off the disk; the host's own key does not.
    assert not pair_exists(vault)
    again = vault.command("vaultkey", "copies", "add", vault.path, "far2", address, env=env,
                          status=FAILED)
    assert b"already" in again.stderr, again.stderr
    sshd.process.terminate()
    sshd.process.wait()
    done = vault.command("vaultkey", "copies", "update", vault.path, "--json", env=env,
                         status=PARTLY)
    assert {r["name"]: r["outcome"] for r in json.loads(done.stdout)}["far"] == "away", done.stdout
    sshd.start()
    sshd.allow('command="exit 1"')
    done = vault.command("vaultkey", "copies", "update", vault.path, env=env, status=PARTLY)
    assert b"far " in done.stdout and b"failed" in done.stdout, done.stdout
    sshd.allow()
    vault.command("vaultkey", "copies", "remove", vault.path, "far", env=env)
    assert not list(folder.iterdir())


@with_and_without_daemon
def declared_copies_are_listed(vault):
    declare = ["vaultkey", "declare", vault.path]
    vault.command(*declare, "vm", "--keep-days", "30")
    vault.command(*declare, "image", "--keep-days", "400", "--once")
    found = {d["name"]: d for d in json.loads(vault.command(*declare, "--json").stdout)}
    assert found["vm"]["keep_days"] == 30 and found["vm"]["last_made"] is None
    assert found["image"]["last_made"] == found["image"]["declared"]
    vault.command(*declare, "vm", "--keep-days", "10", status=REFUSED)
    vault.command(*declare, "vm", status=2)
    vault.command(*declare, "--keep-days", "10", status=2)
    vault.command(*declare, "vm", "--keep-days", "36501", status=2)
    assert b"again and again" in vault.command(*declare).stdout


def places_that_give_the_key_away_are_refused():
    vault = Vault(PROGRAMS)
    vault.command("vaultkey", "holders", "add", vault.path, "in", vault.path / "key",
                  status=REFUSED)
    vault.command("vaultkey", "copies", "add", vault.path, "in", vault.path / "packs",
                  status=REFUSED)
    vault.command("vaultkey", "holders", "add", vault.path, "same", vault.key_path, status=FAILED)
    vault.command("vaultkey", "holders", "add", vault.path, "m", vault.folder / "m", "--escrow",
                  vault.folder / "master" / "master.pub", status=FAILED)
    vault.command("vaultkey", "holders", "remove", vault.path, "host", status=REFUSED)
    vault.command("vaultkey", "holders", "add", vault.path, "gone", "/nonexistent/key", status=None)
    assert list(listed(vault, "holders")[0]) == ["host"]


if __name__ == "__main__":
    harness.run(
        a_pair_is_made_and_status_says_so,
        what_is_away_is_not_written_to_and_caught_up_with,
        another_disk_at_the_mount_point_is_told_apart,
        escrow_and_copy_bring_the_vault_back,
        escrow_key_in_shares_opens_what_was_lost,
        share_of_one_role_is_refused_in_the_other,
        a_copy_lies_behind_ssh,
        declared_copies_are_listed,
        places_that_give_the_key_away_are_refused,
    )
