"""LMTP as RFC 2033 and its extensions have it, over a real socket: order of replies, duplicates,
pipelining, chunking, recipients, refusals."""
import harness
import mails
from harness import Daemon, Vault
from lmtp import Lmtp, stuff

PROGRAMS = harness.build()
SETTINGS = dict(archive_domains="archive.test", aliases="sales@example.com=anna@example.com",
                domain_aliases="example.net=example.com", recipients_per_message="100")


class Fixture:
    """One daemon for all cases of this program: each takes a fresh connection."""

    vault = None

    @classmethod
    def connect(cls, **options):
        if cls.vault is None:
            cls.vault = Vault(PROGRAMS, settings=SETTINGS)
            cls.daemon = Daemon(cls.vault)
            harness.share(cls.vault, cls.daemon)
        return Lmtp(cls.vault.address, **options)


def expect(reply, code, enhanced=None):
    assert reply.code == code, f"{reply}, expected {code}"
    if enhanced:
        assert reply.enhanced == enhanced, f"{reply}, expected {enhanced}"
    return reply


def lhlo_offers_what_was_promised():
    with Fixture.connect() as client:
        for word in ["PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "BINARYMIME", "CHUNKING",
                     "SMTPUTF8", "SIZE"]:
            assert word in client.features, f"{word} is missing: {client.features}"
        assert "STARTTLS" not in client.features, "offered without certificate"
        assert "DSN" not in client.features


def helo_and_ehlo_are_refused():
    with Fixture.connect(lhlo=False) as client:
        expect(client.command("HELO x"), 500)
        expect(client.command("EHLO x"), 500)
        expect(client.command("LHLO x"), 250)


def commands_out_of_sequence_are_refused():
    with Fixture.connect(lhlo=False) as client:
        expect(client.command("MAIL FROM:<a@b.test>"), 503)
        client.lhlo()
        expect(client.command("RCPT TO:<a@example.com>"), 503)
        expect(client.command("DATA"), 503)
        expect(client.command("MAIL FROM:<a@b.test>"), 250)
        expect(client.command("MAIL FROM:<a@b.test>"), 503)
        expect(client.command("DATA"), 503)


def small_commands_answer():
    with Fixture.connect() as client:
        expect(client.command("NOOP ignored"), 250)
        expect(client.command("RSET"), 250)
        expect(client.command("VRFY anna@example.com"), 252)
        assert client.command("HELP").code in (211, 214)
        expect(client.command("WHAT"), 500)
        expect(client.command("quit"), 221)


def one_reply_per_recipient_in_order():
    recipients = [f"order{i}@example.com" for i in range(7)]
    with Fixture.connect() as client:
        replies = client.deliver("s@b.test", recipients, mails.ordinary("order"))
        assert [r.code for r in replies] == [250] * 7
        for recipient, reply in zip(recipients, replies):
            assert recipient in reply.text and reply.enhanced == "2.1.5", (recipient, reply)
        assert len({r.archive_id for r in replies}) == 1


def duplicate_recipients_get_a_reply_each_and_one_copy():
    twice = ["twice@example.com", "Twice@Example.COM", "twice@example.com"]
    with Fixture.connect() as client:
        replies = client.deliver("s@b.test", twice, mails.ordinary("twice"))
        assert [r.code for r in replies] == [250] * 3
        parts = Fixture.vault.command("message", Fixture.vault.path, replies[0].archive_id).stdout
    restored = Fixture.vault.restored()
    assert list(restored[replies[0].archive_id]) == ["twice@example.com"], parts


def refused_recipients_get_no_reply_after_data():
    with Fixture.connect() as client:
        good = "good@example.com"
        client.send(b"MAIL FROM:<s@b.test>\r\nRCPT TO:<good@example.com>\r\nRCPT TO:<broken\r\n"
                    b"RCPT TO:<good2@example.com>\r\nDATA\r\n")
        codes = [client.reply().code for _ in range(5)]
        assert codes[:2] == [250, 250] and codes[2] in (501, 553) and codes[3:] == [250, 354], codes
        client.send(stuff(mails.ordinary("refused")))
        first, second = client.reply(), client.reply()
        assert good in first.text and "good2@" in second.text
        expect(client.command("NOOP"), 250)


def whole_transactions_can_be_pipelined():
    one, two = mails.ordinary("p1"), mails.ordinary("p2")
    with Fixture.connect() as client:
        client.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<p1@example.com>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(3)] == [250, 250, 354]
        client.send(stuff(one) + b"MAIL FROM:<>\r\nRCPT TO:<p2@example.com>\r\nRCPT TO:<p3@example.com>"
                    b"\r\nBDAT %d LAST\r\n" % len(two) + two + b"NOOP\r\nQUIT\r\n")
        replies = [client.reply() for _ in range(8)]
        assert [r.code for r in replies] == [250, 250, 250, 250, 250, 250, 250, 221]
        assert replies[0].archive_id != replies[4].archive_id == replies[5].archive_id


def chunks_are_answered_and_the_last_for_each_recipient():
    with Fixture.connect() as client:
        client.envelope("s@b.test", ["c1@example.com", "c2@example.com"])
        client.send(b"BDAT 5\r\nabcde")
        expect(client.reply(), 250)
        client.send(b"BDAT 0\r\n")
        expect(client.reply(), 250)
        expect(client.command("BDAT 0 LAST"), 250)
        expect(client.reply(), 250)
        expect(client.command("NOOP"), 250)


def binary_body_needs_bdat():
    with Fixture.connect() as client:
        expect(client.command("MAIL FROM:<a@b.test> BODY=BINARYMIME"), 250)
        expect(client.command("RCPT TO:<bin@example.com>"), 250)
        expect(client.command("DATA"), 503)
        client.send(b"BDAT 4 LAST\r\n\0\n\r\xff")
        expect(client.reply(), 250)


def data_after_bdat_is_refused_and_rset_drops_the_chunks():
    with Fixture.connect() as client:
        client.envelope("s@b.test", ["mixed@example.com"])
        client.send(b"BDAT 3\r\nabc")
        expect(client.reply(), 250)
        expect(client.command("DATA"), 503)
        expect(client.command("RSET"), 250)
        (reply,) = client.deliver("s@b.test", ["mixed@example.com"], b"Subject: x\r\n\r\nnew\r\n")
        expect(reply, 250)
    got = Fixture.vault.restored()[reply.archive_id]["mixed@example.com"]
    assert got == harness.sha256(b"Subject: x\r\n\r\nnew\r\n")


def bdat_without_recipients_swallows_its_bytes():
    with Fixture.connect() as client:
        client.send(b"BDAT 6\r\nQUIT\r\n")
        expect(client.reply(), 503)
        expect(client.command("NOOP"), 250)


def parameters_are_checked():
    with Fixture.connect() as client:
        for line, codes in [
            ("MAIL FROM:<a@b.test> SIZE=100 BODY=8BITMIME SMTPUTF8", (250,)),
            ("RSET", (250,)),
            ("MAIL FROM:<a@b.test> NOSUCH=1", (555, 504, 501)),
            ("MAIL FROM:<a@b.test> SIZE=abc", (501,)),
            ("MAIL FROM:<a@b.test> BODY=NINEBIT", (501, 504, 555)),
            ("MAIL FROM:a b", (501, 553, 555)),
            ("MAIL", (501, 500)),
            ("MAIL FROM:<>", (250,)),
            ("RCPT TO:<a@example.com> ORCPT=rfc822;a@example.com", (250, 555, 501)),
            ("RCPT TO:<>", (501, 553)),
        ]:
            reply = client.command(line)
            assert reply.code in codes, f"{line}: {reply}"


def utf8_addresses_need_smtputf8_and_then_work():
    with Fixture.connect() as client:
        expect(client.command("MAIL FROM:<ä@b.test> SMTPUTF8"), 250)
        reply = expect(client.command("RCPT TO:<käthe@example.com>"), 250)
        client.send(b"DATA\r\n")
        expect(client.reply(), 354)
        client.send(b"Subject: x\r\n\r\n.\r\n")
        reply = expect(client.reply(), 250)
        assert "käthe@example.com" in reply.text


def owners_follow_the_rules():
    wanted = {
        "Anna+lists@Example.COM": "anna@example.com",
        "sales@example.com": "anna@example.com",
        "bert@example.net": "bert@example.com",
        "archive+carl=example.com@archive.test": "carl@example.com",
        "archive+from+dora+x=example.com@archive.test": "dora@example.com",
        "someone@elsewhere.test": "unassigned",
        "archive@archive.test": "unassigned",
        '"emil"@example.com': "emil@example.com",
    }
    found = {}
    with Fixture.connect() as client:
        for number, recipient in enumerate(wanted):
            (reply,) = client.deliver("s@b.test", [recipient], mails.ordinary(f"owner{number}"))
            found[recipient] = expect(reply, 250).archive_id
    restored = Fixture.vault.restored()
    for recipient, mailbox in wanted.items():
        assert list(restored[found[recipient]]) == [mailbox], (recipient, restored[found[recipient]])


def exact_retry_is_recognised_and_new_owners_are_stored():
    message = mails.ordinary("retry")
    with Fixture.connect() as client:
        (first,) = client.deliver("r@b.test", ["r1@example.com"], message)
        (again,) = client.deliver("r@b.test", ["r1@example.com"], message)
        assert "already archived" not in first.text and "already archived" in again.text
        assert first.archive_id == again.archive_id
        (other,) = client.deliver("r@b.test", ["r2@example.com"], message)
        assert other.archive_id != first.archive_id and "already" not in other.text
        (sender,) = client.deliver("other@b.test", ["r1@example.com"], message)
        assert "already" not in sender.text
    restored = Fixture.vault.restored()
    assert set(restored[first.archive_id]) == {"r1@example.com"}
    assert set(restored[other.archive_id]) == {"r2@example.com"}


def too_many_recipients_are_put_off():
    with Fixture.connect() as client:
        replies = client.envelope("s@b.test", [f"m{i}@example.com" for i in range(103)])
        assert [r.code for r in replies] == [250] * 100 + [452] * 3, replies[-4:]


def overlong_command_lines_are_refused_and_skipped():
    with Fixture.connect() as client:
        client.send(b"NOOP " + b"x" * 100000 + b"\r\nNOOP\r\n")
        expect(client.reply(), 500)
        expect(client.reply(), 250)


def many_errors_end_the_connection():
    with Fixture.connect() as client:
        codes = []
        try:
            for _ in range(40):
                codes.append(client.command("BAD").code)
        except OSError:
            pass
        assert codes[-1] == 421 and 500 in codes and len(codes) < 40, codes


def a_bare_line_feed_ends_no_command_and_no_message():
    """SMTP smuggling: LF . LF and its mixtures are content."""
    with Fixture.connect() as client:
        client.envelope("s@b.test", ["smuggle@example.com"])
        expect(client.command("DATA"), 354)
        body = b"a\n.\nMAIL FROM:<evil@b.test>\r\nb\r.\rc\r\n.\nd\n.\r\ne\r\n"
        client.send(body.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        reply = expect(client.reply(), 250)
        expect(client.command("NOOP"), 250)
    got = Fixture.vault.restored()[reply.archive_id]["smuggle@example.com"]
    assert got == harness.sha256(body)


def nothing_was_lost_in_all_of_this():
    Fixture.connect().close()
    Fixture.daemon.stop()
    Fixture.vault.verify()


if __name__ == "__main__":
    harness.run(lhlo_offers_what_was_promised, helo_and_ehlo_are_refused,
                commands_out_of_sequence_are_refused, small_commands_answer,
                one_reply_per_recipient_in_order,
                duplicate_recipients_get_a_reply_each_and_one_copy,
                refused_recipients_get_no_reply_after_data, whole_transactions_can_be_pipelined,
                chunks_are_answered_and_the_last_for_each_recipient, binary_body_needs_bdat,
                data_after_bdat_is_refused_and_rset_drops_the_chunks,
                bdat_without_recipients_swallows_its_bytes, parameters_are_checked,
                utf8_addresses_need_smtputf8_and_then_work, owners_follow_the_rules,
                exact_retry_is_recognised_and_new_owners_are_stored,
                too_many_recipients_are_put_off, overlong_command_lines_are_refused_and_skipped,
                many_errors_end_the_connection,
                a_bare_line_feed_ends_no_command_and_no_message, nothing_was_lost_in_all_of_this)
