"""Each folder includes only what its layer may: directly, and through other headers.

    test_includes.py SOURCE_DIR
"""
import pathlib
import re
import sys

from layers import FACADES, IMPURE, LAYERS, PURE_FOLDERS, RESTRICTED, UNREACHABLE

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def includes_of(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def violations_of_file(folder, name, includes):
    layer = LAYERS[folder]
    for style, header in includes:
        if style == '"':
            if not any(header.startswith(p) for p in [folder + "/"] + layer["project"]):
                yield f"{name}: {folder} may not include \"{header}\""
            continue
        if any(header.startswith(r) for r in RESTRICTED) and not any(
            header.startswith(s) for s in layer["system"]
        ):
            yield f"{name}: {folder} may not include <{header}>"
        if folder in PURE_FOLDERS and any(header.startswith(i) for i in IMPURE):
            yield f"{name}: {folder} is pure, <{header}> is not"


def reachable(source, start):
    """All quoted includes that `start` (a path below source) leads to."""
    seen, waiting = set(), [start]
    while waiting:
        path = source / waiting.pop()
        if not path.exists():
            continue
        for style, header in includes_of(path):
            if style == '"' and header not in seen:
                seen.add(header)
                waiting.append(header)
    return seen


def files_of(source, folder):
    inner = [source / other for other in LAYERS if other.startswith(folder + "/")]
    own = [p for p in (source / folder).rglob("*.[ch]") if not set(inner) & set(p.parents)]
    facades = [source / f for f, owner in FACADES.items() if owner == folder]
    return own + [f for f in facades if f.exists()]


def check(source):
    found, count = [], 0
    for folder in LAYERS:
        for path in files_of(source, folder):
            name = str(path.relative_to(source))
            count += 1
            found += violations_of_file(folder, name, includes_of(path))
            for header in sorted(reachable(source, name) & set(UNREACHABLE.get(folder, []))):
                found.append(f"{name}: leads to {header}, which {folder} must never see")
    return found, count


def self_test():
    """The rules bite: each of these must be found."""
    bad = [
        ("archived", [('"', "vault/open.h")]),
        ("archived", [("<", "sodium.h")]),
        ("ingest", [("<", "sys/socket.h")]),
        ("ingest", [('"', "vault/keep.h")]),
        ("ingest/extract/helper", [('"', "vault/base/error.h")]),
        ("ingest/extract", [("<", "libxml/parser.h")]),
        ("vault/open", [('"', "vault/keep.h")]),
        ("vault/keep", [("<", "sqlite3.h")]),
        ("vault/store", [("<", "openssl/evp.h")]),
    ]
    for folder, includes in bad:
        assert list(violations_of_file(folder, "x.c", includes)), (folder, includes)


if __name__ == "__main__":
    self_test()
    problems, files = check(pathlib.Path(sys.argv[1]))
    print("\n".join(problems) or f"{files} files keep to their layers")
    sys.exit(1 if problems or files == 0 else 0)
