"""The limits that archived.conf sets: sizes, connections, idle time, peers; and unix sockets."""
import json
import select
import socket
import time

import harness
import mails
from harness import Daemon, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()


def too_large_a_message_is_refused_only_where_it_was_configured():
    vault = Vault(PROGRAMS, settings={"limits.message": "64K"})
    with Daemon(vault), Lmtp(vault.address) as client:
        assert client.features["SIZE"] == [str(64 << 10)]
        reply = client.command("MAIL FROM:<a@b.test> SIZE=70000")
        assert reply.code == 552 and reply.enhanced == "5.3.4", reply
        exact = b"x" * ((64 << 10) - 2) + b"\r\n"
        for how in ["data", "bdat"]:
            (fits,) = client.deliver(f"{how}@b.test", ["t@example.com"], exact, how)
            assert fits.code == 250, fits
            (over,) = client.deliver(f"{how}@b.test", ["t@example.com"], b"y" + exact, how)
            assert over.code == 552 and over.enhanced == "5.3.4", over
            assert client.command("NOOP").code == 250


def connections_over_the_limit_are_told_to_come_later():
    vault = Vault(PROGRAMS)
    vault.configure(max_connections=8, connections_per_peer=6)
    with Daemon(vault):
        harness.eventually("no connection is left", lambda: greets(vault))
        clients = [Lmtp(vault.address) for _ in range(6)]
        seventh = Lmtp(vault.address)
        assert seventh.greeting.code == 421, seventh.greeting
        clients[0].quit()
        harness.eventually("a place is free again", lambda: greets(vault))
        for client in clients[1:] + [seventh]:
            client.close()


def greets(vault):
    with Lmtp(vault.address, lhlo=False) as client:
        return client.greeting.code == 220


def idle_connections_are_closed():
    vault = Vault(PROGRAMS)
    vault.configure(idle_timeout=1)
    with Daemon(vault):
        with Lmtp(vault.address) as idle, Lmtp(vault.address) as half:
            half.envelope("a@b.test", ["t@example.com"])
            half.command("DATA")
            half.send(b"Subject: never ends\r\n")
            start = time.monotonic()
            assert idle.reply().code == 421
            assert time.monotonic() - start < 5
            try:
                half.reply()
            except OSError:
                pass
        assert vault.status()["vault"]["messages"] == 0, "half a message was stored"


def peers_that_are_not_allowed_are_refused():
    vault = Vault(PROGRAMS)
    vault.configure(allow="192.0.2.0/24")
    with Daemon(vault, wait=False):
        def code():
            try:
                with Lmtp(vault.address, lhlo=False) as client:
                    return client.greeting.code
            except ConnectionRefusedError:
                return None
        harness.eventually("an answer", lambda: code() is not None)
        assert code() == 554


def unix_sockets_and_ipv6_take_mail():
    vault = Vault(PROGRAMS)
    path = str(vault.folder / "lmtp.sock")
    vault.configure(listen=f"127.0.0.1:{vault.port};[::1]:{vault.port};unix:{path}")
    with Daemon(vault):
        for number, address in enumerate([path, ("::1", vault.port), vault.address]):
            with Lmtp(address) as client:
                (reply,) = client.deliver("a@b.test", ["t@example.com"], mails.ordinary(number))
                assert reply.code == 250, (address, reply)


def too_many_new_mailboxes_go_to_unassigned():
    vault = Vault(PROGRAMS)
    vault.configure(new_mailboxes_per_hour=5)
    with Daemon(vault), Lmtp(vault.address) as client:
        for number in range(9):
            (reply,) = client.deliver("a@b.test", [f"new{number}@example.com"],
                                      mails.ordinary(number))
            assert reply.code == 250, reply
        (known,) = client.deliver("a@b.test", ["new0@example.com"], mails.ordinary("known"))
        assert known.code == 250
    owners = [next(iter(copies)) for copies in vault.restored().values()]
    assert owners.count("unassigned") == 4 and owners.count("new0@example.com") == 2, owners


def read_socket(vault):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(60)
    client.connect(str(vault.path / "run" / "read"))
    return client


def code_of(client):
    return json.loads(client.makefile().readline())["code"]


def large_grants_of_all_readers_have_one_bound():
    """It takes neither a good grant nor all of its bytes to make the daemon wait for 32 MiB."""
    vault = Vault(PROGRAMS)
    with Daemon(vault):
        readers = [read_socket(vault) for _ in range(4)]
        for reader in readers:
            reader.sendall(b"release\n" + (32 << 20).to_bytes(4, "big") + b"x" * 1000)
        answered, end = set(), time.monotonic() + 30
        while len(answered) < 2 and time.monotonic() < end:
            answered.update(select.select([r for r in readers if r not in answered], [], [], 1)[0])
        assert [code_of(reader) for reader in answered] == ["BUSY"] * 2, answered
        small = read_socket(vault)
        small.sendall(b"release\n" + (5).to_bytes(4, "big") + b"grant")
        assert code_of(small) == "MALFORMED"
        for reader in readers + [small]:
            reader.close()


if __name__ == "__main__":
    harness.run(too_large_a_message_is_refused_only_where_it_was_configured,
                connections_over_the_limit_are_told_to_come_later, idle_connections_are_closed,
                peers_that_are_not_allowed_are_refused, unix_sockets_and_ipv6_take_mail,
                too_many_new_mailboxes_go_to_unassigned,
                large_grants_of_all_readers_have_one_bound)
