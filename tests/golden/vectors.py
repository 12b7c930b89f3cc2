"""The vectors of docs/formats/keys.md, computed from what is written there and not by the program.

    vectors.py            prints vectors.txt
    vectors.py --check    compares it with what it would print

tests/unit/test_vectors.c has the program compute and open the same.
"""
import pathlib
import struct
import sys

from primitives import (Hpke, blake2b, chacha20poly1305, crc32c, derive_key_pair, expand, extract,
                        hkdf, public, sha256, xchacha20poly1305)

SUITE = b"\0\1"
ROLES = {"content": 1, "index": 2, "master": 3, "master-sign": 4, "reader": 5, "log": 6,
         "escrow": 7}


def seq(start, length=32):
    return bytes((start + i) % 256 for i in range(length))


def u16(n):
    return struct.pack(">H", n)


def u32(n):
    return struct.pack(">I", n)


def u64(n):
    return struct.pack(">Q", n)


def string16(text):
    return u16(len(text)) + text


def key_id(role, key):
    return sha256(b"muniment key id", SUITE, bytes([ROLES[role]]), key)[:16]


VAULT, MAILBOX, ROW, RECORD, BODY = seq(0x10, 16), seq(0x50, 16), seq(0x90, 16), seq(0xc0, 16), \
    seq(0xd0, 16)
LOCATOR_KEY = seq(0xe0)
RECEIVED, LEAF, STEP = 1795512600, 0x01020304, 7


def month_pair(seed, label):
    return derive_key_pair(hkdf(b"", seed, label, 32))


MASTER_SEED, MONTH_SEED = seq(0x00), seq(0x60)
MASTER = hkdf(b"", MASTER_SEED, b"muniment master x25519", 32)
CONTENT, INDEX = (month_pair(MONTH_SEED, b"muniment month content key"),
                  month_pair(MONTH_SEED, b"muniment month index key"))
MONTH_KEY_ID = key_id("content", CONTENT[1])


def key_ids():
    yield "public-key", seq(0)
    for role in ROLES:
        yield role, key_id(role, seq(0))


def master():
    yield "seed", MASTER_SEED
    yield "x25519-secret", MASTER
    yield "x25519-public", public(MASTER)
    yield "ed25519-seed", hkdf(b"", MASTER_SEED, b"muniment master ed25519", 32)
    yield "key-id", key_id("master", public(MASTER))
    yield "fingerprint-of-20-and-40", sha256(b"muniment fingerprint", seq(0x20), seq(0x40))[:16]


def month():
    yield "seed", MONTH_SEED
    yield "content-secret", CONTENT[0]
    yield "content-public", CONTENT[1]
    yield "index-secret", INDEX[0]
    yield "index-public", INDEX[1]
    yield "month-key-id", MONTH_KEY_ID


def wrap():
    recipient = key_id("master", public(MASTER))
    info = b"muniment month wrap" + SUITE + VAULT + MAILBOX + string16(b"a@example.org") + \
        u32(202611) + recipient + CONTENT[1] + INDEX[1]
    hpke = Hpke(seq(0x80), public(MASTER), info)
    yield "vault-id", VAULT
    yield "mailbox-id", MAILBOX
    yield "address", b"a@example.org"
    yield "recipient", recipient
    yield "info", info
    yield "enc", hpke.enc
    yield "ciphertext", hpke.seal(b"", MONTH_SEED)


def header(kind, by_kind, ciphertext_len, locator):
    """A record's header up to its CRCs: what is sealed behind it has this for AAD."""
    clear = b"MNRC\1" + bytes([kind]) + SUITE + RECORD + u64(ciphertext_len) + by_kind
    return clear + xchacha20poly1305(LOCATOR_KEY, RECORD + bytes(8), clear, locator)


def record(clear, ciphertext):
    whole = clear + crc32c(ciphertext)
    whole += crc32c(whole)
    return whole + ciphertext, sha256(whole, sha256(ciphertext))


def copy_content():
    facts = b"".join(u16(kind) + u32(len(value)) + value for kind, value in
                     ((1, b""), (2, b"a@example.org"), (3, b"\1"), (4, b"lmtp"), (999, b"later")))
    content = b"\1\1" + seq(1) + BODY + seq(2) + u64(5000) + u64(1234) + seq(3) + facts
    return content + bytes(-len(content) % 128 if len(content) > 256 else 256 - len(content))


def copy():
    slot, plaintext = seq(0xa0), copy_content()
    info = b"muniment content" + SUITE + VAULT + MONTH_KEY_ID
    hpke = Hpke(seq(0x81), CONTENT[1], info, slot, MONTH_KEY_ID + u32(LEAF))
    locator = MONTH_KEY_ID + u32(LEAF) + BODY + u64(RECEIVED) + u32(6)
    clear = header(2, hpke.enc, len(plaintext) + 16, locator)
    whole, record_hash = record(clear, hpke.seal(clear, plaintext))
    yield "slot", slot
    yield "locator-key", LOCATOR_KEY
    yield "locator", locator
    yield "plaintext", plaintext
    yield "record", whole
    yield "record-hash", record_hash


def stream():
    key = seq(1)
    derived = hkdf(RECORD, key, b"muniment stream" + SUITE + b"\1", 71)
    plaintext = seq(0, 65536) + seq(7, 100)
    first, last = plaintext[:65536], plaintext[65536:]
    yield "body-key", key
    yield "record-id", RECORD
    yield "key", derived[:32]
    yield "prefix", derived[32:39]
    yield "commitment", derived[39:]
    chunks = chacha20poly1305(derived[:32], derived[32:39] + u32(0) + b"\0", b"", first) + \
        chacha20poly1305(derived[:32], derived[32:39] + u32(1) + b"\1", b"", last)
    yield "sha256-of-sealed-chunks", sha256(chunks)
    yield "last-tag", chunks[-16:]
    salt = seq(3)
    yield "salt", salt
    yield "message-commitment", sha256(salt, sha256(b"Subject: x\r\n\r\ny\r\n"))


def index():
    info = b"muniment index" + SUITE + VAULT + MONTH_KEY_ID
    hpke = Hpke(seq(0x82), INDEX[1], info)
    chain = hpke.export(b"muniment index chain", 32)
    yield "enc", hpke.enc
    yield "chain-0", chain
    for step in range(STEP + 1):
        derived = expand(chain, b"muniment index step", 64)
        message, chain = derived[:32], derived[32:]
        if step in (0, 1, STEP):
            yield f"message-{step}", message
    slot, salt, plaintext = seq(0xb0), seq(0x70), b"what the terms body opens with"
    derived = expand(extract(slot, message), b"muniment index record" + SUITE + RECORD + salt, 64)
    locator = MONTH_KEY_ID + u32(LEAF) + BODY + hpke.enc + u32(STEP)
    clear = header(4, salt, 32 + len(plaintext) + 16, locator)
    sealed = derived[32:] + chacha20poly1305(derived[:32], bytes(12), clear, plaintext)
    whole, record_hash = record(clear, sealed)
    yield "slot", slot
    yield "salt", salt
    yield "record-key", derived[:32]
    yield "commitment", derived[32:]
    yield "plaintext", plaintext
    yield "record", whole
    yield "record-hash", record_hash


def padme(length, floor):
    """Of a length over 1: the lowest E - S bits are zero."""
    exponent = length.bit_length() - 1
    step = 1 << exponent - exponent.bit_length()
    return max(floor, -(-length // step) * step)


def terms():
    """Plaintexts of terms copies; what stands for the frames is no frame."""
    named = b"\1\1" + seq(1) + BODY + seq(2) + u64(5000) + u64(1234) + seq(0xe0)[:16] + bytes(16)
    yield "named", named + bytes(256 - len(named))
    for length in (100, 103, 300):
        frame = bytes(i * 7 % 256 for i in range(length))
        inline = b"\2\1" + BODY + u32(5000) + u32(length) + frame
        yield f"inline-{length}", inline + bytes(padme(len(inline), 128) - len(inline))
    stored = b"\2\0" + BODY + u32(100) + u32(100) + bytes(i * 7 % 256 for i in range(100))
    yield "inline-stored-100", stored + bytes(padme(len(stored), 128) - len(stored))


def tree_child(key, side):
    return blake2b(key, b"muniment erasure tree node", 64)[32 * side:][:32]


def tree_leaf(root, leaf):
    for depth in range(32):
        root = tree_child(root, leaf >> (31 - depth) & 1)
    return root


def tree_nodes(key, depth, first, punctured):
    """(depth, first leaf, key) of the largest subtrees that hold no punctured leaf."""
    if not any(first <= leaf < first + 2**(32 - depth) for leaf in punctured):
        yield depth, first, key
    elif depth < 32:
        for side in range(2):
            yield from tree_nodes(tree_child(key, side), depth + 1,
                                  first + side * 2**(31 - depth), punctured)


def tree():
    root = seq(0x20)
    yield "root", root
    for leaf in (0, 1, 7, 2**31, 2**32 - 1):
        key = tree_leaf(root, leaf)
        yield f"content-slot-{leaf}", blake2b(key, b"muniment erasure tree content slot", 32)
        yield f"index-slot-{leaf}", blake2b(key, b"muniment erasure tree index slot", 32)
    nodes = list(tree_nodes(root, 0, 0, (0, 5, 2**32 - 1)))
    form = b"\1" + u32(len(nodes)) + b"".join(bytes([d]) + u32(f) + k for d, f, k in nodes)
    yield "nodes-without-0-5-4294967295", u32(len(nodes))
    yield "sha256-of-its-form", sha256(form)


def values():
    def aad(label):
        return string16(label) + VAULT + string16(b"holds") + ROW + u64(2)
    key, nonce, value = seq(0x41), seq(0x42, 24), b"hold it"
    yield "row-id", ROW
    yield "key", key
    yield "value", value
    yield "aad", aad(b"muniment value")
    yield "sealed", nonce + xchacha20poly1305(key, nonce, aad(b"muniment value"), value)
    under = aad(b"muniment value under vault key") + u32(3)
    yield "under-vault-key-3", nonce + xchacha20poly1305(key, nonce, under, value)


def reader():
    secret = seq(0x43)
    aad, plaintext = b"serial 1", b"content keys"
    info = b"muniment grant\0" + key_id("reader", public(secret))
    hpke = Hpke(seq(0x83), public(secret), info)
    yield "secret", secret
    yield "public", public(secret)
    yield "aad", aad
    yield "plaintext", plaintext
    yield "sealed-for-grant", hpke.enc + hpke.seal(aad, plaintext)


def escrow():
    seed, vault_key = seq(0x70), seq(0x13)
    secret = hkdf(b"", seed, b"muniment escrow x25519", 32)
    hpke = Hpke(seq(0x84), public(secret),
                b"muniment escrow\0" + key_id("escrow", public(secret)))
    yield "seed", seed
    yield "x25519-public", public(secret)
    yield "ed25519-seed", hkdf(b"", seed, b"muniment escrow ed25519", 32)
    yield "vault-key", vault_key
    yield "digest-of-generation-3", sha256(b"muniment vault key digest", VAULT, u32(3),
                                           vault_key)[:16]
    yield "sealed-generation-3", hpke.enc + hpke.seal(VAULT + u32(3), vault_key)


def blocks():
    key, file_id = seq(5), seq(0x40, 16)
    derived = hkdf(file_id, key, b"muniment case index", 64)
    plaintext = seq(0x80, 100)
    yield "key", key
    yield "file-id", file_id
    yield "file-key", derived[:32]
    yield "commitment", derived[32:]
    yield "plaintext", plaintext
    yield "block-7-kind-3-place-2", chacha20poly1305(
        derived[:32], u32(0) + u64(7), b"\3" + u64(2), plaintext)


def other():
    spans = (b"s@example.org", seq(9))
    tagged = b"muniment retry tag\0" + b"".join(u64(len(span)) + span for span in spans)
    yield "day-key", seq(8)
    yield "tag-of-sender-and-hash", blake2b(seq(8), tagged, 32)[:16]
    yield "check-of-vault-keys-1-and-2", sha256(
        b"muniment vault key file", VAULT, u32(1), seq(0x11), u32(2), seq(0x12))[:8]


def text():
    sections = {"key-id": key_ids, "master": master, "month": month, "wrap": wrap, "copy": copy,
                "stream": stream, "index": index, "terms": terms, "tree": tree, "value": values,
                "reader": reader, "escrow": escrow, "blocks": blocks, "other": other}
    lines = ["# Made by vectors.py. Hexadecimal."]
    for name, section in sections.items():
        lines += ["", f"[{name}]"] + [f"{key}={value.hex()}" for key, value in section()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        if text() != (pathlib.Path(__file__).parent / "vectors.txt").read_text():
            sys.exit("vectors.txt is not what its specification gives")
    else:
        sys.stdout.write(text())
