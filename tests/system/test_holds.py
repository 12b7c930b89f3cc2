"""Holds through the command, with the daemon and without it: names that are unknown, dates, messages,
approvals, and what the log and the lists say."""
import contextlib
import json
import re

import harness
import mails
from harness import Daemon, Vault
from lmtp import Lmtp
from test_approvals import Site

PROGRAMS = harness.build()
USAGE, NOTHING, REFUSED = 2, 3, 4
ANNA, BERT = "anna@example.com", "bert@example.com"


def errors(done):
    return done.stderr.decode()


def with_mail():
    """A vault with mail for two, and an archive id of each."""
    vault, ids = Vault(PROGRAMS), {}
    with Daemon(vault), Lmtp(vault.address) as client:
        for number, address in enumerate([ANNA, BERT]):
            ids[address] = client.deliver("s@example.net", [address],
                                          mails.ordinary(number))[0].archive_id
    return vault, ids


def add(vault, *scope, status=0):
    return vault.command("hold", "add", vault.path, "--case", "4711", "--reason", "a suit", *scope,
                         status=status)


def added(vault, *scope):
    return json.loads(add(vault, *scope, "--json").stdout)


def holds(vault):
    return json.loads(vault.command("hold", "list", vault.path, "--json").stdout)


def hold_is_added_listed_and_removed():
    for daemon in [False, True]:
        vault, ids = with_mail()
        with Daemon(vault) if daemon else contextlib.nullcontext():
            answer = added(vault, "--mailbox", "Anna@Example.com", "--from", "2026-01", "--message",
                           ids[ANNA])
            assert answer["mailboxes"] == 1 and answer["destroyed"] == [], answer
            [hold] = holds(vault)
            assert hold["id"] == answer["hold"] and hold["state"] == "in force", hold
            assert hold["addresses"] == [ANNA] and hold["messages"] == [ids[ANNA]], hold
            assert hold["from"] == "2026-01-01T00:00:00Z" and hold["to"] is None, hold
            assert (hold["case"], hold["reason"]) == ("4711", "a suit"), hold
            text = vault.command("hold", "list", vault.path).stdout.decode()
            assert ANNA in text and "only 1 message" in text, text
            done = vault.command("hold", "remove", vault.path, hold["id"], "--reason", "it is over")
            assert b"Nothing that it covers is destroyed before" in done.stdout, done.stdout
            [hold] = holds(vault)
            assert hold["state"] == "ending" and hold["removed_reason"] == "it is over", hold
            done = vault.command("hold", "remove", vault.path, hold["id"], "--reason", "again",
                                 status=REFUSED)
            assert "has ended before" in errors(done), errors(done)
        logged = vault.command("log", "list", vault.path).stdout.decode()
        assert 0 < logged.index("hold-added") < logged.index("hold-removed"), logged


def unknown_name_is_refused_with_what_may_have_been_meant():
    vault, _ = with_mail()
    done = add(vault, "--mailbox", "anan@example.com", status=NOTHING)
    assert "did you mean anna@example.com?" in errors(done), errors(done)
    assert "--expect" in errors(done), errors(done)
    done = add(vault, "--domain", "other.example", status=NOTHING)
    assert "--expect" in errors(done), errors(done)
    add(vault, "--message", "0" * 32, status=1)
    assert holds(vault) == []
    assert added(vault, "--mailbox", "anan@example.com", "--expect")["mailboxes"] == 0
    assert added(vault, "--domain", "Example.COM")["mailboxes"] == 2
    assert added(vault, "--all")["mailboxes"] == 3


def lists_of_mailboxes_and_messages_are_read_from_files():
    vault, ids = with_mail()
    names, result = vault.folder / "names", vault.folder / "result"
    names.write_text(f"# who\n{ANNA}\n\n{BERT}\n")
    result.write_text(f"{ids[ANNA]} 2026\n{ids[BERT]}\n")
    assert added(vault, "--mailbox-file", names)["mailboxes"] == 2
    assert added(vault, "--result", result)["mailboxes"] == 3
    assert holds(vault)[0]["addresses"] == [ANNA, BERT]
    assert holds(vault)[1]["messages"] == sorted(ids.values()) and holds(vault)[1]["all"]


def mail_without_owner_is_spoken_of():
    vault = Vault(PROGRAMS)
    with Daemon(vault), Lmtp(vault.address) as client:
        client.deliver("s@example.net", [ANNA], mails.ordinary(0))
        client.deliver("s@example.net", ["x@elsewhere.example"], mails.ordinary(1))
        done = add(vault, "--mailbox", ANNA)
        assert "1 messages have no owner here" in errors(done), errors(done)
        assert added(vault, "--mailbox", "unassigned")["unassigned_messages"] == 1


def command_line_is_checked():
    vault, _ = with_mail()
    vault.command("hold", "add", vault.path, "--all", "--reason", "x", status=USAGE)
    add(vault, status=USAGE)
    add(vault, "--all", "--mailbox", ANNA, status=USAGE)
    add(vault, "--all", "--from", "2026-02", "--to", "2026-01", status=USAGE)
    add(vault, "--all", "--until", "yesterday", status=USAGE)
    add(vault, "--all", "--until", "2020-01-01", status=REFUSED)
    vault.command("hold", "remove", vault.path, "0" * 32, status=USAGE)
    vault.command("hold", "remove", vault.path, "0" * 32, "--reason", "x", status=NOTHING)
    assert holds(vault) == []


def removal_takes_the_approvals_that_the_policy_wants():
    site = Site(policy=False)
    site.draft("first.draft", needed={"hold-remove": 1})
    site.sign("first.draft", "first.policy")
    vault, proposed = site.vault, site.folder / "remove.request"
    vault.command("policy", "set", vault.path, site.folder / "first.policy")
    first, second = [added(vault, "--mailbox", ANNA)["hold"] for _ in range(2)]
    with Daemon(vault):
        done = vault.command("hold", "remove", vault.path, first, "--reason", "over",
                             status=REFUSED)
        assert "1 approval is needed" in errors(done), errors(done)
        done = vault.command("hold", "remove", vault.path, first, "--reason", "over", "--propose",
                             proposed)
        assert re.search(rb"muniment approve .*remove.request", done.stdout), done.stdout
        vault.command("hold", "remove", vault.path, first, "--approved", proposed, status=REFUSED)
        vault.command("approve", proposed, "--key", site.key("Bert"), "--as", "Bert")
        vault.command("hold", "remove", vault.path, second, "--approved", proposed, status=REFUSED)
        assert [hold["state"] for hold in holds(vault)] == ["in force", "in force"]
        vault.command("hold", "remove", vault.path, first, "--approved", proposed)
        assert [hold["state"] for hold in holds(vault)] == ["ending", "in force"]
        vault.command("hold", "remove", vault.path, first, "--approved", proposed, status=REFUSED)


def retention_rules_are_set_listed_and_shown_when_due():
    vault, ids = with_mail()
    rule = ("--min", "6y", "--max", "10y", "--from", "closing")
    vault.command("retention", "set", vault.path, "--mailbox", "Anna@example.com", *rule)
    vault.command("retention", "set", vault.path, "--default", "--max", "1d")
    vault.command("retention", "set", vault.path, "--default", "--min", "2y", "--max", "1y",
                  status=USAGE)
    vault.command("retention", "set", vault.path, "--mailbox", "anan@example.com", status=NOTHING)
    vault.command("retention", "run", vault.path, "--dry-run", status=NOTHING)
    rules = json.loads(vault.command("retention", "list", vault.path, "--json").stdout)
    assert [(r["scope"], r["name"], r["min_days"], r["max_days"], r["from"]) for r in rules] == \
        [("mailbox", ANNA, 2192, 3653, "closing"), ("default", None, 0, 1, "receipt")], rules
    mbox = vault.folder / "old.mbox"
    mbox.write_bytes(b"From x Thu Jan  1 10:00:00 2015\nSubject: old\n\nold\n")
    vault.command("import", vault.path, "--mailbox", BERT, mbox)
    [due] = json.loads(vault.command("retention", "run", vault.path, "--dry-run",
                                     "--json").stdout)
    assert (due["address"], due["months"], due["messages_of_months"]) == (BERT, 1, 1), due
    hold = added(vault, "--mailbox", BERT)["hold"]
    [due] = json.loads(vault.command("retention", "run", vault.path, "--dry-run",
                                     "--json").stdout)
    assert (due["months"], due["obstructed"], due["holds"]) == (0, 1, [hold]), due


def retention_that_is_over_is_destroyed():
    vault, _ = with_mail()
    vault.command("retention", "set", vault.path, "--mailbox", BERT, "--max", "1y")
    mbox = vault.folder / "old.mbox"
    run = ("retention", "run", vault.path)
    for daemon in [False, True]:
        with Daemon(vault) if daemon else contextlib.nullcontext():
            vault.command(*run, "--yes", status=REFUSED if daemon else NOTHING)
            for year in ["2015", "2016"]:
                mbox.write_bytes(f"From x Thu Jan  1 10:00:00 {year}\nSubject: {year}, {daemon}\n\n"
                                 "old\n".encode())
                vault.command("import", vault.path, "--mailbox", BERT, mbox)
            hold = added(vault, "--mailbox", BERT, "--to", "2015-12")["hold"]
            before = vault.status()["vault"]["copies"]
            vault.command(*run, status=USAGE)  # nobody to ask
            shown = vault.command(*run, "--dry-run").stdout.decode()
            assert "1 months with 1 messages" in shown and hold in shown, shown
            assert vault.status()["vault"]["copies"] == before
            done = json.loads(vault.command(*run, "--yes", "--json").stdout)
            assert (done["months"], done["copies"]) == (1, 1), done
            assert hold in done["holds"] and done["passed_over"] == 1 + daemon, done
            assert vault.status()["vault"]["copies"] == before - 1
            vault.command(*run, "--yes", status=REFUSED)  # what is left is held
            state = vault.command("erasure", "status", vault.path, "--json").stdout.decode()
            assert done["erasures"][0] in state, state
            shown = vault.status()["vault"]
            assert (shown["expired_copies"], shown["expiry_passed_over"]) == (1, 1 + daemon), shown
    vault.verify()


def running_retention_takes_the_approvals_that_the_policy_wants():
    site = Site(policy=False)
    site.draft("first.draft", needed={"retention": 1})
    site.sign("first.draft", "first.policy")
    vault, proposed = site.vault, site.folder / "run.request"
    mbox = vault.folder / "old.mbox"
    mbox.write_bytes(b"From x Thu Jan  1 10:00:00 2015\nSubject: old\n\nold\n")
    vault.command("import", vault.path, "--mailbox", ANNA, mbox)
    vault.command("retention", "set", vault.path, "--default", "--max", "1y")
    vault.command("policy", "set", vault.path, site.folder / "first.policy")
    run = ("retention", "run", vault.path)
    vault.command(*run, "--yes", status=REFUSED)
    vault.command(*run, "--propose", proposed)
    vault.command(*run, "--approved", proposed, "--yes", status=REFUSED)
    vault.command("approve", proposed, "--key", site.key("Bert"), "--as", "Bert")
    before = vault.status()["vault"]["copies"]
    vault.command(*run, "--approved", proposed, "--yes")
    assert vault.status()["vault"]["copies"] == before - 1
    vault.command(*run, "--approved", proposed, "--yes", status=NOTHING)


def clock_is_confirmed_by_who_can_be_asked():
    vault, _ = with_mail()
    for daemon in [False, True]:
        with Daemon(vault) if daemon else contextlib.nullcontext():
            vault.command("clock", "confirm", vault.path, status=USAGE)
            vault.command("clock", "confirm", vault.path, "--yes")
    logged = vault.command("log", "list", vault.path, "--json").stdout
    assert logged.count(b'"clock-confirmed"') == 2, logged


if __name__ == "__main__":
    harness.run(hold_is_added_listed_and_removed,
                unknown_name_is_refused_with_what_may_have_been_meant,
                lists_of_mailboxes_and_messages_are_read_from_files,
                mail_without_owner_is_spoken_of,
                command_line_is_checked,
                removal_takes_the_approvals_that_the_policy_wants,
                retention_rules_are_set_listed_and_shown_when_due,
                retention_that_is_over_is_destroyed,
                running_retention_takes_the_approvals_that_the_policy_wants,
                clock_is_confirmed_by_who_can_be_asked)
