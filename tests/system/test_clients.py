"""Other people's LMTP clients: swaks and Postfix's smtp-source -L."""
import os
import re
import subprocess

import harness
from harness import Daemon, Vault

PROGRAMS = harness.build()


def call(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


def swaks_delivers_to_several_recipients():
    harness.need_program("swaks")
    vault = Vault(PROGRAMS)
    with Daemon(vault):
        output = call("swaks", "--protocol", "LMTP", "--server", f"127.0.0.1:{vault.port}", "--from",
                      "swaks@client.test", "--to", "one@example.com,two@example.com", "--header",
                      "Subject: from swaks", "--pipeline")
        ids = set(re.findall(r"archived as ([0-9a-f]{32})", output))
        assert len(ids) == 1, output
        assert set(vault.restored()[ids.pop()]) == {"one@example.com", "two@example.com"}


def smtp_source_delivers_with_many_sessions():
    harness.need_program("smtp-source")
    vault = Vault(PROGRAMS)
    with Daemon(vault):
        call("smtp-source", "-L", "-s", "20", "-m", "1000", "-r", "3", "-l", "4000", "-f",
             "source@client.test", "-t", "box@example.com", "-N", f"inet:127.0.0.1:{vault.port}")
        vault.command("mailbox", "list", vault.path)  # waits for the catalog, as status does not
        status = vault.status()["vault"]
        assert status["messages"] == 1000, status
    restored = vault.restored()
    assert len(restored) == 1000 and all(len(copies) == 3 for copies in restored.values())


if __name__ == "__main__":
    harness.run(swaks_delivers_to_several_recipients, smtp_source_delivers_with_many_sessions)
