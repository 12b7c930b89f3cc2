"""A host whose clock is wrong: it says 1970, 2036, or a month past the last mail, and no time service
vouches for it. Mail is taken, nothing is destroyed, whatever asks for it; with the right clock, or one
that was confirmed, all goes on."""
import glob
import json

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
NOTHING, REFUSED = 3, 4
ANNA, BERT = "anna@example.com", "bert@example.com"
DAY_S = 86400


def clock(says):
    """The environment of a program whose clock begins with `says` ("+25h", "@1970-01-02 00:00:00")."""
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        raise harness.Skip("faketime is not installed")
    return {"LD_PRELOAD": f"{found[0]} {PROGRAMS.helper('unsynced.so')}", "FAKETIME": says,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1", "TZ": "UTC"}


class Site:
    """Anna has mail of today; Bert of 2015, which is past its maximum, and of today."""

    def __init__(self):
        self.vault, self.ledger, self.number = Vault(PROGRAMS), Ledger(), 0
        mbox = self.vault.folder / "old.mbox"
        mbox.write_bytes(b"From x Thu Jan  1 10:00:00 2015\nSubject: old\n\nold\n")
        with Daemon(self.vault):
            self.mail = {address: self.deliver(address) for address in [ANNA, BERT]}
            self.command("import", self.vault.path, "--mailbox", BERT, mbox)
            self.command("retention", "set", self.vault.path, "--default", "--max", "1y")
        self.hold = json.loads(self.command(
            "hold", "add", self.vault.path, "--case", "1", "--reason", "a suit", "--mailbox",
            "unassigned", "--json").stdout)["hold"]

    def deliver(self, address):
        self.number += 1
        message = mails.ordinary(self.number)
        self.ledger.sending(message, [address])
        with Lmtp(self.vault.address) as client:
            [answer] = client.deliver("s@example.net", [address], message)
        self.ledger.add(answer.archive_id, address, message)
        return answer.archive_id

    def command(self, *words, **options):
        return self.vault.command(*words, **options)

    def run_retention(self, **options):
        return self.command("retention", "run", self.vault.path, "--yes", **options)

    def vault_status(self):
        """Once all that was committed is in the catalog, which follows."""
        harness.eventually("the catalog follows",
                           lambda: self.vault.status()["vault"]["uncatalogued"] == 0)
        return self.vault.status()["vault"]

    def assert_nothing_can_be_destroyed(self, env):
        path, why = self.vault.path, ("--reason", "asked for", "--yes")
        before = self.vault_status()
        for act in [("retention", "run", path, "--yes"),
                    ("erase", path, "--message", self.mail[ANNA], *why),
                    ("shred", path, "--mailbox", BERT, *why),
                    ("hold", "remove", path, self.hold, "--reason", "it is over"),
                    ("retention", "set", path, "--default", "--max", "1d")]:
            done = self.command(*act, env=env, status=REFUSED)
            said = done.stderr.decode()
            assert "clock" in said or act[:2] == ("retention", "run"), (act, said)
        after = self.vault_status()
        for name in ["copies", "vault_key_generation", "last_expiry"]:
            assert after[name] == before[name], (name, before, after)
        assert json.loads(self.command("erasure", "status", path, "--json").stdout) == []

    def assert_all_mail_restores(self):
        restored = self.vault.restored()
        self.vault.check_ledger(self.ledger, {known: copies for known, copies in restored.items()
                                              if known in self.ledger.acknowledged})


def a_clock_of_1970_or_2036_takes_mail_and_destroys_nothing():
    site = Site()
    for says in ["@1970-01-02 00:00:00", "@2036-06-01 00:00:00"]:
        env = clock(says)
        with Daemon(site.vault, env=env) as daemon:
            before = site.vault_status()["copies"]
            for address in [ANNA, BERT]:
                site.deliver(address)
            site.assert_nothing_can_be_destroyed(env)
            assert site.vault_status()["copies"] == before + 2
            assert "past its retention maximum" not in daemon.log_text()
        # Without a daemon, too.
        site.assert_nothing_can_be_destroyed(env)
    with Daemon(site.vault):
        site.deliver(ANNA)
        site.assert_all_mail_restores()
        before = site.vault_status()["copies"]
        site.run_retention()
        assert site.vault_status()["copies"] == before - 1
    site.assert_all_mail_restores()
    site.vault.verify()


def the_daemon_expires_once_a_month_by_a_clock_that_is_right():
    site = Site()
    with Daemon(site.vault, env=clock("+1h")) as daemon:  # the rule was set less than a day ago
        site.deliver(ANNA)
        assert site.vault_status()["last_expiry"] == 0
    before = site.vault_status()["copies"]
    with Daemon(site.vault, env=clock("+25h")) as daemon:
        harness.eventually("the daemon expires",
                           lambda: "past its retention maximum" in daemon.log_text())
        status = site.vault_status()
        assert (status["copies"], status["expired_copies"]) == (before - 1, 1), status
        text = site.command("status", site.vault.path).stdout.decode()
        assert "1 copies destroyed, 0 passed over" in text, text
        [erasure] = json.loads(site.command("erasure", "status", site.vault.path, "--json").stdout)
        assert erasure["kind"] == "retention", erasure
        site.run_retention(env=clock("+25h"), status=NOTHING)
    site.vault.verify()


def a_host_that_took_no_mail_for_a_month_goes_on_once_its_clock_is_confirmed():
    site = Site()
    env = clock("+30d")
    for daemon in [True, False]:
        if daemon:
            with Daemon(site.vault, env=env):
                site.assert_nothing_can_be_destroyed(env)
                site.command("clock", "confirm", site.vault.path, "--yes", env=env)
                site.run_retention(env=env)
                site.deliver(BERT)
        else:
            site.command("shred", site.vault.path, "--mailbox", BERT, "--reason", "asked for",
                         "--yes", env=env)
    assert site.vault_status()["copies"] == 1


if __name__ == "__main__":
    harness.run(a_clock_of_1970_or_2036_takes_mail_and_destroys_nothing,
                the_daemon_expires_once_a_month_by_a_clock_that_is_right,
                a_host_that_took_no_mail_for_a_month_goes_on_once_its_clock_is_confirmed)
