"""Real mail through the terms of messages, where the corpus is: nothing fails or takes long, and the
words that Python's own reading of it finds are there, whatever the charset."""
import email
import pathlib
import re
import subprocess
import tempfile
import unicodedata

import harness
import mails
from harness import Skip

PROGRAM = harness.build().helper("message_terms")
BATCH = 200
MS_MAX = 5000
WORD = re.compile(r"(?<!\w)[^\W\d_]{3,30}(?!\w)")
# Words of scripts that put blanks between them; others are indexed in pairs.
PAIRED = re.compile(r"[\u0e00-\u0e7f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff"
                    r"\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f]")
LARGER = {"iso-8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030",
          "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "iso-8859-9": "cp1254", "shift_jis": "cp932",
          "unicode-1-1-utf-7": "utf-7", "iso-8859-8-i": "iso-8859-8", "big5": "big5hkscs",
          "windows-874": "cp874"}


def corpus():
    found = mails.corpus_folder()
    if found is None:
        raise Skip("no corpus of real mail here (set MUNIMENT_CORPUS)")
    return found


def terms_of(messages):
    """(name, message, marks, set of folded terms) of each."""
    with tempfile.TemporaryDirectory(prefix="muniment-test-") as folder:
        batch = []
        for item in messages:
            batch.append(item)
            if len(batch) == BATCH:
                yield from batch_terms(folder, batch)
                batch = []
        yield from batch_terms(folder, batch)


def batch_terms(folder, batch):
    paths = []
    for number, (_, message) in enumerate(batch):
        paths.append(pathlib.Path(folder) / str(number))
        paths[-1].write_bytes(message)
    if not batch:
        return
    done = subprocess.run([str(PROGRAM), *map(str, paths)], capture_output=True, timeout=600)
    assert done.returncode == 0, (batch[0][0], done.stderr[-2000:])
    answers = done.stdout.decode().split("\n\n")
    for (name, message), answer in zip(batch, answers, strict=False):
        head, *words = answer.split("\n")
        marks, milliseconds = map(int, head.split())
        assert milliseconds < MS_MAX, f"{name}: {milliseconds} ms"
        yield name, message, marks, set(words)


def fold(word):
    word = unicodedata.normalize("NFKC", word).casefold()
    word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    return unicodedata.normalize("NFKC", word).casefold()


def decode(part):
    payload = part.get_payload(decode=True) or b""
    claimed = (part.get_content_charset() or "us-ascii").strip("\"'")
    larger = LARGER.get(claimed, claimed)
    # Seven bits that are another charset look like UTF-8.
    for charset in [larger] if re.match("iso-2022|utf-7|hz", larger) else ["utf-8", larger]:
        try:
            return claimed, payload.decode(charset)
        except (UnicodeDecodeError, LookupError):
            pass
    return claimed, None


def texts(message):
    """(charset, text) of each text/plain part that Python can decode without an error."""
    for part in email.message_from_bytes(message).walk():
        if part.get_content_type() == "text/plain":
            charset, text = decode(part)
            if text is not None and "-----BEGIN PGP" not in text:
                yield charset, text


def missing_words(text, terms):
    words = {fold(w) for w in WORD.findall(text) if not PAIRED.search(w)}
    pairs = {a + b for a, b in zip(text, text[1:]) if PAIRED.match(a) and PAIRED.match(b)}
    wanted = {w for w in words if len(w.encode()) < 60} | {unicodedata.normalize("NFKC", p) for p in pairs}
    return wanted, {w for w in wanted if w not in terms}


def words_of_every_charset_are_found():
    wanted_of, missing_of = {}, {}
    for name, message, _, terms in terms_of(mails.tar_members(corpus() / "intl.tar.zst")):
        if not name.endswith(".eml"):
            continue
        for charset, text in texts(message):
            wanted, missing = missing_words(text, terms)
            wanted_of[charset] = wanted_of.get(charset, 0) + len(wanted)
            missing_of.setdefault(charset, []).extend((name, w) for w in missing)
    for charset, wanted in sorted(wanted_of.items()):
        missing = missing_of[charset]
        print(f"        {charset}: {wanted} words, {len(missing)} missing {missing[:3]}")
        assert len(missing) <= wanted * 0.01, (charset, missing[:20])
    assert len(wanted_of) > 15, sorted(wanted_of)


def no_message_is_too_much():
    count = 0
    for _ in terms_of(mails.edge_cases(corpus())):
        count += 1
    assert count > 3000, count
    print(f"        {count} edge cases")


def encrypted_and_signed_mail_is_told():
    marked = {}
    for _, _, marks, _ in terms_of(mails.tar_members(corpus() / "crypto.tar.zst")):
        for bit in range(8):
            marked[bit] = marked.get(bit, 0) + (marks >> bit & 1)
    print(f"        unsearchable {marked[2]}, S/MIME encrypted {marked[4]}, PGP encrypted {marked[5]}, "
          f"S/MIME signed {marked[6]}, PGP signed {marked[7]}")
    assert min(marked[bit] for bit in [2, 4, 5, 6, 7]) >= 5, marked


if __name__ == "__main__":
    harness.run(words_of_every_charset_are_found, no_message_is_too_much,
                encrypted_and_signed_mail_is_told)
