"""`muniment restore`: each format holds the same bytes, narrowing narrows, --resume goes on, and
what goes wrong has its own message and exit status. One damaged record never stops the others."""
import io
import json
import mailbox
import os
import shutil
import subprocess
import tarfile
import zipfile

import harness
import mails
import packs
from harness import Daemon, Elsewhere, Ledger, Vault, sha256
from lmtp import Lmtp

PROGRAMS = harness.build()
MESSAGES = 60


class Fixture:
    vault = None

    @classmethod
    def get(cls):
        if cls.vault is None:
            cls.vault, cls.ledger = Vault(PROGRAMS), Ledger()
            harness.share(cls.vault)
            with Daemon(cls.vault), Lmtp(cls.vault.address) as client:
                for number in range(MESSAGES):
                    cls.send(client, number)
            cls.grant = cls.vault.grant()
        return cls.vault, cls.ledger, cls.grant

    @classmethod
    def send(cls, client, number):
        message = (mails.attachment(number, 3 << 20) if number == 30 else
                   mails.ordinary(number) + b"From the middle\r\n>From quoted\r\n")
        owners = [f"u{number % 6}@example.com", f"u{(number + 1) % 6}@example.com"]
        cls.ledger.sending(message)
        for owner, reply in zip(owners, client.deliver(f"s{number}@b.test", owners, message)):
            cls.ledger.add(reply.archive_id, owner, message)


def all_hashes(ledger):
    """Multiset of what a restore of everything must hold: one per copy."""
    return sorted(ledger.acknowledged[i] for i, owners in ledger.owners.items() for _ in owners)


def eml_and_its_manifest_tell_all():
    vault, ledger, grant = Fixture.get()
    out = vault.folder / "eml"
    vault.restore(out, grant)
    assert sorted(sha256(f.read_bytes()) for f in out.rglob("*.eml")) == all_hashes(ledger)
    manifest = json.loads((out / "manifest.json").read_text())
    text = json.dumps(manifest)
    for archive_id, digest in ledger.acknowledged.items():
        assert archive_id in text and digest in text
    for file in out.rglob("*.eml"):
        mailbox_name, month, name = file.relative_to(out).parts
        assert mailbox_name in ledger.owners[file.stem] and len(month) == 7


def mbox_holds_all():
    vault, ledger, grant = Fixture.get()
    out = vault.folder / "all.mbox"
    vault.restore(out, grant, format="mbox")
    texts = [m for m in split_mboxrd(out.read_bytes())]
    assert sorted(sha256(t) for t in texts) == all_hashes(ledger)
    assert len(mailbox.mbox(out)) == 2 * MESSAGES  # as other programs read it


def split_mboxrd(data):
    """Messages of an mboxrd, unquoted, without the blank line that ends each."""
    message = None
    for line in data.splitlines(True):
        if line.startswith(b"From "):
            if message is not None:
                yield strip_blank(message)
            message = []
            continue
        message.append(line[1:] if line.lstrip(b">").startswith(b"From ") else line)
    yield strip_blank(message)


def strip_blank(lines):
    assert lines[-1] in (b"\n", b"\r\n")
    return b"".join(lines[:-1])


def maildir_holds_all():
    vault, ledger, grant = Fixture.get()
    out = vault.folder / "maildir"
    vault.restore(out, grant, format="maildir")
    files = [p for p in out.rglob("*") if p.is_file() and p.parent.name in ("cur", "new")]
    assert sorted(sha256(f.read_bytes()) for f in files) == all_hashes(ledger)


def zip_and_tar_hold_all():
    vault, ledger, grant = Fixture.get()
    vault.restore(vault.folder / "all.zip", grant, format="zip")
    with zipfile.ZipFile(vault.folder / "all.zip") as archive:
        assert archive.testzip() is None
        found = [sha256(archive.read(n)) for n in archive.namelist() if n.endswith(".eml")]
        assert any(n.endswith("manifest.json") for n in archive.namelist())
    assert sorted(found) == all_hashes(ledger)
    done = vault.restore("-", grant, format="tar.zst")
    plain = subprocess.run(["zstd", "-dc"], input=done.stdout, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(plain.stdout)) as tar:
        found = [sha256(tar.extractfile(m).read()) for m in tar if m.name.endswith(".eml")]
    assert sorted(found) == all_hashes(ledger)


def single_messages_and_mailboxes_can_be_asked_for():
    vault, ledger, grant = Fixture.get()
    wanted = list(ledger.acknowledged)[7]
    assert set(vault.restored(grant, options=("--message", wanted))) == {wanted}
    small = vault.grant("--mailbox", "u2@example.com", "--from", "1980-01", "--to", "2099-12",
                        name="one")
    owners = {o for copies in vault.restored(small).values() for o in copies}
    assert owners == {"u2@example.com"}, owners
    other = next(i for i, o in ledger.owners.items() if "u2@example.com" not in o)
    out_of_scope = vault.restore(vault.folder / "no", small, options=("--message", other), status=None)
    assert out_of_scope.returncode in (3, 4) and out_of_scope.stderr, out_of_scope


def nothing_matched_is_status_3():
    vault, _, grant = Fixture.get()
    vault.restore(vault.folder / "none", grant, options=("--message", "0" * 32), status=3)


def folder_that_is_not_empty_is_refused_and_resume_completes_it():
    vault, ledger, grant = Fixture.get()
    out = vault.folder / "resumed"
    vault.restore(out, grant)
    files = sorted(out.rglob("*.eml"))
    for file in files[::3]:
        file.unlink()
    vault.restore(out, grant, status=1)
    vault.restore(out, grant, options=("--all", "--resume"))
    assert sorted(sha256(f.read_bytes()) for f in out.rglob("*.eml")) == all_hashes(ledger)


def killed_restore_is_completed_by_resume():
    vault, ledger, grant = Fixture.get()
    for format, pattern in [("eml", "*.eml"), ("maildir", "*/cur/*")]:
        out = vault.folder / f"killed-{format}"
        words = [PROGRAMS.muniment, "restore", vault.path, "--grant", grant, "--identity",
                 vault.folder / "reader.key", "--all", "--format", format, "--out", out]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        harness.eventually("the first message", lambda: any(out.rglob(pattern)))
        process.kill()
        process.wait()
        vault.restore(out, grant, format=format, options=("--all", "--resume"))
        found = [sha256(f.read_bytes()) for f in out.rglob(pattern)]
        assert sorted(found) == all_hashes(ledger)
        left = [f for f in out.rglob("*") if "draft" in f.name or "journal" in f.name]
        assert not left and not any(out.rglob("tmp/*")), left
        manifest = json.loads((out / "manifest.json").read_text())
        assert manifest["counts"]["messages"] == len(manifest["messages"]) == len(found)


def what_is_there_is_never_overwritten():
    vault, _, grant = Fixture.get()
    file = vault.folder / "there"
    file.write_text("mine")
    (vault.folder / "there.mbox").write_text("mine")
    for format, name in [("eml", "there"), ("maildir", "there"), ("mbox", "there"),
                         ("mbox", "there.mbox"), ("zip", "there"), ("tar.zst", "there")]:
        done = vault.restore(vault.folder / name, grant, format=format, status=1)
        assert b"give another name" in done.stderr, done
        assert (vault.folder / name).read_text() == "mine"


def mailbox_that_is_not_there_is_status_3():
    vault, _, grant = Fixture.get()
    done = vault.restore(vault.folder / "none", grant, status=3,
                         options=("--all", "--mailbox", "nobody@example.com"))
    assert b"nobody@example.com" in done.stderr, done
    vault.restore(vault.folder / "none", grant, options=("--message", "no-id"), status=2)
    assert not (vault.folder / "none").exists()


def manifest_that_leads_elsewhere_is_not_followed():
    """A resumed export reads what its manifest names: a name outside of it, or lines made to
    exhaust the reader, are no entries."""
    vault, ledger, grant = Fixture.get()
    out = vault.folder / "led-away"
    vault.restore(out, grant)
    file = next(out.rglob("*.eml"))
    (vault.folder / "outside.eml").write_bytes(file.read_bytes())
    manifest = (out / "manifest.json").read_text()
    manifest = manifest.replace(str(file.relative_to(out)), "../outside.eml")
    (out / "manifest.json").write_text("[" * 500000 + "\n" + "x" * (2 << 20) + "\n" + manifest)
    file.unlink()
    vault.restore(out, grant, options=("--all", "--resume"))
    assert sorted(sha256(f.read_bytes()) for f in out.rglob("*.eml")) == all_hashes(ledger)
    assert "outside" not in (out / "manifest.json").read_text()


def wrong_keys_have_their_own_messages():
    vault, _, grant = Fixture.get()
    vault.command("identity", "create", "--out", vault.folder / "stranger.key")
    stranger = vault.command("restore", vault.path, "--grant", grant, "--identity",
                             vault.folder / "stranger.key", "--all", "--format", "eml", "--out",
                             vault.folder / "x", status=None)
    assert stranger.returncode not in (0, 5) and b"identity" in stranger.stderr, stranger
    (vault.folder / "wrong").write_text("not it\n")
    phrase = vault.command("grant", vault.folder / "all.request", "--master", vault.master,
                           "--passphrase-file", vault.folder / "wrong", "--out",
                           vault.folder / "x.grant", status=None)
    assert phrase.returncode == 1 and b"passphrase" in phrase.stderr.lower(), phrase
    text = grant.read_text()
    forged = vault.folder / "forged.grant"
    forged.write_text(text.replace("2099", "2098"))
    changed = vault.restore(vault.folder / "x", forged, status=None)
    assert text == forged.read_text() or changed.returncode not in (0, 5), changed
    assert not (vault.folder / "x.grant").exists()


def vault_without_its_key_is_told_so():
    vault, _, grant = Fixture.get()
    hidden = vault.folder / "hidden.vaultkey"
    vault.key_path.rename(hidden)
    try:
        missing = vault.restore(vault.folder / "x", grant, status=None)
        assert missing.returncode not in (0, 5) and b"vaultkey" in missing.stderr, missing
    finally:
        hidden.rename(vault.key_path)


def damaged_record_does_not_stop_the_others():
    """A pack of a copied vault is cut into: the rest restores (status 5), verify names the damage."""
    vault, ledger, grant = Fixture.get()
    place = vault.folder / "damaged"
    place.mkdir()
    shutil.copytree(vault.path, place / "vault", ignore=shutil.ignore_patterns("run"))
    shutil.copy(vault.key_path, place / "vault.vaultkey")
    hurt = Elsewhere(vault, place / "vault")
    pack = sorted((hurt.path / "packs").glob("*.pack"))[0]  # restores have made others, of events
    bodies = [r for r in packs.records_of(pack.read_bytes()) if r.kind == packs.BODY]
    with open(pack, "r+b") as file:
        file.seek(bodies[len(bodies) // 2].end - 1000)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x40]))
    restored = hurt.restored(grant, status=5)
    changed = {d for c in restored.values() for d in c.values()} - set(ledger.acknowledged.values())
    assert not changed, "something restored that was never archived"
    lost = sum(len(o) for o in ledger.owners.values()) - sum(len(c) for c in restored.values())
    assert 1 <= lost <= 2, f"{lost} copies lost to one flipped bit"
    found = hurt.verify(status=None)
    assert found.returncode in (1, 5) and pack.name.encode()[:16] in found.stdout + found.stderr, found


if __name__ == "__main__":
    harness.run(eml_and_its_manifest_tell_all, mbox_holds_all, maildir_holds_all,
                zip_and_tar_hold_all, single_messages_and_mailboxes_can_be_asked_for,
                nothing_matched_is_status_3,
                folder_that_is_not_empty_is_refused_and_resume_completes_it,
                killed_restore_is_completed_by_resume, what_is_there_is_never_overwritten,
                mailbox_that_is_not_there_is_status_3,
                manifest_that_leads_elsewhere_is_not_followed, wrong_keys_have_their_own_messages,
                vault_without_its_key_is_told_so, damaged_record_does_not_stop_the_others)
