"""The daemon's life: SIGTERM in flight, SIGHUP, `--check` and its mistakes, one writer, sockets from
systemd, commands while it runs."""
import json
import os
import signal
import socket
import subprocess
import threading
import time

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp, Load, stuff

PROGRAMS = harness.build()


def sigterm_finishes_what_is_in_flight():
    vault, ledger = Vault(PROGRAMS), Ledger()
    message = mails.ordinary("in flight", 200000)
    with Daemon(vault) as daemon, Lmtp(vault.address) as busy, Lmtp(vault.address) as idle:
        busy.envelope("a@b.test", ["flight@example.com"])
        assert busy.command("DATA").code == 354
        wire = stuff(message)
        busy.send(wire[:100000])
        time.sleep(0.2)
        daemon.process.send_signal(signal.SIGTERM)
        assert idle.reply().code == 421
        time.sleep(0.3)
        busy.send(wire[100000:])
        reply = busy.reply()
        assert reply.code == 250, reply
        ledger.sending(message)
        ledger.add(reply.archive_id, "flight@example.com", message)
        assert daemon.process.wait(timeout=60) == 0
    vault.check_ledger(ledger)


def sigterm_under_load_loses_nothing():
    vault, ledger = Vault(PROGRAMS), Ledger()
    numbers = iter(range(10 ** 6))
    lock = threading.Lock()

    def next_message():
        with lock:
            number = next(numbers)
        return f"s{number}@client.test", [f"b{number % 20}@example.com"], mails.ordinary(number)
    for _ in range(3):
        with Daemon(vault) as daemon:
            load = Load(vault.address, 6, next_message, ledger).start()
            time.sleep(0.7)
            daemon.stop()
            load.stop()
            assert all(r.code == 421 or 450 <= r.code < 460 for r in load.refused), load.refused[:3]
    assert ledger.acknowledged
    vault.check_ledger(ledger)
    vault.verify()


def sighup_takes_new_settings_and_keeps_the_old_when_they_are_wrong():
    vault = Vault(PROGRAMS)
    with Daemon(vault) as daemon:
        def owner_of(recipient, number):
            with Lmtp(vault.address) as client:
                (reply,) = client.deliver("a@b.test", [recipient], mails.ordinary(number))
            return next(iter(vault.restored()[reply.archive_id]))
        assert owner_of("x@late.test", 1) == "unassigned"
        vault.configure(domains="example.com;late.test")
        reload(daemon)
        assert owner_of("x@late.test", 2) == "x@late.test"
        vault.configure(domains="example.com;late.test", idle_timeout="soon")
        reload(daemon)
        assert owner_of("x@late.test", 3) == "x@late.test"
        assert "idle_timeout" in daemon.log_text()


def reload(daemon):
    before = daemon.log_text()
    daemon.process.send_signal(signal.SIGHUP)
    harness.eventually("the reload is logged", lambda: daemon.log_text() != before)


def check_names_every_mistake_with_file_line_and_remedy():
    vault = Vault(PROGRAMS)
    good = vault.config.read_text()
    mistakes = [("tls", "perhaps"), ("memory", "lots"), ("max_connections", "0"),
                ("listen", "127.0.0.1"), ("domains", "exa mple..com")]
    for key, value in mistakes:
        vault.config.write_text(good)
        vault.configure(**{key: value})
        assert_named(vault, key)
    vault.config.write_text(good)
    vault.configure(**dict(mistakes))
    output = check(vault)
    assert all(key in output for key, _ in mistakes), f"not all mistakes in one run:\n{output}"
    vault.config.write_text(good + "\n[lmtp]\nnosuchkey=1\n")
    assert_named(vault, "nosuchkey")
    vault.config.write_text(good)
    assert check(vault, status=0) is not None


def check(vault, status=None):
    done = subprocess.run([vault.programs.archived, "--config", vault.config, "--check"],
                          capture_output=True, text=True, timeout=60)
    output = done.stdout + done.stderr
    assert done.returncode == status if status is not None else done.returncode != 0, output
    return output


def assert_named(vault, key):
    output = check(vault)
    lines = vault.config.read_text().split("\n")
    number = max(i for i, line in enumerate(lines, 1) if line.startswith(key + "="))
    assert key in output and f"{vault.config}:{number}" in output, f"line {number}:\n{output}"


def listeners_off_loopback_need_somebody_allowed():
    vault = Vault(PROGRAMS)
    vault.configure(listen=f"0.0.0.0:{vault.port}")
    assert "allow" in check(vault)
    vault.configure(allow="192.0.2.0/24")
    check(vault, status=0)


def second_writer_is_refused():
    vault = Vault(PROGRAMS)
    with Daemon(vault):
        second = Daemon(vault, wait=False)
        assert second.process.wait(timeout=30) != 0
        with Lmtp(vault.address) as client:
            assert client.command("NOOP").code == 250


def commands_work_while_the_daemon_runs():
    vault, ledger = Vault(PROGRAMS), Ledger()
    with Daemon(vault), Lmtp(vault.address) as client:
        message = mails.ordinary("seen at once")
        ledger.sending(message)
        (reply,) = client.deliver("a@b.test", ["now@example.com"], message)
        ledger.add(reply.archive_id, "now@example.com", message)
        vault.check_ledger(ledger)
        assert "now@example.com" in vault.command("mailbox", "list", vault.path).stdout.decode()
        vault.command("message", vault.path, reply.archive_id)
        vault.verify()
        status = vault.status()
        assert "daemon" in json.dumps(status) or "since_start" in json.dumps(status), status


def sockets_from_systemd_are_used():
    """What systemd does for a socket unit: LISTEN_FDS and descriptor 3."""
    vault = Vault(PROGRAMS)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    pid = os.fork()
    if pid == 0:
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)  # if it was 3 already, dup2() has changed nothing
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
        log = os.open(vault.folder / "archived.log", os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 2)
        os.execv(vault.programs.archived, ["archived", "--config", str(vault.config)])
    listener.close()
    try:
        with Lmtp(("127.0.0.1", port)) as client:
            (reply,) = client.deliver("a@b.test", ["t@example.com"], mails.ordinary(1))
            assert reply.code == 250, reply
    finally:
        os.kill(pid, signal.SIGTERM)
        assert os.waitpid(pid, 0)[1] == 0


def logs_hold_no_address_and_no_content():
    vault = Vault(PROGRAMS)
    vault.configure(level="debug")
    with Daemon(vault) as daemon:
        with Lmtp(vault.address) as client:
            client.deliver("secretsender@b.test", ["secretowner@example.com"],
                           b"Subject: secretsubject\r\n\r\nsecretbody\r\n")
            client.command("RCPT TO:<secretbroken")
    text = daemon.log_text().lower()
    assert text, "no log was written"
    assert "secret" not in text, text[-3000:]


if __name__ == "__main__":
    harness.run(sigterm_finishes_what_is_in_flight, sigterm_under_load_loses_nothing,
                sighup_takes_new_settings_and_keeps_the_old_when_they_are_wrong,
                check_names_every_mistake_with_file_line_and_remedy,
                listeners_off_loopback_need_somebody_allowed, second_writer_is_refused,
                commands_work_while_the_daemon_runs, sockets_from_systemd_are_used,
                logs_hold_no_address_and_no_content)
