package pebblestore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/acmetest"
	"acme.example/creditscore/acme/pebblestore"
)

// TestMain allows for the goroutine that TestGoroutinesOfPebbleAreParked has
// parked for good.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("acme.example/creditscore/acme/pebblestore.engineLog.Fatalf"),
	)
}

// small makes tables and logs turn over after a few records.
var small = pebblestore.Options{CacheBytes: 1 << 20, MemTableBytes: 256 << 10}

func open(t testing.TB, dir string, opts pebblestore.Options) *pebblestore.Store {
	t.Helper()
	s, err := pebblestore.Open(dir, opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func on(fs vfs.FS) pebblestore.Options {
	opts := small
	opts.FS = fs
	return opts
}

// crashFS is a filesystem in memory whose power can be cut. CrashClone waits
// for vfs.MemFS's own lock, and Link and ReuseForWrite take that lock twice
// for reading, which stops for ever with a waiter in between: they and
// CrashClone exclude each other here.
type crashFS struct {
	*vfs.MemFS
	mu *sync.Mutex
}

func newCrashFS(m *vfs.MemFS) crashFS { return crashFS{m, new(sync.Mutex)} }

func (c crashFS) Link(oldname, newname string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.MemFS.Link(oldname, newname)
}

func (c crashFS) ReuseForWrite(oldname, newname string, cat vfs.DiskWriteCategory) (vfs.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.MemFS.ReuseForWrite(oldname, newname, cat)
}

func (c crashFS) crashClone(cfg vfs.CrashCloneCfg) crashFS {
	c.mu.Lock()
	defer c.mu.Unlock()
	return newCrashFS(c.CrashClone(cfg))
}

// disk is the one that a test's Store is on now.
type disk struct {
	fs    crashFS
	rng   *rand.Rand
	store *pebblestore.Store
}

// cut returns what a power cut now would leave: all that was synced and
// some of what was not.
func (d *disk) cut() crashFS {
	return d.fs.crashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: d.rng.IntN(101), RNG: d.rng})
}

// openCrashable opens a Store on a disk of its own, with every hook.
func openCrashable(seed uint64) func(t testing.TB) acmetest.Backend {
	return func(t testing.TB) acmetest.Backend {
		d := &disk{fs: newCrashFS(vfs.NewCrashableMem()), rng: rand.New(rand.NewPCG(seed, 1))}
		d.store = open(t, "data", on(d.fs))
		return acmetest.Backend{
			Store: d.store,
			Reopen: func(t testing.TB) acme.Store {
				if err := d.store.Close(); err != nil {
					t.Fatalf("Close: %v", err)
				}
				d.store = open(t, "data", on(d.fs))
				return d.store
			},
			Crash: func(t testing.TB) acme.Store {
				left := d.cut()
				_ = d.store.Close() // writes to the disk that is no more
				d.fs = left
				d.store = open(t, "data", on(d.fs))
				return d.store
			},
		}
	}
}

func TestStoreInMemory(t *testing.T) {
	t.Parallel()
	acmetest.RunStore(t, openCrashable(1))
}

func TestStoreOnDisk(t *testing.T) {
	t.Parallel()
	acmetest.RunStore(t, func(t testing.TB) acmetest.Backend {
		dir := filepath.Join(t.TempDir(), "deep", "data")
		s := open(t, dir, small)
		return acmetest.Backend{Store: s, Reopen: func(t testing.TB) acme.Store {
			if err := s.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			s = open(t, dir, small)
			return s
		}}
	})
}

func TestStoreModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			acmetest.RunStoreModel(t, openCrashable(seed), seed, 400)
		})
	}
}

// quiet is a Pebble logger for looking into a directory by hand.
type quiet struct{}

func (quiet) Infof(string, ...any)         {}
func (quiet) Errorf(string, ...any)        {}
func (quiet) Fatalf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }

func job(id string, version uint64, body string) acme.Record {
	return acme.Record{
		Key: acme.Key{Kind: acme.KindJob, ID: id}, Version: version, Owner: "owner", Status: "accepted",
		CreatedAt: start, Body: acme.StoredBody([]byte(body)),
	}
}

func commit(t testing.TB, s acme.Store, txs ...acme.Tx) {
	t.Helper()
	for i, err := range s.Commit(t.Context(), txs) {
		if err != nil {
			t.Fatalf("Tx %d: %v", i, err)
		}
	}
}

func put(records ...acme.Record) acme.Tx { return acme.Tx{Puts: records} }

func TestOpenOfADirectoryInUse(t *testing.T) {
	t.Parallel()
	for name, fs := range map[string]vfs.FS{"disk": nil, "memory": vfs.NewMem()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := "data"
			if fs == nil {
				dir = t.TempDir()
			}
			s := open(t, dir, on(fs))
			_, err := pebblestore.Open(dir, on(fs))
			if !errors.Is(err, pebblestore.ErrInUse) || !strings.Contains(err.Error(), dir) {
				t.Fatalf("second Open: %v, want ErrInUse with the directory", err)
			}
			commit(t, s, put(job("a", 1, "")))
			if err := s.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			open(t, dir, on(fs))
		})
	}
}

func TestOpenRefusesOptions(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]pebblestore.Options{
		"CacheBytes":    {CacheBytes: -1},
		"MemTableBytes": {MemTableBytes: -1},
		"MaxOpenFiles":  {MaxOpenFiles: -1},
	} {
		opts.FS = vfs.NewMem()
		if _, err := pebblestore.Open("data", opts); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: -1: error %v, want one that names it", name, err)
		}
	}
}

func TestOpenRefusesANewerFormat(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	if err := open(t, "data", on(fs)).Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	db, err := pebble.Open("data", &pebble.Options{FS: fs, FormatMajorVersion: pebble.FormatNewest, Logger: quiet{}})
	if err != nil {
		t.Fatalf("open by hand: %v", err)
	}
	if err := errors.Join(db.Set([]byte("mformat\x00\x01"), []byte{9}, pebble.Sync), db.Close()); err != nil {
		t.Fatalf("write by hand: %v", err)
	}
	_, err = pebblestore.Open("data", on(fs))
	if !errors.Is(err, pebblestore.ErrUnknownFormat) || !strings.Contains(err.Error(), "format 9") || !strings.Contains(err.Error(), "format 1") {
		t.Fatalf("Open: %v, want ErrUnknownFormat that names both formats", err)
	}
	if _, err := pebblestore.Open("data", on(fs)); !errors.Is(err, pebblestore.ErrUnknownFormat) {
		t.Fatalf("Open again: %v: the directory was not released", err)
	}
}

func TestGetRefusesANewerRecord(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	s := open(t, "data", on(fs))
	commit(t, s, put(job("a", 1, "body")))
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	db, err := pebble.Open("data", &pebble.Options{FS: fs, FormatMajorVersion: pebble.FormatNewest, Logger: quiet{}})
	if err != nil {
		t.Fatalf("open by hand: %v", err)
	}
	if err := errors.Join(db.Set([]byte("rjob\x00\x01a\x00\x01"), []byte{7, 1}, pebble.Sync), db.Close()); err != nil {
		t.Fatalf("write by hand: %v", err)
	}
	s = open(t, "data", on(fs))
	_, get := s.Get(t.Context(), job("a", 1, "").Key)
	_, list := s.List(t.Context(), acme.ListQuery{Kind: acme.KindJob, Owner: "owner", Limit: 1})
	replace := s.Commit(t.Context(), []acme.Tx{put(job("a", 2, ""))})[0]
	for name, err := range map[string]error{"Get": get, "List": list, "Commit": replace} {
		if !errors.Is(err, pebblestore.ErrUnknownFormat) || !strings.Contains(err.Error(), "format 7") {
			t.Errorf("%s: %v, want ErrUnknownFormat that names format 7", name, err)
		}
	}
}

func TestCommitRefusesWhatNoRecordMayBe(t *testing.T) {
	t.Parallel()
	s := open(t, "data", on(vfs.NewMem()))
	for name, r := range map[string]acme.Record{
		"no kind":      {Key: acme.Key{ID: "a"}, Version: 1},
		"no id":        job("", 1, ""),
		"a long id":    job(strings.Repeat("x", 513), 1, ""),
		"no UTF-8":     job("a\xff", 1, ""),
		"no version":   job("a", 0, ""),
		"half a sign":  job("\xc3", 1, ""),
		"a surrogate":  job("\xed\xa0\x80", 1, ""),
		"an overlong ": job("\xc0\x80", 1, ""),
	} {
		errs := s.Commit(t.Context(), []acme.Tx{put(r), put(job("ok", 1, ""))})
		if errs[0] == nil || errors.Is(errs[0], acme.ErrConflict) || errs[1] != nil {
			t.Errorf("%s: errors %v, want the first refused as invalid and the second fine", name, errs)
		}
		commit(t, s, acme.Tx{Deletes: []acme.VersionedKey{{Key: job("ok", 1, "").Key}}})
	}
}

func TestLimitsBelowOneAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, "data", on(vfs.NewMem()))
	_, list := s.List(t.Context(), acme.ListQuery{Kind: acme.KindJob, Owner: "owner"})
	_, due := s.Due(t.Context(), acme.KindJob, start, acme.DueKey{}, 0)
	_, expired := s.Expired(t.Context(), start, -1)
	if list == nil || due == nil || expired == nil {
		t.Fatalf("errors %v, %v, %v; want three", list, due, expired)
	}
}

func TestReplacingARecordWritesNoIndexThatStays(t *testing.T) {
	t.Parallel()
	s := open(t, "data", on(vfs.NewMem()))
	logged := func(r acme.Record) uint64 {
		before := metrics(t, s)
		commit(t, s, put(r))
		return metrics(t, s).LogBytes - before.LogBytes
	}
	r := job("scr_01JD0000000000000000000000", 1, strings.Repeat("b", 100))
	r.Group, r.DueAt, r.ExpiresAt = "user-42", start, start
	created := logged(r)
	r.Version = 2
	same := logged(r)
	r.Version, r.Status = 3, "fetching"
	moved := logged(r)
	t.Logf("bytes logged: created %d, replaced %d, with another status %d", created, same, moved)
	if same >= moved || moved >= created || same > 300 {
		t.Fatalf("bytes logged: created %d, replaced %d, with another status %d", created, same, moved)
	}
}

func metrics(t testing.TB, s *pebblestore.Store) pebblestore.Metrics {
	t.Helper()
	m, err := s.Metrics()
	if err != nil {
		t.Fatalf("Metrics: %v", err)
	}
	return m
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), small)
	body := strings.Repeat("0123456789", 300)
	for i := range 200 {
		commit(t, s, put(job(fmt.Sprint(i), 1, body)))
	}
	m := metrics(t, s)
	if m.LogBytes < 200*3000 || m.LogSyncs < 200 || m.FlushedBytes == 0 || m.DiskBytes == 0 || m.WrittenBytes() < m.LogBytes+m.FlushedBytes {
		t.Fatalf("after 200 synced Commits of 3 kB: %+v", m)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if _, err := s.Metrics(); !errors.Is(err, acme.ErrStoreClosed) {
		t.Fatalf("Metrics after Close: %v", err)
	}
	if err := s.Checkpoint("elsewhere"); !errors.Is(err, acme.ErrStoreClosed) {
		t.Fatalf("Checkpoint after Close: %v", err)
	}
}

func TestCheckpoint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "data"), small)
	commit(t, s, put(job("a", 1, "one")), acme.Tx{Puts: []acme.Record{job("lazy", 1, "")}, Lazy: true})
	if err := s.Checkpoint(filepath.Join(dir, "data", "copy")); err == nil {
		t.Fatal("a copy inside of the store was made")
	}
	if err := s.Checkpoint(filepath.Join(dir, "copy")); err != nil {
		t.Fatalf("Checkpoint: %v", err)
	}
	if err := s.Checkpoint(filepath.Join(dir, "copy")); err == nil {
		t.Fatal("a copy was overwritten")
	}
	commit(t, s, put(job("a", 2, "two")), put(job("b", 1, "")))
	c := open(t, filepath.Join(dir, "copy"), small)
	if r, err := c.Get(t.Context(), job("a", 1, "").Key); err != nil || r.Version != 1 || string(r.Body.Bytes()) != "one" {
		t.Fatalf("Get from the copy: %+v, %v", r, err)
	}
	if _, err := c.Get(t.Context(), job("lazy", 1, "").Key); err != nil {
		t.Fatalf("the copy lacks a lazy record: %v", err)
	}
	if _, err := c.Get(t.Context(), job("b", 1, "").Key); !errors.Is(err, acme.ErrNotFound) {
		t.Fatalf("the copy has what came later: %v", err)
	}
}
