package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/cockroachdb/pebble/v2"

	"acme.example/creditscore/acme"
)

// Commit implements acme.Store. All Txs of a call go into one batch and one
// sync; concurrent calls share syncs. Where ctx ends first, the batch goes
// on without its caller.
func (s *Store) Commit(ctx context.Context, txs []acme.Tx) []error {
	errs := make([]error, len(txs))
	if err := s.commit(ctx, txs, errs); err != nil {
		for i := range errs {
			errs[i] = err
		}
	}
	return errs
}

// commit sets one error a Tx, or returns the error of all.
func (s *Store) commit(ctx context.Context, txs []acme.Tx, errs []error) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if len(txs) == 0 {
		return nil
	}
	// A channel and not a mutex: who waits here also watches ctx, and is
	// seen to be waiting by testing/synctest when the disk is slow.
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.failed:
		return s.failure()
	}
	w := &pendingWrite{done: make(chan struct{})}
	batch, sync := s.prepare(txs, errs, w, &err)
	if err != nil || batch.Empty() {
		<-s.turn
		if batch != nil {
			_ = batch.Close()
		}
		if err != nil {
			return err
		}
		// A conflict, or that there was nothing to delete, must not come
		// of what a power cut takes back.
		return s.await(ctx, s.pending.last())
	}
	var conflictWith *pendingWrite
	if sync {
		s.pending.add(w)
	} else {
		for _, err := range errs {
			if err != nil {
				conflictWith = s.pending.last()
				break
			}
		}
	}
	s.stay()
	go s.write(batch, sync, w)
	if err := s.await(ctx, w); err != nil {
		return err
	}
	return s.await(ctx, conflictWith)
}

// prepare checks each Tx against what is stored and what the ones before it
// wrote, and collects the writes of those that hold. It runs in turn.
func (s *Store) prepare(txs []acme.Tx, errs []error, w *pendingWrite, failed *error) (batch *pebble.Batch, sync bool) {
	defer s.contain(failed)
	batch = s.db.NewBatch()
	p := plan{db: s.db, batch: batch, seen: map[acme.Key]*acme.Record{}}
	for i := range txs {
		if errs[i] = p.add(&txs[i]); errs[i] != nil {
			continue
		}
		if !txs[i].Lazy {
			sync = true
			for j := range txs[i].Puts {
				w.keys = append(w.keys, txs[i].Puts[j].Key)
			}
			for j := range txs[i].Deletes {
				w.keys = append(w.keys, txs[i].Deletes[j].Key)
			}
		}
	}
	return batch, sync
}

// write applies a batch, gives up the turn and, where asked, waits for the
// sync. Batches reach the log in the order of turns, so that a later one is
// never durable without an earlier one.
//
// ApplyNoSyncWait is what lets the next Commit be checked while this one
// waits; a batch that was applied is durable only once SyncWait returned and
// the Store has not failed, since guardFS hides failed writes from Pebble.
func (s *Store) write(batch *pebble.Batch, sync bool, w *pendingWrite) {
	defer s.leave()
	err := s.apply(batch, sync)
	if err == nil && sync {
		err = batch.SyncWait()
	}
	if failure := s.failure(); failure != nil {
		err = failure
	}
	w.err = err
	if sync {
		s.pending.remove(w)
	}
	close(w.done)
	if err == nil {
		_ = batch.Close()
	}
}

func (s *Store) apply(batch *pebble.Batch, sync bool) (err error) {
	defer func() { <-s.turn }()
	defer s.contain(&err)
	if sync {
		return s.db.ApplyNoSyncWait(batch, pebble.Sync)
	}
	return s.db.Apply(batch, pebble.NoSync)
}

// await waits until a write is durable; nil is.
func (s *Store) await(ctx context.Context, w *pendingWrite) error {
	if w == nil {
		return s.failure()
	}
	select {
	case <-w.done:
		return w.err
	default:
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.failed:
		return s.failure()
	}
}

// pendingWrite is a batch between being visible in Pebble and durable.
type pendingWrite struct {
	keys []acme.Key
	done chan struct{}
	err  error // once done
}

// pendingWrites are those of a Store, by what they write.
type pendingWrites struct {
	mu     sync.Mutex
	keys   map[acme.Key]*pendingWrite
	newest *pendingWrite
}

// add is called before the write can be seen.
func (p *pendingWrites) add(w *pendingWrite) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range w.keys {
		p.keys[k] = w
	}
	p.newest = w
}

func (p *pendingWrites) remove(w *pendingWrite) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range w.keys {
		if p.keys[k] == w {
			delete(p.keys, k)
		}
	}
	if p.newest == w {
		p.newest = nil
	}
}

// of is the latest pending write of a key, or nil.
func (p *pendingWrites) of(k acme.Key) *pendingWrite {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[k]
}

// last is the latest pending write, which is durable after all others; or
// nil.
func (p *pendingWrites) last() *pendingWrite {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.newest
}

// plan collects the writes of one Commit.
type plan struct {
	db    *pebble.DB
	batch *pebble.Batch
	seen  map[acme.Key]*acme.Record // after the Txs so far; nil: not there
}

// change is what a Tx does to one key.
type change struct{ before, after *acme.Record }

// errInvalidWrite says which rule of acme.Record a write breaks.
var errInvalidWrite = errors.New("invalid write")

// add checks a Tx and, where it holds, adds its writes to the batch.
func (p *plan) add(tx *acme.Tx) error {
	order := make([]acme.Key, 0, len(tx.Puts)+len(tx.Deletes))
	changes := make(map[acme.Key]change, len(tx.Puts)+len(tx.Deletes))
	at := func(k acme.Key) (change, error) {
		if c, ok := changes[k]; ok {
			return c, nil
		}
		r, err := p.current(k)
		order = append(order, k)
		return change{r, r}, err
	}
	for i := range tx.Puts {
		put := &tx.Puts[i]
		if err := checkKey(put.Key); err != nil {
			return err
		}
		if put.Version == 0 {
			return fmt.Errorf("%w: version 0, the first is 1", errInvalidWrite)
		}
		c, err := at(put.Key)
		if err != nil {
			return err
		}
		if c.after == nil && put.Version != 1 || c.after != nil && c.after.Version != put.Version-1 {
			return acme.ErrConflict
		}
		c.after = put
		changes[put.Key] = c
	}
	for _, del := range tx.Deletes {
		if err := checkKey(del.Key); err != nil {
			return err
		}
		c, err := at(del.Key)
		if err != nil {
			return err
		}
		if del.Version != 0 && (c.after == nil || c.after.Version != del.Version) {
			return acme.ErrConflict
		}
		c.after = nil
		changes[del.Key] = c
	}
	for _, k := range order {
		c := changes[k]
		if err := p.write(k, c); err != nil {
			return fmt.Errorf("collect write: %w", err)
		}
		p.seen[k] = c.after
	}
	return nil
}

// current is the record that the next Tx finds, without a Body where it was
// read from the database; nil where there is none.
func (p *plan) current(k acme.Key) (*acme.Record, error) {
	if r, ok := p.seen[k]; ok {
		return r, nil
	}
	value, closer, err := p.db.Get(recordKey(k))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	defer closer.Close()
	r, err := decodeRecord(k, value)
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	r.Body = acme.Body{} // value is Pebble's
	return &r, nil
}

// write adds the change of a record and of its places in the indexes. Places
// that stay as they are cost nothing: a record is written several times, its
// place in a list hardly ever.
func (p *plan) write(k acme.Key, c change) error {
	var before, after [4]entry
	if c.before != nil {
		before = entries(c.before)
	}
	switch {
	case c.after != nil:
		after = entries(c.after)
		if err := p.batch.Set(recordKey(k), encodeRecord(c.after), nil); err != nil {
			return err
		}
	case c.before != nil:
		if err := p.batch.Delete(recordKey(k), nil); err != nil {
			return err
		}
	}
	for i := range before {
		old, new := before[i], after[i]
		same := string(old.key) == string(new.key)
		if old.key != nil && !same {
			if err := p.batch.Delete(old.key, nil); err != nil {
				return err
			}
		}
		if new.key != nil && !(same && string(old.value) == string(new.value)) {
			if err := p.batch.Set(new.key, new.value, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkKey holds a key to what acme.Key says of it.
func checkKey(k acme.Key) error {
	switch {
	case k.Kind == "":
		return fmt.Errorf("%w: a key without a kind", errInvalidWrite)
	case len(k.ID) < 1 || len(k.ID) > 512:
		return fmt.Errorf("%w: an id of %d bytes, 1 to 512 are allowed", errInvalidWrite, len(k.ID))
	case !utf8.ValidString(k.ID):
		return fmt.Errorf("%w: an id that is not UTF-8", errInvalidWrite)
	}
	return nil
}
