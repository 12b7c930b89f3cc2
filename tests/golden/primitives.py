"""The primitives of the formats, written out from their RFCs for vectors.py: slow, and not for
secrets. Python's own library has SHA-256, HMAC and BLAKE2b.
"""
import hashlib
import hmac
import struct

P = 2**255 - 19


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def extract(salt, ikm):
    return hmac.new(salt, ikm, hashlib.sha256).digest()


def expand(prk, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([counter]), hashlib.sha256).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def hkdf(salt, ikm, info, length):
    return expand(extract(salt, ikm), info, length)


def blake2b(key, message, length):
    return hashlib.blake2b(message, key=key, digest_size=length).digest()


def x25519(secret, point):
    """RFC 7748, section 5."""
    k = int.from_bytes(secret, "little") & ~7 & ~(1 << 255) | 1 << 254
    u = int.from_bytes(point, "little") & ~(1 << 255)
    x1, x2, z2, x3, z3, swap = u, 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        e = aa - bb
        x3, z3 = (da + cb)**2 % P, x1 * (da - cb)**2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public(secret):
    return x25519(secret, (9).to_bytes(32, "little"))


def _quarter(s, a, b, c, d):
    for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = s[x] + s[y] & 0xffffffff
        v = s[z] ^ s[x]
        s[z] = (v << n | v >> 32 - n) & 0xffffffff


def _rounds(state):
    s = list(state)
    for _ in range(10):
        for i in range(4):
            _quarter(s, i, i + 4, i + 8, i + 12)
        for i in range(4):
            _quarter(s, i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)
    return s


def _state(key, counter_and_nonce):
    return struct.unpack("<16I", b"expand 32-byte k" + key + counter_and_nonce)


def _block(key, counter, nonce):
    state = _state(key, struct.pack("<I", counter) + nonce)
    return struct.pack("<16I", *((a + b) & 0xffffffff for a, b in zip(_rounds(state), state)))


def _chacha20(key, nonce, message):
    stream = b"".join(_block(key, 1 + i, nonce) for i in range((len(message) + 63) // 64))
    return bytes(a ^ b for a, b in zip(message, stream))


def _poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def chacha20poly1305(key, nonce, aad, plaintext):
    """RFC 8439, section 2.8: ciphertext and tag."""
    def padded(b):
        return b + bytes(-len(b) % 16)
    sealed = _chacha20(key, nonce, plaintext)
    lengths = struct.pack("<QQ", len(aad), len(sealed))
    return sealed + _poly1305(_block(key, 0, nonce)[:32], padded(aad) + padded(sealed) + lengths)


def xchacha20poly1305(key, nonce, aad, plaintext):
    """draft-irtf-cfrg-xchacha, section 2."""
    s = _rounds(_state(key, nonce[:16]))
    subkey = struct.pack("<8I", *s[:4], *s[12:])
    return chacha20poly1305(subkey, bytes(4) + nonce[16:], aad, plaintext)


KEM, HPKE = b"KEM\0\x20", b"HPKE\0\x20\0\1\0\3"


def _labeled_extract(suite, salt, label, ikm):
    return extract(salt, b"HPKE-v1" + suite + label + ikm)


def _labeled_expand(suite, prk, label, info, length):
    return expand(prk, struct.pack(">H", length) + b"HPKE-v1" + suite + label + info, length)


class Hpke:
    """RFC 9180, the sender's context of suite 0x0001, with a given ephemeral key."""

    def __init__(self, ephemeral, recipient, info, psk=b"", psk_id=b""):
        self.enc = public(ephemeral)
        prk = _labeled_extract(KEM, b"", b"eae_prk", x25519(ephemeral, recipient))
        shared = _labeled_expand(KEM, prk, b"shared_secret", self.enc + recipient, 32)
        context = (b"\1" if psk else b"\0") + _labeled_extract(HPKE, b"", b"psk_id_hash", psk_id) \
            + _labeled_extract(HPKE, b"", b"info_hash", info)
        secret = _labeled_extract(HPKE, shared, b"secret", psk)
        self.key = _labeled_expand(HPKE, secret, b"key", context, 32)
        self.nonce = _labeled_expand(HPKE, secret, b"base_nonce", context, 12)
        self.exporter = _labeled_expand(HPKE, secret, b"exp", context, 32)

    def seal(self, aad, plaintext):
        return chacha20poly1305(self.key, self.nonce, aad, plaintext)

    def export(self, context, length):
        return _labeled_expand(HPKE, self.exporter, b"sec", context, length)


def derive_key_pair(ikm):
    """RFC 9180, section 7.1.3."""
    secret = _labeled_expand(KEM, _labeled_extract(KEM, b"", b"dkp_prk", ikm), b"sk", b"", 32)
    return secret, public(secret)


def crc32c(data):
    """RFC 3720, appendix B.4."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return struct.pack(">I", crc ^ 0xffffffff)


def self_test():
    assert x25519(bytes.fromhex(
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"), bytes.fromhex(
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")).hex() == \
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"  # RFC 7748, 5.2
    sealed = chacha20poly1305(
        bytes(range(0x80, 0xa0)), bytes.fromhex("070000004041424344454647"),
        bytes.fromhex("50515253c0c1c2c3c4c5c6c7"),
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        b"future, sunscreen would be it.")
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"  # RFC 8439, 2.8.2
    sealed = xchacha20poly1305(
        bytes(range(0x80, 0xa0)), bytes(range(0x40, 0x58)),
        bytes.fromhex("50515253c0c1c2c3c4c5c6c7"),
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        b"future, sunscreen would be it.")
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49"  # draft-irtf-cfrg-xchacha, A.3
    assert hkdf(bytes(range(13)), b"\x0b" * 22, bytes(range(0xf0, 0xfa)), 42).hex() == \
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    # RFC 9180, appendix A.2.1
    secret, enc = derive_key_pair(bytes.fromhex(
        "909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b"))
    _, recipient = derive_key_pair(bytes.fromhex(
        "1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df"))
    hpke = Hpke(secret, recipient, bytes.fromhex("4f6465206f6e2061204772656369616e2055726e"))
    assert hpke.enc == enc and enc.hex().startswith("1afa08d3dec047a6")
    assert hpke.key.hex() == "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91"
    assert hpke.export(b"", 32).hex() == \
        "4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e"
    assert crc32c(b"123456789").hex() == "e3069283"


self_test()
