"""Real documents and the edge cases of real mail, through import and search, where the corpus is: a
phrase that another program reads in each is found by `muniment search`, whatever the type, the
charset or the state that a message is in. What is looked for is worked out here, from the files."""
import base64
import collections
import io
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import xml.etree.ElementTree
import zipfile

import harness
import mails
from harness import Daemon, Skip, Vault, numbers, sha256
from mails import with_crlf
from searches import Searches
from test_message_terms import PAIRED, texts

PROGRAMS = harness.build()
MAILBOX = "corpus@example.com"
PAIR = re.compile(r"(?<![\w\\&.'’@/-])([^\W\d_]{3,14}) ([^\W\d_]{3,14})(?![\w.'’@/-])")
RTF_PAIR = re.compile(rb"(?<=[ }])[A-Za-z]{3,14} [a-z]{3,14}(?=[ .,])")
NO_TEXT = re.compile(r"<(script|style)\b.*?</\1>|<(?:\"[^\"]*\"|'[^']*'|[^\"'>])*>", re.S | re.I)
# Where the text of an office file is, and the element that holds a paragraph of it.
OFFICE = {"docx": (r"word/document\.xml", "p"), "pptx": (r"ppt/slides/slide1\.xml", "p"),
          "xlsx": (r"xl/sharedStrings\.xml", "si"), "odt": (r"content\.xml", "p"),
          "ods": (r"content\.xml", "p"), "odp": (r"content\.xml", "p")}
FOUND_MIN = 0.9
SHOWN_MAX = 4
STEP = numbers(4, 1)


def corpus():
    found = mails.corpus_folder()
    if found is None:
        raise Skip("no corpus of real mail here (set MUNIMENT_CORPUS)")
    return found


# ---- what other programs read ------------------------------------------------------------------------

def office_text(document, kind):
    member, paragraph = OFFICE[kind]
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        for name in archive.namelist():
            if re.fullmatch(member, name):
                root = xml.etree.ElementTree.fromstring(archive.read(name))
                for element in root.iter():
                    names = [each.tag.rpartition("}")[2] for each in element.iter()]
                    if names[0] == paragraph and names.count(paragraph) == 1:
                        yield "".join(element.itertext())


def pdf_text(document):
    if shutil.which("pdftotext") is None:
        return ""
    done = subprocess.run(["pdftotext", "-", "-"], input=document, capture_output=True)
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def document_text(document, kind):
    if kind in OFFICE:
        try:
            return "\n".join(office_text(document, kind))
        except (zipfile.BadZipFile, xml.etree.ElementTree.ParseError, RuntimeError):
            return ""
    if kind == "pdf":
        return pdf_text(document)
    if kind == "rtf":
        body = document.partition(b"\\pard")[2]
        return "\n".join(found.decode() for found in RTF_PAIR.findall(body))
    try:
        return NO_TEXT.sub("\n", document.decode("utf-8"))
    except UnicodeDecodeError:
        return ""


def phrase(text):
    """Two neighbours of the text that no two programs cut otherwise, or two characters."""
    for pair in PAIR.finditer(text):
        if not PAIRED.search(pair.group()):
            return pair.group().lower()
    row = re.search(r"[\u4e00-\u9fff]{2}", text)
    return row and row.group()


# ---- mail ------------------------------------------------------------------------------------------

def documents():
    for _, packed in mails.tar_members(corpus() / "attachments.tar.zst"):
        with tempfile.NamedTemporaryFile(suffix=".tar.zst") as file:
            if packed[:4] != b"\x28\xb5\x2f\xfd":
                continue
            file.write(packed)
            file.flush()
            for name, document in mails.tar_members(file.name):
                yield name, document


def carrying(name, document):
    name = pathlib.PurePath(name).name
    payload = base64.encodebytes(document).replace(b"\n", b"\r\n")
    return (b"From: a@example.net\r\nSubject: document\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\r\n--b\r\n"
            b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment;\r\n"
            b" filename=\"" + name.encode("ascii", "replace").replace(b'"', b"'") + b"\"\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" + payload + b"\r\n--b--\r\n")


def imported(messages):
    """A vault with the messages, and searches of it."""
    vault = Vault(PROGRAMS)
    folder = vault.folder / "mail"
    folder.mkdir()
    for number, message in enumerate(messages):
        (folder / f"{number:06}.eml").write_bytes(message)
    vault.command("import", vault.path, "--mailbox", MAILBOX, folder)
    shutil.rmtree(folder)
    return vault


class Tally:
    """Of each kind: how many were looked for, and what was not found."""

    def __init__(self):
        self.asked = collections.Counter()
        self.missed = collections.defaultdict(list)

    def look(self, searches, kind, name, query, digest):
        self.asked[kind] += 1
        if digest not in searches.hashes(query):
            self.missed[kind].append((name, query))

    def check(self, asked_min, kinds_min):
        for kind, count in sorted(self.asked.items()):
            missed = self.missed[kind]
            print(f"        {kind}: {count - len(missed)} of {count} found {missed[:SHOWN_MAX]}")
            assert len(missed) <= count * (1 - FOUND_MIN), (kind, missed)
        assert sum(self.asked.values()) >= asked_min and len(self.asked) >= kinds_min, self.asked


# ---- cases -----------------------------------------------------------------------------------------

def a_phrase_of_each_type_of_document_is_found():
    wanted = []
    for name, document in documents():
        kind = pathlib.PurePath(name).suffix[1:].lower()
        if kind not in (*OFFICE, "pdf", "rtf", "txt", "csv", "html"):
            continue
        text = phrase(document_text(document, kind))
        if text:
            wanted.append((kind, name, text, carrying(name, document)))
    vault, tally = imported(message for *_, message in wanted), Tally()
    with Daemon(vault):
        searches = Searches(vault)
        for kind, name, text, message in wanted:
            tally.look(searches, kind, name, f'attachment:"{text}"', sha256(message))
    tally.check(150, 9)


def messages_of(archive):
    """(kind, name, phrase, message); what Python cannot read has no phrase. The kind is the charset,
    or the folder where all charsets are few."""
    for name, message in mails.tar_members(corpus() / archive):
        if pathlib.PurePath(name).suffix.lower() in (".eml", ".txt", ".msg", ".mbox", ".raw", ""):
            message = with_crlf(message)
            kind, text = next(((c, p) for c, t in texts(message) if (p := phrase(t))), ("", None))
            kind = kind if re.fullmatch(r"[\w.-]+", kind) else "others"
            yield (kind if archive.startswith("intl") else name.split("/")[1]), name, text, message


def phrases_are_found(archive, asked_min, kinds_min):
    mail = list(messages_of(archive))
    vault, tally = imported(message for *_, message in mail), Tally()
    with Daemon(vault):
        searches = Searches(vault)
        kept = set(searches.hash_of.values())
        for kind, name, text, message in mail:
            assert sha256(message) in kept or not message, name
        for kind, name, text, message in [found for found in mail if found[2]][::STEP]:
            tally.look(searches, kind, name, f'"{text}"', sha256(message))
    tally.check(asked_min // STEP, kinds_min)


def a_phrase_of_every_charset_is_found():
    phrases_are_found("intl.tar.zst", 250, 8)


def a_phrase_of_every_edge_case_is_found():
    phrases_are_found("torture.tar.zst", 600, 8)


def a_phrase_of_signed_and_enclosed_mail_is_found():
    phrases_are_found("crypto.tar.zst", 60, 4)


if __name__ == "__main__":
    harness.run(a_phrase_of_each_type_of_document_is_found, a_phrase_of_every_charset_is_found,
                a_phrase_of_every_edge_case_is_found,
                a_phrase_of_signed_and_enclosed_mail_is_found)
