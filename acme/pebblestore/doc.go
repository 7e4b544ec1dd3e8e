// Package pebblestore is the acme.Store of a single process: an ordered
// key-value store (Pebble) in a directory of its own, nothing to install.
//
//	st, err := pebblestore.Open("data", pebblestore.Options{})
//	if err != nil { … }
//	defer st.Close()
//	eng, err := acme.New(acme.Config{Store: st, …})
//
// # What is durable
//
// A Commit returns after its writes were synced to the write-ahead log,
// unless all its Txs are Lazy. Concurrent Commits share syncs: each is
// checked and put into the log in turn, and waits for the disk outside of
// that turn. Reads do not show what a power cut could still take back: a
// Get of a key that is being synced, and every List, Due, Expired and
// conflict found while something is, waits for that sync. Only what a Lazy
// Tx wrote may be seen and later be gone.
//
// # When the disk fails
//
// The first failed write, whether of the log, a table or the manifest, ends
// the Store as a power cut would: from then on nothing more reaches the
// disk, running and later calls return ErrStoreFailed, Options.OnFatal is
// told, and the process goes on. What was acknowledged before is on disk;
// Close and Open recover it once the disk works again. A Store that failed
// must still be closed.
//
// # On disk
//
// Records and indexes are ordered binary keys, described in keys.go and
// record.go. Each record opens with the version of its format, and the
// directory carries one for the keys: a newer one is refused by name, never
// guessed at. Deleted and replaced records stay in the files until they are
// compacted: erasing for good is done by destroying the key that sealed a
// Body, not by deleting it here.
//
// The directory belongs to one Store at a time; a second Open fails with
// ErrInUse.
package pebblestore
