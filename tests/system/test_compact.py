"""`muniment compact`: what was erased leaves the disk, and nothing else does: beside deliveries, by
the daemon and by the command, and killed at any moment."""
import itertools
import json
import random
import shutil
import subprocess
import threading
import time

import harness
import logs
import mails
from harness import Daemon, Elsewhere, Ledger, Vault
from lmtp import Load

PROGRAMS = harness.build()
KILLS = harness.numbers(12, 200)
CONNECTIONS = 4
SEED = 7
TAIL = 64


class Source:
    def __init__(self):
        self.count, self.lock = itertools.count(), threading.Lock()

    def __call__(self):
        with self.lock:
            number = next(self.count)
        size = (2 << 20) if number % 61 == 30 else 500 + number * 37 % 9000
        message = mails.attachment(number, size) if size > 1 << 20 else mails.ordinary(number, size)
        owners = [f"box{(number + k * 5) % 20}@example.com" for k in range(1 + number % 3)]
        return f"s{number}@client.test", owners, message


def fill(vault, ledger, source, starts=3, seconds=0.5):
    """Each start of the daemon begins a pack."""
    for _ in range(starts):
        with Daemon(vault):
            load = Load(vault.address, CONNECTIONS, source, ledger).start()
            time.sleep(seconds)
            load.stop()


def erase(vault, ledger, byte, of_ten):
    """About so many of ten messages, chosen by a byte of their ids; the ledger forgets them."""
    chosen = [archive_id for archive_id in ledger.acknowledged
              if bytes.fromhex(archive_id)[byte % 16] * 10 // 256 < of_ten]
    words = [word for archive_id in chosen for word in ("--message", archive_id)]
    vault.command("erase", vault.path, *words, "--reason", "they asked for it", "--yes")
    for archive_id in chosen:
        del ledger.acknowledged[archive_id], ledger.owners[archive_id]
    return set(chosen)


def shred(vault, ledger, address):
    """Messages that nobody has any more. What is left of the others is for a part of those to whom
    they were sent."""
    vault.command("shred", vault.path, "--mailbox", address, "--reason", "he left", "--yes")
    gone = set()
    for archive_id, owners in list(ledger.owners.items()):
        owners.discard(address)
        if not owners:
            gone.add(archive_id)
            del ledger.acknowledged[archive_id], ledger.owners[archive_id]
    ledger.sent = {digest: set() for digest in ledger.sent}
    return gone


def tails_of(vault, ids, address=None):
    """{archive id: the ends of the ciphertexts of its records, or of one mailbox's copy of it}"""
    found = {}
    for message in json.loads(vault.command("message", vault.path, *ids, "--json").stdout):
        for part in message["parts"]:
            if address and part.get("mailbox") != address:
                continue
            (pack,) = (vault.path / "packs").glob(f"*{part['pack']}*")
            with open(pack, "rb") as file:
                file.seek(part["offset"] + part["length"] - TAIL)
                found.setdefault(message["id"], []).append(file.read(TAIL))
    assert set(found) == set(ids)
    return found


def found_anywhere(vault, tails):
    """Of those, what any file of the vault has."""
    files = [p.read_bytes() for p in vault.path.rglob("*") if p.is_file()]
    return {name: [t for t in ends if any(t in data for data in files)]
            for name, ends in tails.items()}


def stored_bytes(vault):
    return sum(p.stat().st_size for p in (vault.path / "packs").iterdir())


def check(vault, ledger, erased, status=0):
    """`status` None: what was erased may still lie there, and makes it a restore in part."""
    assert not list((vault.path / "packs").glob("*.draft"))
    restored = vault.restored(status=status)
    vault.check_ledger(ledger, restored)
    assert not erased & set(restored), "erased, and restored"


def proofs_of(vault, ids):
    done = vault.command("log", "prove", vault.path, *ids)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def check_proofs(vault, proofs):
    """Made before: the batch is in the log as it is now, and has the message's hash."""
    for batch in {proof["batch"] for proof in proofs}:
        out = vault.folder / f"{batch}.tlog-proof"
        vault.command("log", "prove", vault.path, "--log", "archive", "--index", batch, "--out", out)
        entry, index, _, _ = logs.tlog_proof(out.read_text())
        assert index == batch
        logs.verify_tlog_proof(out.read_text(), entry)
        for proof in proofs:
            if proof["batch"] == batch:
                assert entry == bytes.fromhex(proof["entry"])
                logs.verify_in_batch(proof, entry)
    vault.command("log", "verify", vault.path)


def erased_mail_leaves_the_disk_without_a_daemon():
    vault, ledger, source = Vault(PROGRAMS), Ledger(), Source()
    fill(vault, ledger, source)
    assert vault.command("compact", vault.path).stdout == b"No pack is due.\n"
    names = sorted(ledger.acknowledged)
    proofs = proofs_of(vault, names[:100])
    tails = tails_of(vault, names[:100])
    erased = erase(vault, ledger, 0, 5)
    assert erased
    before = stored_bytes(vault)
    plan = json.loads(vault.command("compact", vault.path, "--dry-run", "--json").stdout)["packs"]
    assert plan and any(p["is_due"] for p in plan), plan
    assert stored_bytes(vault) == before
    dead = sum(p["dead_bytes"] for p in plan if p["is_due"])
    done = json.loads(vault.command("compact", vault.path, "--json").stdout)
    assert done["packs_due"] == done["packs_replaced"] and done["packs_left"] == 0, done
    assert done["bytes_dropped"] == dead, (done, dead)
    assert stored_bytes(vault) < before - dead * 9 // 10
    for name, left in found_anywhere(vault, tails).items():
        assert left == ([] if name in erased else tails[name]), f"{name}, {name in erased}"
    check_proofs(vault, proofs)
    vault.verify()
    check(vault, ledger, erased)
    vault.command("rebuild", vault.path)
    vault.verify()
    check(vault, ledger, erased)
    acts = vault.command("log", "list", vault.path).stdout.decode()
    assert "compacted" in acts, acts


def copies_of_shredded_mailboxes_leave_mail_that_others_have():
    vault, ledger, source = Vault(PROGRAMS), Ledger(), Source()
    fill(vault, ledger, source, starts=1)
    place, tails, gone = vault.folder / "backup", {}, set()
    for number in range(12):
        address = f"box{number}@example.com"
        shared = [i for i, owners in ledger.owners.items() if address in owners]
        for name, ends in tails_of(vault, shared, address).items():
            tails.setdefault(name, []).extend(ends)
        gone |= shred(vault, ledger, address)
    assert found_anywhere(vault, tails) == tails
    done = json.loads(vault.command("compact", vault.path, "--json").stdout)
    assert done["packs_due"] >= 1 and done["packs_left"] == 0, done
    assert not any(found_anywhere(vault, tails).values()), "a copy that was shredded is still there"
    vault.verify()
    check(vault, ledger, gone)
    vault.command("backup", vault.path, place)
    assert json.loads(vault.command("backup", "--check", place, "--json").stdout)["findings"] == []
    kept = vault.folder / "kept.vaultkey"
    shutil.copy(vault.key_path, kept)
    vault.command("recover", place, vault.folder / "again", "--vaultkey", kept)
    again = Elsewhere(vault, vault.folder / "again")
    again.key_path = vault.folder / "again.vaultkey"
    check(again, ledger, gone)
    again.verify()


def daemon_compacts_beside_deliveries_and_readers():
    vault, ledger, source = Vault(PROGRAMS), Ledger(), Source()
    fill(vault, ledger, source)
    erased = erase(vault, ledger, 1, 5)
    with Daemon(vault):
        load = Load(vault.address, CONNECTIONS, source, ledger).start()
        compacting = threading.Thread(target=lambda: vault.command("compact", vault.path))
        grant = vault.grant()
        part = Ledger()
        with ledger.lock:
            part.acknowledged, part.owners = dict(ledger.acknowledged), dict(ledger.owners)
        compacting.start()
        vault.check_ledger(part, vault.restored(grant, status=None))
        compacting.join()
        load.stop()
        assert not load.refused, load.refused[:3]
        assert list((vault.path / "packs").glob("*.compacted"))
        vault.command("compact", vault.path)
        check(vault, ledger, erased)
    vault.verify()


def compaction_killed_at_any_moment_loses_nothing():
    vault, ledger, source, erased = Vault(PROGRAMS), Ledger(), Source(), set()
    dice, cut_short = random.Random(SEED), 0
    fill(vault, ledger, source, starts=2)
    words = [str(PROGRAMS.muniment), "compact", str(vault.path)]
    for kill in range(KILLS):
        erased |= erase(vault, ledger, kill, 4)
        is_daemon = kill % 3 != 2
        if is_daemon:
            daemon = Daemon(vault)
            load = Load(vault.address, CONNECTIONS, source, ledger).start()
        command = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.0, 0.4))
        cut_short += command.poll() is None
        if is_daemon:
            daemon.kill()
            load.stop()
            assert not load.refused, load.refused[:3]
        else:
            command.kill()
        command.wait()
        if kill % 4 == 3:
            vault.verify()
            check(vault, ledger, erased, status=None)
    assert cut_short > KILLS // 4, f"only {cut_short} of {KILLS} were cut short"
    with Daemon(vault):
        vault.command("compact", vault.path)
    vault.verify()
    check(vault, ledger, erased, status=None)
    vault.command("rebuild", vault.path)
    vault.verify()
    check(vault, ledger, erased, status=None)


if __name__ == "__main__":
    harness.run(erased_mail_leaves_the_disk_without_a_daemon,
                copies_of_shredded_mailboxes_leave_mail_that_others_have,
                daemon_compacts_beside_deliveries_and_readers,
                compaction_killed_at_any_moment_loses_nothing)
