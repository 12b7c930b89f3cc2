"""Debian's Postfix with a configuration and a queue of its own in a temporary folder, on a port of
its own, journaling to an archive over LMTP as docs for administrators say."""
import os
import shutil
import subprocess

import harness

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.test
mydestination =
mynetworks = 127.0.0.0/8
recipient_delimiter =
alias_maps =
local_recipient_maps =
local_transport = discard:
relay_domains = example.com
relay_transport = discard:
default_transport = discard:
transport_maps = inline:{{ archive.test=lmtp:inet:127.0.0.1:{archive_port} }}
recipient_bcc_maps = regexp:{folder}/recipient_bcc
sender_bcc_maps = regexp:{folder}/sender_bcc
smtputf8_enable = no
local_header_rewrite_clients =
queue_run_delay = 2s
minimal_backoff_time = 1s
maximal_backoff_time = 3s
default_destination_concurrency_limit = 8
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

RECIPIENT_BCC = r"""
if !/@archive\.test$/
/^(.+)@(.+)$/ archive+$1=$2@archive.test
endif
"""
SENDER_BCC = r"/^(.+)@(example\.com)$/ archive+from+$1=$2@archive.test" + "\n"


class Postfix:
    def __init__(self, folder, archive_port):
        harness.need_root()
        harness.need_program("postfix", "postqueue")
        self.folder, self.port = folder, harness.free_port()
        folder.parent.chmod(0o711)  # its daemons run as user postfix
        for name in ["", "queue", "data"]:
            (folder / name).mkdir(exist_ok=True)
            (folder / name).chmod(0o755)
        shutil.chown(folder / "data", "postfix")
        values = dict(folder=folder, archive_port=archive_port, port=self.port)
        (folder / "main.cf").write_text(MAIN.format(**values))
        (folder / "master.cf").write_text(MASTER.format(**values))
        (folder / "recipient_bcc").write_text(RECIPIENT_BCC)
        (folder / "sender_bcc").write_text(SENDER_BCC)

    def command(self, *words, check=True):
        done = subprocess.run([words[0], "-c", str(self.folder), *words[1:]], capture_output=True,
                              text=True, env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        if check and done.returncode != 0:
            raise AssertionError(f"{words}: {done.stdout}{done.stderr}\n{self.log_text()[-3000:]}")
        return done.stdout

    def log_text(self):
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def queue(self):
        """Messages that wait."""
        listing = self.command("postqueue", "-j", check=False)
        return len([line for line in listing.splitlines() if line.strip()])

    def flush(self):
        self.command("postqueue", "-f", check=False)

    def __enter__(self):
        self.command("postfix", "start")
        return self

    def __exit__(self, *_):
        self.command("postfix", "stop", check=False)
