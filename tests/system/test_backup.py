"""Backups of a live vault, and what comes back of them when the disk is gone: every message that was
acknowledged before the backup, byte by byte, a log that goes on and never forks, leaves that are
never used twice."""
import json
import os
import shutil
import signal
import subprocess
import time

import harness
import mails
from harness import Daemon, Elsewhere, Ledger, Vault, eventually
from lmtp import Lmtp
from test_witness import Witness

PROGRAMS = harness.build()
FAILED, USAGE, REFUSED, PARTLY = 1, 2, 4, 5
LARGE = 3 << 20
SECONDS = 1


def deliver(vault, numbers, ledger, large=()):
    with Lmtp(vault.address) as client:
        for number in numbers:
            message = mails.ordinary(number)
            if number in large:
                message += b"x" * 70 + b"\r\n" + os.urandom(LARGE // 2).hex().encode() + b"\r\n"
            recipients = [f"u{number % 3}@example.com", "all@example.com"]
            ledger.sending(message, recipients)
            for recipient, reply in zip(recipients,
                                        client.deliver("s@b.test", recipients, message)):
                ledger.add(reply.archive_id, recipient, message)


def backup(vault, place, *options, status=0):
    done = vault.command("backup", vault.path, place, "--json", *options, status=status)
    return json.loads(done.stdout) if done.stdout else done.stderr.decode()


def check(vault, place, status=0):
    return json.loads(vault.command("backup", "--check", place, "--json", status=status).stdout)


def lose_disk(vault):
    """The key was kept elsewhere."""
    kept = vault.folder / "kept.vaultkey"
    shutil.copy(vault.key_path, kept)
    shutil.rmtree(vault.path)
    vault.key_path.unlink()
    return kept


def recover(vault, place, key, name="vault", *options, status=0):
    done = vault.command("recover", place, vault.folder / name, "--vaultkey", key, "--json",
                         *options, status=status)
    if status in (0, PARTLY) and "--drill" not in options:
        vault = Elsewhere(vault, vault.folder / name)
        vault.key_path = vault.path.with_name(name + ".vaultkey")
        return vault, json.loads(done.stdout)
    return json.loads(done.stdout) if done.stdout else done.stderr.decode()


def leaves(vault, ledger):
    """Of all copies: (month key, leaf)."""
    found = []
    for archive_id in ledger.acknowledged:
        parts = json.loads(vault.command("message", vault.path, archive_id, "--json").stdout)
        found += [(part["month_key"], part["leaf"]) for message in parts
                  for part in message["parts"] if part["kind"] == "copy"]
    return found


def log_keys(vault, log):
    return vault.command("log", "checkpoint", vault.path, "--vkey", "--log",
                         log).stdout.decode().split("\n")[0]


def listed(vault, kind):
    return json.loads(vault.command("log", "list", vault.path, "--json", "--kind", kind).stdout)


# ---- the whole way --------------------------------------------------------------------------------

def what_was_backed_up_comes_back_when_the_disk_is_gone():
    vault, ledger, late = Vault(PROGRAMS), Ledger(), Ledger()
    place = vault.folder / "backup"
    with Daemon(vault) as daemon:
        deliver(vault, range(6), ledger, large=[2])
        first = backup(vault, place)
        assert first["number"] == 1 and first["messages"] == 6 and not first["findings"], first
        deliver(vault, range(6, 10), ledger, large=[7])
        second = backup(vault, place)
        assert second["number"] == 2 and second["messages"] == 10
        # The stream pack of the first backup was not read again.
        assert second["copied_bytes"] < second["bytes"] - LARGE // 2, second
        assert check(vault, place)["findings"] == []
        deliver(vault, range(10, 12), late)
        eventually("two are not in it", lambda: vault.status()["vault"]["not_backed_up"] == 2)
        daemon.kill()
    key = lose_disk(vault)
    found, result = recover(vault, place, key)
    assert result["epoch"] == 2 and result["messages"] == 10
    found.check_ledger(ledger)
    used = leaves(found, ledger)
    with Daemon(found):
        deliver(found, range(20, 26), ledger)
    found.check_ledger(ledger)
    found.verify()
    found.command("log", "verify", found.path)
    now = leaves(found, ledger)
    assert len(now) == len(set(now)) and len(now) > len(used) and set(used) <= set(now)
    # What only the lost disk had may have used any leaf up to here.
    highest = max(leaf for _, leaf in used)
    assert all(leaf > highest + 60000 for _, leaf in set(now) - set(used))
    (act,) = listed(found, "recovered")
    assert "backup-number: 2" in act["text"], act
    assert backup(found, place)["number"] == 3


def records_are_in_one_batch_whatever_the_epoch():
    vault, ledger = Vault(PROGRAMS), Ledger()
    place = vault.folder / "backup"
    with Daemon(vault):
        deliver(vault, range(4), ledger)
        backup(vault, place)
        # Committed, and in no batch.
        deliver(vault, range(4, 7), ledger)
        vault.command("backup", vault.path, place)
    found, _ = recover(vault, place, vault.key_path, "again")
    found.command("log", "verify", found.path)
    done = found.command("log", "prove", found.path, *ledger.acknowledged)
    proofs = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(proof["in_log"] for proof in proofs)
    epochs = {proof["tlog_proof"].split("/archive/")[1][0] for proof in proofs}
    assert epochs == {"1"}, epochs


def policy_of(vault, name):
    """Of all logs that `log checkpoint --vkey` prints."""
    keys = vault.command("log", "checkpoint", vault.path, "--vkey").stdout.decode().split()
    policy = vault.folder / name
    policy.write_text("".join(f"log {key}\n" for key in keys) + "quorum none\n")
    return policy


def checked(vault, out, policy, status=0):
    return json.loads(vault.command("check", out, "--policy", policy, "--json",
                                    status=status).stdout)


def forged(out, old, new):
    """A copy of the export whose manifest says something else."""
    place = out.with_name(out.name + "-forged")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(out, place)
    text = (place / "manifest.json").read_text()
    assert old in text, old
    (place / "manifest.json").write_text(text.replace(old, new, 1))
    return place


def every_message_is_proved_by_the_epoch_that_it_was_logged_in():
    vault, ledger = Vault(PROGRAMS), Ledger()
    place = vault.folder / "backup"
    with Daemon(vault):
        deliver(vault, range(5), ledger)
        backup(vault, place)
    before = policy_of(vault, "before")
    found, _ = recover(vault, place, vault.key_path, "again")
    with Daemon(found):
        deliver(found, range(10, 14), ledger)
    both = policy_of(found, "both")
    out = found.folder / "out"
    found.restore(out)
    report = checked(found, out, both)
    assert report["messages"] == report["in_log"] == 18 and not report["findings"], report
    manifest = (out / "manifest.json").read_text()
    assert '"epoch":1,' in manifest and '"epoch":2,' in manifest
    # A policy from before the recovery believes what was logged before it, and no more.
    report = checked(found, out, before, status=FAILED)
    assert report["in_log"] == 10 and "archive/2" in report["findings"][0], report
    assert "log checkpoint --vkey" in report["findings"][0], report
    for old, new in [('"epoch":1,', '"epoch":2,'), ('"epoch":2,', '"epoch":1,'),
                     ("/archive/2\\n", "/archive/1\\n"), ("/archive/1\\n", "/archive/2\\n")]:
        assert checked(found, forged(out, old, new), both, status=FAILED)["findings"], (old, new)
    done = found.command("log", "prove", found.path, *ledger.acknowledged)
    epochs = [json.loads(line)["epoch"] for line in done.stdout.splitlines()]
    assert sorted(epochs) == [1] * 5 + [2] * 4, epochs


def damaged_checkpoint_in_a_backup_says_what_to_do():
    vault, ledger = Vault(PROGRAMS), Ledger()
    place = vault.folder / "backup"
    with Daemon(vault):
        deliver(vault, range(3), ledger)
        backup(vault, place)
        kept = vault.command("log", "checkpoint", vault.path).stdout.decode()
        deliver(vault, range(3, 5), ledger)
        backup(vault, place)
    checkpoint = place / "state-2" / "log" / "archive" / "checkpoint"
    checkpoint.write_text(checkpoint.read_text().replace("\n", "\nx", 1))
    done = vault.command("recover", place, vault.folder / "again", "--vaultkey", vault.key_path,
                         status=FAILED).stderr.decode()
    assert "state-2/log/archive/checkpoint is damaged" in done and "put in its place" in done, done
    # One that was kept elsewhere is another file than the backup had: told, and good.
    checkpoint.write_text(kept)
    found, _ = recover(vault, place, vault.key_path, "again", status=PARTLY)
    found.check_ledger(ledger)
    found.command("log", "verify", found.path)


# ---- what stops a backup --------------------------------------------------------------------------

def killed_backup_leaves_the_last_good_one():
    vault, ledger = Vault(PROGRAMS), Ledger()
    place = vault.folder / "backup"
    with Daemon(vault):
        deliver(vault, range(3), ledger, large=[1])
        start = time.monotonic()
        backup(vault, place)
        took = time.monotonic() - start
        numbers, turns = set(), harness.numbers(12, 60)
        for turn in range(turns):
            deliver(vault, [100 + turn], ledger, large=[100 + turn] if turn % 3 == 0 else [])
            process = subprocess.Popen([PROGRAMS.muniment, "backup", vault.path, place],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(2 * took * turn / turns)  # the last ones are done before
            process.kill()
            process.wait()
            result = check(vault, place)
            assert result["findings"] == [], result
            numbers.add(result["number"])
        last = backup(vault, place)
    assert last["findings"] == [] and len(numbers) > 1, numbers
    found, result = recover(vault, place, vault.key_path, "again")
    assert result["findings"] == []
    found.check_ledger(ledger)


def killed_recovery_is_given_again():
    vault, ledger = Vault(PROGRAMS), Ledger()
    place = vault.folder / "backup"
    with Daemon(vault):
        deliver(vault, range(3), ledger, large=[1])
        backup(vault, place)
    for turn in range(6):
        process = subprocess.Popen([PROGRAMS.muniment, "recover", place, vault.folder / "again",
                                    "--vaultkey", vault.key_path], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(0.05 * turn)
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            shutil.rmtree(vault.folder / "again")
        assert not (vault.folder / "again").exists()
    found, result = recover(vault, place, vault.key_path, "again")
    assert result["findings"] == [] and not (vault.folder / "again.recovering").exists()
    found.check_ledger(ledger)


# ---- damage ---------------------------------------------------------------------------------------

def each_difference_is_named_and_the_rest_comes_back():
    vault, ledger = Vault(PROGRAMS), Ledger()
    place = vault.folder / "backup"
    with Daemon(vault):
        deliver(vault, range(3), ledger, large=[1])
        backup(vault, place)
    stream = next((place / "packs").glob("*.stream"))
    data = bytearray(stream.read_bytes())
    data[len(data) // 2] ^= 1
    stream.write_bytes(data)
    result = check(vault, place, status=FAILED)
    assert [f.split(":")[0] for f in result["findings"]] == [f"packs/{stream.name}"]
    found, result = recover(vault, place, vault.key_path, "again", status=PARTLY)
    assert any(stream.name in finding for finding in result["findings"])
    got = found.restored(status=PARTLY)
    assert len(got) == 2 and set(got) < set(ledger.acknowledged)
    # A whole one: the damaged file is as long as it was, so only a new place makes it good.
    manifest = place / "manifest"
    text = manifest.read_text()
    manifest.write_text(text.replace("number: 1", "number: 2"))
    assert "damaged" in vault.command("backup", "--check", place, status=FAILED).stderr.decode()


def pack_that_the_vault_lost_stays_in_the_backup():
    vault, ledger = Vault(PROGRAMS), Ledger()
    place = vault.folder / "backup"
    with Daemon(vault):
        deliver(vault, range(3), ledger, large=[1])
    backup(vault, place)
    next((vault.path / "packs").glob("*.stream")).unlink()
    result = backup(vault, place, status=PARTLY)
    assert len(result["findings"]) == 1 and "kept" in result["findings"][0], result
    found, _ = recover(vault, place, vault.key_path, "again")
    found.check_ledger(ledger)


def wrong_places_and_keys_are_refused():
    vault, other, ledger = Vault(PROGRAMS), Vault(PROGRAMS), Ledger()
    place = vault.folder / "backup"
    with Daemon(vault):
        deliver(vault, range(2), ledger)
        backup(vault, place)
    assert "another vault" in backup(other, place, status=REFUSED)
    assert "in the vault" in backup(vault, vault.path / "backup", status=REFUSED)
    assert "no backup" in backup(vault, vault.folder / "master", status=FAILED)
    assert "folder" in backup(vault, "ssh://host/backup", status=FAILED)
    assert "another vault" in recover(vault, place, other.key_path, "again", status=FAILED)
    assert not list(vault.folder.glob("again*")), "nothing is left"
    assert "not empty" in recover(vault, place, vault.key_path, "vault", status=FAILED)
    vault.command("backup", vault.path, place, "--with-vaultkey", status=USAGE)
    vault.command("backup", vault.path, place, "--keep-days", "3", status=USAGE)
    # Never the vault key, unless it was asked for.
    key = vault.key_path.read_text().split("\n")
    secret = max(key, key=len).encode()
    assert len(secret) > 40
    assert not any(secret in f.read_bytes() for f in place.rglob("*") if f.is_file())
    backup(vault, place, "--with-vaultkey", "--keep-days", "30")
    (carried,) = place.glob("state-*/vaultkey")
    assert listed(vault, "copy-declared")
    found, _ = recover(vault, place, carried, "again")
    found.check_ledger(ledger)
    backup(vault, place)
    assert not list(place.glob("state-*/vaultkey"))


# ---- epochs ---------------------------------------------------------------------------------------

def witness_takes_the_new_epoch_and_no_fork_of_the_old_one():
    vault, ledger = Vault(PROGRAMS), Ledger()
    place = vault.folder / "backup"
    with Daemon(vault):
        deliver(vault, range(2), ledger)
        backup(vault, place)
    # What the vault was when it was backed up: brought back by hand, it would sign a fork.
    shutil.copytree(vault.path, vault.folder / "back", ignore=shutil.ignore_patterns("run"))
    shutil.copy(vault.key_path, vault.folder / "back.vaultkey")
    vault.restore(vault.folder / "one", vault.grant())
    witness = Witness(vault.folder, [log_keys(vault, "control")])
    vault.command("log", "checkpoint", vault.path, "--log", "control", "--policy", witness.policy)
    found, _ = recover(vault, place, vault.key_path, "again")
    assert log_keys(found, "control") not in witness.vkeys
    witness.stop()
    witness.vkeys.append(log_keys(found, "control"))
    witness.start()
    found.command("log", "checkpoint", found.path, "--log", "control", "--policy", witness.policy)
    back = Elsewhere(vault, vault.folder / "back")
    for number in range(4):
        back.restore(vault.folder / f"fork{number}", back.grant())
    done = back.command("log", "checkpoint", back.path, "--log", "control", "--policy",
                        witness.policy, status=REFUSED)
    assert done.stdout == b""


def moved_vault_is_adopted_into_an_epoch_of_its_own():
    vault, ledger = Vault(PROGRAMS), Ledger()
    with Daemon(vault):
        deliver(vault, range(3), ledger)
    host = vault.path / "host"
    host.write_text("\n".join("machine: " + "0" * 64 if line.startswith("machine: ") else line
                              for line in host.read_text().split("\n")))
    daemon = Daemon(vault, wait=False)
    assert daemon.process.wait(timeout=60) != 0
    assert "muniment adopt" in daemon.log_text()
    result = json.loads(vault.command("adopt", vault.path, "--json").stdout)
    assert result["epoch"] == 2 and result["months"] > 0
    vault.command("adopt", vault.path, status=REFUSED)
    used = leaves(vault, ledger)
    with Daemon(vault):
        second = Daemon(vault, wait=False)
        assert second.process.wait(timeout=60) != 0, "two daemons on one vault"
        deliver(vault, range(10, 13), ledger)
    vault.check_ledger(ledger)
    now = leaves(vault, ledger)
    assert len(now) == len(set(now)) and set(used) < set(now)
    assert len(listed(vault, "adopted")) == 1
    vault.command("log", "verify", vault.path)
    vault.verify()


# ---- drills ---------------------------------------------------------------------------------------

def drill_tells_the_vault_and_leaves_nothing():
    vault, ledger = Vault(PROGRAMS), Ledger()
    place, scratch = vault.folder / "backup", vault.folder / "scratch"
    scratch.mkdir()
    status = vault.status()["vault"]
    assert status["last_backup"] == 0 and status["last_recovery_drill"] == 0
    with Daemon(vault):
        deliver(vault, range(3), ledger)
        eventually("three are in none", lambda: vault.status()["vault"]["not_backed_up"] == 3)
        backup(vault, place)
        before = time.time()
        done = vault.command("recover", place, vault.path, "--vaultkey", vault.key_path, "--drill",
                             "--json", env={"TMPDIR": str(scratch)})
        assert json.loads(done.stdout)["findings"] == []
        status = vault.status()["vault"]
    assert not list(scratch.iterdir())
    assert status["last_recovery_drill"] >= before - SECONDS and status["not_backed_up"] == 0
    pack = next((place / "packs").glob("*.pack"))
    data = bytearray(pack.read_bytes())
    data[2000] ^= 1
    pack.write_bytes(data)
    vault.command("recover", place, vault.path, "--vaultkey", vault.key_path, "--drill",
                  env={"TMPDIR": str(scratch)}, status=PARTLY)
    assert not list(scratch.iterdir())
    assert vault.status()["vault"]["last_recovery_drill"] == status["last_recovery_drill"]


if __name__ == "__main__":
    harness.run(what_was_backed_up_comes_back_when_the_disk_is_gone,
                records_are_in_one_batch_whatever_the_epoch,
                every_message_is_proved_by_the_epoch_that_it_was_logged_in,
                damaged_checkpoint_in_a_backup_says_what_to_do,
                killed_backup_leaves_the_last_good_one,
                killed_recovery_is_given_again,
                each_difference_is_named_and_the_rest_comes_back,
                pack_that_the_vault_lost_stays_in_the_backup,
                wrong_places_and_keys_are_refused,
                witness_takes_the_new_epoch_and_no_fork_of_the_old_one,
                moved_vault_is_adopted_into_an_epoch_of_its_own,
                drill_tells_the_vault_and_leaves_nothing)
