package acmetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"acme.example/creditscore/acme"
)

// RunStoreModel makes random calls of a Store, steps of them, and compares
// each result with a MemStore's, through restarts and power cuts as far as
// the Backend has them. After a power cut every Tx that was not Lazy must be
// there; of the Lazy ones since the last durable Tx only a beginning may
// remain. The same seed makes the same calls; a failure names it.
func RunStoreModel(t testing.TB, open func(t testing.TB) Backend, seed uint64, steps int) {
	t.Helper()
	m := &model{
		suite: suite{TB: t, backend: open(t)},
		seed:  seed,
		rng:   rand.New(rand.NewPCG(seed, 0)),
		want:  NewMemStore(),
	}
	m.store = m.backend.Store
	t.Cleanup(func() { _ = m.store.Close() })
	m.durable()
	t.Logf("seed %d, %d steps", seed, steps)
	for m.step = range steps {
		m.act()
	}
	m.same(m.want)
}

// model is one run of RunStoreModel.
type model struct {
	suite
	seed uint64
	step int
	rng  *rand.Rand
	want *MemStore
	// possible are the states that a power cut may leave: the durable one
	// and each after a Lazy Tx since.
	possible []*MemStore
}

// The small worlds that calls are drawn from, so that they meet.
var (
	modelKinds    = []acme.Kind{acme.KindJob, acme.KindDelivery}
	modelIDs      = []string{"a", "A", "a ", "a\x00", "aa", "b", "ä", "a\u0308", "\U0010FFFF", "z"}
	modelOwners   = []string{"o", "O", "oo"}
	modelGroups   = []string{"", "g", "g\x00", "gg"}
	modelStatuses = []string{"", "x", "y"}
)

func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

func (m *model) fatalf(format string, args ...any) {
	m.Helper()
	m.Fatalf("seed %d, step %d: %s", m.seed, m.step, fmt.Sprintf(format, args...))
}

// durable notes that a power cut takes nothing back any more.
func (m *model) durable() { m.possible = []*MemStore{m.copyOf(m.want)} }

func (m *model) copyOf(s *MemStore) *MemStore {
	return &MemStore{data: &memData{records: s.snapshot()}}
}

// act makes one call.
func (m *model) act() {
	switch n := m.rng.IntN(100); {
	case n < 55:
		m.commitTxs()
	case n < 65:
		key := m.key()
		got, err := m.store.Get(m.Context(), key)
		want, wantErr := m.want.Get(m.Context(), key)
		if !errors.Is(err, wantErr) {
			m.fatalf("Get %q: error %v, want %v", key, err, wantErr)
		}
		if diff := compare(got, want); err == nil && diff != "" {
			m.fatalf("Get: %s", diff)
		}
	case n < 80:
		m.compareList(m.want, m.query())
	case n < 88:
		after := acme.DueKey{}
		if m.rng.IntN(2) == 0 {
			after = acme.DueKey{DueAt: m.time(), ID: pick(m.rng, modelIDs)}
		}
		m.compareDue(m.want, pick(m.rng, modelKinds), m.time(), after, 1+m.rng.IntN(5))
	case n < 94:
		m.compareExpired(m.want, m.time(), 1+m.rng.IntN(5))
	case n < 97:
		if m.backend.Reopen != nil {
			m.store = m.backend.Reopen(m.TB)
			m.durable()
			m.same(m.want)
		}
	default:
		if m.backend.Crash != nil {
			m.powerCut()
		}
	}
}

func (m *model) key() acme.Key {
	return acme.Key{Kind: pick(m.rng, modelKinds), ID: pick(m.rng, modelIDs)}
}

// time is one of few; zero would mean "not set".
func (m *model) time() time.Time { return at(m.rng.IntN(6)) }

func (m *model) query() acme.ListQuery {
	q := acme.ListQuery{
		Kind: pick(m.rng, modelKinds), Owner: pick(m.rng, modelOwners), Limit: 1 + m.rng.IntN(8),
		Group: pick(m.rng, modelGroups), Status: pick(m.rng, modelStatuses),
	}
	if m.rng.IntN(3) == 0 {
		q.After = acme.Cursor{CreatedAt: m.time(), ID: pick(m.rng, modelIDs)}
	}
	return q
}

// commitTxs commits a few Txs that mostly, and not always, meet the versions
// they expect.
func (m *model) commitTxs() {
	txs := make([]acme.Tx, 1+m.rng.IntN(4))
	lazy := m.rng.IntN(3) == 0
	guess := m.copyOf(m.want)
	for i := range txs {
		tx := acme.Tx{Lazy: lazy || m.rng.IntN(4) == 0}
		for range 1 + m.rng.IntN(3) {
			key := m.key()
			current, _ := guess.Get(m.Context(), key)
			if m.rng.IntN(12) == 0 {
				current.Version += uint64(m.rng.IntN(3))
			}
			switch n := m.rng.IntN(8); {
			case n == 0:
				tx.Deletes = append(tx.Deletes, acme.VersionedKey{Key: key})
			case n == 1:
				tx.Deletes = append(tx.Deletes, acme.VersionedKey{Key: key, Version: current.Version})
			default:
				tx.Puts = append(tx.Puts, m.record(key, current))
			}
		}
		guess.Commit(m.Context(), []acme.Tx{tx})
		txs[i] = tx
	}
	got := m.store.Commit(m.Context(), txs)
	if len(got) != len(txs) {
		m.fatalf("Commit gave %d errors for %d Txs", len(got), len(txs))
	}
	synced := false
	for i, tx := range txs {
		want := m.want.Commit(m.Context(), []acme.Tx{tx})[0]
		if !errors.Is(got[i], want) {
			m.fatalf("Tx %d of %d: error %v, want %v", i, len(txs), got[i], want)
		}
		if want == nil {
			synced = synced || !tx.Lazy
			m.possible = append(m.possible, m.copyOf(m.want))
		}
	}
	if synced {
		// A later Lazy Tx of the same call may be lost.
		last := len(m.possible)
		for i := len(txs) - 1; i >= 0 && (txs[i].Lazy || got[i] != nil); i-- {
			if got[i] == nil {
				last--
			}
		}
		m.possible = m.possible[last-1:]
	}
}

// record is the next version of a record, changed a little or a lot.
func (m *model) record(key acme.Key, current acme.Record) acme.Record {
	r := current
	if current.Version == 0 || m.rng.IntN(10) == 0 {
		r = acme.Record{Owner: pick(m.rng, modelOwners), Group: pick(m.rng, modelGroups), CreatedAt: m.time()}
	}
	r.Key, r.Version = key, current.Version+1
	if m.rng.IntN(2) == 0 {
		r.Status = pick(m.rng, modelStatuses)
	}
	if m.rng.IntN(2) == 0 {
		r.DueAt = pick(m.rng, []time.Time{{}, m.time()})
	}
	if m.rng.IntN(3) == 0 {
		r.ExpiresAt = pick(m.rng, []time.Time{{}, m.time()})
	}
	r.Body = acme.StoredBody(fmt.Appendf(nil, "step %d%s", m.step, strings.Repeat(".", m.rng.IntN(200))))
	return r
}

// powerCut finds which of the possible states is left.
func (m *model) powerCut() {
	m.store = m.backend.Crash(m.TB)
	left := map[acme.Key]acme.Record{}
	for _, kind := range modelKinds {
		for _, id := range modelIDs {
			r, err := m.store.Get(m.Context(), acme.Key{Kind: kind, ID: id})
			if err == nil {
				left[r.Key] = r
			} else if !errors.Is(err, acme.ErrNotFound) {
				m.fatalf("Get after a power cut: %v", err)
			}
		}
	}
	i := slices.IndexFunc(m.possible, func(s *MemStore) bool {
		want := s.snapshot()
		if len(want) != len(left) {
			return false
		}
		for k, r := range want {
			if got, ok := left[k]; !ok || compare(got, r) != "" {
				return false
			}
		}
		return true
	})
	if i < 0 {
		m.fatalf("the power cut left a state that was never there, of %d possible ones", len(m.possible))
	}
	m.want = m.possible[i]
	m.durable()
	m.same(m.want)
}

// same compares everything that can be asked.
func (m *model) same(want *MemStore) {
	m.Helper()
	for _, kind := range modelKinds {
		for _, owner := range modelOwners {
			for _, group := range modelGroups {
				for _, status := range modelStatuses {
					m.compareList(want, acme.ListQuery{Kind: kind, Owner: owner, Group: group, Status: status, Limit: 100})
				}
			}
		}
		m.compareDue(want, kind, at(100), acme.DueKey{}, 100)
	}
	m.compareExpired(want, at(100), 100)
}

func (m *model) compareList(want *MemStore, q acme.ListQuery) {
	m.Helper()
	got, err := m.store.List(m.Context(), q)
	expect, _ := want.List(m.Context(), q)
	if err != nil || len(got) != len(expect) {
		m.fatalf("List %+v: %d records, want %d (%v)", q, len(got), len(expect), err)
	}
	for i := range got {
		if diff := compare(got[i], expect[i]); diff != "" {
			m.fatalf("List %+v, record %d: %s", q, i, diff)
		}
	}
}

func (m *model) compareDue(want *MemStore, kind acme.Kind, until time.Time, after acme.DueKey, limit int) {
	m.Helper()
	got, err := m.store.Due(m.Context(), kind, until, after, limit)
	expect, _ := want.Due(m.Context(), kind, until, after, limit)
	if err != nil || !slices.EqualFunc(got, expect, func(a, b acme.DueKey) bool { return a.ID == b.ID && a.DueAt.Equal(b.DueAt) }) {
		m.fatalf("Due until %v after %v: %v, want %v (%v)", until, after, got, expect, err)
	}
}

// compareExpired leaves the order of equal times open, as the contract does.
func (m *model) compareExpired(want *MemStore, until time.Time, limit int) {
	m.Helper()
	got, err := m.store.Expired(m.Context(), until, limit)
	expect, _ := want.Expired(m.Context(), until, limit)
	if err != nil || len(got) != len(expect) {
		m.fatalf("Expired until %v: %d keys, want %d (%v)", until, len(got), len(expect), err)
	}
	for i, k := range got {
		a, errA := want.Get(m.Context(), k)
		b, _ := want.Get(m.Context(), expect[i])
		if errA != nil || !a.ExpiresAt.Equal(b.ExpiresAt) || slices.Contains(got[:i], k) {
			m.fatalf("Expired until %v: key %d is %q, want one that expires at %v", until, i, k, b.ExpiresAt)
		}
	}
}
