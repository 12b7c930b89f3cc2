"""Policy, approvals and grants with real SSH keys: what is approved is granted and restores, and
whatever lacks an approval, goes by another policy or was changed afterwards is refused, with the
reason in the message."""
import json
import os
import re
import signal
import subprocess

import harness
import mails
from harness import Daemon, Ledger, Vault
from lmtp import Lmtp

PROGRAMS = harness.build()
FAILED, USAGE, NOTHING, REFUSED = 1, 2, 3, 4
APPROVERS = {"Anna Beispiel": ("ed25519", []), "Bert": ("ecdsa", ["-b", "384"]),
             "Cora": ("rsa", ["-b", "2048"])}
NEEDED = {"read": 2, "shred": 1, "policy": 1}


class Site:
    """A vault with mail, a policy in force that wants approvals, and the approvers' keys."""

    def __init__(self, policy=True):
        harness.need_program("ssh-keygen")
        self.vault = Vault(PROGRAMS)
        self.folder, self.ledger = self.vault.folder, Ledger()
        for name, (kind, size) in APPROVERS.items():
            subprocess.run(["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "x@host", "-f",
                            self.key(name)], check=True)
        with Daemon(self.vault), Lmtp(self.vault.address) as client:
            for number in range(3):
                message = mails.ordinary(number)
                self.ledger.sending(message)
                for reply in client.deliver("s@example.net", ["anna@example.com"], message):
                    self.ledger.add(reply.archive_id, "anna@example.com", message)
        if policy:
            self.draft("first.draft")
            self.sign("first.draft", "first.policy")
            self.command("policy", "set", self.vault.path, self.folder / "first.policy")

    def command(self, *words, **options):
        return self.vault.command(*words, **options)

    def key(self, name):
        return self.folder / name.split()[0].lower()

    def public(self, name):
        kind, base64, _ = self.key(name).with_suffix(".pub").read_text().split(" ", 2)
        return f"{kind} {base64}"

    def draft(self, name, needed=None, approvers=None):
        """The next policy as an editor would leave it."""
        path = self.folder / name
        self.command("policy", "show", self.vault.path, "--out", path)
        text = path.read_text()
        for act, count in (NEEDED if needed is None else needed).items():
            text, times = re.subn(rf"^needed-{act}: \d+$", f"needed-{act}: {count}", text, flags=re.M)
            assert times == 1, act
        names = sorted(APPROVERS if approvers is None else approvers)
        lines = "".join(f"approver: {self.public(n)} {n}\n" for n in names)
        text = re.sub(r"^approvers: \d+\n(approver: .*\n)*", f"approvers: {len(names)}\n{lines}", text,
                      flags=re.M)
        path.write_text(text)
        return path

    def sign(self, draft, policy, status=0, options=(), master=None):
        return self.command("grant", self.folder / draft, "--master", master or self.vault.master,
                            "--passphrase-file", self.vault.passphrase, "--out",
                            self.folder / policy, *options, status=status)

    def request(self, name="r", reader=None, status=0, options=("--from", "1980-01", "--to",
                                                                 "2099-12")):
        path = self.folder / f"{name}.request"
        path.unlink(missing_ok=True)
        self.command("request", self.vault.path, "--case", "test", "--reason", "system test",
                     "--mailbox", "anna@example.com", *options, "--for",
                     reader or self.folder / "reader.pub", "--out", path, status=status)
        return path

    def approve(self, path, *names, status=0, **options):
        for name in names:
            done = self.command("approve", path, "--key", self.key(name), "--as", name,
                                status=status, **options)
        return done

    def grant(self, request, status=0, options=(), passphrase=None):
        out = request.with_suffix(".grant")
        out.unlink(missing_ok=True)
        done = self.command("grant", request, "--master", self.vault.master, "--passphrase-file",
                            passphrase or self.vault.passphrase, *options, status=status)
        return out if status == 0 else done

    def set_policy(self, name, status=0):
        return self.command("policy", "set", self.vault.path, self.folder / name, status=status)

    def serial(self):
        return self.vault.status()["vault"]["policy_serial"]


class Shared:
    site = None

    @classmethod
    def get(cls):
        if cls.site is None:
            cls.site = Site()
            harness.share(cls.site.vault)
        return cls.site


def said(done, *texts):
    for text in texts:
        assert text in (done.stderr + done.stdout).decode(), f"no \"{text}\" in {done.stderr.decode()}"


def request_approved_with_any_two_kinds_of_key_is_granted_and_restores():
    site = Shared.get()
    for pair in [("Anna Beispiel", "Bert"), ("Bert", "Cora"), ("Cora", "Anna Beispiel")]:
        request = site.request()
        hashed = request.read_text().rpartition("approvals: ")[0]
        site.approve(request, *pair)
        text = request.read_text()
        assert text.startswith(hashed) and "\napprovals: 2\n" in text
        names = re.findall(r"^approval: \S+ (.*)$", text, re.M)
        assert names == sorted(pair), names
        site.vault.check_ledger(site.ledger, site.vault.restored(site.grant(request)))


def request_that_lacks_approvals_is_refused_before_the_passphrase():
    site = Shared.get()
    nowhere = site.folder / "no-such-passphrase"
    request = site.request()
    said(site.grant(request, REFUSED, passphrase=nowhere), "2 approvals are needed, 0 count",
         "missing: any of Anna Beispiel, Bert, Cora", "serial 1")
    site.approve(request, "Bert")
    said(site.grant(request, REFUSED, passphrase=nowhere), "1 counts (Bert)",
         "missing: any of Anna Beispiel, Cora")
    site.approve(request, "Bert")
    said(site.grant(request, REFUSED, passphrase=nowhere), "1 counts (Bert)")
    assert "policy 1" not in site.request().read_text()


def request_changed_after_it_was_approved_is_refused():
    site = Shared.get()
    request = site.request()
    site.approve(request, "Anna Beispiel", "Bert")
    request.write_text(request.read_text().replace("reason: system test", "reason: another one"))
    said(site.grant(request, REFUSED), "the signature does not fit", "2 approvals are needed, 0")


def approval_by_the_wrong_key_or_name_is_refused_when_it_is_made():
    site = Shared.get()
    request = site.request()
    before = request.read_bytes()
    said(site.command("approve", request, "--key", site.key("Bert"), "--as", "Cora",
                      status=FAILED), "another key than the policy has")
    said(site.command("approve", request, "--key", site.key("Bert"), "--as", "Dora",
                      status=REFUSED), "Dora is not an approver of policy 1")
    site.command("approve", request, "--key", site.folder / "no-such-key", "--as", "Bert",
                 status=REFUSED)
    assert request.read_bytes() == before


def reader_does_not_approve_his_own_request():
    site = Shared.get()
    site.command("identity", "create", "--name", "bert", "--out", site.folder / "bert-reads.key")
    request = site.request("own", reader=site.folder / "bert-reads.pub")
    said(site.approve(request, "Bert", status=REFUSED), "nobody approves his own request")
    site.approve(request, "Anna Beispiel")
    said(site.grant(request, REFUSED), "1 counts (Anna Beispiel); missing: any of Cora")
    # Signed with ssh-keygen alone, as somebody would who wants round the command.
    text = request.read_text()
    signed = subprocess.run(["ssh-keygen", "-Y", "sign", "-n", "muniment-request", "-f",
                             site.key("Bert")], check=True, capture_output=True,
                            input=text.rpartition("approvals: ")[0].encode()).stdout.decode()
    base64 = "".join(signed.splitlines()[1:-1])
    request.write_text(text.replace("approvals: 1", "approvals: 2") + f"approval: {base64} Bert\n")
    said(site.grant(request, REFUSED), "1 counts (Anna Beispiel)", "his own request")
    site.approve(request, "Cora")
    site.grant(request)


def key_in_an_agent_approves():
    harness.need_program("ssh-agent", "ssh-add")
    site = Shared.get()
    started = subprocess.run(["ssh-agent", "-s"], check=True, capture_output=True, text=True).stdout
    found = dict(re.findall(r"(SSH_\w+)=([^;]+);", started))
    hidden = site.folder / "anna-elsewhere"
    try:
        env = {**os.environ, **found}
        subprocess.run(["ssh-add", "-q", site.key("Anna Beispiel")], check=True, env=env,
                       capture_output=True)
        site.key("Anna Beispiel").rename(hidden)
        request = site.request("agent")
        site.command("approve", request, "--key", f"{site.key('Anna Beispiel')}.pub", "--as",
                     "Anna Beispiel", env=found)
    finally:
        hidden.rename(site.key("Anna Beispiel"))
        os.kill(int(found["SSH_AGENT_PID"]), signal.SIGTERM)
    site.approve(request, "Cora")
    site.grant(request)


# ---- policy -----------------------------------------------------------------------------------


def first_policy_needs_a_master_and_a_daemon_takes_it_too():
    site = Site(policy=False)
    assert site.serial() == 0
    assert "serial: 0" in site.command("policy", "show", site.vault.path).stdout.decode()
    site.draft("first.draft")
    with Daemon(site.vault):
        said(site.set_policy("first.draft", REFUSED), "draft that no master has signed")
        site.command("master", "create", "--out", site.folder / "stranger", "--passphrase-file",
                     site.vault.passphrase)
        stranger = next(p for p in (site.folder / "stranger").iterdir() if p.suffix == "")
        site.sign("first.draft", "stranger.policy", master=stranger)
        said(site.set_policy("stranger.policy", REFUSED), "not signed by a master")
        site.sign("first.draft", "first.policy")
        site.set_policy("first.policy")
        assert site.serial() == 1
        said(site.set_policy("first.policy", REFUSED), "only 2 can follow")
    shown = json.loads(site.command("policy", "show", site.vault.path, "--json").stdout)
    assert shown["serial"] == 1 and shown["approvals_needed"]["read"] == 2, shown
    assert [a["name"] for a in shown["approvers"]] == sorted(APPROVERS)
    printed = site.command("policy", "show", site.vault.path).stdout
    assert printed == (site.folder / "first.policy").read_bytes()


def policy_is_changed_with_approvals_and_old_grants_end():
    site = Site()
    old = site.request("old")
    site.approve(old, "Anna Beispiel", "Bert")
    site.draft("second.draft", needed={"read": 1})
    said(site.sign("second.draft", "second.policy", REFUSED), "changing policy 1",
         "1 approval is needed, 0 count")
    site.approve(site.folder / "second.draft", "Cora")
    site.sign("second.draft", "second.policy")
    # A master that was talked into it does not help: the vault counts again.
    text = (site.folder / "second.policy").read_text()
    (site.folder / "changed.policy").write_text(text.replace("needed-read: 1", "needed-read: 0"))
    said(site.set_policy("changed.policy", FAILED), "changed after it was signed")
    with Daemon(site.vault):
        site.set_policy("second.policy")
    assert site.serial() == 2
    kept = site.vault.master.with_name(site.vault.master.name + ".policy")
    assert kept.read_text() == text
    said(site.grant(old, REFUSED), "goes by policy 1, but policy 2 is kept")
    new = site.request("new")
    site.approve(new, "Anna Beispiel")
    site.grant(new)


def policy_by_another_master_is_trusted_only_when_said_so():
    harness.need_program("ssh-keygen")
    site = Site(policy=False)
    for name in ["one", "two"]:
        site.command("master", "create", "--out", site.folder / name, "--passphrase-file",
                     site.vault.passphrase)
    masters = {name: next(p for p in (site.folder / name).iterdir() if p.suffix == "")
               for name in ["one", "two"]}
    site.vault.path = site.folder / "second-vault"
    site.command("init", site.vault.path, "--master", site.folder / "one" / "master.pub", "--master",
                 site.folder / "two" / "master.pub", "--domain", "example.com")
    harness.set_keys(site.vault.config, {"listen": f"127.0.0.1:{site.vault.port}",
                                         "disk_reserve": "16M"})
    with Daemon(site.vault), Lmtp(site.vault.address) as client:
        client.deliver("s@example.net", ["anna@example.com"], mails.ordinary(1))
    site.draft("first.draft", needed={"read": 0})
    site.sign("first.draft", "first.policy", master=masters["one"])
    site.set_policy("first.policy")
    words = ("grant", site.request(), "--master", masters["two"], "--passphrase-file",
             site.vault.passphrase, "--out")
    said(site.command(*words, site.folder / "x", status=REFUSED), "--trust-master")
    site.command(*words, site.folder / "y", "--trust-master", site.folder / "one" / "master.pub")
    # Once trusted it is named in the policy that is kept.
    site.command(*words, site.folder / "z")


# ---- requests ---------------------------------------------------------------------------------


def months_without_keys_are_cut_and_asked_for_with_extend():
    site = Site(policy=False)
    out = site.folder / "cut.request"
    done = site.command("request", site.vault.path, "--case", "c", "--reason", "r", "--all", "--from",
                        "1980-01", "--to", "2099-12", "--for", site.folder / "reader.pub", "--out",
                        out, "--json")
    shown = json.loads(done.stdout)
    said(done, "--extend")
    assert shown["cut"] and shown["to"] < "2099" and f"to: {shown['to']}" in out.read_text(), shown
    first = site.grant(out)
    extend = ("request", site.vault.path, "--reason", "more", "--extend", first, "--out",
              site.folder / "more.request")
    said(site.command(*extend, status=NOTHING), "no mail has come since")
    # Old mail comes into a month that had no key.
    mail = site.folder / "old.eml"
    mail.write_bytes(b"Date: Fri, 05 Mar 2021 10:00:00 +0000\r\nReceived: from a by b;"
                     b" Fri, 05 Mar 2021 10:00:00 +0000\r\nSubject: old\r\n\r\nold\r\n")
    site.command("import", site.vault.path, "--mailbox", "anna@example.com", mail)
    site.command(*extend)
    text = (site.folder / "more.request").read_text()
    assert re.findall(r"^key: (\d+)", text, re.M) == ["202103"], text
    assert "case: c\n" in text
    second = site.grant(site.folder / "more.request")
    assert len(site.vault.restored(second)) == 1
    assert len(site.vault.restored(first)) == 3
    site.command(*extend, "--all", status=USAGE)


def acts_that_are_not_granted_carry_no_keys():
    site = Shared.get()
    words = ("request", site.vault.path, "--case", "c", "--reason", "r", "--mailbox",
             "anna@example.com", "--act")
    out = site.folder / "shred.request"
    site.command(*words, "shred", "--out", out)
    text = out.read_text()
    assert "act: shred\n" in text and "detail: none\n" in text and "\nkeys: 0\n" in text, text
    assert "\nkey: " not in text and "reader" not in text
    assert "mailbox: " in text and " anna@example.com\n" in text
    site.approve(out, "Bert")
    said(site.grant(out, REFUSED), "approved, not granted")
    site.command(*words, "hold-remove", "--detail", "hold 7", "--out", site.folder / "h.request")
    assert "detail: hold 7\n" in (site.folder / "h.request").read_text()
    for act in ["nosuchact", "policy", "vaultkey"]:
        site.command(*words, act, "--out", site.folder / "x.request", status=USAGE)
    site.command(*words, "erase", "--for", site.folder / "reader.pub", "--out",
                 site.folder / "x.request", status=USAGE)
    site.command("request", site.vault.path, "--case", "c", "--reason", "r", "--act", "vaultkey",
                 "--detail", "roll", "--out", site.folder / "vaultkey.request")


def scope_is_kept_to_the_second_and_the_id():
    site = Shared.get()
    ids = sorted(site.ledger.acknowledged)
    request = site.request("one-id", options=("--message", ids[0], "--from", "1980-01", "--to",
                                              "2099-12"))
    site.approve(request, "Anna Beispiel", "Bert")
    assert list(site.vault.restored(site.grant(request))) == [ids[0]]
    second = "2021-03-05T10:00:00Z"
    site.request("empty", status=USAGE, options=("--from", second, "--to", second))
    request = site.request("second", options=("--from", "2020-01-01T00:00:01Z", "--to",
                                              "2098-12-31T23:59:58Z"))
    assert "from: 2020-01-01T00:00:01Z\n" in request.read_text()


if __name__ == "__main__":
    harness.run(request_approved_with_any_two_kinds_of_key_is_granted_and_restores,
                request_that_lacks_approvals_is_refused_before_the_passphrase,
                request_changed_after_it_was_approved_is_refused,
                approval_by_the_wrong_key_or_name_is_refused_when_it_is_made,
                reader_does_not_approve_his_own_request, key_in_an_agent_approves,
                first_policy_needs_a_master_and_a_daemon_takes_it_too,
                policy_is_changed_with_approvals_and_old_grants_end,
                policy_by_another_master_is_trusted_only_when_said_so,
                months_without_keys_are_cut_and_asked_for_with_extend,
                acts_that_are_not_granted_carry_no_keys, scope_is_kept_to_the_second_and_the_id)
