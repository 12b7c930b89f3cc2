"""Stands between a reader and `muniment serve`, as a host that fails or lies. Given to `--ssh`:

    python3 serve_between.py WHAT MUNIMENT VAULT [words that ssh would get]

WHAT: nothing | cut (the connection ends before the first words are answered) | swap (each message's
words are listed for another message).
"""
import os
import struct
import subprocess
import sys
import threading

LIST_TERMS, READ_TERMS = 0x80 | 10, 0x80 | 12  # docs/formats/serve.md
LIST_HEAD_LEN, ENTRY_LEN = 1 + 8 + 8 + 2, 5 * 16 + 4 + 4 + 8
BODY_ID = slice(32, 48)


def read_frame(file):
    head = file.read(5)
    if len(head) < 5:
        return None
    length, kind = struct.unpack(">IB", head)
    return kind, file.read(length)


def write_frame(file, kind, payload):
    file.write(struct.pack(">IB", len(payload), kind) + payload)
    file.flush()


def pass_on(source, sink):
    while (frame := read_frame(source)) is not None:
        write_frame(sink, *frame)
    sink.close()


def swapped(payload):
    head, rest = payload[:LIST_HEAD_LEN], payload[LIST_HEAD_LEN:]
    entries = [bytearray(rest[at:at + ENTRY_LEN]) for at in range(0, len(rest), ENTRY_LEN)]
    bodies = list(dict.fromkeys(bytes(entry[BODY_ID]) for entry in entries))
    other = dict(zip(bodies, bodies[1:] + bodies[:1]))
    for entry in entries:
        entry[BODY_ID] = other[bytes(entry[BODY_ID])]
    return head + b"".join(entries)


def main(what, muniment, vault):
    host = subprocess.Popen([muniment, "serve", vault], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
    threading.Thread(target=pass_on, args=(sys.stdin.buffer, host.stdin), daemon=True).start()
    while (frame := read_frame(host.stdout)) is not None:
        kind, payload = frame
        if what == "cut" and kind == READ_TERMS:
            host.kill()
            break
        if what == "swap" and kind == LIST_TERMS:
            payload = swapped(payload)
        write_frame(sys.stdout.buffer, kind, payload)
    host.wait()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:4])
