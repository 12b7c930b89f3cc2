"""A disk that is really full (a small tmpfs): only 4xx, no 250 lost, the commands still work, and
mail is taken again when space returns. Needs root, for the mount."""
import pathlib
import shutil
import subprocess
import tempfile

import harness
import mails
from harness import Daemon, Ledger, Skip, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
SIZE = "56m"  # with the reserve file of 16 MiB in it


class SmallDisk:
    def __enter__(self):
        harness.need_root()
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="muniment-disk-"))
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", self.path],
                               capture_output=True, text=True)
        if mount.returncode != 0:
            self.path.rmdir()
            raise Skip(f"tmpfs cannot be mounted: {mount.stderr.strip()}")
        return self.path

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=True)
        self.path.rmdir()


def vault_on(disk, reserve):
    vault = Vault(PROGRAMS)
    vault.configure(disk_reserve=reserve)
    shutil.copytree(vault.path, disk / "vault")
    shutil.copy(vault.key_path, disk / "vault.vaultkey")
    vault.path = disk / "vault"
    return vault


def fill(vault, ledger, first):
    """Sends until something is refused; (number of archived, the refusal)."""
    with Lmtp(vault.address) as client:
        for number in range(first, first + 2000):
            message = mails.attachment(number, 60000)
            recipient = f"box{number % 50}@example.com"
            ledger.sending(message)
            replies = client.envelope(f"s{number}@b.test", [recipient])
            if replies[0].code == 250:
                replies = [client.command("DATA")]
                if replies[0].code == 354:
                    client.send(message.replace(b"\r\n.", b"\r\n..") + b".\r\n")
                    replies = [client.reply()]
            if replies[0].code != 250:
                return number - first, replies[0]
            ledger.add(replies[0].archive_id, recipient, message)
    raise AssertionError("the disk never got full")


def commands_work(vault, ledger):
    vault.check_ledger(ledger)
    vault.status()
    vault.command("mailbox", "list", vault.path)
    vault.verify()


def full_disk_puts_mail_off_and_loses_none(reserve, ballast):
    with SmallDisk() as disk:
        vault, ledger = vault_on(disk, reserve), Ledger()
        with open(disk / "ballast", "wb") as file:
            file.write(bytes(ballast))
        with Daemon(vault) as daemon:
            count, refusal = fill(vault, ledger, 0)
            assert count > 10, f"only {count} archived, then {refusal}"
            assert refusal.code in (451, 452), refusal
            commands_work(vault, ledger)
            daemon.kill()
        commands_work(vault, ledger)  # the command recovers, on a full disk
        with Daemon(vault) as daemon:
            _, refusal = fill(vault, ledger, 3000)
            assert refusal.code in (451, 452), refusal
            commands_work(vault, ledger)
            (disk / "ballast").unlink()
            harness.eventually("mail is taken again", lambda: fill(vault, ledger, 5000)[0] > 5, 30)
            vault.check_ledger(ledger)
            daemon.kill()
        vault.check_ledger(ledger)
        vault.verify()


def full_disk_without_reserve_loses_nothing():
    full_disk_puts_mail_off_and_loses_none("0", 8 << 20)


def full_disk_with_reserve_loses_nothing():
    full_disk_puts_mail_off_and_loses_none("8M", 8 << 20)


if __name__ == "__main__":
    harness.run(full_disk_without_reserve_loses_nothing, full_disk_with_reserve_loses_nothing)
