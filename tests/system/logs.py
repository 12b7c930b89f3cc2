"""A second implementation of what docs/formats/{log,log-entries,proof-bundle}.md say, on hashlib alone:
hashes, inclusion proofs, checkpoints' lines, entries of batches."""
import base64
import hashlib


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def entry_hash(entry):
    return sha256(b"\0", entry)


def root_from_path(index, size, leaf, path):
    """RFC 9162 section 2.1.3.2, as the root that the path leads to."""
    assert index < size, "an index beyond the tree"
    fn, sn, at = index, size - 1, leaf
    for sibling in path:
        assert sn != 0, "the path is too long"
        if fn & 1 or fn == sn:
            at = sha256(b"\1", sibling, at)
            while fn & 1 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            at = sha256(b"\1", at, sibling)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0, "the path is too short"
    return at


def checkpoint(note):
    """(origin, size, root) of a signed note; who signed is not looked at."""
    origin, size, root = note.split("\n")[:3]
    return origin, int(size), base64.b64decode(root, validate=True)


def tlog_proof(text):
    """(extra, index, path, note)"""
    head, note = text.split("\n\n", 1)
    first, *lines = head.split("\n")
    assert first == "c2sp.org/tlog-proof@v1", first
    extra = None
    if lines[0].startswith("extra "):
        extra = base64.b64decode(lines.pop(0)[6:], validate=True)
    index = int(lines.pop(0).removeprefix("index "))
    return extra, index, [base64.b64decode(line, validate=True) for line in lines], note


def verify_tlog_proof(text, entry):
    """The origin of the log that the entry is in."""
    _, index, path, note = tlog_proof(text)
    origin, size, root = checkpoint(note)
    assert root_from_path(index, size, entry_hash(entry), path) == root, "not in the log"
    return origin


def fields(entry):
    """(kind, {type: bytes}) of an entry."""
    assert entry[0] == 1, "version"
    kind, at, found = int.from_bytes(entry[1:3], "big"), 11, {}
    while at < len(entry):
        length = int.from_bytes(entry[at + 2:at + 4], "big")
        found[int.from_bytes(entry[at:at + 2], "big")] = entry[at + 4:at + 4 + length]
        at += 4 + length
    return kind, found


def batch(entry):
    """(count, root) of a batch's entry."""
    kind, found = fields(entry)
    assert kind == 2, "no batch"
    return int.from_bytes(found[9], "big"), found[10]


def record_hash(message):
    """Of a message in a manifest."""
    return sha256(bytes.fromhex(message["record"]), bytes.fromhex(message["ciphertext_sha256"]))


def verify_in_batch(message, entry):
    count, root = batch(entry)
    path = [base64.b64decode(h, validate=True) for h in message["path"].split()]
    leaf = entry_hash(record_hash(message))
    assert root_from_path(message["place"], count, leaf, path) == root, "not in the batch"
