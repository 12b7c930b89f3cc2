"""What a monitoring system asks: `status --check` says nothing of a vault that is well, and names each
thing that is not, with the daemon and without it."""
import json
import shutil

import harness
from harness import Daemon, Ledger, Vault, eventually
from test_backup import backup, deliver
from test_custody import Disk, make_escrow

PROGRAMS = harness.build()
FAILED = 1


def problems(vault):
    """Memory that cannot be locked is this host's, not the test's."""
    done = vault.command("status", vault.path, "--check", "--json", status=None)
    found = json.loads(done.stdout)["problems"]
    assert done.returncode == (FAILED if found else 0), (done.returncode, found)
    lines = vault.command("status", vault.path, "--check", status=None).stdout.decode().splitlines()
    assert lines == (found or ["all well"]), (lines, found)
    return [problem for problem in found if "memory is not locked" not in problem]


def make_pair(vault, usb, nas):
    vault.command("vaultkey", "holders", "add", vault.path, "safe", usb.path / "safe", "--escrow",
                  make_escrow(vault) / "escrow.pub")
    vault.command("vaultkey", "copies", "add", vault.path, "nas", nas.path)


def each_thing_that_is_missing_is_named_until_it_is_there():
    vault, ledger = Vault(PROGRAMS), Ledger()
    found = problems(vault)
    assert len(found) == 2 and "no pair exists" in found[0] and "does not run" in found[1], found
    with Disk(vault, "usb") as usb, Disk(vault, "nas") as nas, Daemon(vault):
        deliver(vault, range(3), ledger)
        eventually("three are there", lambda: vault.status()["vault"]["messages"] == 3)
        found = problems(vault)
        assert len(found) == 3 and all("muniment " in problem for problem in found), found
        make_pair(vault, usb, nas)
        (first, second) = problems(vault)
        assert "no backup was made" in first and "no recovery was tried" in second
        place = vault.folder / "backup"
        backup(vault, place)
        assert len(problems(vault)) == 1
        vault.command("recover", place, vault.path, "--vaultkey", vault.key_path, "--drill")
        assert problems(vault) == []


def log_that_cannot_be_verified_and_an_idle_holder_are_named():
    vault, ledger = Vault(PROGRAMS), Ledger()
    with Daemon(vault):
        deliver(vault, range(3), ledger)
    before = problems(vault)
    vault.command("vaultkey", "holders", "add", vault.path, "near", vault.folder / "near")
    (near,) = set(problems(vault)) - set(before)
    assert "holder near is a plain file on the vault's disk" in near
    (path,) = (path for path in (vault.path / "log" / "archive" / "tile" / "entries").rglob("*")
               if path.is_file())
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert any("muniment log verify" in problem for problem in problems(vault)), problems(vault)


def helper_that_is_missing_is_named():
    """A daemon that was copied without what belongs to it takes mail, and says what it cannot."""
    vault = Vault(PROGRAMS)
    alone = vault.folder / "archived"
    shutil.copy(PROGRAMS.archived, alone)
    with Daemon(vault):
        assert not any("documents" in problem for problem in problems(vault)), problems(vault)
        assert vault.status()["extraction"]["enabled"] is True
        assert "Documents:      0 attached" in vault.command("status", vault.path).stdout.decode()
    with Daemon(vault, program=alone) as daemon:
        (found,) = (problem for problem in problems(vault) if "documents" in problem)
        assert "muniment-extract is not there" in found, found
        assert "attached documents are not read" in daemon.log_text()
    harness.set_keys(vault.config, {"extract": "no"})
    with Daemon(vault, program=alone) as daemon:
        assert not any("documents" in problem for problem in problems(vault)), problems(vault)
        assert "extract=no" in vault.command("status", vault.path).stdout.decode()


if __name__ == "__main__":
    harness.run(each_thing_that_is_missing_is_named_until_it_is_there,
                log_that_cannot_be_verified_and_an_idle_holder_are_named,
                helper_that_is_missing_is_named)
