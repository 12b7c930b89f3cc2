"""The vault key in a TPM 2.0 (an emulated one): as a further holder, and as the host's own, from which
the daemon starts; what is destroyed is gone from the TPM, and nobody else's memory is touched."""
import json
import shutil
import subprocess

import harness
from harness import Daemon, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
FAILED, REFUSED = 1, 4
RECORD_LEN = 57


class Tpm:
    """Keeps its memory in a folder: it can be switched off and on again."""

    def __init__(self, folder, name):
        harness.need_program("swtpm", "tpm2_getcap", "tpm2_nvdefine", "tpm2_changeauth")
        self.folder = folder / name
        self.folder.mkdir()
        self.switch_on()

    def switch_on(self, flags="not-need-init,startup-clear"):
        for _ in range(20):
            # The control port is the next one, what tpm2-tss expects: somebody may have that.
            self.port = harness.free_port()
            self.process = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder}",
                 "--server", f"type=tcp,port={self.port},bindaddr=127.0.0.1",
                 "--ctrl", f"type=tcp,port={self.port + 1},bindaddr=127.0.0.1",
                 "--flags", flags])
            harness.eventually("the TPM answers, or ended",
                               lambda: self.process.poll() is not None or self.answers())
            if self.process.poll() is None:
                return
        raise AssertionError("swtpm does not start")

    def answers(self):
        done = self.tool("getcap", "handles-nv-index", check=False)
        return done.returncode == 0 or "0x100" in done.stderr

    def switch_off(self):
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.switch_off()

    @property
    def tcti(self):
        return f"swtpm:host=127.0.0.1,port={self.port}"

    @property
    def place(self):
        return "tpm:" + self.tcti

    def tool(self, name, *words, check=True):
        return subprocess.run([f"tpm2_{name}", "-T", self.tcti, *map(str, words)], check=check,
                              capture_output=True, text=True, timeout=30)

    def indices(self):
        listed = self.tool("getcap", "handles-nv-index").stdout
        return sorted(int(line.split("0x")[1], 16) for line in listed.splitlines() if "0x" in line)

    def content(self, index):
        return subprocess.run(["tpm2_nvread", "-T", self.tcti, "-C", "o", hex(index)], check=True,
                              capture_output=True).stdout


def holders(vault):
    found = json.loads(vault.command("vaultkey", "holders", "list", vault.path, "--json").stdout)
    return {entry["name"]: entry for entry in found["holders"]}


def vault_id(vault):
    return bytes.fromhex(vault.status()["vault"]["id"].replace("-", ""))


def first_slot(vault):
    return 0x01800000 | int.from_bytes(vault_id(vault)[:4], "big") & 0x3ffffc


def made(tpm, vault, name="vault"):
    """A vault whose key is in the TPM and nowhere else."""
    vault.path = vault.folder / name
    vault.command("init", vault.path, "--master", vault.folder / "master" / "master.pub", "--domain",
                  "example.com", "--vaultkey", tpm.place)
    vault.configure(listen=f"127.0.0.1:{vault.port}", disk_reserve="16M")


def further_holder_keeps_what_is_there_and_forgets_what_goes():
    vault = Vault(PROGRAMS)
    with Tpm(vault.folder, "tpm") as tpm:
        vault.command("vaultkey", "holders", "add", vault.path, "chip", tpm.place)
        chip = holders(vault)["chip"]
        assert (chip["kind"], chip["place"], chip["generations"], chip["away"]) == \
            ("tpm", tpm.place, [1], None), chip
        assert chip["off_disk"]
        (index,) = tpm.indices()
        record = tpm.content(index)
        key = bytes.fromhex(vault.key_path.read_text().split()[5])
        assert index == first_slot(vault) and len(record) == RECORD_LEN
        assert record[:5] == b"MNVK\x01" and record[5:21] == vault_id(vault)
        assert record[21:] == b"\0\0\0\1" + key
        vault.command("vaultkey", "holders", "add", vault.path, "again", tpm.place, status=FAILED)
        vault.command("vaultkey", "roll", vault.path, "--reason", "test")
        (index,) = tpm.indices()
        assert tpm.content(index)[21:25] == b"\0\0\0\2", "the next key is not there"
        assert holders(vault)["chip"]["generations"] == [2] == holders(vault)["host"]["generations"]
        vault.command("vaultkey", "holders", "remove", vault.path, "chip")
        assert tpm.indices() == []
        assert list(holders(vault)) == ["host"]


def tpm_that_is_off_or_another_is_away():
    vault = Vault(PROGRAMS)
    with Tpm(vault.folder, "tpm") as tpm:
        place = tpm.place
        vault.command("vaultkey", "holders", "add", vault.path, "chip", place)
        tpm.switch_off()
        chip = holders(vault)["chip"]
        assert "no TPM answers" in chip["away"] and chip["generations"] == [1], chip
        done = vault.command("vaultkey", "holders", "list", vault.path)
        assert b"ERROR:" not in done.stderr, done.stderr
        vault.command("vaultkey", "holders", "add", vault.path, "more", place, status=FAILED)
        assert list(holders(vault)) == ["host", "chip"]
        # Another TPM at its place gets no key by itself.
        with Tpm(vault.folder, "other") as other:
            vault.command("vaultkey", "holders", "add", vault.path, "other", other.place)
            other.tool("clear", "-c", "p")
            assert other.indices() == []
            assert "cleared" in holders(vault)["other"]["away"]
            vault.command("vaultkey", "copies", "update", vault.path, status=None)
            assert other.indices() == []
        # One that was never started up answers, and does nothing.
        tpm.switch_on(flags="not-need-init")
        refused = vault.command("vaultkey", "holders", "add", vault.path, "more", tpm.place,
                                status=FAILED)
        assert b"the TPM could not" in refused.stderr, refused.stderr


def keys_that_are_not_as_they_were_left_are_not_overwritten():
    vault = Vault(PROGRAMS)
    adding = ["vaultkey", "holders", "add", vault.path, "chip"]
    with Tpm(vault.folder, "tpm") as tpm:
        vault.command(*adding, tpm.place)
        tpm.switch_off()
        vault.command("vaultkey", "holders", "remove", vault.path, "chip", "--lost")
        vault.command("vaultkey", "roll", vault.path, "--reason", "test")
        tpm.switch_on()
        (index,) = tpm.indices()
        older = tpm.content(index)
        refused = vault.command(*adding, tpm.place, status=FAILED)
        assert b"has a key of this vault already" in refused.stderr, refused.stderr
        assert tpm.content(index) == older
        tpm.tool("nvundefine", "-C", "o", hex(index))
        vault.command(*adding, tpm.place)
        # Two of one generation.
        copy = vault.folder / "copy"
        copy.write_bytes(tpm.content(index))
        tpm.tool("nvdefine", "-C", "o", "-s", RECORD_LEN, "-a",
                 "ownerread|ownerwrite|authread|authwrite|no_da", hex(index + 1))
        tpm.tool("nvwrite", "-C", "o", "-i", copy, hex(index + 1))
        assert "one generation" in holders(vault)["chip"]["away"]


def full_tpm_is_said():
    vault = Vault(PROGRAMS)
    with Tpm(vault.folder, "tpm") as tpm:
        for index in range(0x1810000, 0x1810200):
            if tpm.tool("nvdefine", "-C", "o", "-s", 2048, "-a", "ownerread|ownerwrite", hex(index),
                        check=False).returncode != 0:
                break
        for index in range(0x1820000, 0x1820200):
            if tpm.tool("nvdefine", "-C", "o", "-s", 8, "-a", "ownerread|ownerwrite", hex(index),
                        check=False).returncode != 0:
                break
        full = vault.command("vaultkey", "holders", "add", vault.path, "chip", tpm.place,
                             status=FAILED)
        assert b"no NV memory is left" in full.stderr, full.stderr
        assert list(holders(vault)) == ["host"]


def daemon_starts_from_a_tpm_and_a_copied_disk_has_no_key():
    vault = Vault(PROGRAMS)
    with Tpm(vault.folder, "tpm") as tpm:
        made(tpm, vault, "sealed")
        assert not list(vault.folder.glob("sealed*vaultkey"))
        key = tpm.content(tpm.indices()[0])[25:]
        for file in vault.path.rglob("*"):
            assert not file.is_file() or key not in file.read_bytes(), file
        with Daemon(vault), Lmtp(vault.address) as client:
            (reply,) = client.deliver("a@b.test", ["anna@example.com"], b"Subject: x\r\n\r\nx\r\n")
            vault.command("vaultkey", "roll", vault.path, "--reason", "test")
            assert holders(vault)["host"]["kind"] == "tpm"
            assert holders(vault)["host"]["generations"] == [2]
        (index,) = tpm.indices()
        assert tpm.content(index)[25:] != key
        assert reply.archive_id in {name for name in vault.restored()}
        tpm.switch_off()
        refused = vault.command("mailbox", "list", vault.path, status=FAILED)
        assert b"the vault key cannot be read" in refused.stderr, refused.stderr
        tpm.switch_on()


def failed_init_leaves_nothing_in_the_tpm():
    vault = Vault(PROGRAMS)
    with Tpm(vault.folder, "tpm") as tpm:
        vault.path = vault.folder / "new"
        vault.path.mkdir()
        (vault.path / "mine").write_text("mine")
        vault.command("init", vault.path, "--master", vault.folder / "master" / "master.pub",
                      "--domain", "example.com", "--vaultkey", tpm.place, status=FAILED)
        vault.command("init", vault.folder / "n2", "--master", vault.folder / "master" / "master.pub",
                      "--domain", "example.com", "--vaultkey", "tpm:cmd:touch " +
                      str(vault.folder / "started"), status=FAILED)
        assert tpm.indices() == [] and not (vault.folder / "started").exists()
        assert not (vault.folder / "n2").exists()


def memory_of_others_is_left_alone():
    vault = Vault(PROGRAMS)
    with Tpm(vault.folder, "tpm") as tpm:
        first = first_slot(vault)
        theirs = [first, first + 2, first + 4]
        for index in theirs:
            tpm.tool("nvdefine", "-C", "o", "-s", RECORD_LEN, "-a", "ownerread|ownerwrite",
                     hex(index))
        # What a crash left between making and writing is ours, and made anew.
        tpm.tool("nvdefine", "-C", "o", "-s", RECORD_LEN, "-a",
                 "ownerread|ownerwrite|authread|authwrite|no_da", hex(first + 1))
        vault.command("vaultkey", "holders", "add", vault.path, "chip", tpm.place)
        assert tpm.content(first + 1)[:4] == b"MNVK"
        vault.command("vaultkey", "roll", vault.path, "--reason", "test")
        assert tpm.content(first + 3)[:4] == b"MNVK" and tpm.indices() == sorted([*theirs, first + 3])
        vault.command("vaultkey", "holders", "remove", vault.path, "chip")
        assert tpm.indices() == theirs
        for index in [first + 1, first + 3]:
            tpm.tool("nvdefine", "-C", "o", "-s", 8, "-a", "ownerread|ownerwrite", hex(index))
        full = vault.command("vaultkey", "holders", "add", vault.path, "chip", tpm.place,
                             status=FAILED)
        assert b"taken by something else" in full.stderr, full.stderr


def password_of_the_owner_is_refused_and_said():
    vault = Vault(PROGRAMS)
    with Tpm(vault.folder, "tpm") as tpm:
        tpm.tool("changeauth", "-c", "owner", "secret")
        refused = vault.command("vaultkey", "holders", "add", vault.path, "chip", tpm.place,
                                status=REFUSED)
        assert b"password" in refused.stderr, refused.stderr
        assert list(holders(vault)) == ["host"] and tpm.indices() == []


def backup_is_recovered_with_the_key_of_a_tpm():
    vault = Vault(PROGRAMS)
    with Tpm(vault.folder, "tpm") as tpm:
        vault.command("vaultkey", "holders", "add", vault.path, "chip", tpm.place)
        with Daemon(vault), Lmtp(vault.address) as client:
            client.deliver("a@b.test", ["anna@example.com"], b"Subject: x\r\n\r\nx\r\n")
        before = vault.restored()
        key = vault.key_path.read_bytes()
        vault.command("backup", vault.path, vault.folder / "backup")
        shutil.rmtree(vault.path)
        vault.key_path.unlink()
        vault.command("recover", vault.folder / "backup", vault.path, "--vaultkey", tpm.place)
        assert vault.key_path.read_bytes() == key
        assert vault.restored() == before


if __name__ == "__main__":
    harness.run(further_holder_keeps_what_is_there_and_forgets_what_goes,
                tpm_that_is_off_or_another_is_away,
                keys_that_are_not_as_they_were_left_are_not_overwritten, full_tpm_is_said,
                daemon_starts_from_a_tpm_and_a_copied_disk_has_no_key,
                failed_init_leaves_nothing_in_the_tpm, memory_of_others_is_left_alone,
                password_of_the_owner_is_refused_and_said,
                backup_is_recovered_with_the_key_of_a_tpm)
