"""Byte exactness without any corpus: what breaks mail software goes in over LMTP and comes out of
`restore` with the same SHA-256."""
import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp, as_data

PROGRAMS = harness.build()


def deliver_each(client, ledger, messages, how):
    for name, message in messages:
        stored = message if how == "bdat" else as_data(message)
        ledger.sending(stored)
        recipient = f"{name}@example.com"
        (reply,) = client.deliver("sender@client.test", [recipient], message, how)
        assert reply.code == 250, f"{name} over {how}: {reply}"
        ledger.add(reply.archive_id, recipient, stored)


def hard_cases_come_back_exactly(how):
    vault, ledger = Vault(PROGRAMS), Ledger()
    with Daemon(vault):
        with Lmtp(vault.address) as client:
            deliver_each(client, ledger, mails.hard_cases(), how)
            assert len(ledger.acknowledged) == len(mails.hard_cases())
        vault.check_ledger(ledger)
    vault.check_ledger(ledger)
    vault.verify()


def hard_cases_over_data_come_back_exactly():
    hard_cases_come_back_exactly("data")


def hard_cases_over_bdat_come_back_exactly():
    hard_cases_come_back_exactly("bdat")


def fifty_megabyte_attachment_comes_back_exactly():
    vault, ledger = Vault(PROGRAMS), Ledger()
    with Daemon(vault), Lmtp(vault.address) as client:
        for how in ["data", "bdat"]:
            deliver_each(client, ledger, [(f"large-{how}", mails.attachment(1, 50 << 20))], how)
        vault.check_ledger(ledger)


def dots_in_odd_chunks_come_back_exactly():
    """The dot's bytes arrive one by one, or with the next command behind them."""
    vault, ledger = Vault(PROGRAMS), Ledger()
    message = b"a\r\n.b\r\n..\r\n\r\n.\r\n"
    with Daemon(vault), Lmtp(vault.address) as client:
        client.envelope("", ["dots@example.com"])
        assert client.command("DATA").code == 354
        for byte in b"a\r\n..b\r\n...\r\n\r\n..\r\n.\r\n":
            client.send(bytes([byte]))
        reply = client.reply()
        ledger.sending(message)
        ledger.add(reply.archive_id, "dots@example.com", message)
        assert client.command("NOOP").code == 250
        vault.check_ledger(ledger)


if __name__ == "__main__":
    harness.run(hard_cases_over_data_come_back_exactly, hard_cases_over_bdat_come_back_exactly,
                fifty_megabyte_attachment_comes_back_exactly, dots_in_odd_chunks_come_back_exactly)
