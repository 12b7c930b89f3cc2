"""The table of who may use what: STYLE section "The tree is the architecture", as data.

`project` lists prefixes of quoted includes (the folder itself is always allowed), `system` the
restricted angle-bracket headers, `links` the libraries in its CMake link list.
"""

LAYERS = {
    "vault/base": dict(project=[], system=[], links=[]),
    "vault/crypto": dict(
        project=["vault/base/"],
        system=["sodium", "openssl"],
        links=["vault-base", "SODIUM", "CRYPTO"],
    ),
    "vault/act": dict(
        project=["vault/base/", "vault/crypto/"], system=[], links=["vault-crypto"],
    ),
    "vault/holder": dict(
        project=["vault/base/", "vault/crypto/"], system=["tss2"],
        links=["vault-base", "vault-crypto", "TPM"],
    ),
    "vault/store": dict(
        project=["vault/base/", "vault/crypto/"],
        system=["sqlite3.h"],
        links=["vault-crypto", "SQLITE"],
    ),
    "vault/log": dict(
        project=["vault/base/", "vault/crypto/"],
        system=[],
        links=["vault-base", "vault-crypto"],
    ),
    "vault/witness": dict(
        project=["vault/base/", "vault/crypto/", "vault/log/"],
        system=[],
        links=["vault-base", "vault-log"],
    ),
    "vault/seal": dict(
        project=["vault/base/", "vault/crypto/", "vault/store/", "vault/seal.h"],
        system=["zstd"],
        links=["vault-store", "ZSTD"],
    ),
    "vault/keep": dict(
        project=["vault/base/", "vault/crypto/", "vault/act/", "vault/holder/", "vault/log/",
                 "vault/store/", "vault/seal.h", "vault/keep.h", "vault/keep_terms.h",
                 "vault/backup.h", "vault/custody.h",
                 "vault/erasure.h",
                 "vault/depository.h"],
        system=[],
        links=["vault-act", "vault-holder", "vault-log", "vault-seal", "vault-store"],
    ),
    "vault/open": dict(
        project=["vault/base/", "vault/crypto/", "vault/act/", "vault/store/record.h",
                 "vault/open.h"],
        system=["zstd"],
        links=["vault-act", "vault-store", "ZSTD"],
    ),
    "ingest/words": dict(
        project=["vault/base/", "vault/crypto/"], system=["unicode"], links=["vault-crypto", "ICU"],
    ),
    "ingest/mime": dict(
        project=["ingest/extractor.h", "vault/base/", "vault/crypto/"],
        system=["gmime", "libxml", "unicode"],
        links=["vault-crypto", "GMIME", "ICU", "ICU_GUESS", "XML"],
    ),
    "ingest": dict(
        project=["vault/base/", "vault/crypto/", "vault/seal.h", "vault/depository.h"],
        system=["gmime", "unicode", "idn2.h"],
        links=["ingest-words", "ingest-mime", "vault-seal", "IDN2"],
    ),
    "ingest/extract": dict(project=["ingest/extractor.h"], system=[], links=[]),
    "ingest/extract/helper": dict(
        project=["ingest/extractor.h", "ingest/extract/protocol.h"],
        system=["archive", "libxml", "poppler", "seccomp", "unicode"],
        links=["ARCHIVE", "ICU", "POPPLER", "SECCOMP", "XML"],
    ),
    "search/index": dict(
        project=["ingest/words/", "search/index.h", "search/query.h", "vault/base/",
                 "vault/crypto/"],
        system=["zstd"], links=["ingest-words", "vault-crypto", "ZSTD", "m"],
    ),
    "search": dict(
        project=["ingest/words/", "vault/base/", "vault/crypto/"],
        system=[], links=["ingest-words"],
    ),
    "archived": dict(
        project=["ingest/", "vault/base/", "vault/crypto/", "vault/act/", "vault/log/tlog_policy.h",
                 "vault/store/record.h", "vault/witness/",
                 "vault/seal.h", "vault/keep.h", "vault/keep_terms.h", "vault/backup.h",
                 "vault/custody.h", "vault/erasure.h", "vault/depository.h"],
        system=["openssl/ssl.h", "openssl/err.h", "openssl/x509", "systemd", "json-glib"],
        links=["vault-base", "ingest", "ingest-extract", "vault-keep", "vault-log",
               "vault-witness", "archived-config",
               "archived-control", "SSL",
               "SYSTEMD", "JSON", "Threads::Threads"],
    ),
    "restore": dict(
        project=["ingest/", "search/index.h", "search/query.h", "search/snippet.h",
                 "vault/base/", "vault/crypto/", "vault/act/", "vault/log/",
                 "vault/witness/", "vault/seal.h", "vault/keep.h", "vault/keep_terms.h",
                 "vault/backup.h", "vault/custody.h", "vault/erasure.h", "vault/open.h",
                 "vault/open/", "vault/depository.h",
                 "archived/config.h", "archived/config_template.h", "archived/control_client.h"],
        system=["archive", "gmime", "json-glib", "openssl/ts.h", "openssl/x509", "openssl/err.h"],
        links=["ingest", "ingest-extract", "search", "search-index", "vault-keep", "vault-open",
               "vault-log", "vault-witness", "archived-config",
               "archived-control", "ARCHIVE", "CRYPTO", "GMIME", "JSON", "Threads::Threads"],
    ),
}

# Headers that belong to some folders only; every other system header is free.
RESTRICTED = ["sodium", "openssl", "sqlite3.h", "zstd", "archive", "gmime", "unicode", "idn2.h",
              "systemd", "json-glib", "libxml", "poppler", "seccomp.h"]

# Ingest is pure: no sockets, files or clock.
IMPURE = ["sys/socket.h", "netinet/", "arpa/", "fcntl.h", "sys/stat.h", "unistd.h", "stdio.h",
          "time.h", "sys/time.h", "gio/", "glib/gstdio.h", "poll.h"]
PURE_FOLDERS = ["ingest", "ingest/words", "ingest/mime", "search"]

# What must not even be reached through other headers.
UNREACHABLE = {
    "archived": ["vault/open.h", "search/query.h", "search/index.h"],
    "ingest": ["vault/open.h", "vault/keep.h", "ingest/extract/pool.h"],
    "ingest/extract/helper": ["ingest/extract/pool.h"],
    "ingest/mime": ["vault/open.h", "vault/keep.h", "vault/seal.h"],
    "ingest/words": ["vault/open.h", "vault/keep.h", "vault/seal.h"],
    "vault/act": ["vault/open.h", "vault/keep.h", "vault/seal.h", "vault/store/record.h"],
    "vault/seal": ["vault/open.h", "vault/keep.h"],
    "vault/keep": ["vault/open.h"],
    "vault/open": ["vault/keep.h", "vault/seal.h", "vault/depository.h"],
    "search/index": ["vault/open.h", "vault/keep.h", "vault/seal.h"],
}

# The facades: which folder implements which header outside it.
FACADES = {
    "vault/seal.h": "vault/seal",
    "vault/keep.h": "vault/keep",
    "vault/backup.h": "vault/keep",
    "vault/custody.h": "vault/keep",
    "vault/erasure.h": "vault/keep",
    "vault/depository.h": "vault/keep",
    "vault/open.h": "vault/open",
}
