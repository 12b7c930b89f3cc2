"""Mailboxes closed and addresses changed while the daemon takes mail: where mail lands, what a mail
server is told, and what comes after a restart."""
import json

import harness
import mails
from harness import Daemon
from lmtp import Lmtp, stuff
from test_approvals import Site

PROGRAMS = harness.build()
NOTHING, REFUSED = 3, 4
ANNA, BERT, NEW = "anna@example.com", "bert@example.com", "new@example.com"


def errors(done):
    return done.stderr.decode()


class House:
    """A site whose policy says what becomes of mail for closed mailboxes."""

    def __init__(self):
        self.site = Site(policy=False)
        self.vault, self.serial, self.sent = self.site.vault, 0, 10

    def set_closed_mail(self, what):
        self.serial += 1
        draft, policy = f"{self.serial}.draft", f"{self.serial}.policy"
        path = self.site.draft(draft, needed={}, approvers=[])
        lines = [f"closed-mail: {what}" if line.startswith("closed-mail: ") else line
                 for line in path.read_text().splitlines()]
        path.write_text("\n".join(lines) + "\n")
        self.site.sign(draft, policy)
        self.site.set_policy(policy)

    def deliver(self, *recipients):
        """Each recipient's reply: to RCPT where that is refused, else to the message."""
        self.sent += 1
        with Lmtp(self.vault.address) as client:
            replies = client.envelope("s@example.net", recipients)
            taken = [at for at, reply in enumerate(replies) if reply.code == 250]
            if taken:
                assert client.command("DATA").code == 354
                client.send(stuff(mails.ordinary(self.sent)))
            for at in taken:
                replies[at] = client.reply()
            return replies

    def mailboxes(self, address):
        """Of the address, oldest first: (id, closed, messages)."""
        listed = json.loads(self.vault.command("mailbox", "list", self.vault.path, "--json").stdout)
        found = [box for box in listed if box["address"] == address]
        return sorted(((box["id"], box["closed"] is not None, box["messages"]) for box in found),
                      key=lambda box: not box[1])


def codes(replies):
    return [reply.code for reply in replies]


def mail_for_a_closed_mailbox_goes_as_the_policy_says():
    house = House()
    vault = house.vault
    with Daemon(vault):
        vault.command("mailbox", "close", vault.path, ANNA)
        for policy, expected in [("unassigned", 250), ("reject-temporary", 450),
                                 ("reject-permanent", 550)]:
            house.set_closed_mail(policy)
            assert codes(house.deliver(ANNA)) == [expected], policy
            assert codes(house.deliver(ANNA, BERT)) == [expected, 250], policy
        assert house.mailboxes(None)[0][2] == 2, house.mailboxes(None)
        assert house.mailboxes(BERT)[0][2] == 3
        assert [box[1:] for box in house.mailboxes(ANNA)] == [(True, 3)], house.mailboxes(ANNA)
    with Daemon(vault):
        assert codes(house.deliver(ANNA)) == [550]
        house.set_closed_mail("new")
        assert codes(house.deliver(ANNA)) == [250]
        assert [box[1:] for box in house.mailboxes(ANNA)] == [(True, 3), (False, 1)]
    with Daemon(vault):
        assert codes(house.deliver(ANNA)) == [250]
        assert [box[1:] for box in house.mailboxes(ANNA)] == [(True, 3), (False, 2)]
    assert b"mailbox-closed" in vault.command("log", "list", vault.path).stdout


def addresses_come_and_go_while_mail_flows():
    house = House()
    vault = house.vault
    with Daemon(vault):
        vault.command("mailbox", "address", "add", vault.path, ANNA, "New@Example.com")
        assert codes(house.deliver(NEW)) == [250]
        assert house.mailboxes(ANNA)[0][2] == 4 and house.mailboxes(NEW) == []
        vault.command("mailbox", "address", "remove", vault.path, ANNA, NEW)
        assert codes(house.deliver(NEW)) == [250]
        assert house.mailboxes(NEW)[0][2] == 1 and house.mailboxes(ANNA)[0][2] == 4
        done = vault.command("mailbox", "address", "add", vault.path, ANNA, NEW, status=REFUSED)
        assert "open mailbox has that address" in errors(done), errors(done)
        vault.command("mailbox", "address", "add", vault.path, ANNA, "married@example.com",
                      "--primary")
        assert codes(house.deliver(ANNA)) == [250]
        assert house.mailboxes("married@example.com")[0][2] == 5
    shown = vault.command("mailbox", "show", vault.path, "married@example.com").stdout.decode()
    assert "new@example.com, alias, from" in shown and " until " in shown, shown


def what_cannot_be_is_refused():
    house = House()
    vault = house.vault
    done = vault.command("mailbox", "close", vault.path, "ana@example.com", status=NOTHING)
    assert "did you mean anna@example.com?" in errors(done), errors(done)
    vault.command("mailbox", "close", vault.path, "unassigned", status=REFUSED)
    done = vault.command("mailbox", "address", "remove", vault.path, ANNA, ANNA, status=REFUSED)
    assert "primary" in errors(done), errors(done)
    vault.command("mailbox", "address", "add", vault.path, ANNA, "unassigned", status=1)
    vault.command("mailbox", "close", vault.path, ANNA)
    done = vault.command("mailbox", "close", vault.path, ANNA, status=REFUSED)
    assert "never opens again" in errors(done), errors(done)
    listed = vault.command("mailbox", "list", vault.path).stdout
    assert b"anna@example.com (closed)" in listed, listed


if __name__ == "__main__":
    harness.run(mail_for_a_closed_mailbox_goes_as_the_policy_says,
                addresses_come_and_go_while_mail_flows,
                what_cannot_be_is_refused)
