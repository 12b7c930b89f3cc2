"""`muniment import`: every format gives the same messages exactly, folders and flags are kept, a
killed import goes on and stores nothing twice."""
import collections
import io
import subprocess
import tarfile
import time
import zipfile

import harness
import mails
from harness import Daemon, Vault, sha256

PROGRAMS = harness.build()
OWNER = "keeper@example.com"


def message(number):
    """With lines that mbox formats must quote, and a date for each."""
    return (b"Received: from x by y; Tue, %d Mar 2022 10:00:00 +0000\r\n" % (number % 28 + 1) +
            mails.ordinary(number, 1500) +
            b"From the beginning\r\n>From quoted\r\n>>From twice\r\n\r\nFrom inside\r\n")


def lf(data):
    return data.replace(b"\r\n", b"\n")


def mboxrd(messages):
    return b"".join(b"From x@y Tue Mar  1 10:00:00 2022\n" +
                    b"".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line
                             for line in lf(m).splitlines(True)) + b"\n" for m in messages)


def mboxo(messages):
    return b"".join(b"From x@y Tue Mar  1 10:00:00 2022\n" +
                    b"".join(b">" + line if line.startswith(b"From ") else line
                             for line in lf(m).splitlines(True)) + b"\n" for m in messages)


def mboxcl2(messages):
    out = b""
    for m in messages:
        head, _, body = lf(m).partition(b"\n\n")
        out += (b"From x@y Tue Mar  1 10:00:00 2022\n" + head + b"\nContent-Length: %d\n\n" % len(body) +
                body + b"\n")
    return out


def imported(vault):
    """Counter of the SHA-256 of what restores, line ends made CRLF and Content-Length taken out, as
    the formats differ in these."""
    out = vault.folder / f"out{time.monotonic_ns()}"
    vault.restore(out)
    found = collections.Counter()
    for file in out.rglob("*.eml"):
        text = mails.with_crlf(file.read_bytes())
        lines = [l for l in text.split(b"\r\n") if not l.startswith(b"Content-Length: ")]
        found[sha256(b"\r\n".join(lines))] += 1
    return found


def expect(vault, messages):
    found, wanted = imported(vault), collections.Counter(sha256(m) for m in messages)
    assert found == wanted, f"{len(found - wanted)} strange or twice, {len(wanted - found)} missing"


def import_into(vault, *paths, **options):
    return vault.command("import", vault.path, "--mailbox", OWNER, *paths, **options)


def mbox_formats_import_exactly():
    messages = [message(n) for n in range(60)]
    for name, text in [("mboxrd", mboxrd(messages)), ("mboxcl2", mboxcl2(messages))]:
        vault = Vault(PROGRAMS)
        (vault.folder / f"{name}.mbox").write_bytes(text)
        import_into(vault, vault.folder / f"{name}.mbox")
        expect(vault, messages)


def mboxo_imports_without_losing_a_message():
    """mboxo cannot be undone: ">From" of the sender and of the quoting look alike."""
    messages = [message(n) for n in range(60)]
    vault = Vault(PROGRAMS)
    (vault.folder / "o.mbox").write_bytes(mboxo(messages))
    import_into(vault, vault.folder / "o.mbox")
    assert sum(imported(vault).values()) == len(messages)


def maildir(folder, messages):
    for name in ["cur", "new", "tmp", ".Sent.2022/cur", ".Sent.2022/new", ".Sent.2022/tmp"]:
        (folder / name).mkdir(parents=True)
    for number, text in enumerate(messages):
        place = ["cur", "new", ".Sent.2022/cur"][number % 3]
        flags = ":2,RS" if place.endswith("cur") else ""
        (folder / place / f"{1646128800 + number}.M{number}P1.host{flags}").write_bytes(lf(text))


def maildirs_trees_and_archives_import_exactly():
    messages = [message(n) for n in range(60)]
    vault = Vault(PROGRAMS)
    root = vault.folder / "input"
    maildir(root / "maildir", messages[:20])
    (root / "tree" / "deep").mkdir(parents=True)
    for number, text in enumerate(messages[20:40], 20):
        (root / "tree" / ("deep" if number % 2 else "") / f"{number}.eml").write_bytes(text)
    with tarfile.open(root / "some.tar", "w") as tar:
        for number, text in enumerate(messages[40:50], 40):
            add_to_tar(tar, f"in/{number}.eml", text)
        add_to_tar(tar, "in/box.mbox", mboxrd(messages[50:55]))
    with zipfile.ZipFile(root / "some.zip", "w") as archive:
        for number, text in enumerate(messages[55:], 55):
            archive.writestr(f"{number}.eml", text)
    import_into(vault, root / "maildir", root / "tree", root / "some.tar", root / "some.zip")
    expect(vault, messages)


def add_to_tar(tar, name, text):
    entry = tarfile.TarInfo(name)
    entry.size = len(text)
    tar.addfile(entry, io.BytesIO(text))


def folders_and_flags_survive_into_a_maildir():
    messages = [message(n) for n in range(9)]
    vault = Vault(PROGRAMS)
    maildir(vault.folder / "maildir", messages)
    import_into(vault, vault.folder / "maildir")
    vault.restore(vault.folder / "out", format="maildir")
    names = [str(p.relative_to(vault.folder / "out")) for p in (vault.folder / "out").rglob("*:2,*")]
    seen = [n for n in names if n.endswith(":2,RS")]
    assert len(seen) == 6, names
    assert sum("Sent" in n and "2022" in n for n in names) == 3, names


def killed_import_goes_on_and_stores_nothing_twice():
    messages = [message(n) for n in range(1200)]
    vault = Vault(PROGRAMS)
    (vault.folder / "big.mbox").write_bytes(mboxrd(messages))
    words = [str(vault.programs.muniment), "import", str(vault.path), "--mailbox", OWNER,
             str(vault.folder / "big.mbox")]
    kills = 0
    for turn in range(6):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(0.15 * (turn + 1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert kills >= 2, "the import was never killed"
    import_into(vault, vault.folder / "big.mbox")
    expect(vault, messages)
    import_into(vault, vault.folder / "big.mbox")  # and the whole once more
    expect(vault, messages)


def import_through_a_running_daemon():
    messages = [message(n) for n in range(60)]
    vault = Vault(PROGRAMS)
    (vault.folder / "box.mbox").write_bytes(mboxrd(messages))
    with Daemon(vault):
        import_into(vault, vault.folder / "box.mbox")
        expect(vault, messages)


def same_mail_in_two_folders_stays_two_and_is_not_archived_a_third_time():
    messages = [message(n) for n in range(20)]
    vault = Vault(PROGRAMS)
    for name in ["one.mbox", "two.mbox"]:
        (vault.folder / name).write_bytes(mboxrd(messages))
    import_into(vault, vault.folder / "one.mbox")
    import_into(vault, vault.folder / "one.mbox", vault.folder / "two.mbox")
    expect(vault, messages + messages)
    import_into(vault, vault.folder / "two.mbox")
    expect(vault, messages + messages)


def names_of_any_length_lose_no_mail():
    vault = Vault(PROGRAMS)
    path = vault.folder / "long.tar"
    with tarfile.open(path, "w") as tar:
        for number, name in enumerate(["d" * 6000, "e" * 70000, "/".join(["f" * 200] * 30)]):
            content = mails.ordinary(number)
            member = tarfile.TarInfo(name + "/x.eml")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    vault.command("import", vault.path, path, "--mailbox", "a@example.com")
    with Daemon(vault):
        vault.command("import", vault.path, path, "--mailbox", "b@example.com")
    assert len(vault.restored()) == 6


if __name__ == "__main__":
    harness.run(mbox_formats_import_exactly, mboxo_imports_without_losing_a_message,
                maildirs_trees_and_archives_import_exactly,
                folders_and_flags_survive_into_a_maildir,
                killed_import_goes_on_and_stores_nothing_twice, import_through_a_running_daemon,
                same_mail_in_two_folders_stays_two_and_is_not_archived_a_third_time,
                names_of_any_length_lose_no_mail)
