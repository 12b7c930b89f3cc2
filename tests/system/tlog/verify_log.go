// Verifies what write_log.c wrote with Go's own note and tlog packages: verify_log FOLDER
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func parseHashes(lines []string) []tlog.Hash {
	var list []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		check(err, "hash")
		list = append(list, hash)
	}
	return list
}

func verifyProof(name string, entries [][]byte, hashes tlog.HashReader, keys []note.Verifier) {
	text := string(read(name))
	at := strings.Index(text, "\n\n")
	lines := strings.Split(text[:at], "\n")
	tree := openCheckpoint([]byte(text[at+2:]), keys...)
	ensure(lines[0] == "c2sp.org/tlog-proof@v1", "first line")
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	check(err, "index")
	proof := tlog.RecordProof(parseHashes(lines[2:]))
	check(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entries[index])), name)
	own, err := tlog.ProveRecord(tree.N, index, hashes)
	check(err, "prove")
	ensure(fmt.Sprint(own) == fmt.Sprint(proof), "another proof than Go's")
}

func main() {
	folder = os.Args[1]
	key := verifier("log.vkey")
	tree := openCheckpoint(read("log/checkpoint"), key)
	earlier := openCheckpoint(read("earlier"), key)
	hashes := tlog.TileHashReader(tree, tiles{})
	entries := readEntries(tree.N)
	ensure(int64(len(entries)) == tree.N && tree.N == 66000 && earlier.N == 777, "sizes")
	verifyEntries(tree, entries, hashes)

	lines := strings.Split(strings.TrimSuffix(string(read("consistency")), "\n"), "\n")
	proof := tlog.TreeProof(parseHashes(lines))
	check(tlog.CheckTree(proof, tree.N, tree.Hash, earlier.N, earlier.Hash), "consistency")

	keys := []note.Verifier{key, newCosigner(string(read("witness.vkey")))}
	names, err := filepath.Glob(filepath.Join(folder, "*.tlog-proof"))
	check(err, "proofs")
	ensure(len(names) == 7, "number of proofs")
	for _, name := range names {
		verifyProof(filepath.Base(name), entries, hashes, keys)
	}

	n, err := note.Open(read("note"), note.VerifierList(key, verifier("second.vkey")))
	check(err, "note")
	ensure(len(n.Sigs) == 2 && bytes.Contains([]byte(n.Text), []byte("\n\na blank")), "note")
	fmt.Printf("%d entries, %d proofs, notes: all as Go has it\n", tree.N, len(names))
}
