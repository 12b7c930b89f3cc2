"""Time stamps (RFC 3161) of an authority made with `openssl ts`: asked for over HTTP and by files, and
verified by both programs."""
import http.server
import shutil
import subprocess
import threading

import harness
import mails
from harness import Daemon, Elsewhere, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
FAILED, REFUSED = 1, 4

CONFIG = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:TRUE
[tsa_certificate]
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/ca.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
"""


def openssl(*words, **options):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True,
                          **options).stdout


class Authority:
    def __init__(self, folder):
        harness.need_program("openssl")
        folder.mkdir()
        self.folder, self.config, self.ca = folder, folder / "config", folder / "ca.pem"
        self.config.write_text(CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", "-config", self.config, "-extensions", "ca", *key, "-keyout",
                folder / "ca.key", "-out", self.ca, "-subj", "/CN=ca", "-days", "10")
        openssl("req", "-config", self.config, *key, "-keyout", folder / "tsa.key", "-out",
                folder / "tsa.csr", "-subj", "/CN=tsa")
        openssl("x509", "-req", "-in", folder / "tsa.csr", "-CA", self.ca, "-CAkey",
                folder / "ca.key", "-CAcreateserial", "-days", "10", "-extfile", self.config,
                "-extensions", "tsa_certificate", "-out", folder / "tsa.pem")

    def reply(self, query):
        (self.folder / "query").write_bytes(query)
        openssl("ts", "-reply", "-config", self.config, "-section", "tsa_config", "-queryfile",
                self.folder / "query", "-out", self.folder / "reply")
        return (self.folder / "reply").read_bytes()


class Server:
    """An authority over HTTP; `spoil` may change what it answers."""

    def __init__(self, authority, spoil=lambda reply: (200, reply)):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                assert self.headers["Content-Type"] == "application/timestamp-query"
                query = self.rfile.read(int(self.headers["Content-Length"]))
                status, reply = spoil(authority.reply(query))
                self.send_response(status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/stamp"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def made_vault():
    vault = Vault(PROGRAMS)
    with Daemon(vault), Lmtp(vault.address) as client:
        client.deliver("s@b.test", ["u@example.com"], mails.ordinary(1))
    return vault, Authority(vault.folder / "tsa")


def verify(vault, *options, status=0):
    done = vault.command("log", "verify", vault.path, *options, status=status)
    return (done.stdout + done.stderr).decode()


def stamps(vault):
    return sorted((vault.path / "log" / "stamps").glob("*.tsr"))


def stamp_over_http_is_verified_by_both():
    vault, authority = made_vault()
    with Server(authority) as server:
        vault.command("log", "stamp", vault.path, "--tsa", server.url, "--tsa-ca", authority.ca)
        vault.command("log", "stamp", vault.path, "--tsa", server.url, "--log", "control")
    assert len(stamps(vault)) == 2
    assert "2 time stamps: all" in verify(vault, "--tsa-ca", authority.ca)
    assert "give --tsa-ca" in verify(vault)
    for stamp in stamps(vault):
        checkpoint = stamp.with_name(stamp.name.partition("-")[0] + ".checkpoint")
        done = openssl("ts", "-verify", "-in", stamp, "-data", checkpoint, "-CAfile", authority.ca)
        assert b"OK" in done


def stamp_by_files_is_verified_by_both():
    vault, authority = made_vault()
    query, response = vault.folder / "q.tsq", vault.folder / "r.tsr"
    vault.command("log", "stamp", vault.path, "--query-out", query)
    assert b"sha256" in openssl("ts", "-query", "-in", query, "-text").lower()
    response.write_bytes(authority.reply(query.read_bytes()))
    openssl("ts", "-verify", "-in", response, "-queryfile", query, "-CAfile", authority.ca)
    vault.command("log", "stamp", vault.path, "--response", response)
    assert "1 time stamps: all" in verify(vault, "--tsa-ca", authority.ca)
    other, _ = made_vault()
    other.command("log", "stamp", other.path, "--response", response, status=FAILED)
    vault.command("log", "stamp", vault.path, "--query-out", query, status=FAILED)


def stranger_s_stamp_is_not_believed():
    vault, authority = made_vault()
    stranger = Authority(vault.folder / "stranger")
    with Server(stranger) as server:
        vault.command("log", "stamp", vault.path, "--tsa", server.url, "--tsa-ca", authority.ca,
                      status=FAILED)
        assert stamps(vault) == []
        vault.command("log", "stamp", vault.path, "--tsa", server.url)
    assert "not signed by an authority" in verify(vault, "--tsa-ca", authority.ca, status=FAILED)
    assert "all as" in verify(vault, "--tsa-ca", stranger.ca)


def false_answers_are_refused():
    vault, authority = made_vault()
    old = []

    def replay(reply):
        old.append(reply)
        return 200, old[0]

    with Server(authority, replay) as server:
        vault.command("log", "stamp", vault.path, "--tsa", server.url)
        done = vault.command("log", "stamp", vault.path, "--tsa", server.url, status=FAILED)
        assert b"another query" in done.stderr, done
    for spoil, status in [(lambda r: (200, r[:-1]), FAILED), (lambda r: (200, b""), FAILED),
                          (lambda r: (200, b"x" * 300000), FAILED), (lambda r: (500, r), REFUSED)]:
        with Server(authority, spoil) as server:
            vault.command("log", "stamp", vault.path, "--tsa", server.url, status=status)
    assert len(stamps(vault)) == 1
    vault.command("log", "stamp", vault.path, "--tsa", "https://tsa.example/", status=FAILED)
    vault.command("log", "stamp", vault.path, status=2)


def changed_stamps_and_checkpoints_are_found():
    vault, authority = made_vault()
    with Server(authority) as server:
        vault.command("log", "stamp", vault.path, "--tsa", server.url)
    (stamp,) = stamps(vault)
    checkpoint = stamp.with_name(stamp.name.partition("-")[0] + ".checkpoint")
    for file in [stamp, checkpoint]:
        kept = file.read_bytes()
        changed = bytearray(kept)
        changed[-20] ^= 1
        file.write_bytes(changed)
        verify(vault, "--tsa-ca", authority.ca, status=FAILED)
        file.unlink()
        if file == checkpoint:
            assert "is gone" in verify(vault, status=FAILED)
        file.write_bytes(kept)
    verify(vault, "--tsa-ca", authority.ca)


def vault_that_was_set_back_does_not_continue_what_was_stamped():
    vault, authority = made_vault()
    shutil.copytree(vault.path, vault.folder / "back" / "vault",
                    ignore=shutil.ignore_patterns("run"))
    shutil.copy(vault.key_path, vault.folder / "back" / "vault.vaultkey")
    vault.restore(vault.folder / "out", vault.grant())
    with Server(authority) as server:
        vault.command("log", "stamp", vault.path, "--tsa", server.url, "--log", "control")
    back = Elsewhere(vault, vault.folder / "back" / "vault")
    shutil.copytree(vault.path / "log" / "stamps", back.path / "log" / "stamps")
    assert "set back" in verify(back, "--tsa-ca", authority.ca, status=FAILED)


if __name__ == "__main__":
    harness.run(stamp_over_http_is_verified_by_both, stamp_by_files_is_verified_by_both,
                stranger_s_stamp_is_not_believed, false_answers_are_refused,
                changed_stamps_and_checkpoints_are_found,
                vault_that_was_set_back_does_not_continue_what_was_stamped)
