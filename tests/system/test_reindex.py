"""`muniment reindex`, end to end: what was archived without its words has them afterwards, is found
without being opened, and by nobody else; what is erased or damaged gets none; and wherever a run is
killed, the next one ends what it began."""
import json
import random
import socket
import struct
import subprocess
import time

import harness
from harness import Daemon, Vault
from lmtp import Lmtp
from sshd import Sshd

PROGRAMS = harness.build()

U, W = "u@example.com", "w@example.com"
MANY = 300  # for two: more than two batches


def message(number, word, attached=None):
    head = (f"From: ann@post.test\r\nTo: u@example.com\r\nSubject: number {number}\r\n"
            f"Date: Tue, 24 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}@post.test>\r\n"
            "MIME-Version: 1.0\r\n")
    if attached is None:
        return f"{head}Content-Type: text/plain\r\n\r\nthe {word} of number{number}\r\n".encode()
    return (f"{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
            f"Content-Type: text/plain\r\n\r\nthe {word}\r\n--b\r\nContent-Type: text/rtf\r\n"
            "Content-Disposition: attachment; filename=\"a.rtf\"\r\n\r\n"
            f"{{\\rtf1 {attached}}}\r\n--b--\r\n").encode()


def archive(vault, mail):
    """[(owners, message)] without their words; the archive ids."""
    vault.configure(terms="no")
    with Daemon(vault), Lmtp(vault.address) as client:
        ids = [client.deliver("s@post.test", owners, text)[0].archive_id for owners, text in mail]
    vault.configure(terms="yes")
    return ids


def small_vault():
    vault = Vault(PROGRAMS)
    ids = archive(vault, [([U], message(1, "aardvark")), ([U, W], message(2, "wombat")),
                          ([W], message(3, "numbat", attached="pangolin"))])
    return vault, ids


def words_of(vault, grant, *options):
    return [str(vault.programs.muniment), "reindex", str(vault.path), "--grant", str(grant),
            "--identity", str(vault.folder / "reader.key"), *options]


def reindex(vault, *options, grant=None, status=0):
    done = vault.command(*words_of(vault, grant or vault.grant(), *options)[1:], status=status)
    return json.loads(done.stdout) if "--json" in options and done.stdout else done


def search(vault, query, state="words", status=0, grant=None):
    """With a grant for the words only, unless another is given, and an index of its own."""
    grant = grant or vault.grant("--all", "--from", "1980-01", "--to", "2099-12", "--search-only",
                                 name="words")
    done = vault.command("search", vault.path, "--grant", grant, "--identity",
                         vault.folder / "reader.key", "--json", query, status=status,
                         env={"XDG_STATE_HOME": str(vault.folder / state)})
    return json.loads(done.stdout)


def ids_in(answer):
    return sorted(i for entry in answer["results"] for i in entry["ids"])


def parts_of(vault, archive_id):
    answer = json.loads(vault.command("message", vault.path, archive_id, "--json").stdout)

    def records(value):
        if isinstance(value, dict) and "record" in value:
            yield value
        for below in value.values() if isinstance(value, dict) else value:
            if isinstance(below, (dict, list)):
                yield from records(below)
    return list(records(answer))


def kinds_of(vault, archive_id):
    return [part["kind"] for part in parts_of(vault, archive_id)]


def check_words_are_there(vault, ids):
    for query, wanted in [("aardvark", ids[:1]), ("wombat", ids[1:2]), ("numbat", ids[2:]),
                          ("attachment:pangolin", ids[2:])]:
        answer = search(vault, query)
        assert ids_in(answer) == sorted(wanted), (query, answer)
        assert answer["without_words"] == answer["opened_for_words"] == 0, answer
    assert kinds_of(vault, ids[0]).count("terms-copy") == 1
    assert kinds_of(vault, ids[1]).count("terms-copy") == 2
    assert kinds_of(vault, ids[1]).count("terms-body") == 1
    vault.verify()


def words_are_written_and_found_without_opening():
    vault, ids = small_vault()
    with Daemon(vault):
        before = search(vault, "aardvark", status=5)
        assert before["without_words"] == 4 and before["total"] == 0, before
        opened = search(vault, "aardvark", state="content", grant=vault.grant())
        assert opened["opened_for_words"] == 3 and ids_in(opened) == ids[:1], opened
        counts = reindex(vault, "--dry-run", "--json")
        assert counts["messages"] == 3 and counts["copies"] == 4 and counts["written"] == 0, counts
        assert kinds_of(vault, ids[0]).count("terms-copy") == 0
        counts = reindex(vault, "--json")
        assert counts["written"] == 4 and counts["messages_left"] == 0, counts
        check_words_are_there(vault, ids)
        again = reindex(vault, "--json", status=3)
        assert again["messages"] == 0, again
        fresh = search(vault, "aardvark", state="fresh", grant=vault.grant())
        assert fresh["opened_for_words"] == 0 and ids_in(fresh) == ids[:1], fresh
        acts = vault.command("log", "list", vault.path).stdout.decode()
        assert "terms-added" in acts, acts


def without_a_daemon_the_command_writes():
    vault, ids = small_vault()
    done = reindex(vault)
    assert b"4 of 4 copies, of 3 messages" in done.stdout, done.stdout
    check_words_are_there(vault, ids)
    reindex(vault, status=3)


def words_are_nowhere_in_clear():
    vault, _ = small_vault()
    with Daemon(vault):
        reindex(vault)
    for path in [p for p in vault.folder.rglob("*") if p.is_file()]:
        for word in [b"aardvark", b"wombat", b"pangolin"]:
            assert word not in path.read_bytes().lower(), (path, word)


def a_grant_writes_only_what_it_opens():
    vault, ids = small_vault()
    words = vault.grant("--all", "--from", "1980-01", "--to", "2099-12", "--search-only",
                        name="only-words")
    part = vault.grant("--mailbox", W, "--from", "1980-01", "--to", "2099-12", name="part")
    with Daemon(vault):
        reindex(vault, grant=words, status=4)
        assert reindex(vault, "--mailbox", W, "--dry-run", "--json")["copies"] == 2
        counts = reindex(vault, "--json", grant=part)
        assert counts["written"] == 2, counts
        assert kinds_of(vault, ids[1]).count("terms-copy") == 1
        assert reindex(vault, "--json")["written"] == 2
        check_words = search(vault, "wombat")
        assert ids_in(check_words) == [ids[1]], check_words
        vault.command("grant", "revoke", vault.path, part)
        reindex(vault, grant=part, status=4)


def words_are_sent_to_no_other_host():
    vault, ids = small_vault()
    sshd = Sshd(PROGRAMS)
    sshd.give(vault)
    done = vault.command("reindex", sshd.address(vault), "--grant", vault.grant(), "--identity",
                         vault.folder / "reader.key", status=1)
    assert b"would have to be sent to the archive host" in done.stderr, done.stderr
    assert kinds_of(vault, ids[0]).count("terms-copy") == 0


def ask_for_terms(vault, grant, *frames):
    """What the daemon answers to the grant and to each frame, until it closes."""
    text = grant.read_bytes()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(str(vault.path / "run" / "operate"))
        file = sock.makefile("rb")
        sock.sendall(b"terms\n" + struct.pack(">I", len(text)) + text)
        answers = [json.loads(file.readline())]
        for frame in frames:
            sock.sendall(frame)
            answers.append(json.loads(file.readline()))
        sock.shutdown(socket.SHUT_WR)
        assert file.read() == b""
    return [answer.get("code", "ok") for answer in answers]


def the_socket_takes_only_what_is_a_batch():
    vault, ids = small_vault()
    grant = vault.grant()
    copy = next(part["record"] for part in parts_of(vault, ids[0]) if part["kind"] == "copy")
    batch = bytes.fromhex(ids[1]) + b"\0\1" + bytes.fromhex(copy) + struct.pack(">I", 1) + b"x"

    def framed(payload):
        return struct.pack(">I", len(payload)) + payload

    with Daemon(vault):
        assert ask_for_terms(vault, grant) == ["ok"]
        assert ask_for_terms(vault, grant, framed(batch[:-1]), framed(batch), framed(b"")) == \
            ["ok", "MALFORMED", "MALFORMED", "ok"]
        # Where the framing breaks it answers, and closes.
        assert ask_for_terms(vault, grant, struct.pack(">I", (32 << 20) + 1)) == ["ok", "TOO_LARGE"]
        vault.command("grant", "revoke", vault.path, grant)
        assert ask_for_terms(vault, grant) == ["REFUSED"]
    assert kinds_of(vault, ids[0]).count("terms-copy") == 0


def a_message_that_does_not_open_stops_no_other():
    vault, ids = small_vault()
    place = next(part for part in parts_of(vault, ids[0]) if part["kind"] == "body")
    pack = next((vault.path / "packs").rglob(f"*{place['pack']}*"))
    with open(pack, "r+b") as file:
        file.seek(place["offset"] + place["length"] - 20)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    with Daemon(vault):
        counts = reindex(vault, "--json", status=5)
        assert counts["written"] == 3 and counts["messages_left"] == 1, counts
        assert ids_in(search(vault, "wombat", status=5)) == [ids[1]]


def many_vault():
    vault = Vault(PROGRAMS)
    return vault, archive(vault, [([U, W], message(n, "gecko")) for n in range(MANY)])


def what_is_erased_meanwhile_has_no_words():
    vault, ids = many_vault()
    grant = vault.grant()
    erased = ids[::23]
    with Daemon(vault):
        running = subprocess.Popen(words_of(vault, grant, "--json"), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        for archive_id in erased[:6]:
            vault.command("erase", vault.path, "--message", archive_id, "--reason", "test", "--yes")
        out, err = running.communicate(timeout=300)
        assert running.returncode == 0, (running.returncode, err)
        counts = json.loads(out)
        assert counts["messages_left"] == 0 and counts["written"] <= 2 * MANY, counts
        vault.command("erase", vault.path, *[w for i in erased[6:] for w in ("--message", i)],
                      "--reason", "test", "--yes")
        reindex(vault, status=3)
        search(vault, "gecko")
        found = vault.command("search", vault.path, "--grant", vault.folder / "words.grant",
                              "--identity", vault.folder / "reader.key", "--ids", "gecko",
                              env={"XDG_STATE_HOME": str(vault.folder / "words")})
        assert sorted(found.stdout.decode().split()) == sorted(set(ids) - set(erased))
    vault.verify()


def kill_a_run(vault, grant, daemon, after_s):
    """The command, or the daemon that it gives words to."""
    running = subprocess.Popen(words_of(vault, grant), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(after_s)
    if daemon is not None:
        daemon.kill()
    else:
        running.kill()
    running.wait(timeout=300)


def a_run_that_is_killed_is_ended_by_the_next():
    for with_daemon in [False, True]:
        vault, ids = many_vault()
        grant = vault.grant()
        chance = random.Random(7)
        for _ in range(5):
            daemon = Daemon(vault) if with_daemon else None
            kill_a_run(vault, grant, daemon, chance.uniform(0.1, 0.6 if daemon is None else 1.2))
            left = reindex(vault, "--dry-run", "--json", grant=grant, status=None)
            print(f"        killed: {left['copies']} of {2 * MANY} copies without words")
        with Daemon(vault):
            assert reindex(vault, grant=grant, status=None).returncode in (0, 3)
            reindex(vault, grant=grant, status=3)
            answer = search(vault, "gecko")
            assert answer["total"] == MANY and answer["without_words"] == 0, answer
            counts = [kinds_of(vault, i).count("terms-copy") for i in ids[::30]]
            assert counts == [2] * len(counts), counts
        vault.verify()


if __name__ == "__main__":
    harness.run(words_are_written_and_found_without_opening, without_a_daemon_the_command_writes,
                words_are_nowhere_in_clear, a_grant_writes_only_what_it_opens,
                words_are_sent_to_no_other_host, the_socket_takes_only_what_is_a_batch, a_message_that_does_not_open_stops_no_other,
                what_is_erased_meanwhile_has_no_words, a_run_that_is_killed_is_ended_by_the_next)
