"""A real sshd on a port of its own, with its own host key and configuration in a temporary folder.

As root it runs in a mount namespace whose passwd file has one account more: the archive's owner, so
that host and reader are two users and no account is left behind. Else host and reader are the same
user, and `has_own_account` is False.
"""
import getpass
import os
import pathlib
import shutil
import subprocess
import tempfile

import harness

ACCOUNT, ACCOUNT_ID = "munimenthost", 61234

CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitUserEnvironment no
SetEnv PATH={programs}:/usr/bin:/bin
LogLevel VERBOSE
"""

# In a mount namespace of its own: the account, and where sshd keeps nothing.
ENTER = """
mount --bind {folder}/passwd /etc/passwd
mkdir -p /run/sshd
exec {sshd} -D -e -f {folder}/sshd_config
"""


class Sshd:
    def __init__(self, programs):
        harness.need_program("sshd", "ssh", "ssh-keygen")
        self.has_own_account = os.geteuid() == 0
        self.account = ACCOUNT if self.has_own_account else getpass.getuser()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="muniment-sshd-"))
        harness.KEPT.append(self.folder)
        self.folder.chmod(0o711)
        self.port = harness.free_port()
        self.place_programs(programs)
        for name in ["host_key", "client_key"]:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                            self.folder / name], check=True)
        self.allow()
        (self.folder / "sshd_config").write_text(
            CONFIG.format(port=self.port, folder=self.folder, programs=self.folder / "bin"))
        host_key = (self.folder / "host_key.pub").read_text()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host_key}")
        self.start()

    def place_programs(self, programs):
        """Where the account can reach them, which a checkout may not be."""
        (self.folder / "bin").mkdir(mode=0o755)
        for program in [programs.muniment, programs.archived]:
            shutil.copy(program, self.folder / "bin" / program.name)

    def allow(self, options=""):
        """What the client's key may do."""
        path = self.folder / "authorized_keys"
        path.write_text(f"{options} {(self.folder / 'client_key.pub').read_text()}")
        path.chmod(0o644)

    def start(self):
        sshd = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        words = [sshd, "-D", "-e", "-f", self.folder / "sshd_config"]
        if self.has_own_account:
            (self.folder / "passwd").write_text(
                pathlib.Path("/etc/passwd").read_text()
                + f"{ACCOUNT}:x:{ACCOUNT_ID}:{ACCOUNT_ID}::/:/bin/sh\n")
            (self.folder / "passwd").chmod(0o644)
            words = ["unshare", "--mount", "sh", "-ec",
                     ENTER.format(folder=self.folder, sshd=sshd)]
        self.log = self.folder / "sshd.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        harness.RUNNING.append(self.process)
        harness.eventually("sshd listens", self.is_listening)

    def is_listening(self):
        if self.process.poll() is not None:
            text = self.log.read_text(errors="replace")
            if "Operation not permitted" in text or "unshare" in text:
                raise harness.Skip("no mount namespace can be made here: " + text.strip()[-200:])
            raise AssertionError("sshd ended:\n" + text)
        return "Server listening" in self.log.read_text(errors="replace")

    def give(self, vault):
        """The vault belongs to the account; its folder can be passed through by it."""
        if self.has_own_account:
            vault.folder.chmod(0o711)
            for path in [vault.path, *vault.path.rglob("*"), vault.key_path]:
                os.chown(path, ACCOUNT_ID, ACCOUNT_ID)

    def daemon(self, vault):
        """`archived` as the account."""
        if not self.has_own_account:
            return harness.Daemon(vault)
        return harness.Daemon(vault, program=self.folder / "bin" / "archived", user=ACCOUNT_ID)

    @property
    def command(self):
        """For --ssh."""
        return (f"ssh -F none -i {self.folder}/client_key -o IdentitiesOnly=yes -o BatchMode=yes"
                f" -o UserKnownHostsFile={self.folder}/known_hosts -o StrictHostKeyChecking=yes")

    def address(self, vault):
        return f"ssh://{self.account}@127.0.0.1:{self.port}{vault.path}"

    def descendants(self):
        """Process ids of this sshd and of all that it started, down to `muniment serve`."""
        parents = {}
        for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
            except OSError:
                continue
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            waiting += parents.get(pid, [])
        return found
