"""A search of a vault elsewhere whose host fails or lies: what could not be read is searched the
next time, and no message gets the words of another."""
import json
import pathlib

import harness
from harness import Daemon, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
BETWEEN = pathlib.Path(__file__).with_name("serve_between.py")

U, W = "u@example.com", "w@example.com"


def vault_of(count, owners):
    vault = Vault(PROGRAMS)
    harness.share(vault, Daemon(vault))
    with Lmtp(vault.address) as client:
        ids = [client.deliver("s@post.test", owners,
                              f"Subject: m{n}\r\n\r\ngecko number{n}\r\n".encode())[0].archive_id
               for n in range(count)]
    return vault, ids


def search(vault, grant, host, query):
    done = vault.command("search", f"ssh://host{vault.path}", "--ssh",
                         f"python3 {BETWEEN} {host} {PROGRAMS.muniment} {vault.path}", "--grant",
                         grant, "--identity", vault.folder / "reader.key", "--json", query,
                         status=None, env={"XDG_STATE_HOME": str(vault.folder / "state")})
    return done, json.loads(done.stdout)


def what_a_broken_connection_kept_back_is_searched_the_next_time():
    vault, _ = vault_of(5, [U])
    grant = vault.grant()
    done, answer = search(vault, grant, "cut", "gecko")
    assert done.returncode == 5, done.stderr
    assert answer["total"] == 0 and answer["not_opened"] == 5, answer
    assert b"5 messages could not be read this time" in done.stderr, done.stderr
    done, answer = search(vault, grant, "nothing", "gecko")
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    assert answer["total"] == 5 and answer["not_opened"] == 0, answer


def no_message_gets_the_words_of_another():
    """Of several owners, whose terms lie in a body of their own, and of one."""
    for owners in ([U], [U, W]):
        vault, _ = vault_of(4, owners)
        done, answer = search(vault, vault.grant(), "swap", "gecko")
        assert done.returncode == 5, done.stderr
        assert answer["total"] == 0 and answer["not_opened"] == 4 * len(owners), answer


if __name__ == "__main__":
    harness.run(what_a_broken_connection_kept_back_is_searched_the_next_time,
                no_message_gets_the_words_of_another)
