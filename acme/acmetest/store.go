package acmetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"acme.example/creditscore/acme"
)

// Backend is a fresh, empty Store under test, and what can be done to it.
// The suite closes the Store that it was given or that a hook returned last;
// closing it again must do no harm.
type Backend struct {
	Store acme.Store
	// Reopen closes the Store in good order and opens it again. nil: what
	// needs it is skipped, aloud.
	Reopen func(t testing.TB) acme.Store
	// Crash cuts the power while the Store is open and opens what is left:
	// what was not synced may be gone. nil: what needs it is skipped.
	Crash func(t testing.TB) acme.Store
}

// RunStore holds a Store to every sentence of acme.Store's contract, each in
// a subtest with a Backend of its own. Subtests run in parallel.
func RunStore(t *testing.T, open func(t testing.TB) Backend) {
	t.Helper()
	for _, c := range storeCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(open, t)
		})
	}
}

// storeCase is one sentence of the contract.
type storeCase struct {
	name string
	test func(s *suite)
}

func storeCases() []storeCase {
	return slices.Concat(commitCases, readCases, lifeCases)
}

func (c storeCase) run(open func(t testing.TB) Backend, t testing.TB) {
	s := &suite{TB: t, backend: open(t)}
	s.store = s.backend.Store
	t.Cleanup(func() { _ = s.store.Close() })
	c.test(s)
}

// suite is one subtest's Store with short ways to use it.
type suite struct {
	testing.TB
	backend Backend
	store   acme.Store
}

// start is the time that records of the suite are counted from.
var start = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func (s *suite) reopen() {
	s.Helper()
	if s.backend.Reopen == nil {
		s.Skip("this backend has no Reopen: what a restart keeps is not tested")
	}
	s.store = s.backend.Reopen(s.TB)
}

func (s *suite) crash() {
	s.Helper()
	if s.backend.Crash == nil {
		s.Skip("this backend has no Crash: what a power cut keeps is not tested")
	}
	s.store = s.backend.Crash(s.TB)
}

// job is a small record of KindJob.
func job(id string, version uint64) acme.Record {
	return acme.Record{
		Key: acme.Key{Kind: acme.KindJob, ID: id}, Version: version,
		Owner: "owner", Status: "accepted", CreatedAt: start,
		Body: acme.StoredBody(fmt.Appendf(nil, "%s@%d", id, version)),
	}
}

// with returns r after a change.
func with(r acme.Record, change func(*acme.Record)) acme.Record {
	change(&r)
	return r
}

func puts(records ...acme.Record) acme.Tx { return acme.Tx{Puts: records} }

func deletes(r acme.Record, version uint64) acme.Tx {
	return acme.Tx{Deletes: []acme.VersionedKey{{Key: r.Key, Version: version}}}
}

// commit expects every Tx to succeed.
func (s *suite) commit(txs ...acme.Tx) {
	s.Helper()
	s.wantErrors(s.store.Commit(s.Context(), txs), make([]error, len(txs))...)
}

func (s *suite) wantErrors(got []error, want ...error) {
	s.Helper()
	if len(got) != len(want) {
		s.Fatalf("Commit gave %d errors for %d Txs", len(got), len(want))
	}
	for i := range got {
		if !errors.Is(got[i], want[i]) {
			s.Fatalf("Tx %d: error %v, want %v", i, got[i], want[i])
		}
	}
}

// refuse expects a Tx to conflict.
func (s *suite) refuse(tx acme.Tx) {
	s.Helper()
	s.wantErrors(s.store.Commit(s.Context(), []acme.Tx{tx}), acme.ErrConflict)
}

// has expects these records as they are.
func (s *suite) has(records ...acme.Record) {
	s.Helper()
	for _, want := range records {
		got, err := s.store.Get(s.Context(), want.Key)
		if err != nil {
			s.Fatalf("Get %q: %v", want.Key, err)
		}
		if diff := compare(got, want); diff != "" {
			s.Fatalf("Get %q: %s", want.Key, diff)
		}
	}
}

// lacks expects no record of these keys.
func (s *suite) lacks(records ...acme.Record) {
	s.Helper()
	for _, r := range records {
		if _, err := s.store.Get(s.Context(), r.Key); !errors.Is(err, acme.ErrNotFound) {
			s.Fatalf("Get %q: error %v, want ErrNotFound", r.Key, err)
		}
	}
}

// compare says how a record differs from what was put.
func compare(got, want acme.Record) string {
	switch {
	case got.Key != want.Key:
		return fmt.Sprintf("key %q, want %q", got.Key, want.Key)
	case got.Version != want.Version:
		return fmt.Sprintf("version %d, want %d", got.Version, want.Version)
	case got.Owner != want.Owner, got.Group != want.Group, got.Status != want.Status:
		return fmt.Sprintf("owner, group, status %q %q %q, want %q %q %q", got.Owner, got.Group, got.Status, want.Owner, want.Group, want.Status)
	case !bytes.Equal(got.Body.Bytes(), want.Body.Bytes()):
		return fmt.Sprintf("body of %d bytes differs from the %d put", len(got.Body.Bytes()), len(want.Body.Bytes()))
	}
	for _, t := range []struct {
		name      string
		got, want time.Time
	}{
		{"CreatedAt", got.CreatedAt, want.CreatedAt}, {"DueAt", got.DueAt, want.DueAt}, {"ExpiresAt", got.ExpiresAt, want.ExpiresAt},
	} {
		if !t.got.Equal(t.want) || t.got.IsZero() != t.want.IsZero() || t.got.Location() != time.UTC {
			return fmt.Sprintf("%s %v, want %v in UTC", t.name, t.got, t.want)
		}
	}
	return ""
}

// list expects a query to give these IDs.
func (s *suite) list(q acme.ListQuery, ids ...string) []acme.Record {
	s.Helper()
	if q.Kind == "" {
		q.Kind = acme.KindJob
	}
	if q.Owner == "" {
		q.Owner = "owner"
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	records, err := s.store.List(s.Context(), q)
	if err != nil {
		s.Fatalf("List: %v", err)
	}
	var got []string
	for _, r := range records {
		got = append(got, r.ID)
	}
	if !slices.Equal(got, ids) {
		s.Fatalf("List gave %q, want %q", got, ids)
	}
	return records
}

// due expects these IDs of jobs to be due.
func (s *suite) due(until time.Time, after acme.DueKey, limit int, ids ...string) []acme.DueKey {
	s.Helper()
	keys, err := s.store.Due(s.Context(), acme.KindJob, until, after, limit)
	if err != nil {
		s.Fatalf("Due: %v", err)
	}
	var got []string
	for _, k := range keys {
		got = append(got, k.ID)
	}
	if !slices.Equal(got, ids) {
		s.Fatalf("Due gave %q, want %q", got, ids)
	}
	return keys
}

// expired expects these keys.
func (s *suite) expired(until time.Time, limit int, want ...acme.Key) {
	s.Helper()
	got, err := s.store.Expired(s.Context(), until, limit)
	if err != nil {
		s.Fatalf("Expired: %v", err)
	}
	if !slices.Equal(got, want) {
		s.Fatalf("Expired gave %q, want %q", got, want)
	}
}

// each calls every method with ctx, and gives the errors by its name.
func (s *suite) each(ctx context.Context) map[string]error {
	errs := s.store.Commit(ctx, []acme.Tx{puts(job("each", 1)), {}})
	if len(errs) != 2 {
		s.Fatalf("Commit gave %d errors for 2 Txs", len(errs))
	}
	_, get := s.store.Get(ctx, job("any", 1).Key)
	_, list := s.store.List(ctx, acme.ListQuery{Kind: acme.KindJob, Owner: "owner", Limit: 1})
	_, due := s.store.Due(ctx, acme.KindJob, at(0), acme.DueKey{}, 1)
	_, expired := s.store.Expired(ctx, at(0), 1)
	return map[string]error{"Commit": errs[0], "Commit of nothing": errs[1], "Get": get, "List": list, "Due": due, "Expired": expired}
}
