"""A site of one person in one command: what is carried off is enough to read, by passphrase and by
the sheet; a step that fails leaves nothing; nobody's file is overwritten."""
import json
import os
import pathlib
import re
import stat
import tempfile

import harness
import mails
from harness import Daemon, Vault
from lmtp import Lmtp
from test_master import Terminal, errors

PROGRAMS = harness.build()
CARRIED = ["escrow-sheet.txt", "escrow.pub", "master", "master.pub", "reader.key", "reader.pub",
           "recovery-sheet.txt", "vaultkey", "vaultkey.escrow"]


class Site(Vault):
    """A folder with nothing but a passphrase file in it; what it needs of a Vault is made by setup."""

    def __init__(self):
        self.programs = PROGRAMS
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="muniment-test-"))
        harness.KEPT.append(self.folder)
        self.path = self.folder / "vault"
        self.key_path = self.folder / "vault.vaultkey"
        self.carried = self.folder / "vault.carry-off"
        self.passphrase = self.folder / "passphrase"
        self.passphrase.write_text(harness.PASSPHRASE)
        self.port = harness.free_port()

    def setup(self, *more, reader=("--reader-name", "Erika"), domain="example.com", **options):
        return self.command("setup", self.path, "--domain", domain, *reader, "--passphrase-file",
                            self.passphrase, *more, start_new_session=True, **options)

    def files(self):
        return sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob("*"))


def everything_is_made_and_read_again():
    site = Site()
    done = site.setup("--json")
    told = json.loads(done.stdout)
    assert sorted(p.name for p in site.carried.iterdir()) == CARRIED
    for path in [site.key_path, *(site.carried / n for n in CARRIED if not n.endswith(".pub"))]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert (site.carried / "vaultkey").read_bytes() == site.key_path.read_bytes()
    sheet = (site.carried / "recovery-sheet.txt").read_text()
    for fact in [told["vault_id"], told["fingerprint"], str(site.path), str(site.key_path)]:
        assert f" {fact}\n" in sheet, fact

    site.configure(listen=f"127.0.0.1:{site.port}", disk_reserve="16M")
    message = mails.ordinary(1)
    with Daemon(site), Lmtp(site.address) as client:
        (reply,) = client.deliver("s@b.test", ["anna@example.com"], message)
    request = site.folder / "r.request"
    site.command("request", site.path, "--case", "1", "--reason", "x", "--all", "--from", "1980-01",
                 "--to", "2099-12", "--for", told["reader_public"], "--out", request)
    keys = {"typed": ("--master", told["master"], "--passphrase-file", site.passphrase),
            "sheet": ("--share", told["sheet"])}
    for name, key in keys.items():
        grant, out = site.folder / f"{name}.grant", site.folder / name
        site.command("grant", request, *key, "--out", grant)
        site.command("restore", site.path, "--grant", grant, "--identity", told["reader_secret"],
                     "--all", "--format", "eml", "--out", out)
        found, = out.rglob("*.eml")
        assert found.stem == reply.archive_id and found.read_bytes() == message


def what_to_carry_off_is_said():
    site = Site()
    text = site.setup().stdout.decode()
    held = json.loads(site.command("vaultkey", "holders", "list", site.path, "--json").stdout)
    assert [(h["name"], h["place"], h["generations"]) for h in held["holders"]][1:] == \
        [("carry-off", str(site.carried / "vaultkey"), [1]),
         ("escrow", str(site.carried / "vaultkey.escrow"), [1])], held
    assert f"Carry off this host, all of it: {site.carried}" in text, text
    for name in ["master, master.pub", "reader.key, reader.pub", "vaultkey", "recovery-sheet.txt",
                 "vaultkey.escrow", "escrow-sheet.txt", "escrow.pub"]:
        assert f"\n  {name} " in text, name


def second_envelope_gives_the_vault_key_and_nothing_else():
    site = Site()
    told = json.loads(site.setup("--json").stdout)
    out = site.folder / "opened"
    opening = ["vaultkey", "open", told["vault_key_escrow"], "--out", out, "--share"]
    done = site.command(*opening, told["sheet"], status=1)
    assert "a share of a master key" in errors(done), errors(done)
    site.command(*opening, told["escrow_sheet"])
    assert out.read_bytes() == site.key_path.read_bytes()
    text = pathlib.Path(told["escrow_sheet"]).read_text()
    for fact in [told["vault_id"], str(site.path)]:
        assert f" {fact}\n" in text, fact
    fingerprint, = re.findall(r"^fingerprint: (.*)$", pathlib.Path(told["escrow_public"]).read_text(),
                              re.M)
    assert f"# {'    escrow key      '}{fingerprint}\n" in text, text
    # Further holders are sealed to it.
    site.command("vaultkey", "holders", "add", site.path, "more", site.folder / "more", "--escrow",
                 told["escrow_public"])


def reader_who_has_an_identity_keeps_it():
    site = Site()
    site.command("identity", "create", "--out", site.folder / "alice.key")
    own = ("--for", site.folder / "alice.pub")
    told = json.loads(site.setup("--json", reader=own).stdout)
    assert told["reader_public"] == str(site.folder / "alice.pub") and "reader_secret" not in told
    assert not (site.carried / "reader.key").exists()


def passphrase_is_asked_for_twice():
    site = Site()
    terminal = Terminal("setup", site.path, "--domain", "example.com", "--reader-name", "Erika")
    terminal.expect(b"New passphrase for the master key: ")
    assert not terminal.has_echo()
    terminal.type(b"correct horse\n")
    terminal.expect(b"The same passphrase again: ")
    terminal.type(b"correct hoarse\n")
    terminal.expect(b"that is another passphrase")
    terminal.expect(b"The same passphrase again: ")
    terminal.type(b"correct horse\n")
    shown, status = terminal.finish()
    assert status == 0, shown
    assert sorted(p.name for p in site.carried.iterdir()) == CARRIED


def refused(site, *words, status=1, **options):
    """Setup fails, and all is as it was before; gives the message."""
    before = {p: p.read_bytes() if p.is_file() else None for p in site.folder.rglob("*")}
    done = site.setup(*words, status=status, **options)
    after = {p: p.read_bytes() if p.is_file() else None for p in site.folder.rglob("*")}
    assert before == after, f"left: {set(after) ^ set(before)}"
    assert not done.stdout, done.stdout
    return errors(done)


def nothing_is_left_when_a_step_fails():
    site = Site()
    empty = site.folder / "empty"
    empty.write_text("")
    assert "empty" in refused(site, "--passphrase-file", empty)
    assert "--domain" in refused(site, domain="not a domain", status=2)
    refused(site, reader=("--reader-name", "a\nb"))
    refused(site, reader=("--for", site.passphrase))
    refused(site, "--vaultkey", site.folder / "nowhere" / "key")
    refused(site, "--vaultkey", site.path / "inside", status=4)
    # The recovery sheet is the last that is made, after that of the escrow key: all else is there
    # by then.
    tools = site.folder / "tools"
    tools.mkdir()
    called = pathlib.Path(tempfile.mkdtemp(prefix="muniment-test-")) / "called"
    harness.KEPT.append(called.parent)
    (tools / "qrencode").write_text(f"#!/bin/sh\ncat >/dev/null; mkdir {called}\n")
    (tools / "qrencode").chmod(0o755)
    message = refused(site, env={"PATH": f"{tools}:{os.environ['PATH']}"})
    assert "qrencode failed" in message and called.exists(), message
    site.setup()


def nothing_of_the_user_is_overwritten():
    site = Site()
    for name in CARRIED:
        site.carried.mkdir()
        (site.carried / name).write_text("mine\n")
        message = refused(site)
        assert str(site.carried) in message and "master" in message or name in message, message
        (site.carried / name).unlink()
        site.carried.rmdir()
    site.key_path.write_text("mine\n")
    assert str(site.key_path) in refused(site)
    site.key_path.unlink()
    site.path.mkdir()
    (site.path / "mine").write_text("mine\n")
    assert "not empty" in refused(site)


def wrong_words_are_usage_errors():
    site = Site()
    refused(site, status=2, reader=())
    refused(site, status=2, reader=("--reader-name", "E", "--for", site.passphrase))
    refused(site, "--vaultkey", "tpm:device:/dev/tpmrm0", status=2)
    site.command("setup", site.path, "--reader-name", "E", status=2)
    site.command("setup", "--domain", "example.com", "--reader-name", "E", status=2)


def vault_of_root_belongs_to_the_folders_owner():
    harness.need_root()
    site = Site()
    site.folder.chmod(0o711)
    home = site.folder / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    site.path = home / "vault"
    site.carried = site.folder / "stick"
    site.setup("--out", site.carried)
    for path in [site.path, *site.path.rglob("*"), home / "vault.vaultkey"]:
        assert path.stat().st_uid == 65534, path
    for path in [site.carried, *site.carried.iterdir()]:
        assert path.stat().st_uid == 0, path


if __name__ == "__main__":
    harness.run(everything_is_made_and_read_again, what_to_carry_off_is_said,
                second_envelope_gives_the_vault_key_and_nothing_else,
                reader_who_has_an_identity_keeps_it, passphrase_is_asked_for_twice,
                nothing_is_left_when_a_step_fails, nothing_of_the_user_is_overwritten,
                wrong_words_are_usage_errors, vault_of_root_belongs_to_the_folders_owner)
