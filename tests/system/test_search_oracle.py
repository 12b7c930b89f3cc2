"""Search beside an oracle: hundreds of queries of every operator, drawn from the words of the mail
itself, find what a straightforward evaluation finds that looks at each message's words alone
(tests/search). Over mail made here, and, where MUNIMENT_SEARCH_CORPUS names a folder of .eml files,
over those.

What differs is printed with the query. What the oracle cannot decide from a message alone (the date
of one without a Date field, archive ids) is left out.
"""
import collections
import datetime
import os
import pathlib
import random
import subprocess
import tempfile

import harness
from harness import Daemon, Vault, numbers, sha256
from lmtp import Lmtp
from mails import WORDS, with_crlf
from searches import Searches

PROGRAMS = harness.build()
MAILBOXES = [f"m{i}@example.com" for i in range(7)]
QUERY_COUNT = numbers(520, 3000)
MESSAGE_COUNT = numbers(400, 2000)
FOREIGN = """résumé naïve café Straße Größe übung договор поставка συμβόλαιο عقد توقيع 契約書
東京都 서울시 สัญญา ñandú coöperate élan""".split()
SHOWN_MAX = 10
CORPUS = os.environ.get("MUNIMENT_SEARCH_CORPUS")


# ---- mail ------------------------------------------------------------------------------------------

def made(seed):
    """A message; the commoner a word is, the earlier it stands in WORDS."""
    dice = random.Random(seed)

    def some(count):
        words = [WORDS[min(int(dice.expovariate(0.12)), len(WORDS) - 1)] for _ in range(count)]
        words[dice.randrange(count)] = dice.choice(FOREIGN)
        return words

    date = datetime.datetime(2020, 1, 1) + datetime.timedelta(minutes=dice.randrange(3_000_000))
    name = dice.choice(WORDS)
    head = [f"From: {name.title()} Example <{name}@{dice.choice(WORDS)}.example>",
            f"To: {dice.choice(WORDS)}.{dice.choice(WORDS)}@example.com",
            f"Subject: {' '.join(some(5))}", f"Message-ID: <{seed}.{name}@client.test>",
            "MIME-Version: 1.0"]
    if dice.random() < 0.9:
        head.append(date.strftime("Date: %a, %d %b %Y %H:%M:%S +0000"))
    if dice.random() < 0.3:
        head.append(f"Cc: {dice.choice(WORDS)}@{dice.choice(WORDS)}.example")
    if dice.random() < 0.2:
        head.append(f"List-Id: <{dice.choice(WORDS)}.lists.test>")
    text = "\r\n".join(" ".join(some(8)) for _ in range(dice.randrange(1, 40)))
    if dice.random() < 0.7:
        head.append("Content-Type: text/plain; charset=utf-8")
        return ("\r\n".join(head) + "\r\n\r\n" + text + "\r\n").encode()
    head.append("Content-Type: multipart/mixed; boundary=b")
    part = (f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--b\r\n"
            "Content-Type: text/csv; charset=utf-8\r\nContent-Disposition: attachment; "
            f"filename=\"{dice.choice(WORDS)}-{dice.choice(WORDS)}.{dice.choice(['csv', 'txt'])}\""
            f"\r\n\r\n{','.join(some(12))}\r\n--b--\r\n")
    return ("\r\n".join(head) + "\r\n\r\n" + part).encode()


def write_all(folder, messages):
    """The list that the oracle reads: each message in a file, a mailbox for it, SHA-256."""
    listed = []
    for number, message in enumerate(messages):
        mailbox = MAILBOXES[number % len(MAILBOXES)]
        path = folder / mailbox / f"{number:06}.eml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(message)
        listed.append((path, mailbox, sha256(message)))
    (folder / "list").write_text("".join(f"{path}\t{box}\n" for path, box, _ in listed))
    return listed


def deliver(vault, listed):
    with Lmtp(vault.address) as client:
        for number, (path, mailbox, _) in enumerate(listed):
            client.deliver(f"s{number}@client.test", [mailbox], path.read_bytes())


def import_all(vault, folder):
    for mailbox in MAILBOXES:
        vault.command("import", vault.path, "--mailbox", mailbox, folder / mailbox, timeout=7200)


# ---- queries ---------------------------------------------------------------------------------------

class Vocabulary:
    def __init__(self, lines):
        self.kinds = collections.defaultdict(list)
        counts = []
        for line in lines:
            kind, *rest = line.split("\t")
            if kind == "word":
                counts.append((int(rest[0]), rest[1]))
            else:
                self.kinds[kind].append(rest)
        counts.sort(reverse=True)
        words = [word for _, word in counts]
        self.common = words[:60]
        self.middle = words[60:2000] or words
        self.rare = [word for count, word in counts if count <= 2] or words[-50:]

    def pick(self, dice, kind):
        return dice.choice(self.kinds[kind]) if self.kinds[kind] else None


def quoted(text):
    return '"' + text.replace('"', " ") + '"'


def word(dice, known):
    return quoted(dice.choice(dice.choice([known.common, known.middle, known.rare])))


def leaf(dice, known):
    """A query of one operator, or None where the mail has nothing for it."""
    kind = dice.choice(["word", "word", "rare", "common", "absent", "field", "phrase", "phrase",
                        "wrong phrase", "near", "near", "prefix", "prefix", "exact", "address",
                        "from", "date", "range", "size", "mailbox", "id", "mark", "filename",
                        "subject", "all"])
    sampled = {"phrase": "phrase", "wrong phrase": "phrase", "near": "phrase", "exact": "exact",
               "address": "from", "from": "from", "date": "date", "range": "date", "size": "size",
               "id": "id", "filename": "filename", "subject": "subject", "field": "phrase"}
    got = known.pick(dice, sampled[kind]) if kind in sampled else None
    if kind in sampled and got is None:
        return None
    if kind == "word":
        return word(dice, known)
    if kind == "rare":
        return quoted(dice.choice(known.rare))
    if kind == "common":
        return quoted(dice.choice(known.common))
    if kind == "absent":
        return f"absent{dice.randrange(10 ** 9)}"
    if kind == "field":
        return f"{dice.choice(['from', 'to', 'cc', 'subject', 'body', 'attachment'])}:{quoted(got[1])}"
    if kind in ("phrase", "wrong phrase"):
        a, b = got[1:3] if kind == "phrase" else got[2:0:-1]
        return f"{dice.choice(['', got[0] + ':'])}{quoted(a + ' ' + b)}"
    if kind == "near":
        a, b = dice.sample(got[1:], 2)
        return f"{quoted(a)} NEAR/{dice.choice([0, 1, 3, 10, 200])} {quoted(b)}"
    if kind == "prefix":
        start = dice.choice(known.middle)[:dice.randrange(2, 6)]
        return quoted(start + "*") if start.isalnum() else None
    if kind == "exact":
        return quoted(dice.choice(got))
    if kind in ("address", "from", "subject"):
        field = {"address": "", "from": "from:", "subject": "subject:"}[kind]
        return field + quoted(got[0]) if any(c.isalnum() for c in got[0]) else None
    if kind in ("date", "range"):
        day = datetime.datetime.fromtimestamp(max(int(got[0]), 0), datetime.timezone.utc)
        text = dice.choice([day.strftime("%Y"), day.strftime("%Y-%m"), day.strftime("%Y-%m-%d"),
                            day.strftime("%Y-%m-%dT%H:%M:%SZ")])
        return dice.choice([f"date:{text}", f"before:{text}", f"after:{text}",
                            f"date:{text}..{day.year + 1}"])
    if kind == "size":
        size = int(got[0])
        return dice.choice([f"size:>{size}", f"size:<{size}", f"size:>={size}", f"larger:{size}",
                            f"size:{size}..{size}", f"size:{size}..{2 * size}", f"smaller:{size}"])
    if kind == "mailbox":
        return f"mailbox:{dice.choice(MAILBOXES + ['*@example.com', '*@other.example'])}"
    if kind == "id":
        return f"id:{quoted(got[0])}" if " " not in got[0] else None
    if kind == "mark":
        return dice.choice(["has:attachment", "is:truncated", "is:unsearchable", "is:incomplete",
                            "is:encrypted", "is:signed", "signed:pgp", "signed:smime",
                            "encrypted:pgp", "encrypted:smime"])
    if kind == "filename":
        ending = pathlib.PurePath(got[0]).suffix[1:]
        return f"filename:*.{ending}" if ending.isalnum() else f"filename:{quoted(got[0])}"
    return "*"


def query(dice, known, level=2):
    if level == 0 or dice.random() < 0.35:
        text = None
        while text is None:
            text = leaf(dice, known)
        return text
    kind = dice.choice(["and", "and", "or", "not", "and not", "or not"])
    a, b = query(dice, known, level - 1), query(dice, known, level - 1)
    if kind == "not":
        return f"-({a})"
    return {"and": f"({a}) ({b})", "or": f"(({a}) OR {b})", "and not": f"({a}) -({b})",
            "or not": f"({a} OR NOT ({b}))"}[kind]


# ---- comparing -------------------------------------------------------------------------------------

def oracle(*arguments):
    program = PROGRAMS.folder / "tests" / "search" / "search_oracle"
    if not program.exists():
        raise harness.Skip(f"{program} is not built")
    helper = PROGRAMS.folder / "ingest" / "extract" / "helper" / "muniment-extract"
    return subprocess.run([program, *map(str, arguments)], check=True, capture_output=True,
                          timeout=7200, env={**os.environ, "MUNIMENT_EXTRACT": str(helper)}).stdout.decode().splitlines()


def difference(listed, answer, got):
    """What should be found and is not, what should not and is; as paths."""
    yes, unknown = ([int(n) for n in part.split()] for part in answer.split("?"))
    wanted = {listed[n][2] for n in yes}
    unsure = {listed[n][2] for n in unknown} - wanted
    paths = {digest: str(path) for path, _, digest in listed}
    return ([paths[d] for d in wanted - got], [paths[d] for d in got - wanted - unsure], wanted)


def compare(vault, folder, listed, count, seed):
    known = Vocabulary(oracle("vocabulary", folder / "list"))
    dice = random.Random(seed)
    queries = [query(dice, known) for _ in range(count)]
    (folder / "queries").write_text("\n".join(queries))
    answers = oracle("evaluate", folder / "list", folder / "queries")
    searches = Searches(vault)
    assert set(searches.hash_of.values()) == {digest for _, _, digest in listed}
    wrong, empty = [], 0
    for text, answer in zip(queries, answers, strict=True):
        missing, strange, wanted = difference(listed, answer, searches.hashes(text))
        empty += not wanted
        if missing or strange:
            wrong.append((text, missing[:3], strange[:3]))
    for text, missing, strange in wrong[:SHOWN_MAX]:
        print(f"query {text}\n  not found: {missing}\n  found: {strange}")
    print(f"{len(queries)} queries over {len(listed)} messages, {empty} find nothing, "
          f"{len(wrong)} differ")
    assert not wrong and empty < 0.6 * len(queries)


def mail_made_here_is_found_as_the_oracle_says():
    vault = Vault(PROGRAMS)
    folder = vault.folder / "mail"
    folder.mkdir()
    with Daemon(vault):
        listed = write_all(folder, map(made, range(MESSAGE_COUNT)))
        deliver(vault, listed)
        compare(vault, folder, listed, QUERY_COUNT, 1)


def a_corpus_is_found_as_the_oracle_says():
    vault = Vault(PROGRAMS)
    with tempfile.TemporaryDirectory(prefix="muniment-mail-") as place, Daemon(vault):
        folder = pathlib.Path(place)
        files = sorted(pathlib.Path(CORPUS).rglob("*.eml"))
        listed = write_all(folder, (with_crlf(path.read_bytes()) for path in files))
        import_all(vault, folder)
        compare(vault, folder, listed, QUERY_COUNT, 2)


if __name__ == "__main__":
    harness.run(mail_made_here_is_found_as_the_oracle_says,
                *([a_corpus_is_found_as_the_oracle_says] if CORPUS else []))
