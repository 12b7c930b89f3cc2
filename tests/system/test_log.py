"""The log of a real vault: what is listed, what is proved, and that whatever is changed in it is found.
Proofs are followed by hand (tests/system/logs.py), and by Go's tlog package where Go is there."""
import json
import os
import shutil
import subprocess

import harness
import logs
import mails
from harness import Daemon, Elsewhere, Vault, sha256
from lmtp import Lmtp

PROGRAMS = harness.build()
MESSAGES = 9
NOTHING, FAILED = 3, 1


def deliver(vault, numbers):
    """Delivers, and ends the daemon, which logs the batch: the archive ids."""
    ids = []
    with Daemon(vault), Lmtp(vault.address) as client:
        for number in numbers:
            (reply,) = client.deliver("s@b.test", [f"u{number % 3}@example.com"],
                                      mails.ordinary(number))
            ids.append(reply.archive_id)
    return ids


class Fixture:
    """A vault with two batches of mail, a restore in between, and an export of all of it."""
    vault = None

    @classmethod
    def get(cls):
        if cls.vault is None:
            vault = Vault(PROGRAMS)
            cls.ids = deliver(vault, range(MESSAGES - 2))
            cls.grant = vault.grant()
            vault.restore(vault.folder / "first", cls.grant)
            cls.earlier = vault.folder / "earlier"
            shutil.copytree(vault.path, cls.earlier / "vault",
                            ignore=shutil.ignore_patterns("run"))
            shutil.copy(vault.key_path, cls.earlier / "vault.vaultkey")
            cls.ids += deliver(vault, range(MESSAGES - 2, MESSAGES))
            cls.out = vault.folder / "out"
            vault.restore(cls.out, cls.grant)
            cls.policy = vault.folder / "policy"
            cls.policy.write_text(f"log {keys(vault)[0]}\nquorum none\n")
            harness.share(vault)
            cls.vault = vault
        return cls


def keys(vault, log="archive"):
    return vault.command("log", "checkpoint", vault.path, "--vkey", "--log",
                         log).stdout.decode().split("\n")[:-1]


def listed(vault, *options, status=0):
    return json.loads(vault.command("log", "list", vault.path, "--json", *options,
                                    status=status).stdout)


def verify(vault, *options, status=0, path=None):
    done = vault.command("log", "verify", path or vault.path, *options, status=status)
    return (done.stdout + done.stderr).decode(errors="replace")


def copied(fixture, name="tampered"):
    place = fixture.vault.folder / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    shutil.copytree(fixture.vault.path, place / "vault", ignore=shutil.ignore_patterns("run"))
    shutil.copy(fixture.vault.key_path, place / "vault.vaultkey")
    return Elsewhere(fixture.vault, place / "vault")


# ---- what is told ---------------------------------------------------------------------------------

def list_shows_batches_and_acts():
    fixture = Fixture.get()
    entries = listed(fixture.vault)
    kinds = [e["kind"] for e in entries]
    assert kinds.count("epoch-start") == 2 and kinds[0] == "epoch-start", kinds
    records = sum(e["count"] for e in entries if e["kind"] == "batch")
    assert records >= 2 * MESSAGES, "bodies and copies, and the events of acts"
    for kind in ["restore-begun", "release", "restore-done"]:
        assert kinds.count(kind) == 2, (kind, kinds)
    done = [e for e in entries if e["kind"] == "restore-done"][-1]
    manifest = sha256((fixture.out / "manifest.json").read_bytes())
    assert f"manifest: {manifest}" in done["text"], done
    times = [e["time"] for e in entries]
    assert times == sorted(times)
    text = fixture.vault.command("log", "list", fixture.vault.path).stdout.decode()
    assert text.count("  restore-done\n") == 2 and "    case: test" in text, text


def list_is_narrowed():
    fixture = Fixture.get()
    vault = fixture.vault
    assert {e["kind"] for e in listed(vault, "--kind", "release")} == {"release"}
    assert {e["log"] for e in listed(vault, "--log", "control")} == {"control"}
    assert len(listed(vault, "--from", "2020-01")) == len(listed(vault))
    assert listed(vault, "--to", "2020-01", status=NOTHING) == []
    vault.command("log", "list", vault.path, "--log", "other", status=2)


def addresses_are_in_no_entry():
    fixture = Fixture.get()
    for file in (fixture.vault.path / "log").rglob("*"):
        assert not file.is_file() or b"example.com" not in file.read_bytes(), file


# ---- what is proved -------------------------------------------------------------------------------

def restored_file_is_tied_to_its_leaf_by_hand():
    fixture = Fixture.get()
    manifest = json.loads((fixture.out / "manifest.json").read_text())
    entries = {}
    for batch in manifest["batches"]:
        entry = bytes.fromhex(batch["entry"])
        origin = logs.verify_tlog_proof(batch["tlog_proof"], entry)
        assert origin == f"muniment/{manifest['vault']}/archive/1"
        entries[logs.tlog_proof(batch["tlog_proof"])[1]] = entry
    assert len(manifest["messages"]) == MESSAGES and len(entries) == 2
    for message in manifest["messages"]:
        digest = subprocess.run(["sha256sum", fixture.out / message["file"]], check=True,
                                capture_output=True).stdout.split()[0].decode()
        assert message["in_log"] and digest == message["sha256"]
        record = bytes.fromhex(message["record"])
        assert record[8:24].hex() == message["id"]
        assert logs.sha256(bytes.fromhex(message["salt"]), bytes.fromhex(digest)) == record[32:64]
        logs.verify_in_batch(message, entries[message["batch"]])


def message_is_proved_without_a_grant():
    fixture = Fixture.get()
    done = fixture.vault.command("log", "prove", fixture.vault.path, *fixture.ids)
    proved = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [p["id"] for p in proved] == fixture.ids
    for message in proved:
        assert "salt" not in message, "the salt is the readers'"
        entry = bytes.fromhex(message["entry"])
        logs.verify_tlog_proof(message["tlog_proof"], entry)
        logs.verify_in_batch(message, entry)


def act_is_proved():
    fixture = Fixture.get()
    vault = fixture.vault
    release = listed(vault, "--kind", "release")[0]
    out = vault.folder / "act.tlog-proof"
    vault.command("log", "prove", vault.path, "--index", release["index"], "--out", out)
    extra, index, _, note = logs.tlog_proof(out.read_text())
    assert index == release["index"] and "/control/" in logs.verify_tlog_proof(out.read_text(), extra)
    assert logs.checkpoint(note)[0].endswith("/control/1")
    kind, found = logs.fields(extra)
    assert kind == 4 and found[7].hex() == release["commitment"]
    vault.command("log", "prove", vault.path, "--index", "100000", status=FAILED)
    vault.command("log", "prove", vault.path, status=2)


def newest_mail_is_said_not_to_be_in_the_log():
    vault = Vault(PROGRAMS)
    grant = None
    with Daemon(vault), Lmtp(vault.address) as client:
        (reply,) = client.deliver("s@b.test", ["u@example.com"], mails.ordinary(1))
        done = vault.command("log", "prove", vault.path, reply.archive_id, status=NOTHING)
        assert json.loads(done.stdout)["in_log"] is False
        grant = vault.grant()
        vault.restore(vault.folder / "young", grant)
    vault.restore(vault.folder / "old", grant)
    policy = vault.folder / "policy"
    policy.write_text(f"log {keys(vault)[0]}\nquorum none\n")
    for name, in_log in [("young", False), ("old", True)]:
        manifest = json.loads((vault.folder / name / "manifest.json").read_text())
        assert [m["in_log"] for m in manifest["messages"]] == [in_log]
        report = json.loads(vault.command("check", vault.folder / name, "--policy", policy,
                                          "--json").stdout)
        assert report["in_log"] == int(in_log) and report["findings"] == []


# ---- another key ----------------------------------------------------------------------------------

def proofs_and_checkpoints_outlive_two_rotations():
    """By a command and by a daemon that is asked: what was signed before stays good, under its key."""
    vault = Vault(PROGRAMS)
    deliver(vault, range(2))
    grant = vault.grant()
    first_key, checkpoint = keys(vault)[0], vault.folder / "checkpoint"
    vault.command("log", "checkpoint", vault.path, "--out", checkpoint)
    vault.restore(vault.folder / "one", grant)
    done = vault.command("log", "rotate-key", vault.path)
    assert done.stdout.decode().split("\n")[0] == f"archive: {keys(vault)[0]}", done
    deliver(vault, range(2, 4))
    vault.restore(vault.folder / "two", grant)
    with Daemon(vault), Lmtp(vault.address) as client:
        answer = json.loads(vault.command("log", "rotate-key", vault.path, "--json").stdout)
        (reply,) = client.deliver("s@b.test", ["u0@example.com"], mails.ordinary(9))
        assert answer == {"archive": keys(vault)[0], "control": keys(vault, "control")[0]}
    ids = [reply.archive_id]
    vault.restore(vault.folder / "three", grant)
    assert keys(vault)[2] == first_key and len(keys(vault)) == 3
    assert "all as it was signed" in verify(vault, "--checkpoint", checkpoint)
    assert len(listed(vault, "--kind", "key-rotated")) == 4
    vault.command("log", "prove", vault.path, *ids)
    checked_by_the_keys_that_signed(vault, first_key)


def checked_by_the_keys_that_signed(vault, first_key):
    old, full = vault.folder / "old.policy", vault.folder / "full.policy"
    old.write_text(f"log {first_key}\nquorum none\n")
    full.write_text("".join(f"log {key}\n" for key in keys(vault)) + "quorum none\n")
    for name, status in [("one", 0), ("two", FAILED), ("three", FAILED)]:
        vault.command("check", vault.folder / name, "--policy", old, status=status)
        vault.command("check", vault.folder / name, "--policy", full)


# ---- check ----------------------------------------------------------------------------------------

def check_needs_no_vault_and_finds_changes():
    fixture = Fixture.get()
    vault = fixture.vault
    with_nothing = vault.folder / "alone"
    shutil.copytree(fixture.out, with_nothing)
    report = json.loads(vault.command("check", with_nothing, "--policy", fixture.policy,
                                      "--json").stdout)
    assert report["findings"] == [] and report["in_log"] == report["messages"] == MESSAGES
    file = next(with_nothing.rglob("*.eml"))
    data = bytearray(file.read_bytes())
    data[10] ^= 1
    file.write_bytes(data)
    done = vault.command("check", with_nothing, "--policy", fixture.policy, status=FAILED)
    assert file.name in done.stdout.decode(), done
    file.unlink()
    done = vault.command("check", with_nothing, "--policy", fixture.policy, status=FAILED)
    assert file.name in done.stdout.decode(), done


def check_asks_for_what_the_policy_asks_for():
    fixture = Fixture.get()
    vault = fixture.vault
    other = vault.folder / "other.policy"
    other.write_text(f"log {keys(vault, 'control')[0]}\nquorum none\n")
    done = vault.command("check", fixture.out, "--policy", other, status=FAILED)
    assert b"batch" in done.stdout, done
    witness = vault.command("witness", "create", "--out", vault.folder / "w.key", "--name",
                            "w.example").stdout.decode().strip()
    other.write_text(fixture.policy.read_text().replace(
        "quorum none", f"witness w {witness}\nquorum w"))
    vault.command("check", fixture.out, "--policy", other, status=FAILED)


def other_formats_are_checked_too():
    fixture = Fixture.get()
    vault = fixture.vault
    vault.restore(vault.folder / "all.zip", fixture.grant, format="zip")
    vault.restore(vault.folder / "maildir", fixture.grant, format="maildir")
    vault.restore(vault.folder / "mbox", fixture.grant, format="mbox")
    vault.restore(vault.folder / "all.mbox", fixture.grant, format="mbox")
    unpacked = vault.folder / "unpacked"
    shutil.unpack_archive(vault.folder / "all.zip", unpacked)
    for folder in [unpacked, vault.folder / "maildir", vault.folder / "mbox",
                   vault.folder / "all.mbox"]:
        report = json.loads(vault.command("check", folder, "--policy", fixture.policy,
                                          "--json").stdout)
        assert report["in_log"] == MESSAGES and report["findings"] == [], (folder, report)


# ---- what is changed ------------------------------------------------------------------------------

def untouched_log_verifies():
    fixture = Fixture.get()
    checkpoint = fixture.vault.folder / "checkpoint"
    checkpoint.unlink(missing_ok=True)
    fixture.vault.command("log", "checkpoint", fixture.vault.path, "--out", checkpoint)
    assert "all as it was signed" in verify(fixture.vault, "--checkpoint", checkpoint)
    assert json.loads(fixture.vault.command("log", "verify", fixture.vault.path,
                                            "--json").stdout)["findings"] == []


def bundle_of(folder):
    (path,) = [p for p in (folder / "tile" / "entries").rglob("*") if p.is_file()]
    data, entries = path.read_bytes(), []
    while data:
        end = 2 + int.from_bytes(data[:2], "big")
        entries.append(data[:end])
        data = data[end:]
    return path, entries


def changed_tiles_entries_and_lists_are_found():
    fixture = Fixture.get()
    for log in ["archive", "control"]:
        files = [p for p in (fixture.vault.path / "log" / log).rglob("*")
                 if p.is_file() and p.name != "head" and p.parent.name != log]
        assert len(files) >= 2
        for file in files:
            hurt = copied(fixture)
            place = hurt.path / file.relative_to(fixture.vault.path)
            data = bytearray(place.read_bytes())
            data[len(data) // 2] ^= 0x10
            place.write_bytes(data)
            assert log in verify(hurt, status=FAILED), file


def dropped_and_reordered_entries_are_found():
    fixture = Fixture.get()
    for change in [lambda e: e[:-2] + e[-1:], lambda e: e[:1] + e[2:3] + e[1:2] + e[3:],
                   lambda e: e[:-1], lambda e: e + e[-1:]]:
        hurt = copied(fixture)
        path, entries = bundle_of(hurt.path / "log" / "control")
        assert len(entries) > 5
        path.write_bytes(b"".join(change(entries)))
        verify(hurt, status=FAILED)


def forged_checkpoint_is_found():
    fixture = Fixture.get()
    hurt = copied(fixture)
    path = hurt.path / "log" / "archive" / "checkpoint"
    origin, size, root = logs.checkpoint(path.read_text())
    path.write_text(path.read_text().replace(f"\n{size}\n", f"\n{size - 1}\n", 1))
    verify(hurt, status=FAILED)


def log_that_was_set_back_is_found():
    """The log alone: the vault remembers how long it was. All of the vault: a checkpoint does that was
    kept elsewhere."""
    fixture = Fixture.get()
    checkpoint = fixture.vault.folder / "newest"
    checkpoint.unlink(missing_ok=True)
    fixture.vault.command("log", "checkpoint", fixture.vault.path, "--out", checkpoint)
    hurt = copied(fixture)
    for log in ["archive", "control"]:
        shutil.rmtree(hurt.path / "log" / log)
        shutil.copytree(fixture.earlier / "vault" / "log" / log, hurt.path / "log" / log)
    verify(hurt, status=FAILED)
    earlier = Elsewhere(fixture.vault, fixture.earlier / "vault")
    assert "all as it was signed" in verify(earlier)
    assert "set back" in verify(earlier, "--checkpoint", checkpoint, status=FAILED)


def checkpoint_of_another_vault_is_named():
    fixture = Fixture.get()
    other = Vault(PROGRAMS)
    checkpoint = other.folder / "checkpoint"
    other.command("log", "checkpoint", other.path, "--out", checkpoint)
    output = verify(fixture.vault, "--checkpoint", checkpoint, status=FAILED)
    assert "none of this vault's" in output, output


def go_verifies_the_logs_of_a_vault():
    if shutil.which("go") is None or not os.path.isdir(
            "/usr/share/gocode/src/golang.org/x/mod/sumdb"):
        raise harness.Skip("golang-go and golang-golang-x-mod-dev are not installed")
    fixture = Fixture.get()
    source = harness.SOURCE / "tests" / "system" / "tlog"
    verifier = fixture.vault.folder / "verify_vault"
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
           "GOTOOLCHAIN": "local", "GOCACHE": str(fixture.vault.folder / "cache")}
    subprocess.run(["go", "build", "-p", "2", "-o", verifier, source / "verify_vault.go",
                    source / "logs.go"], check=True, env=env)
    for log in ["archive", "control"]:
        words = [verifier, fixture.vault.path / "log" / log, keys(fixture.vault, log)[0]]
        done = subprocess.run(words, check=True, capture_output=True)
        size = len(listed(fixture.vault, "--log", log))
        assert f"{size} entries".encode() in done.stdout, done
        hurt = copied(fixture)
        path, entries = bundle_of(hurt.path / "log" / log)
        path.write_bytes(b"".join(entries[:1] + entries[2:3] + entries[1:2] + entries[3:]))
        words[1] = hurt.path / "log" / log
        assert subprocess.run(words, check=False, capture_output=True).returncode != 0


if __name__ == "__main__":
    harness.run(list_shows_batches_and_acts, list_is_narrowed, addresses_are_in_no_entry,
                restored_file_is_tied_to_its_leaf_by_hand, message_is_proved_without_a_grant,
                act_is_proved, newest_mail_is_said_not_to_be_in_the_log,
                proofs_and_checkpoints_outlive_two_rotations,
                check_needs_no_vault_and_finds_changes, check_asks_for_what_the_policy_asks_for,
                other_formats_are_checked_too, untouched_log_verifies,
                changed_tiles_entries_and_lists_are_found, dropped_and_reordered_entries_are_found,
                forged_checkpoint_is_found, log_that_was_set_back_is_found,
                checkpoint_of_another_vault_is_named, go_verifies_the_logs_of_a_vault)
