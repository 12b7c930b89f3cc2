"""Delivers .eml files over LMTP, each to the addresses of its To: header, and prints for each reply
"<archive id> <recipient> <file>".

    deliver.py HOST:PORT FILE...      deliver.py --probe HOST:PORT   exit 0 when it greets
"""
import email
import email.utils
import pathlib
import sys

from lmtp import Lmtp


def address_of(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def addresses(message, header):
    return [a for _, a in email.utils.getaddresses(message.get_all(header, [])) if a]


def deliver(client, path):
    content = pathlib.Path(path).read_bytes()
    message = email.message_from_bytes(content)
    recipients = addresses(message, "To")
    sender = (addresses(message, "From") or [""])[0]
    for recipient, reply in zip(recipients, client.deliver(sender, recipients, content)):
        print(f"{recipient}: {reply.code} {reply.text}", file=sys.stderr)
        if reply.code != 250:
            sys.exit(1)
        print(reply.archive_id, recipient, path)


def main(words):
    if words[:1] == ["--probe"]:
        with Lmtp(address_of(words[1]), timeout=5) as client:
            sys.exit(0 if client.greeting.code == 220 else 1)
    with Lmtp(address_of(words[0])) as client:
        for path in words[1:]:
            deliver(client, path)
        client.quit()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as problem:
        if sys.argv[1] != "--probe":
            print(f"deliver: {problem}", file=sys.stderr)
        sys.exit(1)
