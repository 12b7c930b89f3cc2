"""`muniment search`, end to end: mail in many languages is found by every operator of the query
language, on this host and over ssh; what is found can be frozen and restored; what was erased, or
whose case was closed, is found no more; and a grant to search opens nothing."""
import json
import os
import subprocess

import harness
from harness import Daemon, Vault, sha256
from lmtp import Lmtp
from sshd import Sshd

PROGRAMS = harness.build()

U, W = "u@example.com", "w@example.com"


def message(number, subject, body, date="Tue, 24 Nov 2026 10:00:00 +0000", **fields):
    head = {"From": "Ann Berg <ann.berg@post.test>", "To": "Ulla <u@example.com>", "Subject": subject,
            "Date": date, "Message-ID": f"<{number}@post.test>", "MIME-Version": "1.0",
            "Content-Type": "text/plain; charset=utf-8",
            **{name.replace("_", "-"): value for name, value in fields.items()}}
    lines = [f"{name}: {value}" for name, value in head.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body + "\r\n").encode()


def with_attachment(number, subject, name, kind, payload):
    body = ("--b\r\nContent-Type: text/plain\r\n\r\nsee the file\r\n--b\r\n"
            f"Content-Type: {kind}\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\n"
            f"{payload}\r\n--b--")
    return message(number, subject, body, Content_Type="multipart/mixed; boundary=b")


# name -> (owners, message)
MAIL = {
    "plain": ([U], message(1, "Quarterly invoice", "Please find the final notice below, thank you.")),
    "french": ([U], message(2, "=?utf-8?q?R=C3=A9sum=C3=A9?=", "Le résumé du congrès à Besançon.")),
    "bare": ([U], message(3, "resume", "resume without marks")),
    "german": ([U], message(4, "Straße", "Der Fußgänger in der STRASSE übt.")),
    "russian": ([U], message(5, "Договор", "Подписанный договор поставки")),
    "greek": ([U], message(6, "Συμβόλαιο", "το συμβόλαιο υπογράφηκε")),
    "arabic": ([U], message(7, "عقد", "تم توقيع العقد")),
    "japanese": ([U], message(8, "契約書", "東京都で契約書に署名しました")),
    "thai": ([U], message(9, "สัญญา", "ลงนามสัญญาแล้ว")),
    "two": ([U, W], message(10, "both of you", "zebra crossing ahead", Cc="Walter <w@example.com>")),
    "again": ([W], message(10, "both of you", "zebra crossing ahead", Cc="Walter <w@example.com>")),
    "old": ([W], message(11, "archive", "ancient history", date="Wed, 05 Mar 2014 08:00:00 +0100")),
    "large": ([W], message(12, "much", "filler " * 20000)),
    "csv": ([W], with_attachment(13, "figures", "budget.2026.csv", "text/csv", "walrus,12\r\n")),
    "encrypted": ([W], message(14, "secret", "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n"
                               "-----END PGP MESSAGE-----")),
    "list": ([W], message(15, "digest", "items", List_Id="Kernel people <kernel.lists.test>",
                          From="Bo <bo@other.test>")),
}

# query -> the messages that it finds
QUERIES = {
    "invoice": "plain",
    "INVOICE": "plain",
    "invo*": "plain",
    '"final notice"': "plain",
    '"notice final"': "",
    "final NEAR/0 notice": "plain",
    "notice NEAR final": "plain",
    "please NEAR/1 notice": "",
    "invoice -thank": "",
    "NOT post": "list",
    "subject:resume": "french bare",
    "resume": "french bare",
    '"résumé"': "french",
    "besancon": "french",
    "strasse": "german",
    "fussganger": "german",
    "договор": "russian",
    "συμβολαιο": "greek",
    "العقد": "arabic",
    "契約": "japanese",
    "約書": "japanese",
    "契約書": "japanese",
    "京": "japanese",
    "สัญญา": "thai",
    "zebra": "two again",
    "zebra mailbox:u@example.com": "two",
    "mailbox:W@example.com zebra": "two again",
    "mailbox:*@example.com ancient": "old",
    "mailbox:*@elsewhere.test": "",
    "to:walter": "two again",
    "cc:w@example.com": "two again",
    "cc:ulla": "",
    "from:ann.berg@post.test archive": "old",
    "from:other.test": "list",
    "list:kernel.lists.test": "list",
    "subject:(archive OR digest)": "old list",
    "archive OR digest": "old list",
    "before:2020": "old",
    "date:2014-03": "old",
    "date:2014-03-05..2014-03-06": "old",
    "date:2014-03-05T07:00:00Z": "old",
    "older_than:1y": "old",
    "size:>100k": "large",
    "larger:100k": "large",
    "has:attachment": "csv",
    "attachment:walrus": "csv",
    "body:walrus": "",
    "filename:*.csv": "csv",
    "filename:budget": "csv",
    "is:unsearchable": "encrypted",
    "encrypted:pgp": "encrypted",
    "is:encrypted": "encrypted",
    "id:11@post.test": "old",
    "id:<11@post.test>": "old",
    "* -(* -ancient)": "old",
    "nothing-like-it": "",
}


class Fixture:
    made = None

    @classmethod
    def get(cls):
        if cls.made is None:
            vault = Vault(PROGRAMS)
            daemon = Daemon(vault)
            ids = {}
            with Lmtp(vault.address) as client:
                for name, (owners, text) in MAIL.items():
                    # Another sender: not taken for the same delivery, tried once more.
                    replies = client.deliver(f"{name}@post.test", owners, text)
                    ids[name] = replies[0].archive_id
            harness.share(vault, daemon)
            cls.made = vault, ids, vault.grant()
        return cls.made


def state(vault, name="state"):
    return {"XDG_STATE_HOME": str(vault.folder / name)}


def search(*words, status=0, grant=None, vault=None, env=None, verb="search"):
    known, _, all_grant = Fixture.get()
    return known.command(verb, vault or known.path, "--grant", grant or all_grant, "--identity",
                         known.folder / "reader.key", *words, status=status,
                         env=env or state(known))


def names_of(ids):
    _, known, _ = Fixture.get()
    names = {archive_id: name for name, archive_id in known.items()}
    return {names[archive_id] for archive_id in ids}


def found(*words, **options):
    done = search("--ids", *words, status=None, **options)
    assert done.returncode in (0, 3), (words, done.stderr)
    assert (done.returncode == 3) == (done.stdout == b""), words
    return names_of(done.stdout.decode().split())


def every_operator_finds_what_it_says():
    for query, wanted in QUERIES.items():
        assert found("--", query) == set(wanted.split()), (query, found("--", query))


def ids_of_the_archive_are_found():
    _, ids, _ = Fixture.get()
    assert found("id:" + ids["greek"]) == {"greek"}
    assert found("id:" + ids["two"]) == {"two"}


def the_same_message_is_one_entry_with_its_custodians():
    _, ids, _ = Fixture.get()
    answer = json.loads(search("--json", "zebra").stdout)
    (entry,) = answer["results"]
    assert answer["total"] == 2 and set(entry["ids"]) == {ids["two"], ids["again"]}, answer
    assert entry["custodians"] == [U, W], entry
    assert entry["sha256"] == sha256(MAIL["two"][1]), entry
    snippet = entry["snippet"].encode()
    (begin, end), = entry["snippet_hits"]
    assert snippet[begin:end] == b"zebra", entry
    text = search("zebra").stdout.decode()
    assert "[zebra] crossing" in text and f"{U}, {W}" in text, text


def order_and_limit_are_kept():
    everything = search("--ids", "*").stdout.split()
    assert len(everything) == len(MAIL)
    assert everything[-1].decode() in Fixture.get()[1]["old"]
    assert search("--ids", "--limit", "3", "*").stdout.split() == everything[:3]
    assert search("--count", "*").stdout == b"%d\n" % len(MAIL)
    best = json.loads(search("--json", "--order", "relevance", "filler OR items").stdout)["results"]
    assert best[0]["score"] >= best[1]["score"] > 0, best
    shown = search("--limit", "2", "*")
    assert b"--limit shows more" in shown.stderr and shown.stdout.count(b"from ") == 2


def what_cannot_be_searched_is_told():
    done = search("--json", "invoice")
    assert json.loads(done.stdout)["unsearchable"] == 1
    assert b"is:unsearchable" in done.stderr


def a_mistake_is_shown_with_its_place():
    done = search("--", "invoice (form:x", status=2)
    assert b"invoice (form:x\n         ^^^^\n" in done.stderr, done.stderr
    assert b"was from: meant?" in done.stderr
    explained = search("--explain", "invo* date:2025-03").stdout.decode()
    assert explained.startswith("invo* date:2025-03-01..2025-03-31\nall of\n"), explained


def the_index_opens_only_with_key_and_identity():
    """No word of the mail lies in the state folder, and what lies there is private."""
    vault, _, _ = Fixture.get()
    search("--count", "*")
    files = [p for p in (vault.folder / "state").rglob("*") if p.is_file()]
    assert len(files) >= 2
    for path in (vault.folder / "state").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    for path in files:
        for word in [b"zebra", b"invoice", b"example.com", "契約".encode()]:
            assert word not in path.read_bytes().lower(), (path, word)


def a_damaged_index_is_made_anew():
    """Wherever the damage is: found when the index is opened, when it is searched, or only when what
    was found is shown."""
    vault, _, _ = Fixture.get()
    whole = json.loads(search("--json", "zebra", env=state(vault, "torn")).stdout)
    (path,) = (vault.folder / "torn").rglob("*.segment")
    good = path.read_bytes()
    told = 0
    for at in range(62 + 4000, len(good), 8192):
        for segment in path.parent.glob("*.segment"):
            segment.unlink()
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        done = search("--json", "zebra", env=state(vault, "torn"), status=None)
        if done.returncode != 0:
            assert b"is damaged and was removed; search again" in done.stderr, (at, done.stderr)
            done = search("--json", "zebra", env=state(vault, "torn"))
        told += b"is made anew" in done.stderr
        assert json.loads(done.stdout) == whole, at
    assert told > 0


def results_are_frozen_and_restored():
    vault, ids, _ = Fixture.get()
    frozen = vault.folder / "frozen"
    search("--result-out", frozen, "--limit", "1", "subject:resume OR zebra")
    text = frozen.read_text()
    assert text.startswith("muniment-result/2\n") and "\nquery: subject:resume OR zebra\n" in text
    for name in ["french", "bare", "two", "again"]:
        assert f"\nmessage: {ids[name]} {sha256(MAIL[name][1])}\n" in text, text
    again = search("--result-out", frozen, "zebra", status=1)
    assert b"is not overwritten" in again.stderr
    for out, choice in [("by-result", ("--result", frozen)),
                        ("by-query", ("--query", "subject:resume OR zebra"))]:
        search(*choice, "--format", "eml", "--out", vault.folder / out, verb="restore")
        given = {p.stem for p in (vault.folder / out).rglob("*.eml")}
        assert names_of(given) == {"french", "bare", "two", "again"}, given
    search("--query", "nothing-like-it", "--format", "eml", "--out", vault.folder / "none",
           verb="restore", status=3)
    search("--query", "a OR", "--format", "eml", "--out", vault.folder / "none", verb="restore",
           status=2)


def a_search_is_in_the_log_before():
    vault, _, _ = Fixture.get()

    def size():
        return int((vault.path / "log" / "control" / "checkpoint").read_text().split("\n")[1])

    search("--count", "*")
    before = size()
    search("--count", "*")
    assert size() == before + 1, (before, size())


def a_grant_to_search_opens_no_message():
    vault, _, _ = Fixture.get()
    grant = vault.grant("--all", "--from", "1980-01", "--to", "2099-12", "--search-only",
                        name="words")
    assert found("zebra", grant=grant, env=state(vault, "words")) == {"two", "again"}
    search("--all", "--format", "eml", "--out", vault.folder / "words-out", verb="restore",
           grant=grant, status=4)


def a_grant_finds_only_what_it_covers():
    vault, _, _ = Fixture.get()
    grant = vault.grant("--mailbox", W, "--from", "1980-01", "--to", "2099-12", name="w")
    env = state(vault, "w")
    assert found("*", grant=grant, env=env) == {name for name, (owners, _) in MAIL.items()
                                                if W in owners}
    (entry,) = json.loads(search("--json", "zebra", grant=grant, env=env).stdout)["results"]
    assert entry["custodians"] == [W]


def search_works_over_ssh():
    vault, _, _ = Fixture.get()
    sshd = Sshd(PROGRAMS)
    sshd.give(vault)
    elsewhere = sshd.address(vault)
    env = state(vault, "ssh")
    for query in ["zebra", '"résumé"', "契約", "mailbox:w@example.com before:2020"]:
        there = found("--ssh", sshd.command, "--", query, vault=elsewhere, env=env)
        assert there == set(QUERIES.get(query, "old").split()), (query, there)


def new_mail_is_found_by_the_next_search():
    vault, ids, _ = Fixture.get()
    search("--count", "*")
    with Lmtp(vault.address) as client:
        (reply,) = client.deliver("s@post.test", [U], message(99, "late", "platypus"))
    ids["late"] = reply.archive_id
    assert found("platypus") == {"late"}
    assert found("zebra") == {"two", "again"}


def searches_of_one_case_wait_for_each_other():
    vault, _, grant = Fixture.get()
    words = [str(PROGRAMS.muniment), "search", str(vault.path), "--grant", str(grant), "--identity",
             str(vault.folder / "reader.key"), "--count", "zebra"]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**os.environ, **state(vault, "many")}) for _ in range(8)]
    for process in running:
        out, told = process.communicate(timeout=120)
        assert process.returncode == 0 and out == b"2\n", (process.returncode, out, told)


def an_index_made_with_less_misses_nothing():
    """A grant that is made later for the same scope has keys of more months; and a restore by query
    from one mailbox brings the same index up to date as a search of all of them."""
    vault, ids, _ = Fixture.get()
    scope = ("--mailbox", U, "--mailbox", W, "--from", "1980-01", "--to", "2099-12")
    early = vault.grant(*scope, name="early")
    env = state(vault, "less")
    search("--query", "zebra", "--mailbox", W, "--format", "eml", "--out", vault.folder / "less-out",
           verb="restore", grant=early, env=env)
    assert found("zebra OR invoice", grant=early, env=env) == {"two", "again", "plain"}
    message_file = vault.folder / "imported.eml"
    message_file.write_bytes(b"Received: by x; Wed, 05 Mar 2014 08:00:00 +0100\r\n"
                             b"Subject: imported\r\n\r\nquagga\r\n")
    vault.command("import", vault.path, "--mailbox", U, message_file)
    assert found("quagga", grant=early, env=env) == set()
    late = vault.grant(*scope, name="late")
    assert search("--count", "quagga", grant=late, env=env).stdout == b"1\n"
    assert found("invoice", grant=late, env=env) == {"plain"}
    assert len([p for p in (vault.folder / "less").rglob("*.case")]) == 1


def what_is_erased_is_found_no_more():
    vault, ids, _ = Fixture.get()
    with Lmtp(vault.address) as client:
        (reply,) = client.deliver("s@post.test", [U], message(98, "gone", "pangolin"))
    ids["gone"] = reply.archive_id
    assert found("pangolin") == {"gone"}
    vault.command("erase", vault.path, "--message", ids["gone"], "--reason", "a test", "--yes")
    assert found("pangolin") == set()
    assert "gone" not in found("*")


def a_closed_case_has_no_index():
    vault, _, _ = Fixture.get()
    env = state(vault)
    search("--count", "*")
    cases = json.loads(vault.command("case", "list", vault.path, "--json").stdout)
    assert "test" in [case["case"] for case in cases], cases
    vault.command("case", "close", vault.path, "test", env=env)
    assert not [p for p in (vault.folder / "state").rglob("*") if p.is_file()]
    assert json.loads(vault.command("case", "list", vault.path, "--json").stdout) == []
    vault.command("case", "close", vault.path, "test", env=env, status=3)
    assert found("zebra") == {"two", "again"}


def mail_stored_without_its_words_is_opened_where_the_grant_allows_it():
    vault = Vault(PROGRAMS)
    vault.configure(terms="no")
    with Daemon(vault):
        with Lmtp(vault.address) as client:
            (first,) = client.deliver("s@post.test", [U], message(1, "one", "aardvark"))
            client.deliver("s@post.test", [U, W], message(2, "two", "wombat"))
    vault.configure(terms="yes")
    with Daemon(vault):
        with Lmtp(vault.address) as client:
            client.deliver("s@post.test", [U], message(3, "three", "aardvark too"))
        for options, name, status, count in [(["--search-only"], "words", 5, 1), ([], "all", 0, 2),
                                             (["--search-only"], "words", 0, 2)]:
            grant = vault.grant("--all", "--from", "1980-01", "--to", "2099-12", *options, name=name)
            done = vault.command("search", vault.path, "--grant", grant, "--identity",
                                 vault.folder / "reader.key", "--json", "aardvark", status=status,
                                 env=state(vault))
            answer = json.loads(done.stdout)
            assert answer["total"] == count, (name, answer)
            assert answer["without_words"] == (3 if status == 5 else 0), answer
            assert answer["opened_for_words"] == (0 if status == 5 else 2), answer
            assert b"without their words" in done.stderr, done.stderr
        assert first.archive_id in [i for entry in answer["results"] for i in entry["ids"]]


def records_of(value):
    """All records in an answer of `muniment message --json`, wherever they are nested."""
    if isinstance(value, dict) and "record" in value:
        yield value
    for below in value.values() if isinstance(value, dict) else value:
        if isinstance(below, (dict, list)):
            yield from records_of(below)


def damaged_words_are_told_and_stop_nothing_else():
    vault = Vault(PROGRAMS)
    with Daemon(vault):
        with Lmtp(vault.address) as client:
            replies = [client.deliver("s@post.test", [U], message(n, f"m{n}", f"gecko {n}"))[0]
                       for n in range(3)]
    parts = json.loads(vault.command("message", vault.path, replies[1].archive_id,
                                     "--json").stdout)
    place = next(part for part in records_of(parts) if part["kind"] == "terms-copy")
    pack = next((vault.path / "packs").rglob(f"*{place['pack']}*"))
    with open(pack, "r+b") as file:
        file.seek(place["offset"] + place["length"] - 20)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    with Daemon(vault):
        done = vault.command("search", vault.path, "--grant", vault.grant(), "--identity",
                             vault.folder / "reader.key", "--json", "gecko", status=5,
                             env=state(vault))
        for query, shown in [("gecko", b"2 messages"), ("nothing-like-it", b"")]:
            given = vault.command("restore", vault.path, "--grant", vault.grant(), "--identity",
                                  vault.folder / "reader.key", "--query", query, "--format", "eml",
                                  "--out", vault.folder / query, status=5, env=state(vault))
            assert given.stdout.startswith(shown), given.stdout
    answer = json.loads(done.stdout)
    assert answer["total"] == 2 and answer["not_opened"] == 1, answer
    assert b"could not be opened" in done.stderr, done.stderr


if __name__ == "__main__":
    harness.run(every_operator_finds_what_it_says, ids_of_the_archive_are_found,
                the_same_message_is_one_entry_with_its_custodians, order_and_limit_are_kept,
                what_cannot_be_searched_is_told, a_mistake_is_shown_with_its_place,
                the_index_opens_only_with_key_and_identity, a_damaged_index_is_made_anew, results_are_frozen_and_restored,
                a_search_is_in_the_log_before, a_grant_to_search_opens_no_message,
                a_grant_finds_only_what_it_covers, new_mail_is_found_by_the_next_search,
                mail_stored_without_its_words_is_opened_where_the_grant_allows_it,
                damaged_words_are_told_and_stop_nothing_else,
                searches_of_one_case_wait_for_each_other, an_index_made_with_less_misses_nothing,
                what_is_erased_is_found_no_more, a_closed_case_has_no_index, search_works_over_ssh)
