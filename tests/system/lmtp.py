"""An LMTP client that does what it is told: pipelining, BDAT, TLS, bad input; and a load of many
connections that keeps a ledger of what was answered 250."""
import re
import socket
import ssl
import threading


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[-1][:3])
        self.text = "\n".join(line[4:] for line in lines)

    @property
    def archive_id(self):
        match = re.search(r"archived as ([0-9a-f]{32})", self.text)
        return match.group(1) if match else None

    @property
    def enhanced(self):
        """The enhanced status code, RFC 2034: "2.1.5"."""
        return self.text.split(" ")[0]

    def __repr__(self):
        return f"<{self.code} {self.text!r}>"


def connect(address, timeout):
    """address: ("127.0.0.1", port) or the path of a unix socket."""
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        sock.connect(address)
        return sock
    sock = socket.create_connection(address, timeout=timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def stuff(message):
    """The transparency of RFC 5321 4.5.2, and the dot: what follows DATA on the wire. A line begins
    after CRLF only, so a dot after a bare LF stays single."""
    body = message.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    return body + b".\r\n"


def as_data(message):
    """The message that DATA carries: SMTP cannot say that the last line has no end."""
    return message if not message or message.endswith(b"\r\n") else message + b"\r\n"


class Lmtp:
    def __init__(self, address, timeout=60, lhlo=True):
        self.sock = connect(address, timeout)
        self.file = self.sock.makefile("rb")
        self.greeting = self.reply()
        self.features = {}
        if lhlo and self.greeting.code == 220:
            self.lhlo()

    def send(self, data):
        self.sock.sendall(data)

    def reply(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError(f"connection closed after {lines + [line]}")
            lines.append(line[:-2].decode("utf-8"))
            if line[3:4] != b"-":
                return Reply(lines)

    def command(self, line):
        self.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return self.reply()

    def lhlo(self, name="client.test"):
        reply = self.command(f"LHLO {name}")
        words = [line[4:].split(" ") for line in reply.lines[1:]]
        self.features = {w[0].upper(): w[1:] for w in words}
        return reply

    def starttls(self, context=None):
        reply = self.command("STARTTLS")
        if reply.code == 220:
            self.secure(context or insecure_tls())
        return reply

    def secure(self, context):
        self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
        self.file = self.sock.makefile("rb")

    def envelope(self, sender, recipients):
        """MAIL and RCPTs, pipelined. Returns the RCPT replies."""
        lines = [f"MAIL FROM:<{sender}>"] + [f"RCPT TO:<{r}>" for r in recipients]
        self.send("".join(line + "\r\n" for line in lines).encode())
        mail = self.reply()
        replies = [self.reply() for _ in recipients]
        if mail.code != 250:
            raise AssertionError(f"MAIL answered {mail}")
        return replies

    def deliver(self, sender, recipients, message, how="data", chunk=65536):
        """One reply per accepted recipient, in order."""
        accepted = sum(r.code == 250 for r in self.envelope(sender, recipients))
        if how == "bdat":
            return self.bdat(message, accepted, chunk)
        reply = self.command("DATA")
        if reply.code != 354:
            return [reply]
        self.send(stuff(message))
        return [self.reply() for _ in range(accepted)]

    def bdat(self, message, accepted, chunk):
        at = 0
        while len(message) - at > chunk:
            self.send(b"BDAT %d\r\n" % chunk + message[at:at + chunk])
            reply = self.reply()
            if reply.code != 250:
                return [reply]
            at += chunk
        self.send(b"BDAT %d LAST\r\n" % (len(message) - at) + message[at:])
        return [self.reply() for _ in range(accepted)]

    def quit(self):
        reply = self.command("QUIT")
        self.close()
        return reply

    def close(self):
        self.file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def insecure_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Load:
    """Connections that deliver until told to stop or the server goes away. `next_message()` gives
    (sender, recipients, bytes) or None at the end, and is called by many threads."""

    def __init__(self, address, connections, next_message, ledger, how="data"):
        self.address, self.next_message, self.ledger = address, next_message, ledger
        self.how = how
        self.stopping = threading.Event()
        self.refused = []
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(connections)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.stopping.set()
        return self.join()

    def join(self):
        for thread in self.threads:
            thread.join()
        return self

    def run(self):
        try:
            with Lmtp(self.address) as client:
                while not self.stopping.is_set() and self.one(client):
                    pass
        except OSError:  # the server was killed: what had no 250 is not in the ledger
            pass

    def one(self, client):
        item = self.next_message()
        if item is None:
            return False
        sender, recipients, message = item
        stored = message if self.how == "bdat" else as_data(message)
        self.ledger.sending(stored, recipients)
        replies = client.deliver(sender, recipients, message, self.how)
        for recipient, reply in zip(recipients, replies):
            if reply.code == 250:
                self.ledger.add(reply.archive_id, recipient, stored)
            else:
                self.refused.append(reply)
        return True
