"""Finding records in packs, to harm them: the header's fields as docs/formats/record.md has them."""
import struct

MAGIC = b"MNRC"
BODY, COPY, TERMS_BODY, TERMS_COPY, COMMIT = 1, 2, 3, 4, 8
NAMES = {BODY: "body", COPY: "copy", TERMS_BODY: "terms body", TERMS_COPY: "terms copy",
         COMMIT: "commit"}
HEADER_LEN = {BODY: 156, COPY: 136, TERMS_BODY: 104, TERMS_COPY: 160, COMMIT: 72}
FIXED = 64


class Record:
    def __init__(self, offset, kind, record_id, ciphertext_len):
        self.offset, self.kind, self.id = offset, kind, record_id.hex()
        self.header_len = HEADER_LEN[kind]
        self.end = offset + self.header_len + ciphertext_len

    @property
    def name(self):
        return NAMES[self.kind]

    def regions(self):
        """(name, offset in the file, length) of every stretch that means something."""
        at, crc = self.offset, self.offset + self.header_len - 8
        fields = [("magic", 0, 4), ("version", 4, 1), ("kind", 5, 1), ("suite", 6, 2),
                  ("record id", 8, 16), ("length", 24, 8), ("by kind", 32, 32)]
        yield from ((name, at + start, length) for name, start, length in fields)
        if crc > at + FIXED:
            yield "locator", at + FIXED, crc - at - FIXED
        yield "ciphertext crc", crc, 4
        yield "header crc", crc + 4, 4
        start, length = self.offset + self.header_len, self.end - self.offset - self.header_len
        third = max(1, length // 3)
        yield "ciphertext start", start, third
        yield "ciphertext middle", start + third, third
        yield "ciphertext end", self.end - third, third


def records_of(data):
    """All records of a pack's bytes, in order."""
    found, at = [], data.find(MAGIC)
    while at >= 0:
        kind = data[at + 5] if at + 5 < len(data) else 0
        if kind not in HEADER_LEN:
            at = data.find(MAGIC, at + 1)
            continue
        (length,) = struct.unpack_from(">Q", data, at + 24)
        record = Record(at, kind, data[at + 8:at + 24], length)
        if record.end > len(data):
            at = data.find(MAGIC, at + 1)
            continue
        found.append(record)
        at = data.find(MAGIC, record.end)
    return found
