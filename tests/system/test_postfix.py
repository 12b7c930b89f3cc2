"""A real Postfix journals to the archive: recipient_bcc_maps and sender_bcc_maps, 500 messages to
several recipients, the archive stopped and killed in the middle. Nothing is lost, nothing twice."""
import collections
import re
import smtplib
import threading
import time

import harness
import mails
from harness import Daemon, Vault
from postfix import Postfix

PROGRAMS = harness.build()
MESSAGES = 500
CONNECTIONS = 4


def message(number):
    return b"X-Test: %d\r\n" % number + mails.ordinary(number, 1000 + number * 17 % 6000)


def sender(number):
    """Two of three are our own people: those are journaled as senders too."""
    return f"writer{number % 11}@" + ("example.com" if number % 3 else "far.test")


def recipients(number):
    people = [f"reader{(number + 3 * k) % 23}@example.com" for k in range(1 + number % 5)]
    return people + ([f"guest{number % 7}@other.test"] if number % 4 == 0 else [])


def owners(number):
    """Mailboxes that must hold the message; foreign addresses are archived nowhere of their own."""
    found = {r for r in recipients(number) if r.endswith("@example.com")}
    if len(found) < len(recipients(number)):
        found.add("unassigned")
    if sender(number).endswith("@example.com"):
        found.add(sender(number))
    return found


def submit(port, numbers, begun, stopped):
    """Releases `begun` when a third is on its way; the last third waits until the archive is gone."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
        for k, number in enumerate(numbers):
            if k == len(numbers) // 3:
                begun.release()
            if k == len(numbers) * 2 // 3:
                assert stopped.wait(60)
            smtp.sendmail(sender(number), recipients(number), message(number))


def copies_in(vault):
    """{(number, mailbox): count}, each compared with what was submitted."""
    out = vault.folder / "out"
    vault.restore(out)
    found = collections.Counter()
    for file in out.rglob("*.eml"):
        text = file.read_bytes()
        number = int(re.search(rb"^X-Test: (\d+)\r$", text, re.M).group(1))
        assert text.endswith(message(number)), f"{file} is not what was submitted"
        found[number, file.relative_to(out).parts[0]] += 1
    return found


def journaled_mail_is_all_there_and_nothing_twice():
    vault = Vault(PROGRAMS, settings=dict(archive_domains="archive.test"))
    with Postfix(vault.folder / "postfix", vault.port) as postfix:
        daemon = Daemon(vault)
        begun, stopped = threading.Semaphore(0), threading.Event()
        threads = [threading.Thread(target=submit, args=(postfix.port, range(k, MESSAGES, CONNECTIONS),
                                                         begun, stopped))
                   for k in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        assert all(begun.acquire(timeout=60) for _ in threads)
        daemon.stop()  # in the middle: what follows is deferred
        stopped.set()
        for thread in threads:
            thread.join()
        harness.eventually("mail waits for the archive", lambda: postfix.queue() > 20, 20)
        waiting = postfix.queue()
        daemon = Daemon(vault)
        postfix.flush()
        time.sleep(1)
        daemon.kill()  # and once more, the hard way
        daemon = Daemon(vault)
        drain(postfix)
        log = postfix.log_text()
        assert "status=bounced" not in log and "status=expired" not in log, log[-3000:]
        daemon.stop()
    compare(vault)
    print(f"        {MESSAGES} messages, {waiting} deferred at the stop")


def drain(postfix):
    def is_empty():
        postfix.flush()
        time.sleep(0.5)
        return postfix.queue() == 0
    harness.eventually("the queue is empty", is_empty, 120)


def compare(vault):
    found = copies_in(vault)
    wanted = {(number, owner) for number in range(MESSAGES) for owner in owners(number)}
    lost = wanted - set(found)
    assert not lost, f"LOST: {sorted(lost)[:10]} of {len(lost)}"
    assert set(found) <= wanted, f"stray: {sorted(set(found) - wanted)[:10]}"
    twice = {k: n for k, n in found.items() if n > 1}
    assert not twice, f"TWICE: {sorted(twice.items())[:10]} of {len(twice)}"


if __name__ == "__main__":
    harness.run(journaled_mail_is_all_there_and_nothing_twice)
