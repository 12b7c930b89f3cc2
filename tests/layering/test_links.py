"""Link lists keep to the table, the daemon holds nothing of the library "open", and the helper
that reads documents nothing of the vault.

    test_links.py SOURCE_DIR ARCHIVED MUNIMENT LIBVAULT_OPEN.a MUNIMENT_EXTRACT

The rest is proved on the programs themselves: no symbol that libvault-open.a defines is in
`archived`, while `muniment` has them (else the test would look for the wrong thing).
"""
import pathlib
import re
import subprocess
import sys

from layers import LAYERS

LIBRARY = re.compile(r"muniment_library\(\s*([\w-]+)([^)]*)\)", re.S)


def link_problems(source):
    for folder, layer in LAYERS.items():
        text = (source / folder / "CMakeLists.txt").read_text()
        libraries = LIBRARY.findall(text)
        if not libraries:
            yield f"{folder}/CMakeLists.txt: no muniment_library()"
        for library, arguments in libraries:
            words = arguments.split()
            linked = words[words.index("LINK") + 1:] if "LINK" in words else []
            for more in re.findall(rf"target_link_libraries\(\s*{library}\s+\w+\s+([^)]*)\)", text):
                linked += more.split()
            for name in linked:
                if name.removeprefix("PkgConfig::") not in layer["links"]:
                    yield f"{folder}/CMakeLists.txt: {library} may not link {name}"


def defined_symbols(path):
    output = subprocess.run(["nm", "--defined-only", str(path)], check=True, capture_output=True,
                            text=True).stdout
    return {line.split()[2] for line in output.splitlines()
            if len(line.split()) == 3 and line.split()[1] in "TDBR"}


def symbol_problems(archived, muniment, library):
    of_open = {s for s in defined_symbols(library) if s.startswith("vault_")}
    if not of_open & defined_symbols(muniment):
        yield "muniment has no symbol of vault-open: this test looks for the wrong names"
    for symbol in sorted(of_open & defined_symbols(archived)):
        yield f"archived holds {symbol} of vault-open"


def helper_problems(helper):
    symbols = defined_symbols(helper)
    if not any(s.startswith("extract_") for s in symbols):
        yield "muniment-extract has no symbol extract_: this test looks for the wrong names"
    for symbol in sorted(s for s in symbols if s.startswith(("vault_", "ingest_"))):
        yield f"muniment-extract holds {symbol}"


if __name__ == "__main__":
    problems = list(link_problems(pathlib.Path(sys.argv[1])))
    problems += symbol_problems(*sys.argv[2:5])
    problems += helper_problems(sys.argv[5])
    print("\n".join(problems) or "link lists and symbols keep to the layers")
    sys.exit(1 if problems else 0)
