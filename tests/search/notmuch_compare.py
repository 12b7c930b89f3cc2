#!/usr/bin/env python3
"""The same queries of the same mail, asked of `muniment search` and of notmuch; every message that
only one of them finds is put down to a rule, and the rules are counted.

    notmuch_compare.py --vault VAULT --grant G --identity KEY --notmuch CONFIG [--queries N]

Needs notmuch with an index of the files that were imported (with LF or CRLF line ends: messages are
told by the SHA-256 of their CRLF form), and a release build. Not part of ./check. A rule speaks of
one leaf of a query (a word, a phrase, ...) and one message; what a composed query finds differently
must be a difference of one of its leaves. Where a rule can be tried by asking again, it is: a word
is found by its stem if notmuch does not find it in quotes. The others look at the message, as
Python reads it. What no rule explains is printed and is the exit status. The rules are in
docs/search-differences.md.
"""
import argparse
import collections
import os
import pathlib
import random
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from notmuch_rules import Reading, rule_of  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[2]
WORD = re.compile(r"[^\W\d_]{4,14}")
OPERATORS = {"and", "or", "not", "near", "adj", "xor"}
SHOWN_MAX = 3  # of a query
FIELDS_OF_BOTH = ["from", "to", "subject", "body"]


# ---- queries ---------------------------------------------------------------------------------------

class Leaf:
    """A query of one operator. `words`: what it looks for; `field`: "" is anywhere."""

    def __init__(self, kind, words, field="", number=0):
        self.kind, self.words, self.field, self.number = kind, words, field, number

    def leaves(self):
        return [self]

    def ours(self, field=None):
        field = self.field if field is None else field
        prefix, text = field + ":" if field else "", " ".join(self.words)
        if self.kind == "near":
            return f"{prefix}{self.words[0]} NEAR/{self.number} {prefix}{self.words[1]}"
        if self.kind == "id":
            return f'id:"{text}"'
        if self.kind == "date":
            return f"date:{text}"
        if self.kind == "prefix":
            return f"{prefix}{text}*"
        return prefix + (f'"{text}"' if self.kind in ("phrase", "address") else text)

    def theirs(self, exact=False):
        prefix, text = self.field + ":" if self.field else "", " ".join(self.words)
        prefix = prefix.replace("filename:", "attachment:")
        if self.kind == "near":
            return f"{prefix}{self.words[0]} NEAR/{self.number + 1} {prefix}{self.words[1]}"
        if self.kind == "id":
            return f'id:"{text}"'
        if self.kind == "date":
            return f"date:{text}..{text}"
        if self.kind == "prefix":
            return f"{prefix}{text}*"
        return prefix + (f'"{text}"' if exact or self.kind in ("phrase", "address") else text)


class Joined:
    def __init__(self, operator, a, b):
        self.operator, self.a, self.b = operator, a, b

    def leaves(self):
        return self.a.leaves() + self.b.leaves()

    def ours(self):
        between = {"and": " ", "or": " OR ", "not": " -"}[self.operator]
        return f"({self.a.ours()}){between}({self.b.ours()})"

    def theirs(self):
        between = {"and": "and", "or": "or", "not": "and not"}[self.operator]
        return f"({self.a.theirs()}) {between} ({self.b.theirs()})"


class Drawer:
    """Draws queries from the words of the mail itself."""

    def __init__(self, readings, seed):
        self.readings, self.dice = readings, random.Random(seed)

    def words(self, text):
        found = [(m.start(), m.end(), m.group().lower()) for m in WORD.finditer(text)]
        return [word for word in found if word[2] not in OPERATORS]

    def leaf(self):
        kind = self.dice.choice(["word"] * 4 + ["field", "phrase"] * 2 + [
            "near", "prefix", "address", "subject", "date", "id", "filename", "foreign", "absent"])
        reading = self.dice.choice(self.readings)()
        leaf = getattr(self, "draw_" + kind)(reading)
        return leaf or self.leaf()

    def draw_word(self, reading, field=""):
        words = self.words(reading.plain or reading.subject)
        return words and Leaf("word", [self.dice.choice(words)[2]], field)

    def draw_field(self, reading):
        return self.draw_word(reading, self.dice.choice(FIELDS_OF_BOTH))

    def draw_phrase(self, reading, kind="phrase"):
        words = self.words(reading.plain)
        if len(words) < 9:
            return None
        at = self.dice.randrange(len(words) - 8)
        if kind == "near":
            return Leaf("near", [words[at][2], words[at + self.dice.randrange(1, 8)][2]], "",
                        self.dice.choice([0, 2, 5, 9]))
        between = reading.plain[words[at][1]:words[at + 1][0]]
        return Leaf("phrase", [words[at][2], words[at + 1][2]]) if between.isspace() else None

    def draw_near(self, reading):
        return self.draw_phrase(reading, "near")

    def draw_prefix(self, reading):
        words = [w[2] for w in self.words(reading.plain) if len(w[2]) > 5 and w[2].isascii()]
        return words and Leaf("prefix", [self.dice.choice(words)[:self.dice.randrange(4, 6)]])

    def draw_address(self, reading):
        field = self.dice.choice(["from", "to"])
        found = re.findall(r"[\w.+-]+@[\w-]+\.[\w.-]*\w", getattr(reading, field))
        found = [address for address in found if ".." not in address]  # a range, to notmuch
        return found and Leaf("address", [self.dice.choice(found).lower()], field)

    def draw_subject(self, reading):
        words = self.words(reading.subject)
        return words and Leaf("word", [self.dice.choice(words)[2]], "subject")

    def draw_date(self, reading):
        return reading.day and Leaf("date", [reading.day[:self.dice.choice([4, 7, 10])]])

    def draw_id(self, reading):
        plain = reading.message_id and re.fullmatch(r"[\w.@$+-]+", reading.message_id)
        return Leaf("id", [reading.message_id]) if plain else None

    def draw_filename(self, reading):
        words = self.words(" ".join(reading.filenames))
        return words and Leaf("word", [self.dice.choice(words)[2]], "filename")

    def draw_foreign(self, reading):
        words = [w for w in self.words(reading.subject + " " + reading.plain) if not w[2].isascii()]
        return words and Leaf("word", [self.dice.choice(words)[2]])

    def draw_absent(self, _):
        return Leaf("word", ["zqx" + "".join(self.dice.choices("bcdfghjk", k=9))])

    def query(self):
        if self.dice.random() < 0.7:
            return self.leaf()
        return Joined(self.dice.choice(["and", "or", "not"]), self.leaf(), self.leaf())


# ---- asking ----------------------------------------------------------------------------------------

class Notmuch:
    def __init__(self, config):
        self.command = ["notmuch", f"--config={config}"]
        self.answers, self.digests, self.paths = {}, {}, {}
        for path in self.run("*"):
            digest = Reading.digest(path)
            self.digests[path] = digest
            self.paths[digest] = path
        self.same_id = self.by_id()

    def by_id(self):
        groups = collections.defaultdict(set)
        for digest, path in self.paths.items():
            groups[Reading.id_of(path) or digest].add(digest)
        return {digest: group for group in groups.values() for digest in group}

    def run(self, query):
        done = subprocess.run([*self.command, "search", "--exclude=false", "--sort=newest-first",
                               "--output=files", "--", query], capture_output=True, check=True)
        return done.stdout.decode().splitlines()

    def twins(self, digest):
        """The messages that are one to it: they have one Message-ID."""
        return self.same_id[digest]

    def found(self, query):
        if query not in self.answers:
            self.answers[query] = {self.digests[path] for path in self.run(query)}
        return self.answers[query]


class Muniment:
    def __init__(self, args):
        self.command = [args.build + "/restore/muniment", "search", args.vault, "--grant",
                        args.grant, "--identity", args.identity]
        self.answers, self.digests = {}, {}
        frozen = pathlib.Path(os.environ.get("TMPDIR", "/tmp"), f"compare.{os.getpid()}.result")
        self.run("--count", "--result-out", str(frozen), "*")
        for line in frozen.read_text().splitlines():
            name, _, value = line.partition(": ")
            if name == "message":
                archive_id, digest = value.split()
                self.digests[archive_id] = digest
        frozen.unlink()

    def run(self, *words):
        done = subprocess.run([*self.command, *words], capture_output=True)
        if done.returncode not in (0, 3):
            raise SystemExit(f"{words}: {done.stderr.decode()}")
        return done.stdout.decode().split()

    def found(self, query):
        if query not in self.answers:
            self.answers[query] = {self.digests[i] for i in self.run("--ids", "--", query)}
        return self.answers[query]


class Comparison:
    """What both say, and who is right by which rule."""

    def __init__(self, muniment, notmuch):
        self.muniment, self.notmuch = muniment, notmuch
        self.readings = {}
        self.counts = collections.defaultdict(collections.Counter)
        self.unexplained = []
        self.agreed = 0

    def reading(self, digest):
        if digest not in self.readings:
            self.readings[digest] = Reading(pathlib.Path(self.notmuch.paths[digest]).read_bytes())
        return self.readings[digest]

    def difference(self, query):
        return self.muniment.found(query.ours()), self.notmuch.found(query.theirs())

    def rule(self, leaf, digest, side):
        return rule_of(self, leaf, digest, side)

    def rule_of_any_leaf(self, query, digest):
        for leaf in query.leaves():
            ours, theirs = self.difference(leaf)
            if (digest in ours) != (digest in theirs):
                return self.rule(leaf, digest, "ours" if digest in ours else "theirs")
        return None

    def compare(self, query):
        ours, theirs = self.difference(query)
        self.agreed += len(ours & theirs)
        for side, digests in [("ours", ours - theirs), ("theirs", theirs - ours)]:
            for digest in sorted(digests):
                rule = self.rule_of_any_leaf(query, digest)
                self.counts[rule][side] += 1
                if rule is None:
                    self.unexplained.append((query, side, self.notmuch.paths[digest]))


def report(comparison, queries):
    print(f"{queries} queries, {comparison.agreed} found by both\n")
    print(f"{'only notmuch':>13} {'only muniment':>14}  rule")
    for rule, count in sorted(comparison.counts.items(), key=lambda item: -sum(item[1].values())):
        print(f"{count['theirs']:13} {count['ours']:14}  {rule or 'NOT EXPLAINED'}")
    shown = collections.Counter()
    for query, side, path in comparison.unexplained:
        shown[query, side] += 1
        if shown[query, side] <= SHOWN_MAX:
            print(f"only {side}: {query.ours()} | {query.theirs()} | {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(TOP / "build" / "release"))
    for name in ["vault", "grant", "identity", "notmuch"]:
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    comparison = Comparison(Muniment(args), Notmuch(args.notmuch))
    known = set(comparison.muniment.digests.values())
    if known != set(comparison.notmuch.paths):
        raise SystemExit(f"not the same mail: {len(known)} and {len(comparison.notmuch.paths)}")
    readings = [lambda d=digest: comparison.reading(d) for digest in sorted(known)]
    drawer = Drawer(readings, args.seed)
    for _ in range(args.queries):
        comparison.compare(drawer.query())
    report(comparison, args.queries)
    return 1 if comparison.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
