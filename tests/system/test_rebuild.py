"""The catalog is a cache: `muniment rebuild` makes the same one from packs and keyring, and a vault
whose catalog is gone, old or broken still restores everything."""
import collections
import shutil
import sqlite3

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()


def filled_vault():
    vault, ledger = Vault(PROGRAMS), Ledger()
    for first in [0, 40]:  # two packs
        with Daemon(vault), Lmtp(vault.address) as client:
            for number in range(first, first + 40):
                message = (mails.attachment(number, 2 << 20) if number % 20 == 7
                           else mails.ordinary(number))
                owners = [f"u{number % 9}@example.com", f"v{number % 4}@example.com"]
                ledger.sending(message)
                for owner, reply in zip(owners, client.deliver("s@b.test", owners, message)):
                    ledger.add(reply.archive_id, owner, message)
    return vault, ledger


def query_of(db, table):
    """All columns, a pack by its id: its number only says when the catalog first heard of it."""
    columns = [r[1] for r in db.execute(f"PRAGMA table_info({table})")]
    if "pack_no" not in columns:
        return f"SELECT * FROM {table}"
    columns = [c for c in columns if c not in ("pack_no", "pack_id")] + ["pack_id"]
    joined = table if table == "packs" else f"{table} JOIN packs USING (pack_no)"
    prefixed = [c if c == "pack_id" else f"{table}.{c}" for c in columns]
    return f"SELECT {', '.join(prefixed)} FROM {joined}"


def rows(vault):
    """Every table of the catalog as a set of rows."""
    catalog = next(p for p in vault.path.iterdir() if p.name.startswith("catalog") and
                   p.suffix in (".sqlite", ".db"))
    with sqlite3.connect(f"file:{catalog}?mode=ro", uri=True) as db:
        tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        assert tables, f"{catalog} has no table"
        return {t: sorted(map(repr, db.execute(query_of(db, t)))) for t in tables}


def remove_catalog(vault):
    for path in vault.path.iterdir():
        if path.name.startswith("catalog"):
            path.unlink()


def totals(catalog):
    """messages, copies, other records"""
    (row,) = catalog["totals"]
    return [int(field) for field in row.strip("()").split(", ")[1:4]]


def check_same(before, after, rebuilds):
    """The same, but for what each rebuild has logged of itself: one event, in a pack of its own."""
    assert before.keys() == after.keys()
    messages, copies, others = totals(before)
    assert totals(after) == [messages, copies, others + rebuilds]
    news = {}
    for table in before.keys() - {"totals"}:
        gone = collections.Counter(before[table]) - collections.Counter(after[table])
        assert not gone, f"table {table}: not there any more: {gone}"
        news[table] = len(after[table]) - len(before[table])
    assert news.pop("packs") == rebuilds
    assert sum(news.values()) == rebuilds, news


def rebuild_gives_the_same_catalog():
    vault, ledger = filled_vault()
    with Daemon(vault):
        pass  # that the last pack has its trailer is taken over by the start after it
    before = rows(vault)
    assert sum(map(len, before.values())) >= 240, {t: len(r) for t, r in before.items()}
    vault.command("rebuild", vault.path)
    check_same(before, rows(vault), 1)
    remove_catalog(vault)
    vault.command("rebuild", vault.path)
    check_same(before, rows(vault), 2)
    vault.check_ledger(ledger)


def missing_catalog_loses_nothing():
    vault, ledger = filled_vault()
    remove_catalog(vault)
    with Daemon(vault):
        vault.check_ledger(ledger)
    vault.verify()


def old_catalog_is_brought_up_to_date():
    vault, ledger = Vault(PROGRAMS), Ledger()
    kept = vault.folder / "kept"
    kept.mkdir()
    for path in vault.path.iterdir():
        if path.name.startswith("catalog"):
            shutil.copy(path, kept)
    with Daemon(vault), Lmtp(vault.address) as client:
        for number in range(20):
            message = mails.ordinary(number)
            ledger.sending(message)
            (reply,) = client.deliver("s@b.test", ["u@example.com"], message)
            ledger.add(reply.archive_id, "u@example.com", message)
    remove_catalog(vault)
    for path in kept.iterdir():
        shutil.copy(path, vault.path)
    vault.check_ledger(ledger)
    vault.verify()


def broken_catalog_is_named_and_rebuilt():
    vault, ledger = filled_vault()
    for path in vault.path.iterdir():
        if path.name.startswith("catalog"):
            path.write_bytes(b"this is no database" * 500)
    broken = vault.verify(status=None)
    assert broken.returncode == 0 or b"rebuild" in broken.stderr + broken.stdout, broken
    vault.command("rebuild", vault.path)
    vault.check_ledger(ledger)
    vault.verify()


if __name__ == "__main__":
    harness.run(rebuild_gives_the_same_catalog, missing_catalog_loses_nothing,
                old_catalog_is_brought_up_to_date, broken_catalog_is_named_and_rebuilt)
