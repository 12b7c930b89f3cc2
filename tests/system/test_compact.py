"""`muniment compact`: what was erased leaves the disk, and nothing else does: beside deliveries, by
the daemon and by the command, and killed at any moment."""
import itertools
import json
import random
import subprocess
import threading
import time

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Load

PROGRAMS = harness.build()
KILLS = harness.numbers(12, 200)
CONNECTIONS = 4
SEED = 7


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


def fill(vault, ledger, source, packs=3, seconds=0.5):
    """Each start of the daemon begins a pack."""
    for _ in range(packs):
        with Daemon(vault):
            load = Load(vault.address, CONNECTIONS, source, ledger).start()
            time.sleep(seconds)
            load.stop()


def erase(vault, ledger, byte, of_ten):
    """Messages whose keys are gone now, which the ledger forgets."""
    done = subprocess.run([str(PROGRAMS.helper("eraser")), str(vault.path), str(byte), str(of_ten)],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    erased = set(done.stdout.split())
    for archive_id in erased:
        ledger.acknowledged.pop(archive_id, None)
        ledger.owners.pop(archive_id, None)
    return erased


def stored_bytes(vault):
    return sum(p.stat().st_size for p in (vault.path / "packs").iterdir())


def check(vault, ledger, erased, status=0):
    """`status` None: what was erased may still lie there, and makes it a restore in part."""
    assert not list((vault.path / "packs").glob("*.draft"))
    restored = vault.restored(status=status)
    vault.check_ledger(ledger, restored)
    assert not erased & set(restored), "erased, and restored"


def erased_mail_leaves_the_disk_without_a_daemon():
    vault, ledger, source = Vault(PROGRAMS), Ledger(), Source()
    fill(vault, ledger, source)
    assert vault.command("compact", vault.path).stdout == b"No pack is due.\n"
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
    vault.verify()
    check(vault, ledger, erased)
    vault.command("rebuild", vault.path)
    vault.verify()
    check(vault, ledger, erased)
    acts = vault.command("log", "list", vault.path).stdout.decode()
    assert "compacted" in acts, acts


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
    fill(vault, ledger, source, packs=2)
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
                daemon_compacts_beside_deliveries_and_readers,
                compaction_killed_at_any_moment_loses_nothing)
