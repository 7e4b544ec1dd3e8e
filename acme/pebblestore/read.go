package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"acme.example/creditscore/acme"
)

// Get implements acme.Store.
func (s *Store) Get(ctx context.Context, key acme.Key) (r acme.Record, err error) {
	if err := s.enter(ctx); err != nil {
		return acme.Record{}, err
	}
	defer s.leave()
	defer s.contain(&err)
	r, err = get(s.db, key)
	// Looked up after the read: what is not pending any more by now was
	// durable when it was read, or the Store has failed.
	if waited := s.await(ctx, s.pending.of(key)); waited != nil {
		return acme.Record{}, waited
	}
	return r, err
}

// get reads a record from the database or a snapshot of it.
func get(from pebble.Reader, key acme.Key) (acme.Record, error) {
	value, closer, err := from.Get(recordKey(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return acme.Record{}, acme.ErrNotFound
	}
	if err != nil {
		return acme.Record{}, fmt.Errorf("read record: %w", err)
	}
	defer closer.Close()
	r, err := decodeRecord(key, append([]byte(nil), value...))
	if err != nil {
		return acme.Record{}, fmt.Errorf("read record: %w", err)
	}
	return r, nil
}

// List implements acme.Store. The records of a page are those of one moment.
func (s *Store) List(ctx context.Context, q acme.ListQuery) ([]acme.Record, error) {
	if q.Limit < 1 {
		return nil, errBadLimit(q.Limit)
	}
	prefix := listPrefix(q.Kind, q.Owner, q.Group)
	lower, upper := prefix, prefixEnd(prefix)
	if !q.After.IsZero() {
		lower = behind(appendCursor(append([]byte(nil), prefix...), q.After))
	}
	var page []acme.Record
	err := s.scan(ctx, lower, upper, func(snap *pebble.Snapshot, key, status []byte) (bool, error) {
		if q.Status != "" && string(status) != q.Status {
			return true, nil
		}
		place, err := cutCursor(append([]byte(nil), key[len(prefix):]...))
		if err != nil {
			return false, err
		}
		r, err := get(snap, acme.Key{Kind: q.Kind, ID: place.ID})
		if err != nil {
			return false, fmt.Errorf("record of an index entry: %w", err)
		}
		page = append(page, r)
		return len(page) < q.Limit, nil
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// Due implements acme.Store.
func (s *Store) Due(ctx context.Context, kind acme.Kind, until time.Time, after acme.DueKey, limit int) ([]acme.DueKey, error) {
	if limit < 1 {
		return nil, errBadLimit(limit)
	}
	prefix := duePrefix(kind)
	lower := prefix
	if !after.DueAt.IsZero() || after.ID != "" {
		lower = behind(appendDue(append([]byte(nil), prefix...), after))
	}
	upper := appendTime(append([]byte(nil), prefix...), until.Add(time.Microsecond))
	var due []acme.DueKey
	err := s.scan(ctx, lower, upper, func(_ *pebble.Snapshot, key, _ []byte) (bool, error) {
		d, err := cutDue(key[len(prefix):])
		due = append(due, d)
		return len(due) < limit, err
	})
	if err != nil {
		return nil, err
	}
	return due, nil
}

// Expired implements acme.Store.
func (s *Store) Expired(ctx context.Context, until time.Time, limit int) ([]acme.Key, error) {
	if limit < 1 {
		return nil, errBadLimit(limit)
	}
	upper := appendTime([]byte{tagExpiry}, until.Add(time.Microsecond))
	var keys []acme.Key
	err := s.scan(ctx, []byte{tagExpiry}, upper, func(_ *pebble.Snapshot, key, _ []byte) (bool, error) {
		k, err := cutExpiry(key)
		keys = append(keys, k)
		return len(keys) < limit, err
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// scan calls each for the keys from lower to upper, until it says false, and
// returns once all that was seen is durable. Key and value are Pebble's and
// must not be kept. It looks at ctx now and then: a filter may pass over
// many.
func (s *Store) scan(ctx context.Context, lower, upper []byte, each func(snap *pebble.Snapshot, key, value []byte) (bool, error)) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	defer s.contain(&err)
	snap := s.db.NewSnapshot()
	defer func() { err = errors.Join(err, snap.Close()) }()
	pending := s.pending.last()
	if err := s.iterate(ctx, snap, lower, upper, each); err != nil {
		return fmt.Errorf("read index: %w", err)
	}
	return s.await(ctx, pending)
}

func (s *Store) iterate(ctx context.Context, snap *pebble.Snapshot, lower, upper []byte, each func(snap *pebble.Snapshot, key, value []byte) (bool, error)) (err error) {
	it, err := snap.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if n++; n%256 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		more, err := each(snap, it.Key(), it.Value())
		if err != nil || !more {
			return err
		}
	}
	return nil // the iterator's own error comes with Close
}

func errBadLimit(n int) error { return fmt.Errorf("limit %d: at least 1", n) }
