"""Standing readers: what comes after one was added opens for him and nobody else; what came before,
or after he was removed, does not. With a real daemon, at the host and over ssh; and whatever readers
opened, the log says it.

Keys are made by the month: a message imported with the date of a month that the mailbox has no keys
of yet stands for "the next month"."""
import email.utils
import json
import os
import random
import threading
import time

import harness
import mails
from harness import Daemon, Vault, sha256
from lmtp import Lmtp
from sshd import Sshd

PROGRAMS = harness.build()
NOTHING, REFUSED = 3, 4
SINCE = ("--from", "2015-01")


class World:
    """A vault with a daemon, and readers of it."""

    def __init__(self):
        self.vault = Vault(PROGRAMS)
        self.sent = {}  # SHA-256 -> mailbox
        self.ids = {}   # SHA-256 -> archive id, as far as known
        self.count = 0

    def reader(self, name):
        self.vault.command("identity", "create", "--name", name, "--out",
                           self.vault.folder / f"{name}.key")

    def standing(self, name, *scope, since=SINCE, add=True):
        """The grant, added to the vault."""
        folder = self.vault.folder
        self.reader(name)
        self.vault.command("request", self.vault.path, "--standing", "--case", "2026-1", "--reason",
                           "system test", *scope, *since, "--for", folder / f"{name}.pub", "--out",
                           folder / f"{name}.request")
        self.vault.command("grant", folder / f"{name}.request", "--master", self.vault.master,
                           "--passphrase-file", self.vault.passphrase)
        if add:
            self.add(name)
        return folder / f"{name}.grant"

    def add(self, name, status=0):
        done = self.vault.command("reader", "add", self.vault.path,
                                  self.vault.folder / f"{name}.grant", "--json", status=status)
        return json.loads(done.stdout) if status == 0 else done

    def message(self, date=None):
        self.count += 1
        head = f"Date: {date}\r\nReceived: from x by y; {date}\r\n" if date else ""
        return head.encode() + mails.ordinary(self.count, 1500)

    def deliver(self, owner):
        message = self.message()
        with Lmtp(self.vault.address) as client:
            (reply,) = client.deliver("s@example.net", [owner], message)
        assert reply.code == 250, reply
        self.sent[sha256(message)] = owner
        self.ids[sha256(message)] = reply.archive_id
        return sha256(message)

    def import_of(self, owner, year, month):
        """Into a month whose keys are made now where there are none."""
        message = self.message(email.utils.formatdate(
            (year - 1970) * 31557600 + (month - 1) * 2629800 + 15 * 86400))
        path = self.vault.folder / f"{self.count}.eml"
        path.write_bytes(message)
        self.vault.command("import", self.vault.path, "--mailbox", owner, path)
        self.sent[sha256(message)] = owner
        return sha256(message)

    def read(self, name, *options, status=0, where=None):
        """SHA-256 of what a restore of this reader gives: all of it was sent to that mailbox."""
        folder = self.vault.folder / f"{name}-{random.getrandbits(60)}"
        self.vault.command("restore", *(where or [self.vault.path]), "--grant", self.vault.folder / f"{name}.grant",
                           "--identity", self.vault.folder / f"{name}.key", *(options or ("--all",)),
                           "--format", "eml", "--out", folder, status=status)
        found = set()
        for file in folder.rglob("*.eml"):
            digest = sha256(file.read_bytes())
            assert self.sent[digest] == file.relative_to(folder).parts[0], file
            self.ids[digest] = file.stem
            found.add(digest)
        return found


def acts(world, name):
    """Texts of what was logged."""
    done = world.vault.command("log", "list", world.vault.path, "--kind", name, "--json",
                               status=None)
    return [entry["text"] for entry in json.loads(done.stdout or "[]")]


def reader_of_a_mailbox_reads_what_comes_and_nothing_else():
    world = World()
    with Daemon(world.vault):
        old = [world.deliver("anna@example.com"), world.import_of("anna@example.com", 2019, 3)]
        grant = world.standing("rita", "--mailbox", "anna@example.com", add=False)
        assert b"taken up" in refused(world, "rita", REFUSED)
        added = world.add("rita")
        (coverage,) = added["mailboxes"]
        assert coverage["address"] == "anna@example.com", added
        assert coverage["from_month"] > added["added"][:7], "this month's keys were there before"
        world.deliver("anna@example.com")  # under this month's keys
        world.import_of("bert@example.com", 2019, 5)
        assert world.read("rita", status=NOTHING) == set()
        new = {world.import_of("anna@example.com", 2019, month) for month in [5, 6]}
        assert world.read("rita") == new
        one = min(new)
        assert world.read("rita", "--message", world.ids[one]) == {one}
        assert world.read("rita", "--message", world.ids[old[0]], status=None) == set()
        assert len(world.read("rita", "--all", "--from", "2019-06", "--to", "2019-06")) == 1
        world.vault.command("restore", world.vault.path, "--grant", grant, "--identity",
                            world.vault.folder / "rita.key", "--all", "--mailbox",
                            "bert@example.com", "--format", "eml", "--out",
                            world.vault.folder / "none", status=REFUSED)
        shown = world.vault.command("show", world.vault.path, world.ids[one], "--grant", grant,
                                    "--identity", world.vault.folder / "rita.key", "--raw")
        assert sha256(shown.stdout) == one
        (logged,) = acts(world, "reader-added")
        assert "reader: rita\n" in logged and "mailboxes: 1\n" in logged, logged


def refused(world, name, status):
    done = world.vault.command("restore", world.vault.path, "--grant",
                               world.vault.folder / f"{name}.grant", "--identity",
                               world.vault.folder / f"{name}.key", "--all", "--format", "eml",
                               "--out", world.vault.folder / "refused", status=status)
    return done.stderr


def reader_of_the_vault_reads_new_mailboxes_at_once():
    world = World()
    with Daemon(world.vault):
        world.deliver("anna@example.com")
        world.standing("vera", "--all", since=())
        new = {world.deliver("cora@example.com"), world.deliver("cora@example.com")}
        world.import_of("anna@example.com", 2019, 3)  # before his period
        assert world.read("vera") == new
        assert world.read("vera", "--all", "--mailbox", "Cora@Example.com") == new
    # without the daemon, and from the state folder
    state = world.vault.folder / "state" / "muniment"
    state.mkdir(parents=True, mode=0o700)
    for suffix in ["grant", "key"]:
        (world.vault.folder / f"vera.{suffix}").rename(state / f"vera.{suffix}")
    shown = world.vault.command("show", world.vault.path, world.ids[min(new)], "--raw",
                                env={"XDG_STATE_HOME": str(world.vault.folder / "state")})
    assert sha256(shown.stdout) == min(new)


def removed_reader_gets_no_keys_and_no_release():
    for remove in [("reader", "remove", "rita"), ("reader", "remove", None), ("grant", "revoke")]:
        world = World()
        with Daemon(world.vault):
            world.deliver("anna@example.com")
            grant = world.standing("rita", "--mailbox", "anna@example.com")
            had = world.import_of("anna@example.com", 2019, 5)
            assert world.read("rita") == {had}
            (listed,) = readers(world)
            assert listed["name"] == "rita" and not listed["whole_vault"], listed
            assert listed["state"] == "active", listed
            what = grant if remove[0] == "grant" else remove[2] or listed["id"]
            world.vault.command(*remove[:2], world.vault.path, what)
            assert readers(world) == []
            world.import_of("anna@example.com", 2019, 7)
            assert b"revoked" in refused(world, "rita", REFUSED)
            assert b"revoked" in world.add("rita", status=REFUSED).stderr
            name = "grant-revoked" if remove[0] == "grant" else "reader-removed"
            assert len(acts(world, name)) == 1
            # A new standing grant opens what he had keys of, and not what came meanwhile.
            (world.vault.folder / "rita.request").unlink()
            (world.vault.folder / "rita.grant").unlink()
            again = readd(world)
            assert world.read("rita") == {had, again}
        world.vault.command("reader", "remove", world.vault.path, "nobody", status=NOTHING)


def readers(world):
    done = world.vault.command("reader", "list", world.vault.path, "--json")
    return json.loads(done.stdout)


def readd(world):
    folder = world.vault.folder
    world.vault.command("request", world.vault.path, "--standing", "--case", "2026-2", "--reason",
                        "again", "--mailbox", "anna@example.com", *SINCE, "--for",
                        folder / "rita.pub", "--out", folder / "rita.request")
    world.vault.command("grant", folder / "rita.request", "--master", world.vault.master,
                        "--passphrase-file", world.vault.passphrase)
    world.add("rita")
    return world.import_of("anna@example.com", 2019, 9)


def reader_that_expires_is_shown_as_that_and_reads_no_more():
    world = World()
    with Daemon(world.vault):
        ends = time.time() + 12
        world.standing("ella", "--all", since=(
            "--expires", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))))
        world.deliver("anna@example.com")
        harness.eventually("the grant expires", lambda: time.time() > ends, 30)
        assert [r["state"] for r in readers(world)] == ["expired"]
        assert b"expired" in world.vault.command("reader", "list", world.vault.path).stdout
        assert b"expired" in refused(world, "ella", REFUSED)


def keys_are_made_under_load_while_readers_come_and_go():
    """Mail of new mailboxes from many threads; no message is lost, and each mailbox that was made
    after a reader of the vault was added, and before he was removed, is his."""
    world = World()
    mailboxes = harness.numbers(60, 600)
    with Daemon(world.vault):
        world.standing("vera", "--all", since=())
        done = [threading.Thread(target=deliver_many, args=(world, number, mailboxes // 6))
                for number in range(6)]
        for thread in done:
            thread.start()
        for number in range(3):
            world.standing(f"w{number}", "--all", since=())
            world.vault.command("reader", "remove", world.vault.path, f"w{number}")
        for thread in done:
            thread.join()
        assert len(world.sent) == mailboxes
        assert world.read("vera") == set(world.sent)
    world.vault.verify()


def deliver_many(world, number, count):
    with Lmtp(world.vault.address) as client:
        for i in range(count):
            owner, message = f"m{number}-{i}@example.com", mails.ordinary(number * 1000 + i, 1200)
            (reply,) = client.deliver("s@example.net", [owner], message)
            assert reply.code == 250, reply
            world.sent[sha256(message)] = owner


def what_readers_opened_is_what_the_log_says():
    """One reader by grant, one standing; shows and restores at random, at the host and over ssh."""
    world, sshd = World(), Sshd(PROGRAMS)
    vault = world.vault
    with Daemon(vault):
        for i in range(6):
            world.deliver(f"old{i % 2}@example.com")
        world.standing("vera", "--all", since=())
        for i in range(12):
            world.deliver(f"new{i % 3}@example.com")
        vault.command("identity", "create", "--name", "gerd", "--out", vault.folder / "gerd.key")
        vault.folder.joinpath("reader.pub").write_bytes((vault.folder / "gerd.pub").read_bytes())
        vault.grant(name="gerd")
    sshd.give(vault)
    chance = random.Random(seed := random.getrandbits(32))
    opened = []
    with sshd.daemon(vault):
        for _ in range(harness.numbers(10, 60)):
            opened += random_read(world, chance, chance.choice(["gerd", "vera"]),
                                  chance.choice([None, sshd]))
    logged = [line.split(" of ")[1] for text in acts(world, "release")
              for line in text.splitlines() if line.startswith("copy: ")]
    assert sorted(logged) == sorted(world.ids[digest] for digest in opened), f"seed {seed}"


def random_read(world, chance, name, sshd):
    """What one command gave, as SHA-256."""
    vault = world.vault
    where = [sshd.address(vault), "--ssh", sshd.command] if sshd else [vault.path]
    mine = sorted(digest for digest, owner in world.sent.items()
                  if name == "gerd" or owner.startswith("new"))
    wanted = chance.sample(mine, chance.randint(1, 4))
    if chance.random() < 0.4:
        vault.command("show", *where, *[world.ids[d] for d in wanted], "--grant", vault.folder / f"{name}.grant",
                      "--identity", vault.folder / f"{name}.key")
        return wanted
    if chance.random() < 0.3:
        got = world.read(name, where=where)
        assert sorted(got) == mine
        return sorted(got)
    words = [word for digest in wanted for word in ("--message", world.ids[digest])]
    got = world.read(name, *words, where=where)
    assert got == set(wanted)
    return sorted(got)


def mailbox_by_another_name_is_refused():
    """A request whose mailbox id was changed for another's: approved and signed, but not taken up."""
    world = World()
    folder = world.vault.folder
    with Daemon(world.vault):
        for owner in ["anna@example.com", "bert@example.com"]:
            world.deliver(owner)
        world.standing("rita", "--mailbox", "anna@example.com", add=False)
        listed = json.loads(world.vault.command("mailbox", "list", world.vault.path,
                                                "--json").stdout)
        ids = {m["address"]: m["id"] for m in listed}
        request = folder / "rita.request"
        request.write_text(request.read_text().replace(ids["anna@example.com"],
                                                       ids["bert@example.com"]))
        (folder / "rita.grant").unlink()
        world.vault.command("grant", request, "--master", world.vault.master, "--passphrase-file",
                            world.vault.passphrase)
        assert b"another address" in world.add("rita", status=REFUSED).stderr
        world.vault.grant()
        done = world.vault.command("reader", "add", world.vault.path, folder / "all.grant",
                                   status=REFUSED)
        assert b"no standing grant" in done.stderr, done


if __name__ == "__main__":
    harness.run(reader_of_a_mailbox_reads_what_comes_and_nothing_else,
                reader_of_the_vault_reads_new_mailboxes_at_once,
                removed_reader_gets_no_keys_and_no_release,
                reader_that_expires_is_shown_as_that_and_reads_no_more,
                keys_are_made_under_load_while_readers_come_and_go,
                what_readers_opened_is_what_the_log_says, mailbox_by_another_name_is_refused)
