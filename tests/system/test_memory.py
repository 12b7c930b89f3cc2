"""Memory of the daemon as released: under 128 MiB with 200 connections, and under its budget with
fifty messages of 50 MB at the same time."""
import threading

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp, stuff

PROGRAMS = harness.build()
MIB = 1024
PIECE = 1 << 20


def two_hundred_connections_fit_128_mib():
    vault, ledger = Vault(PROGRAMS), Ledger()
    with Daemon(vault) as daemon:
        clients = [Lmtp(vault.address) for _ in range(200)]
        idle = daemon.memory_kib("VmHWM")
        for round_number in range(3):
            for number, client in enumerate(clients):
                message = mails.ordinary(f"{round_number}.{number}", 20000)
                ledger.sending(message)
                (reply,) = client.deliver(f"s{number}@b.test", [f"b{number}@example.com"], message)
                ledger.add(reply.archive_id, f"b{number}@example.com", message)
        used = daemon.memory_kib("VmHWM")
        print(f"        idle {idle // MIB} MiB, after 600 messages {used // MIB} MiB")
        for client in clients:
            client.close()
    assert used < 128 * MIB, f"{used // MIB} MiB with 200 connections"
    vault.check_ledger(ledger)


def fifty_messages_of_fifty_megabytes_keep_the_budget():
    """None is ended before all fifty are half sent: they really are under way together."""
    vault, ledger = Vault(PROGRAMS), Ledger()
    budget = 256 * MIB
    message = mails.attachment(7, 37 << 20)
    assert len(message) > 50 << 20
    wire = stuff(message)
    with Daemon(vault) as daemon:
        clients = [Lmtp(vault.address, timeout=600) for _ in range(50)]
        for number, client in enumerate(clients):
            client.envelope(f"s{number}@b.test", [f"large{number}@example.com"])
        started = [c for c in clients if c.command("DATA").code == 354]
        half_way = threading.Barrier(len(started), timeout=500)
        threads = [threading.Thread(target=send, args=(c, wire, half_way)) for c in started]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not half_way.broken, "not all could be under way at once"
        archived = 0
        for number, client in enumerate(clients):
            if client not in started:
                continue
            reply = client.reply()
            assert reply.code == 250 or 400 <= reply.code < 500, reply
            if reply.code == 250:
                archived += 1
                ledger.sending(message)
                ledger.add(reply.archive_id, f"large{number}@example.com", message)
        used = daemon.memory_kib("VmHWM")
        print(f"        {archived} of 50 archived, peak {used // MIB} MiB")
    assert used < budget, f"{used // MIB} MiB, budget {budget // MIB} MiB"
    assert archived >= 1
    vault.check_ledger(ledger)


def send(client, wire, half_way):
    middle = len(wire) // 2
    for start, end in [(0, middle), (middle, len(wire))]:
        for at in range(start, end, PIECE):
            client.send(wire[at:min(at + PIECE, end)])
        if end == middle:
            half_way.wait()


if __name__ == "__main__":
    harness.run(two_hundred_connections_fit_128_mib,
                fifty_messages_of_fifty_megabytes_keep_the_budget)
