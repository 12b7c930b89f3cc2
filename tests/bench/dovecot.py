"""A Dovecot LMTP server in a folder of its own, as the benchmark's peer: Debian's packages, started by
the benchmark itself, mail_fsync=always; sealed (zlib with zstd, mail_crypt) or plaintext."""
import glob
import os
import pwd
import resource
import shutil
import subprocess
import time

CONFIG = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
protocols = lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = dovecot
default_login_user = dovenull
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
mail_home = {dir}/mail/%n
mail_location = {format}:{dir}/mail/%n/box
mail_fsync = always
lmtp_save_to_detail_mailbox = no
postmaster_address = postmaster@example.org
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%n
}}
service lmtp {{
  process_limit = 64
  process_min_avail = {processes}
  unix_listener lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
{plugins}
"""

SEALED = """
mail_plugins = zlib mail_crypt
plugin {{
  zlib_save = zstd
  zlib_save_level = 3
  mail_crypt_global_public_key = <{dir}/public.pem
  mail_crypt_global_private_key = <{dir}/private.pem
  mail_crypt_save_version = 2
}}
"""


INDEXED = """
mail_plugins = $mail_plugins fts fts_xapian
plugin {{
  fts = xapian
  fts_xapian = partial=3 full=20
  fts_autoindex = yes
  fts_enforced = yes
}}
service indexer-worker {{
  vsz_limit = 2G
  process_limit = 2
}}
"""


class Dovecot:
    """Context manager; .cpu_s is set when it has ended: CPU of all its processes."""

    def __init__(self, folder, port, sealed, mail_format="maildir", processes=16,
                 index=False):
        self.folder, self.port, self.sealed = folder, port, sealed
        self.mail_format, self.processes, self.index = mail_format, processes, index
        self.cpu_s = None

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder + "/mail")
        user = pwd.getpwnam("mail")
        os.chown(self.folder + "/mail", user.pw_uid, user.pw_gid)
        os.chmod(self.folder, 0o755)
        plugins = ""
        if self.sealed:
            self._make_keys()
            plugins = SEALED.format(dir=self.folder)
        if self.index:
            plugins += INDEXED.format()
        with open(self.folder + "/dovecot.conf", "w", encoding="ascii") as config:
            config.write(CONFIG.format(dir=self.folder, uid=user.pw_uid, gid=user.pw_gid,
                                       port=self.port, plugins=plugins, format=self.mail_format,
                                       processes=self.processes))
        self.before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.process = subprocess.Popen(["dovecot", "-F", "-c", self.folder + "/dovecot.conf"])
        self._wait_for_socket()
        return self

    def _make_keys(self):
        private, public = self.folder + "/private.pem", self.folder + "/public.pem"
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
                        private + ".ec"], check=True)
        subprocess.run(["openssl", "pkey", "-in", private + ".ec", "-out", private], check=True)
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)

    def _wait_for_socket(self):
        import socket
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("dovecot did not start; see " + self.folder + "/log")

    def wait_for_index(self):
        """All that was delivered is in the full-text index: no worker has done anything for a
        second. Returns when the last one did."""
        ticks, since = -1, time.perf_counter()
        while time.perf_counter() - since < 1:
            now = self._worker_ticks()
            if now != ticks:
                ticks, since = now, time.perf_counter()
            time.sleep(0.05)
        return since

    @staticmethod
    def _worker_ticks():
        total = 0
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="ascii", errors="replace") as file:
                    name, _, rest = file.read().rpartition(")")
            except OSError:
                continue
            if "indexer" in name:
                fields = rest.split()
                total += int(fields[11]) + int(fields[12])
        return total

    def stored_bytes(self):
        total = 0
        for root, _, files in os.walk(self.folder + "/mail"):
            total += sum(os.path.getsize(os.path.join(root, name)) for name in files)
        return total

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu_s = (after.ru_utime + after.ru_stime) - (self.before.ru_utime +
                                                          self.before.ru_stime)
