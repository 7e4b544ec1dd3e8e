package pebblestore

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Metrics counts what a Store wrote since Open, in bytes, and what it holds.
type Metrics struct {
	LogBytes       uint64 // the write-ahead log
	FlushedBytes   uint64 // tables written from memory
	CompactedBytes uint64 // tables written from other tables
	LogSyncs       uint64 // one may serve many Commits
	DiskBytes      uint64 // all files
	Tables         int64
}

// WrittenBytes is all that went to the disk.
func (m Metrics) WrittenBytes() uint64 { return m.LogBytes + m.FlushedBytes + m.CompactedBytes }

// Metrics returns the counts so far. Errors: acme.ErrStoreClosed,
// ErrStoreFailed.
func (s *Store) Metrics() (m Metrics, err error) {
	if err := s.enter(context.Background()); err != nil {
		return Metrics{}, err
	}
	defer s.leave()
	defer s.contain(&err)
	p := s.db.Metrics()
	total := p.Total()
	return Metrics{
		LogBytes:       p.WAL.BytesWritten,
		FlushedBytes:   total.TableBytesFlushed + total.BlobBytesFlushed,
		CompactedBytes: total.TableBytesCompacted + total.BlobBytesCompacted,
		LogSyncs:       s.guard.syncs.Load(),
		DiskBytes:      p.DiskSpaceUsage(),
		Tables:         total.TablesCount,
	}, nil
}

// Checkpoint writes a copy of the Store as of now into dir, which must not
// exist yet and lie outside of the Store's own directory; tables on the same
// filesystem are linked instead of copied. The copy can be opened while the
// Store goes on. A copy that fails does not fail the Store.
func (s *Store) Checkpoint(dir string) (err error) {
	if err := s.enter(context.Background()); err != nil {
		return err
	}
	defer s.leave()
	defer s.contain(&err)
	if s.guard.guards(dir) {
		return errors.New("checkpoint: the copy must lie outside of the store's directory")
	}
	if err := s.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return s.failure()
}
