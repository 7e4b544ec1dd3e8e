package acmetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"acme.example/creditscore/acme"
)

// faultyStore is a Store with one fault: each func that is set takes the
// place of a method.
type faultyStore struct {
	acme.Store
	commit  func(s acme.Store, ctx context.Context, txs []acme.Tx) []error
	get     func(s acme.Store, ctx context.Context, k acme.Key) (acme.Record, error)
	list    func(s acme.Store, ctx context.Context, q acme.ListQuery) ([]acme.Record, error)
	due     func(s acme.Store, ctx context.Context, kind acme.Kind, until time.Time, after acme.DueKey, limit int) ([]acme.DueKey, error)
	expired func(s acme.Store, ctx context.Context, until time.Time, limit int) ([]acme.Key, error)
	close   func(s acme.Store) error
}

func (f faultyStore) Commit(ctx context.Context, txs []acme.Tx) []error {
	if f.commit != nil {
		return f.commit(f.Store, ctx, txs)
	}
	return f.Store.Commit(ctx, txs)
}

func (f faultyStore) Get(ctx context.Context, k acme.Key) (acme.Record, error) {
	if f.get != nil {
		return f.get(f.Store, ctx, k)
	}
	return f.Store.Get(ctx, k)
}

func (f faultyStore) List(ctx context.Context, q acme.ListQuery) ([]acme.Record, error) {
	if f.list != nil {
		return f.list(f.Store, ctx, q)
	}
	return f.Store.List(ctx, q)
}

func (f faultyStore) Due(ctx context.Context, kind acme.Kind, until time.Time, after acme.DueKey, limit int) ([]acme.DueKey, error) {
	if f.due != nil {
		return f.due(f.Store, ctx, kind, until, after, limit)
	}
	return f.Store.Due(ctx, kind, until, after, limit)
}

func (f faultyStore) Expired(ctx context.Context, until time.Time, limit int) ([]acme.Key, error) {
	if f.expired != nil {
		return f.expired(f.Store, ctx, until, limit)
	}
	return f.Store.Expired(ctx, until, limit)
}

func (f faultyStore) Close() error {
	if f.close != nil {
		return f.close(f.Store)
	}
	return f.Store.Close()
}

// mapIDs is a fault that changes every identifier on its way in.
func mapIDs(change func(string) string) faultyStore {
	return faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			return s.Commit(ctx, eachTx(txs, func(tx *acme.Tx) {
				for i := range tx.Puts {
					tx.Puts[i].ID = change(tx.Puts[i].ID)
				}
				for i := range tx.Deletes {
					tx.Deletes[i].ID = change(tx.Deletes[i].ID)
				}
			}))
		},
		get: func(s acme.Store, ctx context.Context, k acme.Key) (acme.Record, error) {
			r, err := s.Get(ctx, acme.Key{Kind: k.Kind, ID: change(k.ID)})
			r.Key = k
			return r, err
		},
	}
}

// eachTx copies txs and changes the copies.
func eachTx(txs []acme.Tx, change func(*acme.Tx)) []acme.Tx {
	out := slices.Clone(txs)
	for i := range out {
		out[i].Puts, out[i].Deletes = slices.Clone(out[i].Puts), slices.Clone(out[i].Deletes)
		change(&out[i])
	}
	return out
}

// putFault is a fault that changes every record on its way in.
func putFault(change func(*acme.Record)) faultyStore {
	return faultyStore{commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
		return s.Commit(ctx, eachTx(txs, func(tx *acme.Tx) {
			for i := range tx.Puts {
				change(&tx.Puts[i])
			}
		}))
	}}
}

// listFault is a fault that changes every query on its way in.
func listFault(change func(*acme.ListQuery)) faultyStore {
	return faultyStore{list: func(s acme.Store, ctx context.Context, q acme.ListQuery) ([]acme.Record, error) {
		change(&q)
		return s.List(ctx, q)
	}}
}

// seededFaults are Stores that break one promise each. lose is for what goes
// missing in a power cut and a restart.
var seededFaults = []struct {
	name  string
	fault faultyStore
	lose  func(m *MemStore)
}{
	{name: "no fencing: any version replaces any", fault: faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			errs := make([]error, len(txs))
			for i, tx := range txs {
				tx := eachTx([]acme.Tx{tx}, func(tx *acme.Tx) {
					for j := range tx.Puts {
						r, _ := s.Get(ctx, tx.Puts[j].Key)
						tx.Puts[j].Version = r.Version + 1
					}
				})
				errs[i] = s.Commit(ctx, tx)[0]
			}
			return errs
		},
	}},
	{name: "deletes ignore their version", fault: faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			return s.Commit(ctx, eachTx(txs, func(tx *acme.Tx) {
				for i := range tx.Deletes {
					tx.Deletes[i].Version = 0
				}
			}))
		},
	}},
	{name: "check and write are two steps", fault: faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			errs := make([]error, len(txs))
			for i, tx := range txs {
				forced := eachTx([]acme.Tx{tx}, func(tx *acme.Tx) {
					for j, p := range tx.Puts {
						if r, _ := s.Get(ctx, p.Key); r.Version != p.Version-1 {
							errs[i] = acme.ErrConflict
						}
						runtime.Gosched()
						tx.Puts[j] = p
					}
				})
				for range 100 {
					if errs[i] != nil {
						break
					}
					for j := range forced[0].Puts {
						r, _ := s.Get(ctx, forced[0].Puts[j].Key)
						forced[0].Puts[j].Version = r.Version + 1
					}
					if err := s.Commit(ctx, forced)[0]; !errors.Is(err, acme.ErrConflict) || len(tx.Puts) == 0 {
						errs[i] = err
						break
					}
				}
			}
			return errs
		},
	}},
	{name: "identifiers are lower-cased", fault: mapIDs(strings.ToLower)},
	{name: "trailing spaces are cut", fault: mapIDs(func(s string) string {
		if cut := strings.TrimRight(s, " "); cut != "" {
			return cut
		}
		return s
	})},
	{name: "identifiers are normalized", fault: mapIDs(norm.NFC.String)},
	{name: "identifiers end at NUL", fault: mapIDs(func(s string) string {
		if before, _, ok := strings.Cut(s, "\x00"); ok && before != "" {
			return before
		}
		return s
	})},
	{name: "identifiers are cut at 255 bytes", fault: mapIDs(func(s string) string { return strings.ToValidUTF8(s[:min(255, len(s))], "") })},
	{name: "kinds are mixed up", fault: faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			return s.Commit(ctx, eachTx(txs, func(tx *acme.Tx) {
				for i := range tx.Puts {
					tx.Puts[i].Kind = acme.KindJob
				}
			}))
		},
		get: func(s acme.Store, ctx context.Context, k acme.Key) (acme.Record, error) {
			return s.Get(ctx, acme.Key{Kind: acme.KindJob, ID: k.ID})
		},
	}},
	{name: "only the first Put of a Tx is written", fault: faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			return s.Commit(ctx, eachTx(txs, func(tx *acme.Tx) { tx.Puts = tx.Puts[:min(1, len(tx.Puts))] }))
		},
	}},
	{name: "a Tx is applied in parts", fault: faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			errs := make([]error, len(txs))
			for i, tx := range txs {
				for _, p := range tx.Puts {
					errs[i] = errors.Join(errs[i], s.Commit(ctx, []acme.Tx{{Puts: []acme.Record{p}}})[0])
				}
				for _, d := range tx.Deletes {
					errs[i] = errors.Join(errs[i], s.Commit(ctx, []acme.Tx{{Deletes: []acme.VersionedKey{d}}})[0])
				}
				if len(tx.Puts)+len(tx.Deletes) == 0 {
					errs[i] = s.Commit(ctx, []acme.Tx{tx})[0]
				}
			}
			return errs
		},
	}},
	{name: "one conflict refuses the whole call", fault: faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			errs := make([]error, len(txs))
			for i := range txs {
				if errs[i] = s.Commit(ctx, txs[i:i+1])[0]; errs[i] != nil {
					for j := i; j < len(errs); j++ {
						errs[j] = errs[i]
					}
					break
				}
			}
			return errs
		},
	}},
	{name: "Txs of a call are applied in any order", fault: faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			txs = slices.Clone(txs)
			slices.Reverse(txs)
			errs := s.Commit(ctx, txs)
			slices.Reverse(errs)
			return errs
		},
	}},
	{name: "deletes keep rows", fault: faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			return s.Commit(ctx, eachTx(txs, func(tx *acme.Tx) { tx.Deletes = nil }))
		},
	}},
	{name: "a replacement keeps the old body", fault: faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			return s.Commit(ctx, eachTx(txs, func(tx *acme.Tx) {
				for i, p := range tx.Puts {
					if r, err := s.Get(ctx, p.Key); err == nil {
						tx.Puts[i].Body = r.Body
					}
				}
			}))
		},
	}},
	{name: "a dead ctx is ignored", fault: faultyStore{
		commit: func(s acme.Store, ctx context.Context, txs []acme.Tx) []error {
			return s.Commit(context.WithoutCancel(ctx), txs)
		},
	}},
	{name: "a dead ctx is ignored by Expired alone", fault: faultyStore{
		expired: func(s acme.Store, ctx context.Context, until time.Time, limit int) ([]acme.Key, error) {
			return s.Expired(context.WithoutCancel(ctx), until, limit)
		},
	}},
	{name: "a second Close succeeds", fault: faultyStore{
		close: func(s acme.Store) error { _ = s.Close(); return nil },
	}},
	{name: "Close closes nothing", fault: faultyStore{close: func() func(acme.Store) error {
		return func(acme.Store) error { return nil }
	}()}},
	{name: "times have milliseconds", fault: putFault(func(r *acme.Record) { r.CreatedAt = r.CreatedAt.Truncate(time.Millisecond) })},
	{name: "DueAt is ignored", fault: putFault(func(r *acme.Record) { r.DueAt = time.Time{} })},
	{name: "ExpiresAt is ignored", fault: putFault(func(r *acme.Record) { r.ExpiresAt = time.Time{} })},
	{name: "Due ignores until", fault: faultyStore{
		due: func(s acme.Store, ctx context.Context, kind acme.Kind, _ time.Time, after acme.DueKey, limit int) ([]acme.DueKey, error) {
			return s.Due(ctx, kind, at(1000), after, limit)
		},
	}},
	{name: "Due leaves until out", fault: faultyStore{
		due: func(s acme.Store, ctx context.Context, kind acme.Kind, until time.Time, after acme.DueKey, limit int) ([]acme.DueKey, error) {
			return s.Due(ctx, kind, until.Add(-time.Microsecond), after, limit)
		},
	}},
	{name: "Due ignores its position", fault: faultyStore{
		due: func(s acme.Store, ctx context.Context, kind acme.Kind, until time.Time, _ acme.DueKey, limit int) ([]acme.DueKey, error) {
			return s.Due(ctx, kind, until, acme.DueKey{}, limit)
		},
	}},
	{name: "Due positions by time alone", fault: faultyStore{
		due: func(s acme.Store, ctx context.Context, kind acme.Kind, until time.Time, after acme.DueKey, limit int) ([]acme.DueKey, error) {
			if after.ID != "" {
				after.ID = "\U0010FFFF\U0010FFFF"
			}
			return s.Due(ctx, kind, until, after, limit)
		},
	}},
	{name: "Expired ignores its limit", fault: faultyStore{
		expired: func(s acme.Store, ctx context.Context, until time.Time, _ int) ([]acme.Key, error) {
			return s.Expired(ctx, until, 1000)
		},
	}},
	{name: "Expired removes what it gives", fault: faultyStore{
		expired: func(s acme.Store, ctx context.Context, until time.Time, limit int) ([]acme.Key, error) {
			keys, err := s.Expired(ctx, until, limit)
			for _, k := range keys {
				s.Commit(ctx, []acme.Tx{{Deletes: []acme.VersionedKey{{Key: k}}}})
			}
			return keys, err
		},
	}},
	{name: "List gives the oldest first", fault: faultyStore{
		list: func(s acme.Store, ctx context.Context, q acme.ListQuery) ([]acme.Record, error) {
			records, err := s.List(ctx, q)
			slices.Reverse(records)
			return records, err
		},
	}},
	{name: "List ignores Status", fault: listFault(func(q *acme.ListQuery) { q.Status = "" })},
	{name: "List ignores Group", fault: listFault(func(q *acme.ListQuery) { q.Group = "" })},
	{name: "List ignores Limit", fault: listFault(func(q *acme.ListQuery) { q.Limit = 1000 })},
	{name: "List filters after it limits", fault: faultyStore{
		list: func(s acme.Store, ctx context.Context, q acme.ListQuery) ([]acme.Record, error) {
			status := q.Status
			q.Status = ""
			records, err := s.List(ctx, q)
			return slices.DeleteFunc(records, func(r acme.Record) bool { return status != "" && r.Status != status }), err
		},
	}},
	{name: "a Cursor counts by time alone", fault: listFault(func(q *acme.ListQuery) {
		if !q.After.IsZero() {
			q.After.ID = ""
		}
	})},
	{name: "a power cut loses everything", lose: func(m *MemStore) { clear(m.data.records) }},
	{name: "a power cut loses the deletion of an index", lose: func(m *MemStore) {
		for k := range m.data.records {
			if k.Kind == acme.KindDelivery {
				delete(m.data.records, k)
			}
		}
	}},
}

// TestSuiteFindsFaults runs the suite against each seeded fault. It must
// fail: a fault that passes is a sentence of the contract without a test.
func TestSuiteFindsFaults(t *testing.T) {
	t.Parallel()
	for _, f := range seededFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			var failed []string
			for _, c := range storeCases() {
				if r := record(t, func(t testing.TB) { c.run(faultyBackend(f.fault, f.lose), t) }); r.failed {
					failed = append(failed, c.name)
				}
			}
			if len(failed) == 0 {
				t.Fatal("the suite passed a Store with this fault")
			}
			t.Logf("found by %d of %d subtests: %q", len(failed), len(storeCases()), failed[0])
		})
	}
}

// TestModelFindsFaults does the same for the model, with faults that only a
// power cut or a combination shows.
func TestModelFindsFaults(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		name  string
		fault faultyStore
		lose  func(m *MemStore)
	}{
		{name: "a power cut loses everything", lose: func(m *MemStore) { clear(m.data.records) }},
		{name: "a power cut loses one record", lose: func(m *MemStore) {
			for k := range m.data.records {
				delete(m.data.records, k)
				break
			}
		}},
		{name: "deletes keep rows", fault: seededFault("deletes keep rows")},
		{name: "List ignores Status", fault: seededFault("List ignores Status")},
		{name: "DueAt is ignored", fault: seededFault("DueAt is ignored")},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := record(t, func(t testing.TB) { RunStoreModel(t, faultyBackend(f.fault, f.lose), 1, 500) })
			if !r.failed {
				t.Fatal("the model passed a Store with this fault")
			}
			if !strings.Contains(r.text, "seed 1, step") {
				t.Fatalf("the failure does not name its seed: %q", r.text)
			}
		})
	}
}

// TestRecorderPassesGoodStores makes sure that a failure in the tests above
// is the fault's doing.
func TestRecorderPassesGoodStores(t *testing.T) {
	t.Parallel()
	for _, c := range storeCases() {
		if r := record(t, func(t testing.TB) { c.run(faultyBackend(faultyStore{}, nil), t) }); r.failed {
			t.Errorf("%s: %s", c.name, r.text)
		}
	}
}

func seededFault(name string) faultyStore {
	for _, f := range seededFaults {
		if f.name == name {
			return f.fault
		}
	}
	panic("no such fault: " + name)
}

// faultyBackend opens MemStores with a fault; lose is what a power cut takes.
func faultyBackend(f faultyStore, lose func(*MemStore)) func(testing.TB) Backend {
	return func(testing.TB) Backend {
		m := NewMemStore()
		wrap := func() acme.Store {
			f := f
			f.Store = m
			return f
		}
		return Backend{
			Store:  wrap(),
			Reopen: func(testing.TB) acme.Store { m = m.Reopen(); return wrap() },
			Crash: func(testing.TB) acme.Store {
				m = m.Reopen()
				if lose != nil {
					lose(m)
				}
				return wrap()
			},
		}
	}
}

// recorder is a testing.TB that keeps a failure to itself. The suite runs on
// one, since a test of it must not fail with what it finds.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failed   bool
	text     string
	cleanups []func()
}

// record runs f to its end, a Fatal or a panic, and gives back how it went.
func record(t testing.TB, f func(t testing.TB)) *recorder {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v", p)
			}
			for _, c := range slices.Backward(r.cleanups) {
				c()
			}
		}()
		f(r)
	}()
	<-done
	return r
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.text += fmt.Sprintf(format, args...) + "\n"
}

func (r *recorder) Error(args ...any)                 { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }
func (r *recorder) Fatal(args ...any)                 { r.Error(args...); runtime.Goexit() }
func (r *recorder) Skip(...any)                       { runtime.Goexit() }
func (r *recorder) Skipf(string, ...any)              { runtime.Goexit() }
func (r *recorder) Log(...any)                        {}
func (r *recorder) Logf(string, ...any)               {}
func (r *recorder) Helper()                           {}
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }
