// Verifies one log of a vault with Go's own note and tlog packages: verify_vault LOG VKEY
package main

import (
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	folder, logName = os.Args[1], "."
	key, err := note.NewVerifier(os.Args[2])
	check(err, "key")
	tree := openCheckpoint(read("checkpoint"), key)
	entries := readEntries(tree.N)
	ensure(int64(len(entries)) == tree.N, "number of entries")
	verifyEntries(tree, entries, tlog.TileHashReader(tree, tiles{}))
	fmt.Printf("%d entries: as Go has it\n", tree.N)
}
