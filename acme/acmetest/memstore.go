package acmetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"acme.example/creditscore/acme"
)

// MemStore is an acme.Store in a map. It keeps what was committed beyond
// Close, for Reopen, and loses nothing, Lazy or not. Queries look at every
// record: it is for tests of thousands of records, not of millions.
type MemStore struct {
	data *memData

	mu     sync.Mutex
	closed bool
}

var _ acme.Store = (*MemStore)(nil)

// memData is what all MemStores of one Reopen line share.
type memData struct {
	mu      sync.Mutex
	records map[acme.Key]acme.Record
}

// NewMemStore returns an empty MemStore.
func NewMemStore() *MemStore {
	return &MemStore{data: &memData{records: map[acme.Key]acme.Record{}}}
}

// Reopen closes the MemStore and returns one with the same records.
func (m *MemStore) Reopen() *MemStore {
	_ = m.Close() // closed twice is closed
	return &MemStore{data: m.data}
}

// Commit implements acme.Store.
func (m *MemStore) Commit(ctx context.Context, txs []acme.Tx) []error {
	errs := make([]error, len(txs))
	if err := m.ready(ctx); err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	m.data.mu.Lock()
	defer m.data.mu.Unlock()
	for i, tx := range txs {
		errs[i] = m.data.apply(tx)
	}
	return errs
}

// apply does a Tx whole or not at all.
func (d *memData) apply(tx acme.Tx) error {
	next := map[acme.Key]*acme.Record{}
	at := func(k acme.Key) *acme.Record {
		if r, ok := next[k]; ok {
			return r
		}
		if r, ok := d.records[k]; ok {
			return &r
		}
		return nil
	}
	for _, put := range tx.Puts {
		if err := checkKey(put.Key); err != nil {
			return err
		}
		if put.Version == 0 {
			return errors.New("invalid write: version 0, the first is 1")
		}
		r := at(put.Key)
		if r == nil && put.Version != 1 || r != nil && r.Version != put.Version-1 {
			return acme.ErrConflict
		}
		next[put.Key] = stored(put)
	}
	for _, del := range tx.Deletes {
		if err := checkKey(del.Key); err != nil {
			return err
		}
		if r := at(del.Key); del.Version != 0 && (r == nil || r.Version != del.Version) {
			return acme.ErrConflict
		}
		next[del.Key] = nil
	}
	for k, r := range next {
		if r == nil {
			delete(d.records, k)
		} else {
			d.records[k] = *r
		}
	}
	return nil
}

// stored is a Record as it comes back: its own bytes, microseconds, UTC.
func stored(r acme.Record) *acme.Record {
	r.Body = acme.StoredBody(slices.Clone(r.Body.Bytes()))
	for _, t := range []*time.Time{&r.CreatedAt, &r.DueAt, &r.ExpiresAt} {
		if !t.IsZero() {
			*t = time.UnixMicro(t.UnixMicro()).UTC()
		} else {
			*t = time.Time{}
		}
	}
	return &r
}

func checkKey(k acme.Key) error {
	if k.Kind == "" || len(k.ID) < 1 || len(k.ID) > 512 || !utf8.ValidString(k.ID) {
		return errors.New("invalid write: a key has a kind and an id of 1 to 512 bytes of UTF-8")
	}
	return nil
}

// Get implements acme.Store.
func (m *MemStore) Get(ctx context.Context, key acme.Key) (acme.Record, error) {
	if err := m.ready(ctx); err != nil {
		return acme.Record{}, err
	}
	m.data.mu.Lock()
	defer m.data.mu.Unlock()
	r, ok := m.data.records[key]
	if !ok {
		return acme.Record{}, acme.ErrNotFound
	}
	return r, nil
}

// List implements acme.Store.
func (m *MemStore) List(ctx context.Context, q acme.ListQuery) ([]acme.Record, error) {
	newestFirst := func(a, b acme.Record) int { return -compareCursors(a.Cursor(), b.Cursor()) }
	return query(ctx, m, q.Limit, newestFirst, func(r acme.Record) bool {
		return r.Kind == q.Kind && r.Owner == q.Owner &&
			(q.Group == "" || r.Group == q.Group) &&
			(q.Status == "" || r.Status == q.Status) &&
			(q.After.IsZero() || compareCursors(r.Cursor(), q.After) < 0)
	})
}

func compareCursors(a, b acme.Cursor) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
}

// Due implements acme.Store.
func (m *MemStore) Due(ctx context.Context, kind acme.Kind, until time.Time, after acme.DueKey, limit int) ([]acme.DueKey, error) {
	compare := func(a, b acme.DueKey) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), strings.Compare(a.ID, b.ID))
	}
	place := func(r acme.Record) acme.DueKey { return acme.DueKey{DueAt: r.DueAt, ID: r.ID} }
	earliest := func(a, b acme.Record) int { return compare(place(a), place(b)) }
	records, err := query(ctx, m, limit, earliest, func(r acme.Record) bool {
		return r.Kind == kind && !r.DueAt.IsZero() && !r.DueAt.After(until) &&
			(after.ID == "" && after.DueAt.IsZero() || compare(place(r), after) > 0)
	})
	var due []acme.DueKey
	for _, r := range records {
		due = append(due, place(r))
	}
	return due, err
}

// Expired implements acme.Store.
func (m *MemStore) Expired(ctx context.Context, until time.Time, limit int) ([]acme.Key, error) {
	earliest := func(a, b acme.Record) int {
		return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt), cmp.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
	}
	records, err := query(ctx, m, limit, earliest, func(r acme.Record) bool {
		return !r.ExpiresAt.IsZero() && !r.ExpiresAt.After(until)
	})
	var keys []acme.Key
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys, err
}

// Close implements acme.Store.
func (m *MemStore) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return acme.ErrStoreClosed
	}
	m.closed = true
	return nil
}

// Len returns the number of records, of a closed MemStore too.
func (m *MemStore) Len() int {
	m.data.mu.Lock()
	defer m.data.mu.Unlock()
	return len(m.data.records)
}

func (m *MemStore) ready(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return acme.ErrStoreClosed
	}
	return ctx.Err()
}

// snapshot copies the state.
func (m *MemStore) snapshot() map[acme.Key]acme.Record {
	m.data.mu.Lock()
	defer m.data.mu.Unlock()
	return maps.Clone(m.data.records)
}

// query is the first limit records that match, in order.
func query(ctx context.Context, m *MemStore, limit int, order func(a, b acme.Record) int, match func(acme.Record) bool) ([]acme.Record, error) {
	if limit < 1 {
		return nil, fmt.Errorf("limit %d: at least 1", limit)
	}
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	var found []acme.Record
	for _, r := range m.snapshot() {
		if match(r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, order)
	return found[:min(limit, len(found))], nil
}
