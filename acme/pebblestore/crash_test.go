package pebblestore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/pebblestore"
)

var start = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// writers commit to a Store, each a record of its own in three Txs over and
// over, and remember the version that was last acknowledged. A Tx writes two
// records that must stay alike.
type writers struct {
	acked [8]atomic.Uint64
	seen  [8]atomic.Uint64 // by a reader
	body  string

	failed atomic.Bool // one has ended
}

func (w *writers) pair(i int, v uint64) acme.Tx {
	a := job(strconv.Itoa(i), v, w.body)
	b := a
	b.Kind, b.DueAt = acme.KindDelivery, start.Add(time.Duration(v)*time.Second)
	return put(a, b)
}

// run writes and reads until the Store ends, and gives the first error of
// each writer.
func (w *writers) run(t *testing.T, s acme.Store, from [8]uint64) []error {
	var wg sync.WaitGroup
	errs := make([]error, len(w.acked))
	for i := range w.acked {
		wg.Go(func() {
			for v := from[i] + 1; ; v += 3 {
				for j, err := range s.Commit(t.Context(), []acme.Tx{w.pair(i, v), w.pair(i, v+1), w.pair(i, v+2)}) {
					if err != nil {
						errs[i] = err
						w.failed.Store(true)
						return
					}
					w.acked[i].Store(v + uint64(j))
				}
			}
		})
		wg.Go(func() {
			for {
				r, err := s.Get(t.Context(), job(strconv.Itoa(i), 1, "").Key)
				if err == nil {
					w.seen[i].Store(r.Version)
				} else if !errors.Is(err, acme.ErrNotFound) {
					return
				}
			}
		})
	}
	wg.Wait()
	return errs
}

func load(of *[8]atomic.Uint64) (vs [8]uint64) {
	for i := range of {
		vs[i] = of[i].Load()
	}
	return vs
}

// check expects at least these versions, each pair alike and in its index.
func (w *writers) check(t *testing.T, s acme.Store, atLeast ...[8]uint64) (have [8]uint64) {
	t.Helper()
	for i := range have {
		a, errA := s.Get(t.Context(), job(strconv.Itoa(i), 1, "").Key)
		b, errB := s.Get(t.Context(), acme.Key{Kind: acme.KindDelivery, ID: strconv.Itoa(i)})
		if a.Version != b.Version || (errA == nil) != (errB == nil) {
			t.Fatalf("writer %d: a Tx was applied in part: versions %d and %d (%v, %v)", i, a.Version, b.Version, errA, errB)
		}
		for _, want := range atLeast {
			if a.Version < want[i] {
				t.Fatalf("writer %d: version %d is left, %d was acknowledged or read (%v)", i, a.Version, want[i], errA)
			}
		}
		if errA == nil && (a.Body.Bytes() == nil || string(a.Body.Bytes()) != w.body) {
			t.Fatalf("writer %d: the body is damaged", i)
		}
		have[i] = a.Version
	}
	due, err := s.Due(t.Context(), acme.KindDelivery, start.Add(1000*time.Hour), acme.DueKey{}, 100)
	if err != nil {
		t.Fatalf("Due: %v", err)
	}
	written := 0
	for _, v := range have {
		if v > 0 {
			written++
		}
	}
	if len(due) != written {
		t.Fatalf("%d records are due, %d exist: an index is out of step", len(due), written)
	}
	for _, d := range due {
		i, _ := strconv.Atoi(d.ID)
		if want := start.Add(time.Duration(have[i]) * time.Second); !d.DueAt.Equal(want) {
			t.Fatalf("record %s is due at %v, want %v", d.ID, d.DueAt, want)
		}
	}
	return have
}

// TestPowerCuts cuts the power at random moments under concurrent Commits.
// Whatever had been acknowledged, and whatever had been read, must be there,
// and every Tx whole.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 2))
			d := &disk{fs: newCrashFS(vfs.NewCrashableMem()), rng: rng}
			body := strings.Repeat("x", 200+rng.IntN(3000))
			var from [8]uint64
			for range 2 {
				w := &writers{body: body}
				s := open(t, "data", on(d.fs))
				type cut struct {
					left        crashFS
					acked, seen [8]uint64
				}
				var cuts []cut
				done := make(chan struct{})
				go func() {
					defer close(done)
					next := uint64(1)
					for len(cuts) < 10 {
						if w.failed.Load() {
							break
						}
						if w.acked[0].Load() < from[0]+next {
							runtime.Gosched()
							continue
						}
						next += 1 + rng.Uint64N(40)
						c := cut{acked: load(&w.acked), seen: load(&w.seen)}
						c.left = d.cut()
						cuts = append(cuts, c)
					}
					_ = s.Close()
				}()
				errs := w.run(t, s, from)
				for i, err := range errs {
					if !errors.Is(err, acme.ErrStoreClosed) {
						t.Fatalf("writer %d: %v", i, err)
					}
				}
				<-done
				for _, c := range cuts {
					s := open(t, "data", on(c.left))
					from = w.check(t, s, c.acked, c.seen)
					if err := s.Close(); err != nil {
						t.Fatalf("Close after a power cut: %v", err)
					}
					d.fs = c.left
				}
			}
		})
	}
}

// slowDisk holds every sync of the log until it is let go.
type slowDisk struct {
	vfs.FS
	held    atomic.Bool
	waiting chan struct{}
	release chan struct{}
}

func (d *slowDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	if err == nil && strings.HasSuffix(name, ".log") {
		f = slowFile{f, d}
	}
	return f, err
}

type slowFile struct {
	vfs.File
	d *slowDisk
}

func (f slowFile) Sync() error     { f.d.hold(); return f.File.Sync() }
func (f slowFile) SyncData() error { f.d.hold(); return f.File.SyncData() }

func (d *slowDisk) hold() {
	if d.held.Load() {
		d.waiting <- struct{}{}
		<-d.release
	}
}

// TestNobodySeesWhatIsNotDurable holds a sync and asks for what it syncs.
func TestNobodySeesWhatIsNotDurable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &slowDisk{FS: vfs.NewMem(), waiting: make(chan struct{}, 100), release: make(chan struct{})}
		s := open(t, "data", on(d))
		commit(t, s, put(job("old", 1, "")))
		d.held.Store(true)

		asks := map[string]func() error{
			"the Commit": func() error { return s.Commit(t.Context(), []acme.Tx{put(job("a", 1, ""))})[0] },
			"Get": func() error {
				_, err := s.Get(t.Context(), job("a", 1, "").Key)
				return err
			},
			"List": func() error {
				_, err := s.List(t.Context(), acme.ListQuery{Kind: acme.KindJob, Owner: "owner", Limit: 1})
				return err
			},
			"Due": func() error {
				_, err := s.Due(t.Context(), acme.KindJob, start, acme.DueKey{}, 1)
				return err
			},
			"Expired": func() error {
				_, err := s.Expired(t.Context(), start, 1)
				return err
			},
			"a Commit that conflicts with it": func() error {
				if err := s.Commit(t.Context(), []acme.Tx{put(job("a", 1, ""))})[0]; !errors.Is(err, acme.ErrConflict) {
					return fmt.Errorf("error %v, want a conflict", err)
				}
				return nil
			},
			"a Lazy Commit with a conflict": func() error {
				errs := s.Commit(t.Context(), []acme.Tx{put(job("a", 1, "")), {Puts: []acme.Record{job("lazy 2", 1, "")}, Lazy: true}})
				if !errors.Is(errs[0], acme.ErrConflict) || errs[1] != nil {
					return fmt.Errorf("errors %v, want a conflict and none", errs)
				}
				return nil
			},
			"a Commit after it": func() error { return s.Commit(t.Context(), []acme.Tx{put(job("b", 1, ""))})[0] },
		}
		type answer struct {
			from string
			err  error
		}
		answers := make(chan answer, len(asks))
		ask := func(name string) { go func() { answers <- answer{name, asks[name]()} }() }
		ask("the Commit")
		synctest.Wait() // it is in the log, and the disk has it in hand
		for name := range asks {
			if name != "the Commit" {
				ask(name)
			}
		}
		synctest.Wait()
		for len(answers) > 0 {
			a := <-answers
			t.Errorf("%s answered from what is not durable: %v", a.from, a.err)
			delete(asks, a.from)
		}
		// Other keys are answered, and Lazy writes taken.
		if _, err := s.Get(t.Context(), job("old", 1, "").Key); err != nil {
			t.Errorf("Get of another key: %v", err)
		}
		commit(t, s, acme.Tx{Puts: []acme.Record{job("lazy", 1, "")}, Lazy: true})

		d.held.Store(false)
		close(d.release)
		for range asks {
			if a := <-answers; a.err != nil {
				t.Errorf("%s: %v", a.from, a.err)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// TestCtxEndsAWaitForTheDisk: a disk that hangs holds no caller.
func TestCtxEndsAWaitForTheDisk(t *testing.T) {
	t.Parallel()
	d := &slowDisk{FS: vfs.NewMem(), waiting: make(chan struct{}, 100), release: make(chan struct{})}
	s := open(t, "data", on(d))
	d.held.Store(true)
	ctx, cancel := contextWithCancel(t)
	got := make(chan error, 2)
	go func() { got <- s.Commit(ctx, []acme.Tx{put(job("a", 1, ""))})[0] }()
	<-d.waiting
	go func() { _, err := s.Get(ctx, job("a", 1, "").Key); got <- err }()
	cancel()
	for range 2 {
		if err := <-got; !errors.Is(err, ctx.Err()) {
			t.Fatalf("error %v, want that of ctx", err)
		}
	}
	d.held.Store(false)
	close(d.release)
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	s = open(t, "data", pebblestore.Options{FS: d})
	if _, err := s.Get(t.Context(), job("a", 1, "").Key); err != nil {
		t.Fatalf("what went on without its caller is gone after Close: %v", err)
	}
}
