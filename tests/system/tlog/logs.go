// What verify_log.go and verify_vault.go share: Go's own note and tlog packages on our files.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The folder of the files, and the log's in it.
var folder, logName = "", "log"

func check(err error, what string) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

func ensure(holds bool, what string) {
	if !holds {
		log.Fatal(what)
	}
}

func read(name string) []byte {
	text, err := os.ReadFile(filepath.Join(folder, name))
	check(err, "read")
	return text
}

func verifier(name string) note.Verifier {
	v, err := note.NewVerifier(string(read(name)))
	check(err, name)
	return v
}

// cosigner verifies cosignatures, which the note package knows nothing of.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosigner(vkey string) cosigner {
	parts := strings.SplitN(vkey, "+", 3)
	key, err := base64.StdEncoding.DecodeString(parts[2])
	check(err, "witness key")
	ensure(key[0] == 0x04 && len(key) == 33, "not a key for cosignatures")
	sum := sha256.Sum256([]byte(parts[0] + "\n" + string(key)))
	ensure(fmt.Sprintf("%x", sum[:4]) == parts[1], "key id of the witness")
	return cosigner{parts[0], binary.BigEndian.Uint32(sum[:4]), key[1:]}
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 72 {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(c.key, append([]byte(head), msg...), sig[8:])
}

func openCheckpoint(text []byte, verifiers ...note.Verifier) tlog.Tree {
	n, err := note.Open(text, note.VerifierList(verifiers...))
	check(err, "checkpoint")
	ensure(len(n.Sigs) == len(verifiers), "a signature of the checkpoint is missing")
	lines := strings.Split(n.Text, "\n")
	ensure(len(lines) == 4 && lines[0] == n.Sigs[0].Name, "lines of the checkpoint")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size")
	root, err := tlog.ParseHash(lines[2])
	check(err, "root")
	return tlog.Tree{N: size, Hash: root}
}

// tiles reads our files under the names of C2SP tlog-tiles, which have no height in them.
type tiles struct{}

func (tiles) Height() int                            { return 8 }
func (tiles) SaveTiles(t []tlog.Tile, data [][]byte) {}
func (tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range wanted {
		path := strings.Replace(t.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(folder, logName, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func readEntries(size int64) [][]byte {
	var entries [][]byte
	for n := int64(0); n*256 < size; n++ {
		w := int(size - n*256)
		if w > 256 {
			w = 256
		}
		path := strings.Replace(tlog.Tile{H: 8, L: 0, N: n, W: w}.Path(), "tile/8/0/", "tile/entries/", 1)
		bundle := read(filepath.Join(logName, path))
		for i := 0; i < w; i++ {
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			entries = append(entries, bundle[2:end])
			bundle = bundle[end:]
		}
		ensure(len(bundle) == 0, "bytes behind the entries of a bundle")
	}
	return entries
}

func verifyEntries(tree tlog.Tree, entries [][]byte, hashes tlog.HashReader) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var list []tlog.Hash
		for _, i := range indexes {
			list = append(list, stored[i])
		}
		return list, nil
	})
	var indexes []int64
	for i, entry := range entries {
		more, err := tlog.StoredHashes(int64(i), entry, reader)
		check(err, "stored hashes")
		stored = append(stored, more...)
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(i)))
	}
	root, err := tlog.TreeHash(tree.N, reader)
	check(err, "root of the entries")
	ensure(root == tree.Hash, "the entries have another root than the checkpoint")
	inTiles, err := hashes.ReadHashes(indexes)
	check(err, "tiles")
	for i, entry := range entries {
		ensure(inTiles[i] == tlog.RecordHash(entry), fmt.Sprintf("tile and entry %d", i))
	}
}
