"""The helper that reads documents: what each format holds is found, what is hostile is bounded and
harms nothing, and where the corpus is, real documents of each type have text."""
import base64
import collections
import gzip
import io
import os
import pathlib
import random
import struct
import subprocess
import tarfile
import tempfile
import time
import zipfile
import zlib

import harness
import mails
import traces
from harness import Daemon, Ledger, Skip, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
EXTRACT = PROGRAMS.helper("extract_files")
HELPER = PROGRAMS.folder / "ingest" / "extract" / "helper" / "muniment-extract"
TIME_MS = 60000
BOUNDED_S = 120  # the helper's time, twice, on a machine that does other things too
TEXT_LEN_MAX = 8 << 20
HELPER_MEMORY_MAX = 512 << 20
GOOD = b"a good document"

Result = collections.namedtuple("Result", "outcome text ms")


def extract(documents, time_ms=TIME_MS, text_len_max=TEXT_LEN_MAX):
    """{name: bytes} -> ({name: Result}, {counter: number}); one helper takes all, in order."""
    with tempfile.TemporaryDirectory(prefix="muniment-extract-") as folder:
        paths = []
        for name, content in documents.items():
            path = pathlib.Path(folder) / name
            path.write_bytes(content)
            paths.append(path)
        return extract_files(dict(zip(documents, paths)), time_ms, text_len_max)


def extract_files(paths, time_ms=TIME_MS, text_len_max=TEXT_LEN_MAX):
    done = subprocess.run([EXTRACT, HELPER, str(time_ms), str(text_len_max), *paths.values()],
                          check=True, capture_output=True)
    out, results = io.BytesIO(done.stdout), {}
    for name in paths:
        outcome, length, ms = out.readline().decode().split()
        results[name] = Result(outcome, out.read(int(length)).decode(), int(ms))
    words = out.readline().decode().split()
    return results, {words[i]: int(words[i + 1]) for i in range(0, 8, 2)}


def zipped(members, method=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content, method)
    return packed.getvalue()


def office(*members):
    return zipped([("[Content_Types].xml", "<Types/>"), *members])


def opendocument(kind, *members):
    return zipped([("mimetype", f"application/vnd.oasis.opendocument.{kind}"), *members])


def encrypted_zip():
    """Flag bit 0 in both headers; what the bytes are does not matter."""
    packed = bytearray(zipped([("hidden.txt", "words")], zipfile.ZIP_STORED))
    packed[6] |= 1
    packed[packed.index(b"PK\1\2") + 8] |= 1
    return bytes(packed)


def tarred(members):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def pdf(content=b"BT /F 9 Tf 9 9 Td (quince) Tj ET", kids=b"3 0 R", more=b"", trailer=b""):
    return (b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
            b"2 0 obj<</Type/Pages/Kids[" + kids + b"]/Count 1>>endobj\n"
            b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R"
            b"/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>>>>>endobj\n"
            b"4 0 obj<</Length %d>>stream\n" % len(content) + content + b"\nendstream endobj\n"
            b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n" + more +
            b"trailer<</Root 1 0 R" + trailer + b">>\n")


PARAGRAPH = "<w:p><w:r><w:t>%s</w:t></w:r></w:p>"
WORD = '<w:document xmlns:w="w"><w:body>%s</w:body></w:document>'


def each_format_gives_its_words():
    documents = {
        "a.docx": (office(("word/document.xml", WORD % (PARAGRAPH % "quince")),
                          ("word/header1.xml", WORD % (PARAGRAPH % "header")),
                          ("word/comments.xml", WORD % (PARAGRAPH % "comment")),
                          ("word/styles.xml", WORD % (PARAGRAPH % "unwanted")),
                          ("docProps/core.xml", '<c xmlns:dc="d"><dc:title>title</dc:title></c>')),
                   ["quince", "header", "comment", "title"]),
        "a.xlsx": (office(("xl/workbook.xml", '<w><sheets><sheet name="ledger"/></sheets></w>'),
                          ("xl/sharedStrings.xml", "<sst><si><t>quince</t></si></sst>"),
                          ("xl/worksheets/sheet1.xml",
                           '<w><c t="s"><v>77</v></c><c><v>4711</v></c>'
                           '<c t="inlineStr"><is><t>inline</t></is></c></w>')),
                   ["ledger", "quince", "4711", "inline"]),
        "a.pptx": (office(("ppt/slides/slide1.xml", '<p xmlns:a="a"><a:p><a:t>quince</a:t></a:p></p>'),
                          ("ppt/notesSlides/notesSlide1.xml",
                           '<p xmlns:a="a"><a:p><a:t>notes</a:t></a:p></p>'),
                          ("ppt/slideMasters/slideMaster1.xml",
                           '<p xmlns:a="a"><a:p><a:t>unwanted</a:t></a:p></p>')),
                   ["quince", "notes"]),
        "in.docx": (office(("word/document.xml", WORD % (PARAGRAPH % "around")),
                           ("word/embeddings/x.docx",
                            office(("word/document.xml", WORD % (PARAGRAPH % "quince"))))),
                    ["around", "quince"]),
        "a.odt": (opendocument("text",
                               ("content.xml", '<o xmlns:t="t"><t:p>quince<t:s/>tree</t:p></o>'),
                               ("styles.xml", '<o xmlns:t="t"><t:p>footer</t:p></o>'),
                               ("meta.xml", '<o xmlns:dc="d"><dc:title>title</dc:title></o>')),
                  ["quince tree", "footer", "title"]),
        "a.epub": (zipped([("mimetype", "application/epub+zip"),
                           ("ch1.xhtml", "<html><p>quince</p></html>"),
                           ("b.opf", '<p xmlns:dc="d"><dc:title>title</dc:title></p>')]),
                   ["quince", "title"]),
        "a.pdf": (pdf(), ["quince"]),
        "title.pdf": (pdf(more=b"6 0 obj<</Title(\xfe\xff\0p\0\xe4\0r)>>endobj\n", trailer=b"/Info 6 0 R"),
                      ["quince", "p\u00e4r"]),
        "koi.xml": ('<?xml version="1.0" encoding="KOI8-R"?><a>\u043c\u0438\u0440</a>'.encode("koi8-r"),
                    ["\u043c\u0438\u0440"]),
        "a.rtf": (rb"{\rtf1\ansi quince\par\'e4pple}", ["quince", "\u00e4pple"]),
        "a.html": (b"<html><script>unwanted</script><p>quince", ["quince"]),
        "a.csv": ("quince;\u00e4".encode("windows-1252"), ["quince;\u00e4"]),
        "a.zip": (zipped([("one.txt", "quince"), ("dir/two.html", "<html>pear")]),
                  ["one.txt", "quince", "dir/two.html", "pear"]),
        "a.tar": (tarred([("one.txt", b"quince")]), ["one.txt", "quince"]),
        "a.tar.gz": (gzip.compress(tarred([("one.txt", b"quince")])), ["one.txt", "quince"]),
        "a.txt.gz": (gzip.compress(b"quince"), ["quince"]),
        "deep.zip": (zipped([("a.zip", zipped([("b.zip", zipped([("c.txt", "quince")]))]))]),
                     ["c.txt", "quince"]),
    }
    results, _ = extract({name: content for name, (content, _) in documents.items()})
    for name, (_, words) in documents.items():
        assert results[name].outcome == "text", (name, results[name])
        for word in words:
            assert word in results[name].text, (name, word, results[name].text)
        assert "unwanted" not in results[name].text and "77" not in results[name].text, results[name]


def what_needs_a_password_is_encrypted():
    documents = {
        "a.zip": encrypted_zip(),
        "in.zip": zipped([("a.txt", "seen"), ("b.zip", encrypted_zip())]),
        "a.odt": opendocument("text", ("content.xml", b"\x93\x00\x17"),
                              ("META-INF/manifest.xml", "<m><encryption-data/></m>")),
        "a.docx": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + "EncryptedPackage".encode("utf-16-le"),
        "a.pdf": pdf(trailer=b"/Encrypt<</Filter/Standard/V 1/R 2/P -1/O(" + b"o" * 32 + b")/U(" +
                     b"u" * 32 + b")>>/ID[(a)(b)]"),
        "a.asc": b"-----BEGIN PGP MESSAGE-----\n\nhQ==\n",
    }
    results, _ = extract(documents)
    assert {r.outcome for r in results.values()} == {"encrypted"}, results
    assert "hidden.txt" not in results["a.zip"].text and "seen" in results["in.zip"].text


def what_is_no_document_is_unknown_and_what_is_not_read_is_said():
    results, _ = extract({"a.exe": b"MZ\0\0" * 100, "a.bin": bytes(range(256)) * 9})
    assert {r.outcome for r in results.values()} == {"unknown"}, results
    results, _ = extract({
        "a.doc": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504), "a.rar": b"Rar!\x1a\x07\0" + bytes(99),
        "a.xlsb": office(("xl/workbook.bin", b"\0\1"), ("docProps/core.xml", "<c/>")),
        "winmail.dat": bytes.fromhex("789f3e22") + bytes(99),
        "in.zip": zipped([("a.txt", "seen"), ("b.doc", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504))])})
    assert {r.outcome for r in results.values()} == {"unread"}, results
    assert "seen" in results["in.zip"].text


# ---- hostile --------------------------------------------------------------------------------------


def quine_like_zip(depth=12):
    content = b"quince"
    for number in range(depth):
        content = zipped([(f"level{number}.zip", content)])
    return content


def bomb(mebibytes=4096):
    """One deflated block over and over."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(b"x" * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\3" + block * mebibytes + packer.flush() + bytes(8)


def laughs(count=30):
    entities = "".join(f'<!ENTITY l{i} "{("&l%d;" % (i - 1)) * 10}">' for i in range(1, count))
    return (f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY l0 "lol">{entities}]>'
            f"<w:document xmlns:w='w'><w:t>&l{count - 1};</w:t></w:document>")


def quadratic():
    return (f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY x "{"x" * 200000}">]>'
            f"<w:document xmlns:w='w'><w:t>{'&x;' * 50000}</w:t></w:document>")


def many_members(count):
    """A zip of empty members, written by hand: Python's own would take minutes."""
    local, central = [], []
    offset = 0
    for number in range(count):
        name = b"%d" % number
        header = struct.pack("<IHHHHHIIIHH", 0x04034b50, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name
        central.append(struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 20, 20, 0, 0, 0, 0, 0, 0, 0,
                                   len(name), 0, 0, 0, 0, 0, offset) + name)
        local.append(header)
        offset += len(header)
    directory = b"".join(central)
    end = struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, count & 0xffff, count & 0xffff, len(directory),
                      offset, 0)
    return b"".join(local) + directory + end


def many_words():
    dice = random.Random(8)
    return "".join(PARAGRAPH % f"quince{dice.randrange(10 ** 9)}" for _ in range(3000))


def lying_size():
    """A member that says it has 2 GiB - 1, and has 5 bytes."""
    packed = bytearray(zipped([("a.txt", "words")], zipfile.ZIP_STORED))
    for at in [packed.index(b"PK\3\4") + 18, packed.index(b"PK\1\2") + 20]:
        packed[at:at + 8] = struct.pack("<II", 0x7fffffff, 0x7fffffff)
    return bytes(packed)


def hostile_documents():
    deep = "<w:p>" * 10000 + "<w:t>quince</w:t>" + "</w:p>" * 10000
    loops = pdf(content=b"/X Do", more=b"6 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<<"
                b"/XObject<</X 6 0 R>>>>/Length 5>>stream\n/X Do\nendstream endobj\n")
    wide = b"BT /F 9 Tf " + b"(quince quince) Tj 1 1 Td " * 200000 + b"ET"
    return {
        "bomb.gz": (bomb(), {"cut"}),
        "bomb.zip": (zipped([(f"{i}.txt", b"x y\n" * (12 << 20)) for i in range(8)]), {"cut"}),
        "nested.zip": (quine_like_zip(), {"cut"}),
        "laughs.docx": (office(("word/document.xml", laughs())), {"malformed", "text"}),
        "quadratic.docx": (office(("word/document.xml", quadratic())), {"malformed", "text"}),
        "laughs.xml": (laughs().encode(), {"malformed", "text"}),
        "deep.docx": (office(("word/document.xml", WORD % deep)), {"malformed", "text"}),
        "deep.html": (b"<html>" + b"<div>" * 200000 + b"quince", {"malformed", "text"}),
        "deep.rtf": (rb"{\rtf1" + b"{" * 1000000 + b"quince", {"malformed"}),
        "loop.pdf": (loops, {"malformed", "text", "failed"}),
        "kids.pdf": (pdf(kids=b"2 0 R"), {"malformed", "text"}),
        "wide.pdf": (pdf(content=wide), {"text", "cut", "failed"}),
        "size.zip": (lying_size(), {"malformed", "cut", "text"}),
        "members.zip": (many_members(700000), {"cut"}),
        "long.zip": (many_members(1000000), {"cut"}),  # over the length of a document
        "cut.docx": (office(("word/document.xml", WORD % many_words()))[:-2000], {"malformed"}),
        "cut.gz": (gzip.compress(os.urandom(9000))[:-900], {"malformed"}),
        "cut.pdf": (pdf()[:-40], {"malformed", "text"}),
        "long.txt": (b"quince " * (3 << 20), {"cut"}),
    }


def hostile_documents_are_bounded_and_the_pool_goes_on():
    documents = hostile_documents()
    for name, (content, outcomes) in documents.items():
        results, counters = extract({name: content, "good.txt": GOOD})
        seen = results[name]
        assert seen.outcome in outcomes, (name, seen.outcome, seen.text[:80], counters)
        assert seen.ms < BOUNDED_S * 1000, (name, seen.ms)
        assert len(seen.text.encode()) <= TEXT_LEN_MAX + 20100, name  # a break after each member
        assert results["good.txt"].text.strip("\f").encode() == GOOD, name
        assert "lollol" not in seen.text, name
        assert name != "cut.docx" or seen.text.count("quince") > 1000, len(seen.text)
        print(f"        {name}: {seen.outcome}, {len(seen.text)} of text, {seen.ms} ms")


def every_prefix_and_damage_of_a_document_ends_well():
    """Truncated and flipped documents of each format: an outcome each, and helpers that live on."""
    dice = random.Random(7)
    whole = {"a.docx": office(("word/document.xml", WORD % (PARAGRAPH % "quince"))), "a.pdf": pdf(),
             "a.tar.gz": gzip.compress(tarred([("one.txt", b"quince")])),
             "a.rtf": rb"{\rtf1\ansi{\fonttbl{\f0 A;}}quince\u228?}"}
    documents = {}
    for number in range(harness.numbers(300, 5000)):
        name, content = dice.choice(list(whole.items()))
        content = bytearray(content[:dice.randrange(len(content)) if number % 2 else None])
        for _ in range(number % 3):
            if content:
                content[dice.randrange(len(content))] = dice.randrange(256)
        documents[f"{number}-{name}"] = bytes(content)
    results, counters = extract(documents)
    assert len(results) == len(documents) == counters["documents"]
    assert counters["failed"] + counters["timed_out"] <= len(documents) // 100, counters


# ---- on the way in --------------------------------------------------------------------------------


def mail_with(name, content):
    return (b"From: a@b.test\r\nTo: u@example.com\r\nSubject: " + name.encode() + b"\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: application/octet-stream; name=\"" + name.encode() + b"\"\r\n"
            b"Content-Disposition: attachment; filename=\"" + name.encode() + b"\"\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(content).replace(b"\n", b"\r\n"))


def slow_pdf(word_count=60000):
    """Words all over each other on one page, whose order takes more than linear time to find."""
    dice = random.Random(9)
    words = b"".join(b"1 0 0 1 %d %d Tm (quince) Tj " % (dice.randrange(90), dice.randrange(90))
                     for _ in range(word_count))
    return pdf(content=b"BT /F 9 Tf " + words + b"ET")


def documents_never_hold_up_nor_lose_their_message():
    vault, ledger = Vault(PROGRAMS, settings={"extract_seconds": 5}), Ledger()
    messages = [mail_with(name, content) for name, content in [
        ("good.docx", office(("word/document.xml", WORD % (PARAGRAPH % "quince")))),
        ("slow.pdf", slow_pdf()), ("bomb.gz", bomb()), ("locked.zip", encrypted_zip()),
        ("cut.pdf", pdf()[:-40])]]
    with Daemon(vault), Lmtp(vault.address) as client:
        for message in messages:
            began = time.monotonic()
            (reply,) = client.deliver("s@b.test", ["u@example.com"], message)
            assert reply.code == 250, reply
            assert time.monotonic() - began < BOUNDED_S
            ledger.sending(message, ["u@example.com"])
            ledger.add(reply.archive_id, "u@example.com", message)
        seen = vault.status()["extraction"]
        assert seen["documents"] == 5 and seen["problem"] is None, seen
        assert (seen["timed_out"], seen["encrypted"], seen["malformed"]) == (1, 1, 1), seen
        assert (seen["cut"], seen["failed"], seen["helpers"]) == (1, 0, 2), seen
    vault.check_ledger(ledger)


CANARY = "Quagmirecanary"


def canary_documents():
    words = " ".join(f"{CANARY}{number}" for number in range(2000))
    page = b"".join(b"BT /F 9 Tf 1 0 0 1 9 %d Tm (%s) Tj ET " % (9 + line, f"{CANARY}{line}".encode())
                    for line in range(60))
    return {"a.docx": office(("word/document.xml", WORD % (PARAGRAPH % words))),
            "a.odt": opendocument("text", ("content.xml", f"<o xmlns:t='t'><t:p>{words}</t:p></o>")),
            "a.pdf": pdf(content=page), "a.rtf": b"{\\rtf1 " + words.encode() + b"}",
            "a.html": f"<html><title>{CANARY}</title><p>{words}".encode(), "a.txt": words.encode(),
            "a.xml": f"<?xml version='1.0'?><a>{words}</a>".encode(),
            "latin.txt": (words + "\u00e4").encode("windows-1252"),
            "a.zip": zipped([(f"{CANARY}.txt", words)]), "a.tar.gz": gzip.compress(tarred([("x", words.encode())]))}


def helper_remembers_nothing_of_a_document():
    harness.need_root()
    vault = Vault(PROGRAMS)
    with Daemon(vault) as daemon, Lmtp(vault.address) as client:
        for name, content in canary_documents().items():
            (reply,) = client.deliver("s@b.test", ["u@example.com"], mail_with(name, content))
            assert reply.code == 250, reply
        helpers = [int(pid) for task in pathlib.Path(f"/proc/{daemon.pid}/task").iterdir()
                   for pid in (task / "children").read_text().split()]
        assert helpers and vault.status()["extraction"]["documents"] == 10
        for pid in helpers:
            hits, count = traces.in_memory(pid, traces.Words([CANARY.encode(), CANARY.encode("utf-16-le")]))
            assert count > 1 << 20, f"only {count} bytes looked at"
            assert not hits, hits


# ---- real documents -------------------------------------------------------------------------------

# Of the documents of each type in the corpus, how many at least have text (over 20 bytes), and how
# many at most fail: measured, with a little room.
REAL = {"pdf": (36, 56), "docx": (52, 61), "xlsx": (26, 33), "pptx": (27, 29), "odt": (11, 15),
        "ods": (3, 3), "odp": (3, 3), "rtf": (33, 42), "html": (26, 29), "csv": (3, 3), "ics": (2, 2),
        "epub": (2, 2), "txt": (23, 26), "tar": (3, 3), "tgz": (2, 2), "zip": (9, 14)}


def real_documents_of_each_type_have_text():
    corpus = mails.corpus_folder()
    archive = corpus / "attachments.tar.zst" if corpus else None
    if archive is None or not archive.exists():
        raise Skip("no corpus of real documents here (set MUNIMENT_CORPUS)")
    with tempfile.TemporaryDirectory(prefix="muniment-extract-") as folder:
        subprocess.run(["tar", "-C", folder, "--zstd", "-xf", archive], check=True)
        inner = next(pathlib.Path(folder).rglob("docs-*.tar.zst"))
        subprocess.run(["tar", "-C", folder, "--zstd", "-xf", inner], check=True)
        inner.unlink()
        paths = {str(p): p for p in sorted(pathlib.Path(folder).rglob("*")) if p.is_file()}
        results, counters = extract_files(paths)
    with_text = collections.Counter()
    for name, result in results.items():
        with_text[name.rpartition(".")[2].lower()] += len(result.text) > 20
    print("        " + ", ".join(f"{t} {with_text[t]} of {n}" for t, (_, n) in REAL.items()))
    assert counters["failed"] == counters["timed_out"] == 0, counters
    for kind, (least, _) in REAL.items():
        assert with_text[kind] >= least, (kind, with_text[kind])


if __name__ == "__main__":
    harness.run(each_format_gives_its_words, what_needs_a_password_is_encrypted,
                what_is_no_document_is_unknown_and_what_is_not_read_is_said, hostile_documents_are_bounded_and_the_pool_goes_on,
                every_prefix_and_damage_of_a_document_ends_well,
                documents_never_hold_up_nor_lose_their_message,
                helper_remembers_nothing_of_a_document,
                real_documents_of_each_type_have_text)
