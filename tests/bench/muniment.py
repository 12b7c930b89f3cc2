"""A vault and its daemon in a folder of their own, for the benchmark: release build, default limits."""
import glob
import os
import shutil
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Muniment:
    def __init__(self, build, folder, port, reserve="64M"):
        self.build, self.folder, self.port, self.reserve = build, folder, port, reserve
        self.vault = folder + "/vault"
        self.process = None

    def run(self, *arguments, **options):
        done = subprocess.run([self.build + "/restore/muniment", *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        if done.returncode != 0:
            raise SystemExit(done.stderr.decode())
        return done.stdout

    def create(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.passphrase = self.folder + "/passphrase"
        with open(self.passphrase, "w", encoding="ascii") as file:
            file.write("benchmark only\n")
        self.run("master", "create", "--out", self.folder + "/master", "--passphrase-file",
                 self.passphrase)
        self.run("init", self.vault, "--master", self.folder + "/master/master.pub", "--domain",
                 "example.org")
        self.run("identity", "create", "--out", self.folder + "/reader.key")
        self.configure({"listen": f"127.0.0.1:{self.port}", "disk_reserve": self.reserve,
                         "max_connections": "300", "connections_per_peer": "300"})

    def configure(self, values):
        path = self.vault + "/archived.conf"
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        for key, value in values.items():
            places = [i for i, line in enumerate(lines)
                      if line.lstrip("#").replace(" ", "").startswith(key + "=")]
            if not places:
                raise SystemExit(f"archived.conf has no key {key}")
            lines[places[0]] = f"{key}={value}"
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))

    def start(self):
        self.process = subprocess.Popen([self.build + "/archived/archived", "--config",
                                         self.vault + "/archived.conf"],
                                        stderr=open(self.folder + "/log", "ab"))
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("archived did not start; see " + self.folder + "/log")

    def stop(self):
        self.process.terminate()
        if self.process.wait() != 0:
            raise SystemExit("archived ended badly; see " + self.folder + "/log")

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def tree_cpu_s(self):
        """With the processes that it started, those that are there."""
        total = self.cpu_s()
        for child in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(child, encoding="ascii") as file:
                    fields = file.read().rsplit(") ", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid:
                total += (int(fields[11]) + int(fields[12])) / TICKS
        return total

    def memory_mib(self, name="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) / 1024
        return 0.0

    def pack_bytes(self):
        return sum(os.path.getsize(path) for path in glob.glob(self.vault + "/packs/*"))

    def grant(self):
        """A grant over everything; returns its path."""
        request, grant = self.folder + "/all.request", self.folder + "/all.grant"
        for path in (request, grant):
            if os.path.exists(path):
                os.unlink(path)
        self.run("request", self.vault, "--case", "bench", "--reason", "benchmark", "--all",
                 "--from", "1990-01", "--to", "2099-12", "--for", self.folder + "/reader.pub",
                 "--out", request)
        self.run("grant", request, "--master", self.folder + "/master/master",
                 "--passphrase-file", self.passphrase, "--out", grant)
        return grant

    def restore(self, grant, out):
        self.run("restore", self.vault, "--grant", grant, "--identity", self.folder + "/reader.key",
                 "--all", "--format", "tar.zst", "--out", out)
