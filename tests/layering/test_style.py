"""What of the style can be counted: file length, function length, goto, leftover markers, locks that
would be given up before a statement is reset.

    test_style.py SOURCE_DIR
"""
import pathlib
import re
import sys

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
FOLDERS = ["vault", "ingest", "search", "archived", "restore", "tests"]
MARKERS = re.compile(r"\b(TODO|FIXME|XXX)\b")


def long_functions(lines):
    """(line number, length) of every function body: clang-format puts its braces in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            if number - start - 1 > FUNCTION_LINES_MAX:
                yield start, number - start - 1
            start = None


def late_locks(lines):
    """Line numbers of scoped locks declared after a statement that they guard: cleanup goes
    backwards, so another thread would get the statement before it is reset."""
    has_statement = False
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            has_statement = False
        elif "g_autoptr(VaultStatement)" in line:
            has_statement = True
        elif has_statement and re.match(r"\s+[A-Z_]*_LOCK\(", line):
            yield number


def problems_of(name, text):
    lines = text.splitlines()
    if len(lines) > FILE_LINES_MAX:
        yield f"{name}: {len(lines)} lines, at most {FILE_LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if MARKERS.search(line) and not name.startswith("tests/layering/"):
            yield f"{name}:{number}: leftover marker"
        if name.endswith((".c", ".h")) and re.match(r"\s*goto\b", line):
            yield f"{name}:{number}: goto"
    if name.endswith(".c"):
        for number, length in long_functions(lines):
            yield f"{name}:{number}: function of {length} lines, at most {FUNCTION_LINES_MAX}"
        for number in late_locks(lines):
            yield f"{name}:{number}: the lock is declared after the statement that it guards"


def self_test():
    body = "{\n" + "    x();\n" * 61 + "}\n"
    assert list(problems_of("a.c", "int f(void)\n" + body))
    assert list(problems_of("a.c", "    goto out;\n"))
    assert list(problems_of("a.c", "\n" * 501))
    statement, lock = "    g_autoptr(VaultStatement) s = NULL;\n", "    CATALOG_LOCK(catalog);\n"
    assert list(problems_of("a.c", "{\n" + statement + lock + "}\n"))
    assert not list(problems_of("a.c", "{\n" + lock + statement + "}\n"))


if __name__ == "__main__":
    self_test()
    source = pathlib.Path(sys.argv[1])
    files = [p for f in FOLDERS for p in (source / f).rglob("*") if p.suffix in (".c", ".h", ".py")]
    problems = []
    for path in files:
        text = path.read_text(encoding="utf-8")
        problems += problems_of(str(path.relative_to(source)), text)
    print("\n".join(problems) or f"{len(files)} files")
    sys.exit(1 if problems or not files else 0)
