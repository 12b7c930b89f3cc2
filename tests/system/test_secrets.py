"""The daemon cannot read what it archived: a second after ingest neither the mail nor any seed,
secret key, body key or ephemeral key that was made for it is in the daemon's memory or in any file.

The build under test reports each secret that it makes (MUNIMENT_REPORT_SECRETS). What the daemon
holds on purpose is not reported and not looked for: vault key, row keys, locator key, day keys and
erasure slots open no record. That the search works is shown with the vault key, which must be found.
"""
import os
import re
import time

import harness
import mails
import traces
from harness import Daemon, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
CANARY = b"Hippogriffcanary"
REPORTED = {"month-seed", "content-secret", "index-secret", "body-key", "body-salt", "ephemeral"}
CONNECTIONS = 12
MESSAGES = 240


def message(number):
    size = {0: 2 << 20, 1: 300000}.get(number % 40, 2000)
    text = (CANARY + b" %d\r\n" % number) * (size // 20)
    return b"Subject: " + CANARY + b"\r\n\r\n" + text + mails.ordinary(number)


def take_mail(vault):
    clients = [Lmtp(vault.address) for _ in range(CONNECTIONS)]
    for number in range(MESSAGES):
        owners = [f"box{(number + k) % 30}@example.com" for k in range(1 + number % 3)]
        replies = clients[number % CONNECTIONS].deliver("s@b.test", owners, message(number),
                                                        ["data", "bdat"][number % 2])
        assert all(r.code == 250 for r in replies), replies
    return clients


def secrets_of(path):
    named = {}
    for number, line in enumerate(path.read_text().splitlines()):
        role, value = line.split()
        named[f"{role} {number}"] = bytes.fromhex(value)
    return named


def nothing_that_opens_mail_stays_with_the_daemon():
    if os.geteuid() != 0:
        raise harness.Skip("reading the memory of a process that is not dumpable needs root")
    vault = Vault(PROGRAMS)
    report = vault.folder / "secrets"
    temporary = vault.folder / "tmp"
    temporary.mkdir()
    with Daemon(vault, env={"MUNIMENT_SECRETS_FILE": str(report), "TMPDIR": str(temporary)}) as daemon:
        clients = take_mail(vault)
        time.sleep(1)
        secrets = secrets_of(report)
        roles = {name.split()[0] for name in secrets}
        assert REPORTED <= roles, f"this build does not report {REPORTED - roles}"
        look(vault, daemon, secrets, temporary, "open connections")
        for client in clients:
            client.close()
        time.sleep(1)
        look(vault, daemon, secrets, temporary, "no connection")
    search_files(vault, secrets, temporary)
    print(f"        {len(secrets)} secrets of {len(roles)} roles looked for")


def look(vault, daemon, secrets, temporary, when):
    vault_key = bytes.fromhex(re.search(r"\b([0-9a-f]{64})\b", vault.key_path.read_text()).group(1))
    hits, count = traces.in_memory(daemon.pid, traces.Bytes({"vault key": vault_key}))
    assert hits, f"the vault key was not found in {count} bytes: this search is blind"
    for sought in [traces.Bytes(secrets), traces.Words([CANARY])]:
        hits, _ = traces.in_memory(daemon.pid, sought)
        assert not hits, f"{when}: in memory: {hits[:10]}"
    search_files(vault, secrets, temporary)


def search_files(vault, secrets, temporary):
    log = (vault.folder / "archived.log").read_bytes()
    for sought in [traces.Bytes(secrets), traces.Words([CANARY])]:
        hits, _ = traces.in_files([vault.path, temporary], sought)
        assert not hits, f"in files: {hits[:10]}"
        assert not traces.in_bytes(log, sought), "in the log"


if __name__ == "__main__":
    harness.run(nothing_that_opens_mail_stays_with_the_daemon)
