"""`muniment witness` over HTTP: what it cosigns, what it refuses, and that it remembers."""
import hashlib
import http.client
import re
import shutil
import signal
import socket
import subprocess

import harness
import logs
import mails
from harness import Daemon, Elsewhere, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
FAILED, REFUSED = 1, 4


class Witness:
    """Runs one on a port that it picks itself."""

    def __init__(self, folder, vkeys):
        self.folder, self.vkeys = folder, vkeys
        if not (folder / "witness.key").exists():
            done = subprocess.run([PROGRAMS.muniment, "witness", "create", "--out",
                                   folder / "witness.key", "--name", "witness.example"],
                                  check=True, capture_output=True)
            (folder / "witness.vkey").write_bytes(done.stdout)
        self.start()

    @property
    def vkey(self):
        return (self.folder / "witness.vkey").read_text().strip()

    def start(self):
        words = [PROGRAMS.muniment, "witness", "--state", self.folder / "state", "--key",
                 self.folder / "witness.key", "--listen", "127.0.0.1:0"]
        for vkey in self.vkeys:
            words += ["--log", vkey]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)
        harness.RUNNING.append(self.process)
        assert self.process.stdout.readline().strip() == self.vkey
        line = self.process.stdout.readline()
        self.url = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+/)\n", line).group(1)
        self.port = int(self.url.rsplit(":", 1)[1].rstrip("/"))
        self.policy = self.folder / "witness.policy"
        self.policy.write_text(f"witness w {self.vkey} {self.url}\nquorum w\n")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode()

    def post(self, old, note, proof=()):
        lines = [f"old {old}\n", *(line + "\n" for line in proof), "\n", note]
        return self.ask("POST", "/add-checkpoint", "".join(lines).encode())


def vkey(vault, log="control"):
    return vault.command("log", "checkpoint", vault.path, "--vkey", "--log",
                         log).stdout.decode().split("\n")[0]


def note_of(vault, *options, status=0, log="control"):
    return vault.command("log", "checkpoint", vault.path, "--log", log, *options,
                         status=status).stdout.decode()


def act(vault, name):
    """Something that is logged."""
    vault.restore(vault.folder / name, vault.grant())


def made_vault():
    vault = Vault(PROGRAMS)
    with Daemon(vault), Lmtp(vault.address) as client:
        client.deliver("s@b.test", ["u@example.com"], mails.ordinary(1))
    return vault


def growing_log_is_cosigned_and_believed_by_policy():
    vault = made_vault()
    act(vault, "one")
    witness = Witness(vault.folder, [vkey(vault), vkey(vault, "archive")])
    first = note_of(vault, "--policy", witness.policy)
    assert first.count("\n— ") == 2 and "witness.example" in first
    act(vault, "two")
    second = note_of(vault, "--policy", witness.policy)
    assert logs.checkpoint(second)[1] > logs.checkpoint(first)[1]
    origin = logs.checkpoint(second)[0]
    path = f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"
    status, _, text = witness.ask("GET", path)
    assert status == 200 and logs.checkpoint(text) == logs.checkpoint(second)
    assert "witness.example" in note_of(vault, "--policy", witness.policy, log="archive")
    # An act is proved by what was cosigned, one that was logged since by the newest there is.
    def prove(index):
        return vault.command("log", "prove", vault.path, "--index", index).stdout.decode()

    size = logs.checkpoint(second)[1]
    assert "witness.example" in prove(size - 1)
    act(vault, "three")
    assert "witness.example" in prove(size - 1) and "witness.example" not in prove(size)
    checkpoint = vault.folder / "cosigned"
    checkpoint.write_text(second)
    vault.command("log", "verify", vault.path, "--checkpoint", checkpoint)


def cosignatures_are_kept_and_go_with_exports():
    """A policy that wants the witness believes what was restored since it was asked; nothing before, and
    what came later not until it is asked again."""
    vault = made_vault()
    grant = vault.grant()
    witness = Witness(vault.folder, [vkey(vault), vkey(vault, "archive")])
    policy = vault.folder / "policy"
    policy.write_text(f"log {vkey(vault, 'archive')}\nwitness w {witness.vkey}\nquorum w\n")

    def restored(name, status=0):
        vault.restore(vault.folder / name, grant)
        vault.command("check", vault.folder / name, "--policy", policy, status=status)

    restored("before", status=FAILED)
    assert "witness.example" in note_of(vault, "--policy", witness.policy, log="archive")
    restored("after")
    with Daemon(vault), Lmtp(vault.address) as client:
        client.deliver("s@b.test", ["u@example.com"], mails.ordinary(2))
    restored("grown", status=FAILED)
    with Daemon(vault):
        note_of(vault, "--policy", witness.policy, log="archive")
        restored("again")
    done = vault.command("log", "verify", vault.path)
    assert b" 1 older checkpoints" in done.stdout, done
    kept = vault.path / "log" / "archive" / "cosigned"
    kept.write_text(kept.read_text().replace("\n\n", "x\n\n", 1))
    assert b"cosigned" in vault.command("log", "verify", vault.path, status=FAILED).stdout


def answer_is_kept_only_when_the_policy_s_key_signed_it():
    """Somebody in between, or another witness at that address."""
    vault = made_vault()
    witness = Witness(vault.folder, [vkey(vault)])
    other = vault.folder / "other"
    other.mkdir()
    stranger = Witness(other, [vkey(vault)])
    policy = vault.folder / "crossed"
    policy.write_text(f"witness w {witness.vkey} {stranger.url}\nquorum w\n")
    assert note_of(vault, "--policy", policy, status=FAILED) == ""
    assert not (vault.path / "log" / "control" / "cosigned").exists()
    policy.write_text(f"witness w {witness.vkey}\nquorum w\n")
    assert note_of(vault, "--policy", policy, status=FAILED) == ""


def checkpoint_with_the_quorum_stays_when_a_witness_is_away():
    vault = made_vault()
    second = vault.folder / "second"
    second.mkdir()
    witnesses = Witness(vault.folder, [vkey(vault)]), Witness(second, [vkey(vault)])
    policy = vault.folder / "both"
    policy.write_text("".join(f"witness w{number} {witness.vkey} {witness.url}\n"
                              for number, witness in enumerate(witnesses)) +
                      "group both all w0 w1\nquorum both\n")
    note = note_of(vault, "--policy", policy)
    witnesses[1].stop()
    act(vault, "one")
    assert note_of(vault, "--policy", policy, status=FAILED) == ""
    kept = vault.path / "log" / "control" / "cosigned"
    assert kept.read_text() == note


def times(vault):
    """When each log was last cosigned by each witness, as the daemon knows it."""
    return {witness["name"]: (witness["archive"], witness["control"], witness["failure"])
            for witness in vault.status()["witnesses"]}


def daemon_asks_by_itself():
    """At its start, and here on a reload too, as an hour is long."""
    vault = made_vault()
    witness = Witness(vault.folder, [vkey(vault), vkey(vault, "archive")])
    vault.configure(witness_policy=witness.policy)
    with Daemon(vault) as daemon:
        harness.eventually("both are cosigned", lambda: all(times(vault).get("w", (0, 0, None))[:2]))
        assert times(vault)["w"][2] is None
        shown = vault.command("status", vault.path).stdout.decode()
        assert re.search(r"^Witness: +w, cosigned both logs 20[\d: -]+ UTC$", shown, re.M), shown
        kept = vault.path / "log" / "control" / "cosigned"
        first = logs.checkpoint(kept.read_text())[1]
        act(vault, "one")
        daemon.process.send_signal(signal.SIGHUP)
        harness.eventually("what was logged since is cosigned",
                           lambda: logs.checkpoint(kept.read_text())[1] > first)
        witness.stop()
        daemon.process.send_signal(signal.SIGHUP)
        harness.eventually("its failure is known", lambda: times(vault)["w"][2] is not None)
        assert all(times(vault)["w"][:2]), "that it did is not forgotten"
    with Daemon(vault):
        harness.eventually("what is kept is known after a start", lambda: "w" in times(vault))
        assert all(times(vault)["w"])
        shown = vault.command("status", vault.path).stdout.decode()
        assert re.search(r"^Witness: +w, cosigned both logs 20[\d: -]+ UTC; now cannot connect", shown, re.M), shown


def witness_that_hangs_holds_up_neither_mail_nor_the_end():
    vault = made_vault()
    vkey_of_nobody = vault.command("witness", "create", "--out", vault.folder / "w.key", "--name",
                                   "hangs.example").stdout.decode().strip()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        policy = vault.folder / "policy"
        policy.write_text(f"witness w {vkey_of_nobody} http://127.0.0.1:{silent.getsockname()[1]}/\n"
                          "quorum none\n")
        vault.configure(witness_policy=policy)
        with Daemon(vault) as daemon:
            connection, _ = silent.accept()
            with connection, Lmtp(vault.address) as client:
                client.deliver("s@b.test", ["u@example.com"], mails.ordinary(2))
                daemon.stop()
            assert "canceled" in daemon.log_text(), daemon.log_text()


def witness_that_knows_the_first_key_only_is_told_the_next():
    vault = made_vault()
    witness = Witness(vault.folder, [vkey(vault)])
    first = note_of(vault, "--policy", witness.policy)
    for _ in range(2):
        vault.command("log", "rotate-key", vault.path)
    assert note_of(vault, "--policy", witness.policy, status=REFUSED) == ""
    witness.stop()
    witness.vkeys += [vkey(vault)]
    witness.start()
    second = note_of(vault, "--policy", witness.policy)
    assert logs.checkpoint(second)[1] > logs.checkpoint(first)[1] and "witness.example" in second


def vault_that_was_set_back_gets_no_cosignature():
    vault = made_vault()
    act(vault, "one")
    witness = Witness(vault.folder, [vkey(vault)])
    shutil.copytree(vault.path, vault.folder / "back" / "vault",
                    ignore=shutil.ignore_patterns("run"))
    shutil.copy(vault.key_path, vault.folder / "back" / "vault.vaultkey")
    act(vault, "two")
    honest = note_of(vault, "--policy", witness.policy)
    back = Elsewhere(vault, vault.folder / "back" / "vault")
    assert note_of(back, "--policy", witness.policy, status=REFUSED) == ""
    for number in range(3):  # as long as the honest one was, and longer: a fork now
        act(back, f"fork{number}")
    assert note_of(back, "--policy", witness.policy, status=REFUSED) == ""
    witness.stop()
    witness.start()
    assert note_of(back, "--policy", witness.policy, status=REFUSED) == ""
    again = note_of(vault, "--policy", witness.policy)
    assert logs.checkpoint(again) == logs.checkpoint(honest)


def each_refusal_has_its_status():
    vault = made_vault()
    act(vault, "one")
    witness = Witness(vault.folder, [vkey(vault)])
    note = note_of(vault)
    _, size, _ = logs.checkpoint(note)
    assert witness.post(0, note_of(vault, log="archive"))[0] == 404
    forged = note.replace(f"\n{size}\n", f"\n{size + 1}\n", 1)
    assert witness.post(0, forged)[0] == 403
    assert witness.post(size + 1, note)[0] == 400
    assert witness.post(1, note)[:2] == (409, "text/x.tlog.size")
    assert witness.post(1, note)[2] == "0\n"
    assert witness.post(0, note, ["A" * 43 + "="])[0] == 422
    assert witness.post(0, note)[0] == 200
    assert witness.post(0, note) == (409, "text/x.tlog.size", f"{size}\n")
    assert witness.post(size, note)[0] == 200, "the same again"
    assert witness.ask("POST", "/add-checkpoint", b"nonsense")[0] == 400
    assert witness.ask("POST", "/add-checkpoint", b"x" * 70000)[0] == 413
    assert witness.ask("GET", "/add-checkpoint")[0] == 405
    assert witness.ask("GET", "/")[0] == 404


def hostile_connections_keep_nobody_waiting():
    vault = made_vault()
    witness = Witness(vault.folder, [vkey(vault)])
    silent = [socket.create_connection(("127.0.0.1", witness.port)) for _ in range(10)]
    for connection, words in zip(silent, [b"", b"POST", b"\0" * 100, b"GET / HTTP/1.1\r\n"]):
        connection.sendall(words)
    assert "witness.example" in note_of(vault, "--policy", witness.policy)
    for connection in silent:
        connection.close()


def no_cosignature_leaves_before_it_is_remembered():
    """A kill at any time: what was cosigned is in the state of the next start."""
    vault = made_vault()
    witness = Witness(vault.folder, [vkey(vault)])
    for number in range(4):
        act(vault, f"act{number}")
        note = note_of(vault, "--policy", witness.policy)
        witness.process.kill()
        witness.process.wait()
        witness.start()
        status, _, size = witness.post(0, note_of(vault))
        assert status == 409 and int(size) == logs.checkpoint(note)[1]


def second_witness_and_damaged_state_are_refused():
    vault = made_vault()
    witness = Witness(vault.folder, [vkey(vault)])
    note_of(vault, "--policy", witness.policy)
    words = [PROGRAMS.muniment, "witness", "--state", vault.folder / "state", "--key",
             vault.folder / "witness.key", "--log", vkey(vault), "--listen", "127.0.0.1:0"]
    done = subprocess.run(words, capture_output=True, timeout=60, check=False)
    assert done.returncode == FAILED and b"another witness" in done.stderr, done
    witness.stop()
    state = vault.folder / "state"
    data = state.read_bytes()
    state.write_bytes(data[:-30] + b"A" + data[-29:] if data[-30:-29] != b"A"
                      else data[:-30] + b"B" + data[-29:])
    done = subprocess.run(words, capture_output=True, timeout=60, check=False)
    assert done.returncode == FAILED and b"state" in done.stderr, done


if __name__ == "__main__":
    harness.run(growing_log_is_cosigned_and_believed_by_policy, cosignatures_are_kept_and_go_with_exports,
                answer_is_kept_only_when_the_policy_s_key_signed_it,
                checkpoint_with_the_quorum_stays_when_a_witness_is_away, daemon_asks_by_itself,
                witness_that_hangs_holds_up_neither_mail_nor_the_end,
                witness_that_knows_the_first_key_only_is_told_the_next,
                vault_that_was_set_back_gets_no_cosignature, each_refusal_has_its_status,
                hostile_connections_keep_nobody_waiting,
                no_cosignature_leaves_before_it_is_remembered,
                second_witness_and_damaged_state_are_refused)
