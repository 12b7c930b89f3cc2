"""The contract of the `muniment` command: help for each verb, exit statuses, nothing of a user's
overwritten, secrets from files only."""
import json
import os
import re
import subprocess

import harness
import mails
from harness import Daemon, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
VERBS = ["setup", "master create", "master drill", "init", "identity create", "request", "approve",
         "grant", "reader add", "reader list", "reader remove", "policy show", "policy set",
         "drill challenge", "drill take", "restore", "import",
         "mailbox list", "mailbox show", "message", "status", "verify", "rebuild", "log list",
         "log verify", "log prove", "log checkpoint", "log rotate-key", "log stamp", "check", "witness",
         "witness create"]
USAGE, FAILED, NOTHING = 2, 1, 3
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}


class Shared:
    """One vault for the cases that change nothing of it: making one takes its time."""
    vault = None

    @classmethod
    def get(cls):
        if cls.vault is None:
            cls.vault = Vault(PROGRAMS)
            harness.share(cls.vault)
        return cls.vault


def every_verb_has_help():
    vault = Shared.get()
    listing = vault.command("--help").stdout.decode()
    for verb in VERBS:
        assert verb.split()[0] in listing, f"{verb} is not listed"
        text = vault.command(*verb.split(), "--help").stdout.decode()
        assert "Usage" in text and len(text) > 100, f"{verb}: {text}"


def mistakes_in_usage_are_status_2():
    vault = Shared.get()
    vault.command(status=USAGE)
    vault.command("nosuchverb", status=USAGE)
    for verb in VERBS:
        vault.command(*verb.split(), "--no-such-option", status=USAGE)
    vault.command("init", status=USAGE)
    vault.command("request", vault.path, status=USAGE)
    vault.command("grant", status=USAGE)


def missing_vault_is_status_1():
    vault = Shared.get()
    nowhere = vault.folder / "nowhere"
    for words in [("status",), ("verify",), ("rebuild",), ("mailbox", "list")]:
        done = vault.command(*words, nowhere, status=FAILED)
        assert str(nowhere).encode() in done.stderr, done
    assert not nowhere.exists(), "a reading verb made a folder"


def nothing_of_the_user_is_overwritten():
    vault = Vault(PROGRAMS)
    before = {p: p.read_bytes() for p in vault.folder.rglob("*") if p.is_file()}
    vault.command("master", "create", "--out", vault.folder / "master", "--passphrase-file",
                  vault.passphrase, status=FAILED)
    vault.command("identity", "create", "--out", vault.folder / "reader.key", status=FAILED)
    done = vault.command("init", vault.path, "--master", vault.folder / "master" / "master.pub",
                         status=None)
    assert done.returncode in (1, 4)
    after = {p: p.read_bytes() for p in vault.folder.rglob("*") if p.is_file()}
    assert before == after


def secret_files_are_private():
    vault = Shared.get()
    for path in [vault.master, vault.folder / "reader.key", vault.key_path]:
        assert os.stat(path).st_mode & 0o077 == 0, path
    for path in vault.path.rglob("*"):
        assert os.stat(path).st_mode & 0o002 == 0, f"{path} is writable by all"


def status_and_mailboxes_are_told():
    vault = Vault(PROGRAMS)
    with Daemon(vault), Lmtp(vault.address) as client:
        (reply,) = client.deliver("s@b.test", ["anna@example.com"], mails.ordinary(1))
    status = json.loads(vault.command("status", vault.path, "--json").stdout)
    assert "message" in json.dumps(status)
    assert vault.command("status", vault.path).stdout
    assert b"anna@example.com" in vault.command("mailbox", "list", vault.path).stdout
    assert b"anna@example.com" in vault.command("mailbox", "show", vault.path,
                                                "anna@example.com").stdout
    vault.command("mailbox", "show", vault.path, "nobody@example.com", status=NOTHING)
    shown = vault.command("message", vault.path, reply.archive_id).stdout.decode()
    assert reply.archive_id in shown and "anna@example.com" in shown
    vault.command("message", vault.path, "0" * 32, status=NOTHING)


def init_writes_a_commented_and_valid_configuration():
    vault = Shared.get()
    text = vault.config.read_text()
    for line in ["[lmtp]", "[mailboxes]", "[limits]"]:
        assert line in text.split("\n"), line
    for key in ["listen", "tls", "certificate", "private_key", "client_ca", "allow", "domains",
                "memory", "message", "disk_reserve"]:
        assert re.search(rf"^{key}=", text, re.M), key
    assert sum(line.startswith("#") for line in text.split("\n")) > 20


def request_for_what_is_not_there_is_status_3():
    vault = Shared.get()
    vault.command("request", vault.path, "--case", "c", "--reason", "r", "--mailbox",
                  "nobody@example.com", "--from", "2020-01", "--to", "2030-01", "--for",
                  vault.folder / "reader.pub", "--out", vault.folder / "r.request", status=NOTHING)
    assert not (vault.folder / "r.request").exists()


def asks(vault, *words):
    """A request for all, with `words` added; an option given twice holds as it was given last."""
    return ("request", vault.path, "--case", "c", "--reason", "r", "--all", "--from", "2020-01",
            "--to", "2030-01", "--for", vault.folder / "reader.pub", "--out",
            vault.folder / "new.request", *words)


def expect(vault, status, text, *words, **options):
    done = vault.command(*words, status=status, **options)
    assert text.encode() in done.stderr, f"{words}: no {text!r} in {done.stderr.decode()}"
    return done


def mistakes_are_told_with_what_to_do():
    vault = Shared.get()
    public, new = vault.folder / "master" / "master.pub", vault.folder / "new"
    (vault.folder / "empty").write_text("# nothing\n")
    (vault.folder / "blank").write_text("\n")
    (vault.folder / "list").write_text("0" * 32 + " one\nno id\n")
    for status, text, *words in [
            (USAGE, "--domain", "init", new, "--master", public, "--domain", "exa mple"),
            (FAILED, "there is no folder", "init", new / "vault", "--master", public),
            (FAILED, "--vaultkey", "init", new, "--master", public, "--vaultkey", vault.key_path),
            (FAILED, "master-public", "init", new, "--master", vault.master),
            (USAGE, "archive id", "message", vault.path, "no-id"),
            (USAGE, "archive id", *asks(vault, "--message", "no-id")),
            (NOTHING, "0" * 32, *asks(vault, "--message", "0" * 32)),
            (FAILED, "names no message", *asks(vault, "--result", vault.folder / "blank")),
            (FAILED, "line 2", *asks(vault, "--result", vault.folder / "list")),
            (USAGE, "--all", *asks(vault, "--mailbox", "a@example.com")),
            (USAGE, "one line", *asks(vault, "--reason", "two\nlines")),
            (USAGE, "one line", *asks(vault, "--case", "\033[31m")),
            (USAGE, "--from", *asks(vault, "--from", "yesterday")),
            (USAGE, "past", *asks(vault, "--expires", "2020-01")),
            (FAILED, "names no mailbox", *(w for w in asks(
                vault, "--mailbox-file", vault.folder / "empty") if w != "--all")),
            (FAILED, "no vault", "status", vault.folder / "nowhere"),
            (FAILED, "is no vault", "status", public),
            (FAILED, "is no vault", "verify", public)]:
        expect(vault, status, text, *words)
    assert not new.exists() and not (vault.folder / "new.request").exists()


def files_that_are_there_are_named_and_kept():
    vault = Shared.get()
    vault.command(*asks(vault))
    before = (vault.folder / "new.request").read_bytes()
    expect(vault, FAILED, "not overwritten", *asks(vault))
    assert (vault.folder / "new.request").read_bytes() == before
    (vault.folder / "new.request").unlink()


def what_does_not_get_out_is_a_failure():
    vault = Shared.get()
    for words in [("status",), ("verify",), ("mailbox", "list"), ("mailbox", "list", "--json")]:
        with open("/dev/full", "wb") as full:
            done = subprocess.run([vault.programs.muniment, *words, vault.path], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        assert done.returncode == FAILED and b"standard output" in done.stderr, (words, done)


def names_do_not_reach_the_terminal_as_they_are():
    vault = Shared.get()
    (vault.folder / "junk\033[31m").write_text("no mail")
    done = vault.command("import", vault.path, vault.folder / "junk\033[31m", status=NOTHING)
    assert b"junk" in done.stderr and b"\033" not in done.stderr, done


def import_without_a_mailbox_says_where_it_went():
    vault = Vault(PROGRAMS)
    (vault.folder / "one.eml").write_bytes(mails.ordinary(1))
    done = vault.command("import", vault.path, vault.folder / "one.eml")
    assert b"unassigned" in done.stdout, done
    with Daemon(vault):
        done = vault.command("import", "--json", vault.path, vault.folder / "one.eml")
    assert json.loads(done.stdout)["unassigned"] == 1, done


def vault_that_is_closed_to_a_user_says_so():
    harness.need_root()
    vault = Shared.get()
    for mode in (0o700, 0o755):
        for words in [("status", vault.path), ("verify", vault.path), ("rebuild", vault.path),
                      ("mailbox", "list", vault.path), ("import", vault.path, "/dev/null")]:
            vault.folder.chmod(mode)
            try:
                expect(vault, FAILED, "closed to this user", *words, **NOBODY)
            except PermissionError:
                raise harness.Skip("another user cannot run these programs here") from None
            finally:
                vault.folder.chmod(0o700)


def damaged_catalog_is_made_anew_and_told_in_plain_words():
    vault = Vault(PROGRAMS)
    for path in vault.path.glob("catalog.sqlite*"):
        path.unlink()
    (vault.path / "catalog.sqlite").write_bytes(b"garbage!" * 1000)
    done = vault.command("mailbox", "list", vault.path)
    assert done.stderr.startswith(b"muniment mailbox list: /") and b"**" not in done.stderr, done
    assert b"unassigned" in done.stdout


def json_of_every_verb_is_json():
    vault = Vault(PROGRAMS)
    with Daemon(vault), Lmtp(vault.address) as client:
        (reply,) = client.deliver("s@b.test", ["anna@example.com"], mails.ordinary(1))
        running = json.loads(vault.command("status", vault.path, "--json").stdout)
    assert running["running"] and not vault.status()["running"]
    grant = vault.folder / "j.grant"
    for words in [("master", "create", "--out", vault.folder / "m2", "--passphrase-file",
                   vault.passphrase),
                  ("identity", "create", "--out", vault.folder / "j.key"),
                  ("init", vault.folder / "v2", "--master", vault.folder / "master" / "master.pub"),
                  asks(vault),
                  ("grant", vault.folder / "new.request", "--master", vault.master,
                   "--passphrase-file", vault.passphrase, "--out", grant),
                  ("restore", vault.path, "--grant", grant, "--identity",
                   vault.folder / "reader.key", "--all", "--format", "eml", "--out",
                   vault.folder / "out"),
                  ("mailbox", "list", vault.path), ("mailbox", "show", vault.path, "unassigned"),
                  ("message", vault.path, reply.archive_id), ("verify", vault.path),
                  ("verify", vault.path, "--deep"), ("rebuild", vault.path)]:
        told = json.loads(vault.command(*words, "--json").stdout)
        if isinstance(told, dict) and "expires" in told:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["expires"]), told


if __name__ == "__main__":
    harness.run(mistakes_are_told_with_what_to_do, files_that_are_there_are_named_and_kept,
                what_does_not_get_out_is_a_failure, names_do_not_reach_the_terminal_as_they_are,
                import_without_a_mailbox_says_where_it_went,
                vault_that_is_closed_to_a_user_says_so,
                damaged_catalog_is_made_anew_and_told_in_plain_words, json_of_every_verb_is_json,
                every_verb_has_help, mistakes_in_usage_are_status_2, missing_vault_is_status_1,
                nothing_of_the_user_is_overwritten, secret_files_are_private,
                status_and_mailboxes_are_told, init_writes_a_commented_and_valid_configuration,
                request_for_what_is_not_there_is_status_3)
