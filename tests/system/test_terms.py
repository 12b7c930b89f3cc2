"""Mail gets its terms as it comes in, however it comes in, and is taken whatever becomes of them."""
import re
import threading

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
RECORD = re.compile(rb"MNRC\x01([\x01-\x08])")
BODY, COPY, TERMS_BODY, TERMS_COPY = 1, 2, 3, 4
LINE = b"the quick brown fox jumps over the lazy dog and thinks of %d\r\n"


def kinds(vault):
    """How many records of each kind the packs hold."""
    found = {kind: 0 for kind in range(1, 9)}
    for pack in (vault.path / "packs").iterdir():
        for match in RECORD.finditer(pack.read_bytes()):
            found[match.group(1)[0]] += 1
    return found


def text(number, size):
    lines = (LINE % (number * 1000003 + i) for i in range(size // len(LINE) + 1))
    return b"Subject: %d\r\n\r\n" % number + b"".join(lines)


def deliver(vault, ledger, message, *owners):
    client = Lmtp(vault.address, timeout=120)
    ledger.sending(message)
    for reply, owner in zip(client.deliver("s@b.test", owners, message), owners):
        assert reply.code == 250, reply
        ledger.add(reply.archive_id, owner, message)
    client.close()


def short_and_long_mail_and_imports_have_terms():
    vault, ledger = Vault(PROGRAMS), Ledger()
    with Daemon(vault):
        deliver(vault, ledger, mails.ordinary("1"), "anna@example.com")
        deliver(vault, ledger, mails.ordinary("2"), "anna@example.com", "bert@example.com")
        deliver(vault, ledger, text(3, 3 << 20), "anna@example.com")
        assert vault.status()["since_start"]["without_terms"] == 0
    found = kinds(vault)
    assert (found[BODY], found[COPY], found[TERMS_COPY]) == (3, 4, 4), found
    assert found[TERMS_BODY] >= 1, found
    mail = vault.folder / "one.eml"
    mail.write_bytes(mails.ordinary("4"))
    ledger.sending(mail.read_bytes())
    vault.command("import", vault.path, "--mailbox", "anna@example.com", mail)
    assert kinds(vault)[TERMS_COPY] == 5
    vault.check_ledger(ledger)


def none_are_made_where_none_are_wanted():
    vault, ledger = Vault(PROGRAMS, settings={"terms": "no"}), Ledger()
    with Daemon(vault):
        deliver(vault, ledger, mails.ordinary("1"), "anna@example.com")
        assert vault.status()["since_start"]["without_terms"] == 0
    found = kinds(vault)
    assert (found[COPY], found[TERMS_COPY], found[TERMS_BODY]) == (1, 0, 0), found
    vault.check_ledger(ledger)


def long_mail_waits_for_memory_and_is_taken():
    """Of two at a time each is over what is left by the other."""
    vault = Vault(PROGRAMS)
    vault.configure(memory="128M", max_connections="16", connections_per_peer="16")
    ledger, lock = Ledger(), threading.Lock()

    def one(number):
        message, mine = text(number, 4 << 20), Ledger()
        deliver(vault, mine, message, f"box{number}@example.com")
        with lock:
            ledger.sending(message)
            (archive_id,) = mine.owners
            ledger.add(archive_id, f"box{number}@example.com", message)

    with Daemon(vault):
        threads = [threading.Thread(target=one, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        without = vault.status()["since_start"]["without_terms"]
    found = kinds(vault)
    assert found[COPY] == 6 and found[TERMS_COPY] + without == 6, (found, without)
    assert found[TERMS_COPY] >= 1
    print(f"        {without} of 6 without terms")
    vault.check_ledger(ledger)


if __name__ == "__main__":
    harness.run(short_and_long_mail_and_imports_have_terms, none_are_made_where_none_are_wanted,
                long_mail_waits_for_memory_and_is_taken)
