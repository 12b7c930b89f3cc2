"""Another master takes the place of one: with the daemon while mail comes in and without it, by
passphrase and by shares. Old and new mail opens with the new master, grants of the old one are
refused, and whatever is not answered by an active master changes nothing."""
import contextlib
import json
import threading

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp
from test_approvals import Site
from test_master import Keys, errors, given, sheets
from test_release import acts

PROGRAMS = harness.build()
FAILED, USAGE, NOTHING, REFUSED, PARTLY = 1, 2, 3, 4, 5


class Rotation:
    """A vault with mail, a grant of its master, and another master."""

    def __init__(self, vault=None):
        self.vault, self.ledger = vault or Vault(PROGRAMS), Ledger()
        self.folder, self.count = self.vault.folder, 0
        self.old = self.vault.folder / "master"
        self.new = self.made("new")

    def made(self, name):
        out = self.folder / name
        self.vault.command("master", "create", "--out", out, "--passphrase-file",
                           self.vault.passphrase)
        return out

    def deliver(self, *mailboxes):
        with Lmtp(self.vault.address) as client:
            for mailbox in mailboxes:
                message = mails.ordinary(self.count, 1000)
                self.count += 1
                self.ledger.sending(message)
                for reply in client.deliver("s@example.net", [mailbox], message):
                    self.ledger.add(reply.archive_id, mailbox, message)

    def begin(self, name="r", master=None, status=0):
        path = self.folder / f"{name}.rotation"
        self.vault.command("rotation", "begin", self.vault.path, "--master",
                           (master or self.old) / "master.pub", "--out", path, status=status)
        return path

    def rotate(self, path, *more, old=None, new=None, proved=True, status=0):
        new, secret = new or self.new, self.vault.passphrase
        words = ["--new-master", new / "master", "--new-passphrase-file", secret] if proved else []
        done = self.vault.command("master", "rotate", path, "--master", (old or self.old) / "master",
                                  "--passphrase-file", secret, "--to", new / "master.pub", *words,
                                  *more, status=status)
        return path.with_suffix(".rotated") if status == 0 else done

    def take(self, path, *more, status=0):
        done = self.vault.command("rotation", "take", self.vault.path, path, "--json", *more,
                                  status=status)
        return json.loads(done.stdout) if status in [0, PARTLY] else done

    def states(self):
        return [master["state"] for master in self.vault.status()["vault"]["masters"]]

    def grant(self, name, master):
        """Over everything, by that master."""
        request, grant = self.folder / f"{name}.request", self.folder / f"{name}.grant"
        self.vault.command("request", self.vault.path, "--case", "test", "--reason", "a test", "--all",
                           "--from", "1980-01", "--to", "2099-12", "--for",
                           self.folder / "reader.pub", "--out", request)
        self.vault.command("grant", request, "--master", master / "master", "--passphrase-file",
                           self.vault.passphrase, "--out", grant)
        return grant

    def check(self, name="all"):
        """All mail restores by a grant of the new master."""
        self.vault.check_ledger(self.ledger, self.vault.restored(self.grant(name, self.new)))


def new_master_opens_old_and_new_mail_and_the_old_one_nothing():
    for daemon in [True, False]:
        site = Rotation()
        with Daemon(site.vault):
            site.deliver("anna@example.com", "bert@example.com")
        old_grant = site.grant("old", site.old)
        site.vault.check_ledger(site.ledger, site.vault.restored(old_grant))
        with Daemon(site.vault) if daemon else contextlib.nullcontext():
            found = site.take(site.rotate(site.begin()))
            assert found["taken"] == 3 and found["gone"] == 0, found  # unassigned has a month, too
            assert [r["state"] for r in found["rotations"]] == ["retired"], found
            assert found["rotations"][0]["removed"] == 3, found
            assert site.states() == ["retired", "active"]
        with Daemon(site.vault):
            site.deliver("anna@example.com", "new@example.com")
        site.check()
        done = site.vault.restore(site.folder / "refused", old_grant, status=REFUSED)
        assert "new request" in errors(done), errors(done)
        request = site.folder / "all.request"
        done = site.vault.command("grant", request, "--master", site.old / "master",
                                  "--passphrase-file", site.vault.passphrase, "--out",
                                  site.folder / "x", status=FAILED)
        assert "no key is wrapped for this master" in errors(done), errors(done)
        named = [act for act, _ in acts(site.vault) if act.startswith("master")]
        assert named == ["master-added", "master-retired"], named
        site.begin("again", status=FAILED)
        site.vault.command("rotation", "finish", site.vault.path, status=NOTHING)
        site.vault.verify()


def mail_that_comes_meanwhile_is_named_and_a_second_round_completes_it():
    site = Rotation()
    with Daemon(site.vault):
        site.deliver("anna@example.com")
        asked = site.begin()
        site.deliver("late@example.com")
        answered = site.rotate(asked)
        found = site.take(answered, status=PARTLY)["rotations"][0]
        assert found["state"] == "lacking" and found["lacking"] == 1, found
        assert len(found["months"]) == 1 and site.states() == ["active", "active"]
        site.deliver("later@example.com")
        text = site.vault.command("rotation", "finish", site.vault.path, status=PARTLY).stdout
        assert b"rotation begin" in text and found["months"][0].encode() in text, text
        second = site.begin("second")
        assert second.read_text().count("\nmonth: ") == 1
        found = site.take(site.rotate(second))
        assert found["taken"] == 1 and found["rotations"][0]["removed"] == 4, found
        site.deliver("last@example.com", "late@example.com")
    site.check()


def mail_never_stops_while_masters_change():
    site = Rotation()
    with Daemon(site.vault):
        site.deliver("anna@example.com")
        ended = threading.Event()

        def run():
            while not ended.is_set():
                site.deliver(f"m{site.count}@example.com")

        thread = threading.Thread(target=run)
        thread.start()
        try:
            answered = site.rotate(site.begin())
            found = site.take(answered, status=None)
            rounds = 0
            while site.states() != ["retired", "active"]:
                rounds += 1
                assert rounds < 5, found
                site.take(site.rotate(site.begin(f"round{rounds}")), status=None)
        finally:
            ended.set()
            thread.join()
    assert site.count > 3
    site.check()


def old_master_stays_until_the_new_one_has_proved_itself():
    site = Rotation()
    with Daemon(site.vault):
        site.deliver("anna@example.com")
        answered = site.rotate(site.begin(), proved=False)
        assert "to-signature: none" in answered.read_text()
        found = site.take(answered, status=PARTLY)
        assert found["rotations"][0]["state"] == "unproved", found
        assert site.states() == ["active", "active"]
        challenge, result = site.folder / "c", site.folder / "r"
        site.vault.command("drill", "challenge", site.vault.path, "--out", challenge)
        site.vault.command("master", "drill", challenge, "--master", site.new / "master",
                           "--passphrase-file", site.vault.passphrase, "--out", result)
        site.vault.command("drill", "take", site.vault.path, result)
        text = site.vault.command("rotation", "finish", site.vault.path).stdout.decode()
        assert "is retired" in text and "erases nothing" in text, text
    site.check()


def answers_that_are_not_the_vaults_change_nothing():
    site, other = Rotation(), Rotation()
    foreign = other.rotate(other.begin())
    with Daemon(site.vault):
        site.deliver("anna@example.com")
        asked = site.begin()
        answered = site.rotate(asked)
        done = site.take(foreign, status=REFUSED)
        assert "another vault" in errors(done), errors(done)
        text = answered.read_text()
        broken = site.folder / "broken"
        for change in [text.replace("wrap: ", "wrap: 0", 1), text[:-2], text.replace("part: 1", "part: 2"),
                       text + text, "", text.replace("last: yes", "last: no ")]:
            broken.write_text(change)
            site.take(broken, status=FAILED)
        wrong = site.made("wrong")
        assert "another one than this" in errors(site.rotate(asked, "--out", site.folder / "y", old=wrong,
                                                            status=FAILED))
        assert "another mailbox" not in errors(site.rotate(asked, "--out", site.folder / "y", new=site.old,
                                                           status=REFUSED))
        relabelled = site.folder / "relabelled.rotation"
        line = next(l for l in asked.read_text().splitlines() if l.startswith("month: "))
        mailbox = line.split()[1]
        flipped = mailbox[:-1] + ("0" if mailbox[-1] != "0" else "1")
        relabelled.write_text(asked.read_text().replace(mailbox, flipped))
        assert "not the one that the file says" in errors(site.rotate(relabelled, status=REFUSED))
        assert site.states() == ["active"]
        third = site.made("third")
        site.take(answered)
        assert "retired" in errors(site.take(answered, status=REFUSED))
        back = site.rotate(site.begin("b", master=site.new), old=site.new, new=site.old)
        assert "for ever" in errors(site.take(back, status=REFUSED))
        forward = site.rotate(site.begin("f", master=site.new), old=site.new, new=third)
        site.take(forward)
        assert site.states() == ["retired", "retired", "active"]
        site.new = third
    site.check()


def shares_rotate_to_shares():
    keys = Keys()
    old, new = keys.made("old"), keys.made("new")
    vault = keys.folder / "vault"
    keys.run("init", vault, "--master", old / "master.pub", "--domain", "example.org")
    asked = keys.folder / "r.rotation"
    keys.run("rotation", "begin", vault, "--master", old / "master.pub", "--out", asked)
    words = ["master", "rotate", asked, "--to", new / "master.pub"]
    proof = [word for path in sheets(new)[:2] for word in ("--new-share", path)]
    keys.run(*words, *given(sheets(old)[0]), *proof, status=FAILED)
    keys.run(*words, *given(*sheets(old)[1:]), *proof)
    keys.run("rotation", "take", vault, asked.with_suffix(".rotated"))
    masters = json.loads(keys.run("status", vault, "--json").stdout)["vault"]["masters"]
    assert [master["state"] for master in masters] == ["retired", "active"], masters
    challenge, result = keys.folder / "c", keys.folder / "d"
    keys.run("drill", "challenge", vault, "--out", challenge)
    keys.run("master", "drill", challenge, *given(*sheets(old)[:2]), "--out", result, status=FAILED)
    keys.run("master", "drill", challenge, *given(*sheets(new)[:2]), "--out", result)


def policy_may_want_approvals_and_stays_in_force():
    approvals = Site(policy=False)
    approvals.draft("p.draft", needed={"read": 2, "vaultkey": 1})
    approvals.sign("p.draft", "p.policy")
    approvals.set_policy("p.policy")
    site = Rotation(approvals.vault)
    site.ledger = approvals.ledger
    answered = site.rotate(site.begin())
    refused = errors(site.take(answered, status=REFUSED))
    detail = refused.split('--detail "')[1].split('"')[0]

    def request(name, detail, *names):
        path = site.folder / f"{name}.request"
        site.vault.command("request", site.vault.path, "--act", "vaultkey", "--detail", detail, "--case",
                           "c", "--reason", "new master", "--from", "2020-01", "--to", "2030-01",
                           "--out", path)
        if names:
            approvals.approve(path, *names)
        return path

    site.take(answered, "--approved", request("none", detail), status=REFUSED)
    site.take(answered, "--approved", request("other", detail + "0", "Bert"), status=REFUSED)
    assert site.states() == ["active"]
    site.take(answered, "--approved", request("good", detail, "Bert"))
    assert site.states() == ["retired", "active"]
    assert approvals.serial() == 1
    path = approvals.request("after")
    approvals.approve(path, "Anna Beispiel", "Cora")
    words = ["grant", path, "--master", site.new / "master", "--passphrase-file", site.vault.passphrase,
             "--out", site.folder / "after.grant"]
    assert "--trust-master" in errors(site.vault.command(*words, status=REFUSED))
    site.vault.command(*words, "--trust-master", site.old / "master.pub")
    site.vault.check_ledger(site.ledger, site.vault.restored(site.folder / "after.grant"))


if __name__ == "__main__":
    harness.run(new_master_opens_old_and_new_mail_and_the_old_one_nothing,
                mail_that_comes_meanwhile_is_named_and_a_second_round_completes_it,
                mail_never_stops_while_masters_change,
                old_master_stays_until_the_new_one_has_proved_itself,
                answers_that_are_not_the_vaults_change_nothing, shares_rotate_to_shares,
                policy_may_want_approvals_and_stays_in_force)
