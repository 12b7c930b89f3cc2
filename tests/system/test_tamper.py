"""Tampering with a vault's packs: each region of each kind of record is flipped, cut out, zeroed or
swapped with another record's. `verify --deep` names it, `restore` never gives what was not archived
and gives all the rest. What only a holder of a body's key could forge: tests/unit/test_tamper.c."""
import shutil

import harness
import mails
import packs
from harness import Daemon, Elsewhere, Ledger, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
MESSAGES = 12


class Fixture:
    vault = None

    @classmethod
    def get(cls):
        if cls.vault is None:
            vault, ledger = Vault(PROGRAMS), Ledger()
            with Daemon(vault), Lmtp(vault.address) as client:
                for number in range(MESSAGES):
                    send(client, ledger, number)
            harness.share(vault)
            (pack,) = (vault.path / "packs").glob("*.pack")
            cls.vault, cls.ledger, cls.pack = vault, ledger, pack.name
            cls.grant, cls.bytes = vault.grant(), pack.read_bytes()
            cls.records = packs.records_of(cls.bytes)
            kinds = [r.kind for r in cls.records]
            assert kinds.count(packs.BODY) == MESSAGES - 1, "one is large, in a pack of its own"
            assert kinds.count(packs.COPY) == kinds.count(packs.TERMS_COPY) == 2 * MESSAGES
            assert kinds.count(packs.TERMS_BODY) == MESSAGES
        return cls


def send(client, ledger, number):
    message = mails.attachment(number, 2 << 20) if number == 5 else mails.ordinary(number, 3000)
    owners = [f"u{number}@example.com", f"v{number}@example.com"]
    ledger.sending(message)
    for owner, reply in zip(owners, client.deliver("s@b.test", owners, message)):
        ledger.add(reply.archive_id, owner, message)


def tampered(fixture, name, data, what, lost_max=2):
    """Checks a vault whose pack `name` has other bytes. At most lost_max messages may be gone."""
    place = fixture.vault.folder / "tampered"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    shutil.copytree(fixture.vault.path, place / "vault", ignore=shutil.ignore_patterns("run"))
    shutil.copy(fixture.vault.key_path, place / "vault.vaultkey")
    (place / "vault" / "packs" / name).write_bytes(data)
    hurt = Elsewhere(fixture.vault, place / "vault")
    verify = hurt.verify(status=None)
    assert verify.returncode in (1, 5), f"{what}: verify gives {verify}"
    output = (verify.stdout + verify.stderr).decode(errors="replace")
    assert name.split(".")[0] in output, f"{what}: verify does not name the pack:\n{output}"
    restored = hurt.restored(fixture.grant, status=None)
    archived = set(fixture.ledger.acknowledged.values())
    strange = {d for copies in restored.values() for d in copies.values()} - archived
    assert not strange, f"{what}: restored what was never archived"
    gone = [i for i, owners in fixture.ledger.owners.items()
            if set(restored.get(i, {})) != owners]
    assert len(gone) <= lost_max, f"{what}: {len(gone)} of {MESSAGES} messages gone"
    return gone


def flipped(data, offset):
    return data[:offset] + bytes([data[offset] ^ 0x01]) + data[offset + 1:]


def sample(records, kind):
    """One from the middle of the pack, so that good ones come before and after."""
    of_kind = [r for r in records if r.kind == kind]
    return of_kind[len(of_kind) // 2]


def flipped_bits_are_found(kind):
    fixture = Fixture.get()
    record = sample(fixture.records, kind)
    for region, offset, length in record.regions():
        for place in sorted({offset, offset + length - 1}):
            tampered(fixture, fixture.pack, flipped(fixture.bytes, place),
                     f"{record.name}, {region}, byte {place - record.offset}")


def flipped_bits_of_a_body_are_found():
    flipped_bits_are_found(packs.BODY)


def flipped_bits_of_a_copy_are_found():
    flipped_bits_are_found(packs.COPY)


def flipped_bits_of_terms_are_found():
    flipped_bits_are_found(packs.TERMS_BODY)
    flipped_bits_are_found(packs.TERMS_COPY)


def flipped_bits_of_a_commit_record_are_found():
    flipped_bits_are_found(packs.COMMIT)


def cut_and_zeroed_stretches_are_found():
    fixture = Fixture.get()
    for kind in [packs.BODY, packs.COPY, packs.COMMIT]:
        record, data = sample(fixture.records, kind), fixture.bytes
        zeros = bytes(record.end - record.offset)
        tampered(fixture, fixture.pack, data[:record.offset] + zeros + data[record.end:],
                 f"{record.name} zeroed")
        # What follows stands elsewhere then: the catalog points beside it, a scan finds it again.
        tampered(fixture, fixture.pack, data[:record.offset] + data[record.end:],
                 f"{record.name} cut out", lost_max=MESSAGES)


def records_in_each_others_place_are_refused():
    fixture = Fixture.get()
    data = fixture.bytes
    for kind in [packs.BODY, packs.COPY]:
        alike = [r for r in fixture.records if r.kind == kind]
        pairs = [(a, b) for a in alike for b in alike
                 if a.offset < b.offset and a.end - a.offset == b.end - b.offset]
        assert pairs, f"no two {packs.NAMES[kind]} records of one length"
        one, two = pairs[len(pairs) // 2]
        swapped = (data[:one.offset] + data[two.offset:two.end] + data[one.end:two.offset] +
                   data[one.offset:one.end] + data[two.end:])
        tampered(fixture, fixture.pack, swapped, f"two {one.name} records swapped")
        start = one.header_len  # only the ciphertexts: each header with the other's content
        crossed = (data[:one.offset + start] + data[two.offset + start:two.end] +
                   data[one.end:two.offset + start] + data[one.offset + start:one.end] +
                   data[two.end:])
        tampered(fixture, fixture.pack, crossed, f"two {one.name} ciphertexts swapped")


def streamed_bodies_are_watched_too():
    fixture = Fixture.get()
    (stream,) = (fixture.vault.path / "packs").glob("*.stream")
    data = stream.read_bytes()
    (record,) = packs.records_of(data)
    for region, offset, _ in record.regions():
        gone = tampered(fixture, stream.name, flipped(data, offset), f"stream, {region}", lost_max=1)
        assert len(gone) == 1 or region == "header crc", f"stream, {region}: it restores all the same"
    tampered(fixture, stream.name, data[:len(data) // 2], "stream cut short", lost_max=1)


def cut_pack_loses_only_what_was_cut():
    fixture = Fixture.get()
    middle = sample(fixture.records, packs.COMMIT)
    gone = tampered(fixture, fixture.pack, fixture.bytes[:middle.end], "pack cut after a group",
                    lost_max=MESSAGES)
    assert 0 < len(gone) < MESSAGES, gone


def missing_pack_is_noticed_by_what_came_after_it():
    """Also when the catalog was made anew and has nothing of it."""
    vault, ledger = Vault(PROGRAMS), Ledger()
    for number in range(2):
        with Daemon(vault), Lmtp(vault.address) as client:
            send(client, ledger, number)
    first, _ = sorted((vault.path / "packs").glob("*.pack"))
    first.unlink()
    for prepare in [lambda: None, lambda: vault.command("rebuild", vault.path, status=None)]:
        prepare()
        verify = vault.verify(status=None)
        output = (verify.stdout + verify.stderr).decode()
        assert verify.returncode in (1, 5), verify
        assert first.stem.split("-")[1] in output and "missing" in output, output


if __name__ == "__main__":
    harness.run(flipped_bits_of_a_body_are_found, flipped_bits_of_a_copy_are_found,
                flipped_bits_of_terms_are_found, flipped_bits_of_a_commit_record_are_found,
                cut_and_zeroed_stretches_are_found, records_in_each_others_place_are_refused,
                streamed_bodies_are_watched_too, cut_pack_loses_only_what_was_cut,
                missing_pack_is_noticed_by_what_came_after_it)
