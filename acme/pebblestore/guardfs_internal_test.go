package pebblestore

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"acme.example/creditscore/acme"
)

var errDisk = errors.New("disk on fire")

// brokenLog fails every sync of the log once broken is closed.
type brokenLog struct {
	vfs.FS
	broken chan struct{}
}

func (b brokenLog) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := b.FS.Create(name, c)
	if err == nil && strings.HasSuffix(name, ".log") {
		f = brokenFile{f, b}
	}
	return f, err
}

type brokenFile struct {
	vfs.File
	b brokenLog
}

func (f brokenFile) Sync() error { return f.SyncData() }

func (f brokenFile) SyncData() error {
	select {
	case <-f.b.broken:
		return errDisk
	default:
		return f.File.SyncData()
	}
}

// TestAFailedSyncIsNoSuccess looks at what a batch ends with: that of a
// caller who comes late, and finds the wait over.
func TestAFailedSyncIsNoSuccess(t *testing.T) {
	t.Parallel()
	disk := brokenLog{vfs.NewMem(), make(chan struct{})}
	s, err := Open("data", Options{FS: disk})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	close(disk.broken)
	s.turn <- struct{}{}
	w := &pendingWrite{done: make(chan struct{})}
	errs := make([]error, 1)
	batch, sync := s.prepare([]acme.Tx{{Puts: goldenRecords()[:1]}}, errs, w, &err)
	if err != nil || errs[0] != nil || !sync {
		t.Fatalf("prepare: %v, %v, sync %v", err, errs[0], sync)
	}
	s.pending.add(w)
	s.stay()
	s.write(batch, sync, w)
	if err := s.await(t.Context(), w); !errors.Is(err, ErrStoreFailed) || !errors.Is(err, errDisk) {
		t.Errorf("the write ended with %v, want ErrStoreFailed and its cause", err)
	}
	if err := s.Close(); !errors.Is(err, ErrStoreFailed) {
		t.Errorf("Close: %v, want ErrStoreFailed", err)
	}
}

// TestTablesAreHeldOnceTheDiskFailed: were they passed as written, Pebble
// would miss them, and give up in a goroutine of its own.
func TestTablesAreHeldOnceTheDiskFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open("data", Options{FS: vfs.NewMem()})
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		if err := s.Commit(t.Context(), []acme.Tx{{Puts: goldenRecords()[:1]}})[0]; err != nil {
			t.Fatalf("Commit: %v", err)
		}
		s.fail(errDisk)
		flushed := make(chan error, 1)
		go func() { flushed <- s.db.Flush() }()
		synctest.Wait()
		select {
		case err := <-flushed:
			t.Errorf("a table was written to a failed disk: %v", err)
		default:
		}
		if err := s.Close(); !errors.Is(err, ErrStoreFailed) {
			t.Errorf("Close: %v, want ErrStoreFailed", err)
		}
		if err := <-flushed; err != nil {
			t.Errorf("the flush ended with %v", err)
		}
		if s.broken.Load() {
			t.Error("Pebble gave up")
		}
	})
}
