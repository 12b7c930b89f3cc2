"""Messages for tests: made here from a seed, always the same; and the corpus of real mail where it
is there (environment MUNIMENT_CORPUS, or ../shared/corpus beside the checkout)."""
import base64
import io
import os
import pathlib
import random
import subprocess
import tarfile

WORDS = """archive ledger harbour window copper signal meadow lantern bridge quarter winter paper
anchor velvet marble river engine garden silver morning castle thunder button market forest pocket
summer island candle ribbon mirror orange planet saddle temple violet walnut yellow""".split()


def ordinary(seed, size=2000):
    """A plain message of about `size` bytes, unlike any of another seed."""
    dice = random.Random(seed)
    lines = [f"From: {dice.choice(WORDS)}@{dice.choice(WORDS)}.example",
             f"To: {dice.choice(WORDS)}@example.com",
             f"Subject: {' '.join(dice.choices(WORDS, k=4))} {seed}",
             f"Message-ID: <{seed}.{dice.getrandbits(64):x}@client.test>",
             "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", ""]
    length = sum(len(line) + 2 for line in lines)
    while length < size:
        line = " ".join(dice.choices(WORDS, k=9))
        lines.append(line)
        length += len(line) + 2
    return ("\r\n".join(lines) + "\r\n").encode()


def attachment(seed, size):
    """A message with a random attachment of `size` bytes: does not compress."""
    payload = base64.encodebytes(random.Random(seed).randbytes(size)).replace(b"\n", b"\r\n")
    return (b"From: a@example.com\r\nSubject: large %d\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            % seed + payload)


def hard_cases():
    """(name, bytes) of what breaks mail software. Exact over BDAT; over DATA up to the last CRLF."""
    head = b"From: a@example.com\r\nSubject: s\r\n\r\n"
    return [
        ("empty", b""),
        ("only-crlf", b"\r\n"),
        ("no-header", b"just a line\r\n"),
        ("header-only", b"Subject: no body\r\n"),
        ("no-final-newline", head + b"the end"),
        ("ends-with-cr", head + b"the end\r"),
        ("ends-with-lf", head + b"the end\n"),
        ("nul-bytes", head + b"a\0b\0\0c\r\n\0\r\n"),
        ("bare-cr", head + b"one\rtwo\r\rthree\r\n"),
        ("bare-lf", head + b"one\ntwo\n\nthree\r\n"),
        ("lf-only", b"From: a@example.com\nSubject: s\n\nbody\n"),
        ("cr-lf-cr", head + b"x\r\n\r\r\n\n\r\n"),
        ("dots", b".\r\n..\r\n...\r\n.x\r\n..y\r\n"),
        ("dot-after-bare-lf", head + b"a\n.\nb\n.\r\nc\r.\r\nd\r\n"),
        ("dot-smuggling", head + b"a\n.\r\nMAIL FROM:<x@y>\r\nb\r.\r\n"),
        ("all-bytes", head + bytes(range(256)) * 16 + b"\r\n"),
        ("long-header-line", b"X-Long: " + b"h" * (1 << 20) + b"\r\n\r\nbody\r\n"),
        ("long-body-line", head + b"l" * (3 << 20) + b"\r\n"),
        ("many-headers", b"".join(b"X-%d: v\r\n" % i for i in range(20000)) + b"\r\n"),
        ("looks-like-mbox", head + b"From nobody Thu Jan  1 00:00:00 1970\r\n>From x\r\n"),
        ("bad-utf8", b"Subject: \xff\xfe\xc0\x80\r\n\r\n\xed\xa0\x80\r\n"),
        ("one-mib-less-one", b"x" * ((1 << 20) - 3) + b"\r\n"),
        ("one-mib", b"x" * ((1 << 20) - 2) + b"\r\n"),
        ("one-mib-and-one", b"x" * ((1 << 20) - 1) + b"\r\n"),
        ("random-5-mib", attachment(5, 5 << 20)),
    ]


def corpus_folder():
    named = os.environ.get("MUNIMENT_CORPUS")
    source = pathlib.Path(__file__).resolve().parents[2]
    folder = pathlib.Path(named) if named else source.parent / "shared" / "corpus"
    return folder if folder.is_dir() else None


def with_crlf(message):
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def tar_members(path):
    """(name, bytes) of the files in a .tar.zst, one after the other."""
    zstd = subprocess.Popen(["zstd", "-dc", "--long=27", str(path)], stdout=subprocess.PIPE)
    with zstd, tarfile.open(fileobj=io.BufferedReader(zstd.stdout, 1 << 20), mode="r|") as tar:
        for member in tar:
            if member.isfile():
                yield member.name, tar.extractfile(member).read()


def bulk(folder, step=1):
    """Every `step`-th real message of the corpus's bulk, line ends made CRLF."""
    count = 0
    for archive in sorted((folder / "bulk").glob("*.tar.zst")):
        for name, message in tar_members(archive):
            if name.endswith(".eml"):
                count += 1
                if count % step == 0:
                    yield name, with_crlf(message)


def edge_cases(folder):
    """Every file of torture, crypto and intl, exactly as it is."""
    for name in ["torture", "crypto", "intl"]:
        yield from tar_members(folder / f"{name}.tar.zst")
