"""The contract of the `muniment` command: help for each verb, exit statuses, nothing of a user's
overwritten, secrets from files only."""
import json
import os
import re

import harness
import mails
from harness import Daemon, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
VERBS = ["master create", "init", "identity create", "request", "approve", "grant", "policy show",
         "policy set", "restore", "import", "mailbox list", "mailbox show", "message", "status",
         "verify", "rebuild"]
USAGE, FAILED, NOTHING = 2, 1, 3


def every_verb_has_help():
    vault = Vault(PROGRAMS)
    listing = vault.command("--help").stdout.decode()
    for verb in VERBS:
        assert verb.split()[0] in listing, f"{verb} is not listed"
        text = vault.command(*verb.split(), "--help").stdout.decode()
        assert "Usage" in text and len(text) > 100, f"{verb}: {text}"


def mistakes_in_usage_are_status_2():
    vault = Vault(PROGRAMS)
    vault.command(status=USAGE)
    vault.command("nosuchverb", status=USAGE)
    for verb in VERBS:
        vault.command(*verb.split(), "--no-such-option", status=USAGE)
    vault.command("init", status=USAGE)
    vault.command("request", vault.path, status=USAGE)
    vault.command("grant", status=USAGE)


def missing_vault_is_status_1():
    vault = Vault(PROGRAMS)
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
    vault = Vault(PROGRAMS)
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
    vault = Vault(PROGRAMS)
    text = vault.config.read_text()
    for line in ["[lmtp]", "[mailboxes]", "[limits]"]:
        assert line in text.split("\n"), line
    for key in ["listen", "tls", "certificate", "private_key", "client_ca", "allow", "domains",
                "memory", "message", "disk_reserve"]:
        assert re.search(rf"^{key}=", text, re.M), key
    assert sum(line.startswith("#") for line in text.split("\n")) > 20


def request_for_what_is_not_there_is_status_3():
    vault = Vault(PROGRAMS)
    vault.command("request", vault.path, "--case", "c", "--reason", "r", "--mailbox",
                  "nobody@example.com", "--from", "2020-01", "--to", "2030-01", "--for",
                  vault.folder / "reader.pub", "--out", vault.folder / "r.request", status=NOTHING)
    assert not (vault.folder / "r.request").exists()


if __name__ == "__main__":
    harness.run(every_verb_has_help, mistakes_in_usage_are_status_2, missing_vault_is_status_1,
                nothing_of_the_user_is_overwritten, secret_files_are_private,
                status_and_mailboxes_are_told, init_writes_a_commented_and_valid_configuration,
                request_for_what_is_not_there_is_status_3)
