package pebblestore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/pebblestore"
)

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// faultyDisk is errorfs with the files it forgets: those of ReuseForWrite.
type faultyDisk struct {
	*errorfs.FS
	inj errorfs.Injector
}

func newFaultyDisk(fs vfs.FS, inj errorfs.Injector) faultyDisk {
	return faultyDisk{errorfs.Wrap(fs, inj), inj}
}

func (d faultyDisk) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(oldname, newname, c)
	if err != nil {
		return nil, err
	}
	return errorfs.WrapFile(f, errorfs.InjectorFunc(func(op errorfs.Op) error {
		op.Path = newname
		return d.inj.MaybeError(op)
	})), nil
}

// nthFailure fails an operation that matches, the nth, or from the nth on.
type nthFailure struct {
	match  func(op errorfs.Op) bool
	nth    int64
	always bool

	seen, hits atomic.Int64
}

func (n *nthFailure) String() string { return "(nth failure)" }

func (n *nthFailure) MaybeError(op errorfs.Op) error {
	if !n.match(op) {
		return nil
	}
	if seen := n.seen.Add(1); seen == n.nth || n.always && seen > n.nth {
		n.hits.Add(1)
		return errorfs.ErrInjected
	}
	return nil
}

func named(parts ...string) func(path string) bool {
	return func(path string) bool {
		for _, p := range parts {
			if strings.Contains(path, p) {
				return true
			}
		}
		return false
	}
}

func isOp(kinds ...errorfs.OpKind) func(errorfs.Op) bool {
	return func(op errorfs.Op) bool {
		for _, k := range kinds {
			if op.Kind == k {
				return true
			}
		}
		return false
	}
}

// TestDiskErrors fails a write of each kind of file, at several moments
// under concurrent Commits. The process goes on; every call from then on
// says ErrStoreFailed; the Store closes; and on the mended disk everything
// that was acknowledged or read is there, and whole. So it is if the power
// fails right after.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	log, table, manifest := named(".log"), named(".sst"), named("MANIFEST", "marker.manifest")
	writes := isOp(errorfs.OpFileWrite)
	syncs := isOp(errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo)
	creates := isOp(errorfs.OpCreate, errorfs.OpReuseForWrite)
	for _, f := range []struct {
		name string
		file func(string) bool
		op   func(errorfs.Op) bool
		nth  []int64 // counted from when the Store was open
	}{
		{"log write", log, writes, []int64{1, 2, 17, 60}},
		{"log sync", log, syncs, []int64{1, 2, 17, 60}},
		{"log create or reuse", log, creates, []int64{1, 2, 4}},
		{"table create", table, creates, []int64{1, 2, 5}},
		{"table write", table, writes, []int64{1, 2, 9}},
		{"table sync", table, syncs, []int64{1, 3}},
		{"manifest write", manifest, writes, []int64{1, 2}},
		{"manifest sync", manifest, syncs, []int64{1, 2}},
		{"directory sync", func(p string) bool { return p == "data" }, syncs, []int64{1, 2, 5}},
	} {
		for _, nth := range f.nth {
			for _, always := range []bool{false, true} {
				name := fmt.Sprintf("%s %d", f.name, nth)
				if always {
					name += " and all after"
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					failure := &nthFailure{nth: nth, always: always}
					failure.match = func(op errorfs.Op) bool { return f.op(op) && f.file(op.Path) }
					testDiskError(t, failure)
				})
			}
		}
	}
}

func testDiskError(t *testing.T, failure *nthFailure) {
	mem := newCrashFS(vfs.NewCrashableMem())
	toggle := &errorfs.Toggle{Injector: failure}
	told := make(chan error, 1)
	opts := on(newFaultyDisk(mem, toggle))
	opts.OnFatal = func(err error) { told <- err }
	s := open(t, "data", opts)
	toggle.On()

	w := &writers{body: strings.Repeat("0123456789abcdef", 256)}
	for i, err := range w.run(t, s, [8]uint64{}) {
		if !errors.Is(err, pebblestore.ErrStoreFailed) {
			t.Fatalf("writer %d: %v, want ErrStoreFailed", i, err)
		}
	}
	if failure.hits.Load() == 0 {
		t.Fatal("nothing was injected")
	}
	if err := <-told; !errors.Is(err, pebblestore.ErrStoreFailed) || !errors.Is(err, errorfs.ErrInjected) {
		t.Fatalf("OnFatal was told %v", err)
	}
	_, get := s.Get(t.Context(), job("0", 1, "").Key)
	_, list := s.List(t.Context(), acme.ListQuery{Kind: acme.KindJob, Owner: "owner", Limit: 1})
	_, due := s.Due(t.Context(), acme.KindJob, start, acme.DueKey{}, 1)
	_, expired := s.Expired(t.Context(), start, 1)
	_, stats := s.Metrics()
	lazy := s.Commit(t.Context(), []acme.Tx{{Puts: []acme.Record{job("new", 1, "")}, Lazy: true}})[0]
	for name, err := range map[string]error{
		"Get": get, "List": list, "Due": due, "Expired": expired, "Metrics": stats, "Commit": lazy, "Checkpoint": s.Checkpoint("copy"),
	} {
		if !errors.Is(err, pebblestore.ErrStoreFailed) || !errors.Is(err, errorfs.ErrInjected) {
			t.Errorf("%s on a failed store: %v, want ErrStoreFailed and its cause", name, err)
		}
	}
	acked, seen := load(&w.acked), load(&w.seen)
	cut := mem.crashClone(vfs.CrashCloneCfg{})

	if err := s.Close(); !errors.Is(err, pebblestore.ErrStoreFailed) {
		t.Errorf("Close of a failed store: %v, want ErrStoreFailed", err)
	}
	if err := s.Close(); !errors.Is(err, acme.ErrStoreClosed) {
		t.Errorf("second Close: %v, want ErrStoreClosed", err)
	}
	toggle.Off()
	for name, fs := range map[string]vfs.FS{"the mended disk": mem, "what a power cut left": cut} {
		s := open(t, "data", on(fs))
		from := w.check(t, s, acked, seen)
		commit(t, s, w.pair(0, from[0]+1))
		if err := s.Close(); err != nil {
			t.Errorf("Close on %s: %v", name, err)
		}
	}
}

// TestOpenReportsDiskErrors fails each write of an Open in turn, of a new
// directory and of one to recover. Open returns the error or a Store that
// works, and lets go of the directory.
func TestOpenReportsDiskErrors(t *testing.T) {
	t.Parallel()
	old := newCrashFS(vfs.NewCrashableMem())
	s := open(t, "data", on(old))
	for i := range 100 {
		commit(t, s, put(job(fmt.Sprint(i), 1, strings.Repeat("x", 4000))))
	}
	crashed := old.crashClone(vfs.CrashCloneCfg{})
	for name, fresh := range map[string]bool{"new": true, "recovered": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var hits int64
			for nth := int64(1); nth < 1000; nth++ {
				mem := crashed.crashClone(vfs.CrashCloneCfg{})
				if fresh {
					mem = newCrashFS(vfs.NewCrashableMem())
				}
				failure := &nthFailure{nth: nth, match: func(op errorfs.Op) bool {
					return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpRemove && op.Kind != errorfs.OpFilePreallocate
				}}
				toggle := &errorfs.Toggle{Injector: failure}
				toggle.On()
				s, err := pebblestore.Open("data", on(newFaultyDisk(mem, toggle)))
				if failure.hits.Load() == 0 {
					if err != nil {
						t.Fatalf("Open without a fault: %v", err)
					}
					_ = s.Close()
					break
				}
				hits++
				switch {
				case err == nil:
					_ = s.Close()
				case !errors.Is(err, errorfs.ErrInjected) && !strings.Contains(err.Error(), "injected"):
					t.Fatalf("failure %d: Open: %v, want the injected error", nth, err)
				}
				toggle.Off()
				s = open(t, "data", on(mem))
				if _, err := s.Get(t.Context(), job("99", 1, "").Key); !fresh && err != nil {
					t.Fatalf("failure %d of an Open lost a record: %v", nth, err)
				}
				if err := s.Close(); err != nil {
					t.Fatalf("Close: %v", err)
				}
			}
			if hits < 10 {
				t.Fatalf("only %d failures were injected", hits)
			}
			t.Logf("%d writes failed in turn", hits)
		})
	}
}
