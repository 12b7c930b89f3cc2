"""STARTTLS: required means required, nothing said in clear survives the handshake, certificates of
clients are checked against their authority, a new certificate is taken on SIGHUP."""
import signal
import ssl

import harness
import mails
from certificates import Authority
from harness import Daemon, Vault
from lmtp import Lmtp, insecure_tls

harness.need_program("openssl")
PROGRAMS = harness.build()


def vault_with_tls(mode, **settings):
    vault = Vault(PROGRAMS)
    authority = Authority(vault.folder, "authority")
    certificate, key = authority.issue("server")
    vault.configure(tls=mode, certificate=certificate, private_key=key, **settings)
    return vault, authority


def mail_without_tls_is_refused_when_required():
    vault, _ = vault_with_tls("require")
    with Daemon(vault):
        with Lmtp(vault.address) as client:
            assert "STARTTLS" in client.features
            assert client.command("MAIL FROM:<a@b.test>").code == 530
            assert client.command("NOOP").code == 250
            assert client.starttls().code == 220
            client.lhlo()
            assert "STARTTLS" not in client.features
            (reply,) = client.deliver("a@b.test", ["t@example.com"], mails.ordinary(1))
            assert reply.code == 250, reply
            assert client.command("STARTTLS").code in (502, 503)


def mail_with_and_without_tls_is_taken_when_it_may_be():
    vault, authority = vault_with_tls("may")
    with Daemon(vault):
        with Lmtp(vault.address) as client:
            (plain,) = client.deliver("a@b.test", ["t@example.com"], mails.ordinary(1))
            client.starttls(ssl.create_default_context(cafile=authority.certificate))
            client.lhlo()
            large = mails.attachment(2, 6 << 20)
            (secured,) = client.deliver("a@b.test", ["t@example.com"], large)
            assert (plain.code, secured.code) == (250, 250)
            assert client.sock.version() in ("TLSv1.2", "TLSv1.3")
        restored = vault.restored()
        assert restored[secured.archive_id]["t@example.com"] == harness.sha256(large)


def bytes_injected_before_the_handshake_are_dropped():
    """CVE-2011-0411: commands pipelined behind STARTTLS must not run inside TLS."""
    vault, _ = vault_with_tls("may")
    with Daemon(vault):
        with Lmtp(vault.address) as client:
            client.send(b"MAIL FROM:<before@b.test>\r\nSTARTTLS\r\nNOOP\r\nMAIL FROM:<evil@b.test>\r\n"
                        b"RCPT TO:<x@example.com>\r\n")
            assert client.reply().code == 250
            assert client.reply().code == 220
            client.secure(insecure_tls())
            # Neither the injected commands nor the transaction begun in clear are known any more.
            assert client.command("RCPT TO:<y@example.com>").code == 503
            assert client.lhlo().code == 250
            assert client.command("RCPT TO:<y@example.com>").code == 503


def clients_without_the_right_certificate_are_refused():
    vault = Vault(PROGRAMS)
    authority, stranger = Authority(vault.folder, "ours"), Authority(vault.folder, "theirs")
    certificate, key = authority.issue("server")
    vault.configure(tls="require", certificate=certificate, private_key=key,
                    client_ca=authority.certificate)
    contexts = {}
    for name, issuer in [("good", authority), ("bad", stranger)]:
        contexts[name] = insecure_tls()
        contexts[name].load_cert_chain(*issuer.issue(name))
    contexts["none"] = insecure_tls()
    with Daemon(vault):
        for name, context in contexts.items():
            accepted = delivers_with(vault, context)
            assert accepted == (name == "good"), f"certificate {name}: accepted {accepted}"


def delivers_with(vault, context):
    try:
        with Lmtp(vault.address) as client:
            client.starttls(context)
            if client.lhlo().code != 250:
                return False
            (reply,) = client.deliver("a@b.test", ["t@example.com"], mails.ordinary("cert"))
            return reply.code == 250
    except (OSError, AssertionError):
        return False


def plain_garbage_instead_of_a_handshake_ends_the_connection():
    vault, _ = vault_with_tls("may")
    with Daemon(vault):
        with Lmtp(vault.address) as client:
            assert client.command("STARTTLS").code == 220
            client.send(b"NOOP\r\n" * 100)
            try:
                while client.sock.recv(4096):
                    pass
            except OSError:
                pass
        with Lmtp(vault.address) as client:
            assert client.command("NOOP").code == 250


def new_certificate_is_taken_on_sighup():
    vault, authority = vault_with_tls("may")
    with Daemon(vault) as daemon:
        before = peer_certificate(vault)
        authority.issue("server")
        daemon.process.send_signal(signal.SIGHUP)
        harness.eventually("the new certificate is shown",
                           lambda: peer_certificate(vault) != before)


def peer_certificate(vault):
    with Lmtp(vault.address) as client:
        client.starttls()
        return client.sock.getpeercert(binary_form=True)


if __name__ == "__main__":
    harness.run(mail_without_tls_is_refused_when_required,
                mail_with_and_without_tls_is_taken_when_it_may_be,
                bytes_injected_before_the_handshake_are_dropped,
                clients_without_the_right_certificate_are_refused,
                plain_garbage_instead_of_a_handshake_ends_the_connection,
                new_certificate_is_taken_on_sighup)
