"""Erasure: what is erased restores nowhere, not from the vault and not from an old copy of it with all
keys that there are now; what is not erased restores exactly; and wherever the command is killed, one of
the two vault keys opens the keyring, just one, and the next start makes an end of it."""
import hashlib
import itertools
import json
import mmap
import re
import shutil
import struct
import threading

import harness
import mails
from harness import Daemon, Elsewhere, Ledger, Vault
from lmtp import Load, Lmtp

PROGRAMS = harness.build()
NOTHING, REFUSED = 3, 4
PLAN = struct.Struct("=iiiiii")
SYNC, RENAME = 2, 3
MESSAGES = 12
ERASURES = 50
CONNECTIONS = harness.numbers(4, 100)
KILLS_MAX = harness.numbers(60, 400)
EVERY = harness.numbers(3, 1)


def send(vault, ledger, number, owners):
    message = mails.ordinary(number, 1500)
    with Lmtp(vault.address) as client:
        ledger.sending(message, owners)
        for owner, reply in zip(owners, client.deliver("s@client.test", owners, message)):
            assert reply.code == 250, reply
            ledger.add(reply.archive_id, owner, message)
    return reply.archive_id


def filled(owners_of, count=MESSAGES):
    """A vault with some messages: (vault, ledger, [archive id])."""
    vault, ledger = Vault(PROGRAMS), Ledger()
    with Daemon(vault):
        ids = [send(vault, ledger, number, owners_of(number)) for number in range(count)]
    return vault, ledger, ids


def without(ledger, *ids, owner=None):
    """The ledger after an erasure: of these messages, or of one owner's copies of all."""
    left = Ledger()
    left.sent = {}
    for archive_id, digest in ledger.acknowledged.items():
        owners = {o for o in ledger.owners[archive_id] if o != owner}
        if archive_id not in ids and owners:
            left.acknowledged[archive_id] = digest
            left.owners[archive_id] = owners
    return left


def erase(vault, *ids, words=(), status=0):
    messages = [word for archive_id in ids for word in ("--message", archive_id)]
    return vault.command("erase", vault.path, *messages, "--reason", "he asked for it", "--yes",
                         *words, status=status)


def erasures(vault):
    return json.loads(vault.command("erasure", "status", vault.path, "--json").stdout)



# ---- what is gone -----------------------------------------------------------------------------------


def an_erased_message_restores_nowhere():
    for with_daemon in [True, False]:
        vault, ledger, ids = filled(lambda n: [f"box{n % 3}@example.com"])
        gone, grant = ids[4], vault.grant()
        old = vault.folder / "old"
        old.mkdir()
        shutil.copytree(vault.path, old / "vault", ignore=shutil.ignore_patterns("run", "lock"))
        if with_daemon:
            with Daemon(vault):
                erase(vault, gone)
                send(vault, ledger, 1000, ["box1@example.com"])
        else:
            erase(vault, gone)
        restored = vault.restored(grant)
        assert gone not in restored, "it restores"
        vault.check_ledger(without(ledger, gone), restored)
        vault.verify()
        # An old copy of all of the vault, the vault key of now, an old grant, and the master.
        shutil.copy(vault.key_path, old / "vault.vaultkey")
        copy = Elsewhere(vault, old / "vault")
        out = vault.folder / "nothing"
        done = vault.restore(out, grant, status=None, path=copy.path)
        assert done.returncode != 0 and b"vault key" in done.stderr, done
        # And the old keyring file among the packs of now.
        shutil.copy(old / "vault" / "keyring.sqlite", vault.path / "keyring.sqlite")
        done = vault.restore(vault.folder / "nothing2", grant, status=None)
        assert done.returncode != 0, done


def of_two_owners_one_can_be_shredded():
    vault, ledger, ids = filled(lambda n: ["a@example.com", "b@example.com"])
    certificate = vault.folder / "certificate.json"
    with Daemon(vault):
        page = vault.command("shred", vault.path, "--mailbox", "a@example.com", "--reason",
                             "he left", "--yes", "--certificate", certificate).stdout.decode()
    assert "a@example.com" in page and "final" in page and "plain file" in page, page
    found = json.loads(certificate.read_text())
    assert "kind: shred" in found["statement"] and "state: final" in found["statement"], found
    assert found["proof"][0].startswith("c2sp.org/tlog-proof"), found
    restored = vault.restored(vault.grant())
    assert all(set(copies) == {"b@example.com"} for copies in restored.values()), restored
    vault.check_ledger(without(ledger, owner="a@example.com"), restored)
    with Daemon(vault):  # later mail is of a new mailbox
        send(vault, ledger, 1000, ["a@example.com"])
    vault.verify()
    (state,) = erasures(vault)
    assert state["state"] == "final" and len(state["also-owned-by"]) == 1, state


# ---- the commands -----------------------------------------------------------------------------------


def the_commands_say_what_they_do():
    vault, ledger, ids = filled(lambda n: [f"box{n % 3}@example.com"])
    whole = vault.restored()
    erase(vault, ids[0], words=["--dry-run"])
    vault.command("erase", vault.path, "--message", ids[0], "--reason", "x", status=2)
    vault.command("shred", vault.path, "--mailbox", "nobody@example.com", "--reason", "x", "--yes",
                  status=NOTHING)
    vault.command("shred", vault.path, "--mailbox", "box1@example.com", "--reason", "x", "--yes",
                  "--from", "2026-01-05", status=REFUSED)
    assert erasures(vault) == [] and vault.restored() == whole
    request = vault.folder / "erase.request"
    vault.command("erase", vault.path, "--message", ids[0], "--reason", "x", "--propose", request)
    assert vault.restored() == whole
    vault.command("erase", vault.path, "--approved", request, "--yes")
    vault.command("erase", vault.path, "--approved", request, "--yes", status=REFUSED)  # done
    done = vault.command("erase", vault.path, "--message", ids[0], "--reason", "again", "--yes",
                         status=NOTHING)
    (state,) = erasures(vault)
    assert f"was destroyed by erasure {state['erasure']}".encode() in done.stderr, done
    assert state["state"] == "final" and state["message"] == [ids[0]], state
    assert len(state["read-before"]) == 3 and "case test, by" in state["read-before"][0], state
    vault.command("erasure", "cancel", vault.path, state["erasure"], status=REFUSED)
    vault.command("erasure", "status", vault.path, "0" * 32, status=NOTHING)
    vault.command("vaultkey", "roll", vault.path, "--reason", "seen by others")
    vault.check_ledger(without(ledger, ids[0]), vault.restored())
    result = vault.folder / "found.result"
    names = sorted(ids[1:3])
    vault_id = re.search(r"^vault: (\w+)", request.read_text(), re.M)[1]
    result.write_text(f"muniment-result/1\nvault: {vault_id}\nscope: two\n"
                      f"created: 2026-11-24T09:30:00Z\nmessages: 2\n"
                      + "".join(f"message: {name}\n" for name in names))
    vault.command("erase", vault.path, "--result", result, "--reason", "x", "--yes")
    vault.check_ledger(without(ledger, *ids[:3]), vault.restored())
    vault.verify()


def a_copy_of_the_keyring_that_is_away_is_waited_for():
    vault, ledger, ids = filled(lambda n: [f"box{n % 3}@example.com"])
    place = vault.folder / "copies"
    place.mkdir()
    vault.command("vaultkey", "copies", "add", vault.path, "shelf", place)
    place.rename(vault.folder / "away")
    erase(vault, ids[0])
    (state,) = erasures(vault)
    assert state["state"] == "online" and state["copy-behind"] == ["folder shelf"], state
    assert state["final-not-before"] == "unknown", state
    (vault.folder / "away").rename(place)
    (state,) = erasures(vault)
    assert state["state"] == "final" and state["copy-behind"] == [], state
    vault.check_ledger(without(ledger, ids[0]), vault.restored())


# ---- while mail flows -------------------------------------------------------------------------------


def mail_flows_while_messages_are_erased():
    vault, ledger, ids = filled(lambda n: [f"box{n % 4}@example.com"], ERASURES)
    count, lock = itertools.count(5000), threading.Lock()

    def source():
        with lock:
            number = next(count)
        return "s@client.test", [f"box{number % 4}@example.com"], mails.ordinary(number, 900)

    erased = list(ids)
    with Daemon(vault):
        load = Load(vault.address, CONNECTIONS, source, ledger).start()
        for archive_id in ids[:ERASURES // 2]:
            erase(vault, archive_id)
        vault.command("vaultkey", "roll", vault.path, "--reason", "in between")
        vault.command("shred", vault.path, "--mailbox", "box3@example.com", "--reason", "x", "--yes")
        for number, archive_id in enumerate(ids[ERASURES // 2:], ERASURES // 2):
            erase(vault, archive_id, status=NOTHING if number % 4 == 3 else 0)
        load.stop()
    restored = vault.restored()
    assert not set(restored) & set(erased), "what was erased came back"
    left = without(ledger, *erased)
    for archive_id in list(left.acknowledged):  # of box3 what was there before its end
        if left.owners[archive_id] == {"box3@example.com"} and archive_id not in restored:
            del left.acknowledged[archive_id]
    vault.check_ledger(left, restored)
    assert len(left.acknowledged) > 50, "hardly any mail flowed"
    assert any("box3@example.com" in copies for copies in restored.values()), "no new mailbox"
    vault.verify()
    print(f"        {len(left.acknowledged)} messages taken meanwhile")


# ---- killed -----------------------------------------------------------------------------------------


class Killer:
    """Kills the program before its nth sync or rename below the vault's folder."""

    def __init__(self, vault):
        path = vault.folder.parent / (vault.folder.name + ".faults")
        path.write_bytes(bytes(PLAN.size))
        self.file = open(path, "r+b")
        path.unlink()
        self.plan = mmap.mmap(self.file.fileno(), PLAN.size)
        self.env = {"MUNIMENT_FAULTS_ROOT": str(vault.folder),
                    "MUNIMENT_FAULTS_FILE": f"/proc/self/fd/{self.file.fileno()}",
                    "LD_PRELOAD": str(PROGRAMS.helper("faults.so"))}

    def arm(self, call, nth):
        self.plan[0:] = PLAN.pack(call, nth, 1, -1, 0, 0)


def single_keys(vault):
    """{generation: a vault-key file with that one alone}, of those in the file (key-files.md)."""
    text = vault.key_path.read_text()
    named = re.search(r"^vault: (\w+)", text, re.M)
    assert named, "the vault-key file is damaged"
    vault_id, found = named[1], {}
    for number, key in re.findall(r"^key: (\d+) (\w+)$", text, re.M):
        check = hashlib.sha256(b"muniment vault key file" + bytes.fromhex(vault_id)
                               + int(number).to_bytes(4, "big") + bytes.fromhex(key)).digest()
        found[int(number)] = (f"muniment-vaultkey/1\nvault: {vault_id}\nkey: {number} {key}\n"
                              f"check: {check[:8].hex()}\n")
    return found


def opening(vault):
    """Which generations of those in the vault-key file open the keyring as it lies there."""
    place, found = vault.folder / "look", set()
    for generation, text in single_keys(vault).items():
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(vault.path, place / "vault", ignore=shutil.ignore_patterns("run", "lock"))
        (place / "vault.vaultkey").write_text(text)
        host = place / "vault" / "host"
        host.write_text(re.sub(r"(?m)^vaultkey: .*$", f"vaultkey: {place}/vault.vaultkey",
                               host.read_text()))
        done = vault.command("status", place / "vault", "--json", status=None)
        assert done.returncode == 0 or b"vault key does not open" in done.stderr, done
        if done.returncode == 0:
            found.add(generation)
    shutil.rmtree(place)
    return found


def killed_anywhere_one_vault_key_opens():
    vault, ledger, ids = filled(lambda n: [f"box{n % 3}@example.com"])
    base, grant = vault.folder / "base", vault.grant()
    base.mkdir()
    shutil.copytree(vault.path, base / "vault")
    shutil.copy(vault.key_path, base / "vault.vaultkey")
    killer, counts = Killer(vault), {"undone": 0, "done": 0}
    for call in [SYNC, RENAME]:
        for nth in range(1, KILLS_MAX * EVERY, EVERY):
            shutil.rmtree(vault.path)
            shutil.copytree(base / "vault", vault.path)
            shutil.copy(base / "vault.vaultkey", vault.key_path)
            killer.arm(call, nth)
            done = vault.command("shred", vault.path, "--mailbox", "box1@example.com", "--reason",
                                 "x", "--yes", status=None, env=killer.env,
                                 pass_fds=[killer.file.fileno()])
            if done.returncode == 0:
                break
            assert done.returncode == -9, done
            opens = opening(vault)
            assert len(opens) == 1, f"call {call}, number {nth}: {opens} open"
            states = [state["state"] for state in erasures(vault)]
            assert set(states) <= {"cancelled", "final"}, f"call {call}, number {nth}: {states}"
            restored = vault.restored(grant)
            is_done = "final" in states
            vault.check_ledger(without(ledger, owner="box1@example.com") if is_done else ledger,
                               restored)
            assert not is_done or not any("box1@example.com" in c for c in restored.values())
            counts["done" if is_done else "undone"] += 1
            vault.verify(deep=False)
        else:
            raise AssertionError("it never came to its end")
    assert counts["undone"] > 0 and counts["done"] > 0, counts
    print(f"        {counts}")


if __name__ == "__main__":
    harness.run(an_erased_message_restores_nowhere, of_two_owners_one_can_be_shredded,
                the_commands_say_what_they_do, a_copy_of_the_keyring_that_is_away_is_waited_for,
                mail_flows_while_messages_are_erased, killed_anywhere_one_vault_key_opens)
