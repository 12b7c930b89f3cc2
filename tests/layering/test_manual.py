"""Every verb has a manual page, with exactly the long options that its --help shows; pages render
without warnings; and what a page calls "see also" is there.

    test_manual.py SOURCE_DIR ARCHIVED MUNIMENT
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

OPTION = re.compile(r"--([a-z][a-z-]*)")
VERB = re.compile(r"^  ([a-z-]+) {2,}\S", re.M)
SKIPPED = 77


def help_of(program, *words):
    return subprocess.run([program, *words, "--help"], check=True, capture_output=True,
                          text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout


def verbs_of(text):
    return VERB.findall(text.partition("Verbs:")[2])


def options_of_help(program, *words):
    """Of a verb and all verbs below it. Only what stands in the lists, not what is spoken of."""
    text = help_of(program, *words)
    below = (options_of_help(program, *words, verb) for verb in verbs_of(text))
    lines = text.partition("Application Options:")[2].split("\n\n")[0].splitlines()
    own = {match[1] for line in lines if (match := re.match(r" +(?:-\w, )?--([a-z-]+)", line))}
    return own.union(*below)


def sections(page):
    """{name: text} of a page, mdoc options written as the others are."""
    text = page.read_text().replace("\\-", "-")
    text = re.sub(r"\bFl -([a-z])", r"--\1", text)
    parts = re.split(r"^\.S[Hh] +(.*)$", text, flags=re.M)
    return {name.strip('"'): body for name, body in zip(parts[1::2], parts[2::2])}


def tags(options):
    """What is defined, not what is spoken of: the lines after .TP, and .It lines."""
    lines = options.splitlines()
    return "\n".join(line for before, line in zip(["", *lines], lines)
                     if before.startswith(".TP") or line.startswith(".It "))


def option_problems(page, in_help):
    parts = sections(page)
    listed = parts.get("OPTIONS", parts.get("DESCRIPTION", ""))
    defined = set(OPTION.findall(tags(listed))) - {"help", "version"}
    in_synopsis = set(OPTION.findall(parts["SYNOPSIS"])) - {"help", "version"}
    in_help = in_help - {"help", "version"}
    for name, options in [("its options", defined), ("its synopsis", in_synopsis)]:
        for option in sorted(in_help - options):
            yield f"{page.name}: --{option} of --help is not in {name}"
        for option in sorted(options - in_help):
            yield f"{page.name}: --{option} in {name} is not in --help"


def page_problems(manual, archived, muniment):
    verbs = verbs_of(help_of(muniment))
    if len(verbs) < 5:
        yield f"--help lists only {verbs}"
    for verb in verbs:
        page = manual / f"muniment-{verb}.1"
        if not page.exists():
            yield f"muniment {verb} has no page"
            continue
        yield from option_problems(page, options_of_help(muniment, verb))
        if f"BR muniment-{verb} (1)" not in sections(manual / "muniment.1")["VERBS"]:
            yield f"muniment.1: {verb} is not among the verbs"
    for page in manual.glob("muniment-*.1"):
        if page.stem.partition("-")[2] not in verbs:
            yield f"{page.name}: there is no such verb"
    yield from option_problems(manual / "archived.8", options_of_help(archived))


def reference_problems(manual):
    pages = {page.name for page in manual.iterdir()}
    for page in sorted(manual.iterdir()):
        text = page.read_text().replace("\\-", "-")
        for name, section in re.findall(r"\b((?:muniment|archived)[a-z.-]*) \(?([158])\b", text):
            if f"{name}.{section}" not in pages:
                yield f"{page.name}: there is no {name}({section})"


def rendering_problems(manual):
    for page in sorted(manual.iterdir()):
        done = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww", "-z", page], check=False,
                              capture_output=True, text=True)
        yield from done.stderr.splitlines()


if __name__ == "__main__":
    source = pathlib.Path(sys.argv[1]) / "docs" / "man"
    problems = list(page_problems(source, *sys.argv[2:4])) + list(reference_problems(source))
    has_groff = shutil.which("groff") is not None
    if has_groff:
        problems += rendering_problems(source)
    print("\n".join(problems) or "the manual says what the programs do")
    if not problems and not has_groff:
        print("skipped: groff is not installed, so nobody looked how the pages render")
    sys.exit(1 if problems else 0 if has_groff else SKIPPED)
