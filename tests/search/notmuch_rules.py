"""A message as Python reads it, and the rules that explain why only one of muniment and notmuch
finds it. docs/search-differences.md says what each rule means."""
import email
import email.header
import email.policy
import email.utils
import functools
import hashlib
import html
import pathlib
import re
import unicodedata

ARMOR = re.compile(r"-----BEGIN PGP.*?-----END PGP[^\n]*", re.S)
UUENCODED = re.compile(r"^begin [0-7]{3} .*?^end", re.S | re.M)
HIDDEN = re.compile(r"<(style|script)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.S | re.I)
TAG = re.compile(r"<[^>]*>")
# As notmuch has them: what is quoted within is part of the tag, to the end if need be.
QUOTING_TAG = re.compile(r"""<(?:[^'">]|'[^']*'|"[^"]*")*(?:>|['"].*\Z|\Z)""", re.S)
MALFORMED = re.compile(r"(^|[<\s,])\.|\.\.|\.@|@\.|@[^,]*@")


def decoded(value):
    try:
        return str(email.header.make_header(email.header.decode_header(str(value))))
    except (LookupError, UnicodeError, ValueError, email.errors.HeaderParseError):
        return str(value)


def folded(text):
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


class Reading:
    """`plain`: the text/plain parts that are no attachments; `html`: the others' source;
    `attached`: text of attachments; `inner`: headers of messages within."""

    def __init__(self, message):
        self.raw = message
        parsed = email.message_from_bytes(message)
        for field in ["subject", "from", "to", "cc", "bcc", "sender"]:
            setattr(self, field, " ".join(decoded(v) for v in parsed.get_all(field, [])))
        self.sender_seen = self.from_ = getattr(self, "from")
        self.recipients = " ".join([self.to, self.cc, self.bcc])
        self.message_id = str(parsed.get("message-id", "")).strip().strip("<>")
        self.day = self.date_of(parsed)
        self.plain, self.html, self.attached, self.inner = "", "", "", ""
        self.filenames = []
        self.types = " ".join(part.get_content_type() for part in parsed.walk())
        self.has_repeated_field = any(len(parsed.get_all(field, [])) > 1
                                      for field in ["subject", "from", "to", "cc"])
        addresses = " ".join([self.recipients, self.sender_seen])
        self.has_malformed_address = MALFORMED.search(addresses) is not None
        head = re.split(rb"\r?\n\r?\n", message, maxsplit=1)[0]
        self.has_headless_text = any(
            not re.match(rb"[\x21-\x39\x3b-\x7e]+[ \t]*:|[ \t]|From ", line)
            for line in head.splitlines())
        self.has_wrong_charset = False
        self.has_no_parts = any(part.get_content_maintype() == "multipart" and part.defects
                                for part in parsed.walk())
        for part in parsed.walk():
            self.take(part, part is parsed)

    def breakage(self):
        """What is broken enough for two programs to read otherwise; None: nothing."""
        return "no parts" if self.has_no_parts else "charset" if self.has_wrong_charset else None

    @staticmethod
    def digest(path):
        message = pathlib.Path(path).read_bytes()
        return hashlib.sha256(re.sub(rb"(?<!\r)\n", b"\r\n", message)).hexdigest()

    @staticmethod
    def id_of(path):
        head = re.split(rb"\r?\n\r?\n", pathlib.Path(path).read_bytes(), maxsplit=1)[0]
        found = re.search(rb"^message-id:\s*<([^<>]*)>", head, re.M | re.I)
        return found and found.group(1).decode("latin-1")

    @staticmethod
    def date_of(parsed):
        try:
            date = email.utils.parsedate_to_datetime(str(parsed["date"]))
            return date.strftime("%Y-%m-%d") if date.year > 1990 else None
        except (TypeError, ValueError, IndexError):
            return None

    def take(self, part, is_whole):
        if not is_whole:
            self.inner += " ".join(decoded(part.get(name, "")) for name in
                                   ["subject", "from", "to", "cc"]) + "\n"
        if part.is_multipart():
            return
        name, kind = part.get_filename(), part.get_content_type()
        if name:
            self.filenames.append(decoded(name))
        if not kind.startswith("text/"):
            return
        payload = part.get_payload(decode=True) or b""
        charset = part.get_content_charset() or "utf-8"
        try:
            text = payload.decode(charset)
        except (LookupError, UnicodeError):
            text = payload.decode("latin-1")
            self.has_wrong_charset = True
        if name or part.get_content_disposition() == "attachment":
            self.attached += text + "\n"
        elif kind == "text/html":
            self.html += text + "\n"
        else:
            self.plain += text + "\n"


# Words as Xapian cuts them: underscores, an apostrophe or & within, points within numbers, + and #
# at the end belong to them.
THEIR_WORD = re.compile(r"\w+(?:(?:['\u2019\u201b&\u00b7]|(?<=\d)[.,;](?=\d))\w+)*(?:[+]{1,3}|#)?")
OUR_WORD = re.compile(r"[^\W_]+")
# Beside characters of a script without blanks a word begins for us, not for Xapian.
ASCII_WORD = re.compile(r"[A-Za-z0-9]+")


@functools.lru_cache(maxsize=4000)
def cut(text, word, fold):
    return [fold(found) for found in word.findall(text)]


def fits(leaf, texts, word, fold):
    """Whether the leaf's words stand in one of the texts, cut and folded so."""
    wanted = cut(" ".join(leaf.words), word, fold)
    for text in texts:
        words = cut(text, word, fold)
        if leaf.kind == "near":
            first, second = ([i for i, w in enumerate(words) if w == one] for one in wanted)
            if any(0 < abs(a - b) <= leaf.number + 1 for a in first for b in second):
                return True
        elif leaf.kind == "prefix":
            if any(w.startswith(wanted[0]) for w in words):
                return True
        elif any(words[i:i + len(wanted)] == wanted
                 for i, w in enumerate(words) if w == wanted[0]):
            return True
    return False


def rule_of(asked, leaf, digest, side):
    """The name of the rule, or None. `asked`: a Comparison."""
    reading = asked.reading(digest)
    if leaf.kind in ("date", "id"):
        return rule_of_value(asked, leaf, digest)
    if side == "theirs":
        return only_theirs(asked, leaf, digest, reading)
    return only_ours(asked, leaf, digest, reading)


def rule_of_value(asked, leaf, digest):
    if len(asked.notmuch.twins(digest)) > 1:
        return "one Message-ID"
    if leaf.kind == "date" and asked.reading(digest).day is None:
        return "no date"
    return None


def lower(word):
    return word.lower()


class Texts:
    """What there is to be seen of a message in a leaf's field, step by step."""

    def __init__(self, reading, field):
        heads = {"from": [reading.sender_seen], "to": [reading.recipients],
                 "subject": [reading.subject], "filename": reading.filenames, "body": []}
        heads[""] = heads["from"] + heads["to"] + heads["subject"]
        self.heads, self.reading = heads[field], reading
        self.has_body = field in ("", "body")

    def of(self, plain, shown, *more):
        return self.heads + ([plain, shown, *more] if self.has_body else [])


def only_theirs(asked, leaf, digest, reading):
    if leaf.kind == "word" and digest not in asked.notmuch.found(leaf.theirs(exact=True)):
        return "stem"
    if len(asked.notmuch.twins(digest)) > 1:
        return "one Message-ID"
    if leaf.field == "body" and digest in asked.muniment.found(leaf.ours(field="attachment")):
        return "named text"
    if digest in asked.muniment.found("is:truncated"):
        return "truncated"
    texts, source = Texts(reading, leaf.field), reading.html
    plain, attached, seen = reading.plain, reading.attached, QUOTING_TAG.sub(" ", source)
    bare = ARMOR.sub("", plain)
    shown = QUOTING_TAG.sub(" ", HIDDEN.sub(" ", source))
    joined = QUOTING_TAG.sub("", html.unescape(source))
    steps = [("", (plain, seen, attached), THEIR_WORD, lower),
             ("armor", (bare, seen, attached), THEIR_WORD, lower),
             ("hidden", (bare, shown, attached), THEIR_WORD, lower),
             ("cut", (plain, seen, attached), OUR_WORD, folded),
             ("entities", (plain, html.unescape(seen), attached), THEIR_WORD, lower),
             ("split", (plain, joined, attached), THEIR_WORD, lower)]
    if not fits(leaf, texts.of(*steps[0][1]), *steps[0][2:]):
        is_type = not leaf.field and fits(leaf, [reading.types], *steps[0][2:])
        return "types" if is_type else reading.breakage()
    for name, seen, word, fold in steps[1:]:
        if not fits(leaf, texts.of(*seen), word, fold):
            return name
    return reading.breakage()


def only_ours(asked, leaf, digest, reading):
    if leaf.field == "" and not any(digest in asked.muniment.found(leaf.ours(field=field))
                                    for field in ["from", "to", "subject", "body"]):
        return "more fields"
    if len(asked.notmuch.twins(digest)) > 1:
        return "one Message-ID"
    if leaf.field == "filename":
        return "names of parts"
    if reading.has_repeated_field and any(digest in asked.muniment.found(leaf.ours(field=field))
                                          for field in ["from", "to", "subject"]
                                          if leaf.field in ("", field)):
        return "repeated field"
    if leaf.field in ("", "body") and reading.has_headless_text:
        return "text in the header"
    if reading.has_malformed_address and any(
            digest in asked.muniment.found(leaf.ours(field=field))
            for field in ["from", "to"] if leaf.field in ("", field)):
        return "malformed address"
    texts = Texts(reading, leaf.field)
    plain, source = reading.plain, reading.html
    seen = (UUENCODED.sub(" ", plain), QUOTING_TAG.sub(" ", source))
    loose = TAG.sub(" ", source)
    spaced = html.unescape(loose)
    steps = [("", seen, THEIR_WORD, lower), ("cut", seen, OUR_WORD, lower),
             ("cut", seen, ASCII_WORD, lower),
             ("marks", seen, OUR_WORD, folded),
             ("quotes", (seen[0], loose), OUR_WORD, folded),
             ("entities", (seen[0], spaced), OUR_WORD, folded),
             ("split", (seen[0], html.unescape(TAG.sub("", source))), OUR_WORD, folded),
             ("links", (seen[0], spaced, html.unescape(source)), OUR_WORD, folded),
             ("inner", (seen[0], spaced, reading.inner), OUR_WORD, folded),
             ("uuencoded", (plain, spaced), OUR_WORD, folded),
             ("named text", (plain, spaced, reading.attached), OUR_WORD, folded)]
    if fits(leaf, texts.of(*steps[0][1]), *steps[0][2:]):
        return reading.breakage()
    for name, seen, word, fold in steps[1:]:
        if fits(leaf, texts.of(*seen), word, fold):
            return name
    return reading.breakage()
