package acme

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// committer is the one writer in front of the Store: whatever arrives while
// a commit is under way goes into the next one, so that a single sync makes
// many jobs durable. It also keeps the Store from ever seeing two commits of
// this process at once.
type committer struct {
	store guardedStore
	in    chan *pendingTx
	done  chan struct{}
	stop  sync.Once
	quit  chan struct{}
	now   func() time.Time
	since atomic.Pointer[time.Time] // when the commit under way began; nil between commits
}

// pendingTx is a Tx on its way: either somebody waits on err, or after is
// called on the committer's goroutine and must not block.
type pendingTx struct {
	tx    Tx
	err   chan error // buffered
	after func(error)
}

// maxCommit bounds the Txs of one commit, and with it the memory and the
// time a batch takes.
const maxCommit = 512

func newCommitter(s Store, now func() time.Time) *committer {
	return &committer{
		store: guardedStore{s},
		in:    make(chan *pendingTx, maxCommit),
		done:  make(chan struct{}),
		quit:  make(chan struct{}),
		now:   now,
	}
}

// run commits until close was called and everything before it is committed.
func (c *committer) run() {
	defer close(c.done)
	for {
		select {
		case p := <-c.in:
			c.commit(c.gather(p))
		case <-c.quit:
			for {
				select {
				case p := <-c.in:
					c.commit(c.gather(p))
				default:
					return
				}
			}
		}
	}
}

// busySince is when the commit under way began; zero between commits.
func (c *committer) busySince() time.Time {
	if p := c.since.Load(); p != nil {
		return *p
	}
	return time.Time{}
}

// gather takes what already waits behind first.
func (c *committer) gather(first *pendingTx) []*pendingTx {
	batch := []*pendingTx{first}
	for len(batch) < maxCommit {
		select {
		case p := <-c.in:
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

func (c *committer) commit(batch []*pendingTx) {
	txs := make([]Tx, len(batch))
	for i, p := range batch {
		txs[i] = p.tx
	}
	began := c.now()
	c.since.Store(&began)
	errs := c.store.commit(txs)
	c.since.Store(nil)
	for i, p := range batch {
		if p.after != nil {
			p.after(errs[i])
		}
		if p.err != nil {
			p.err <- errs[i]
		}
	}
}

// write commits tx and waits until it is durable. When ctx ends first the
// Tx may still be applied.
func (c *committer) write(ctx context.Context, tx Tx) error { return c.writeThen(ctx, tx, nil) }

// writeThen is write; after, if not nil, learns what became of tx also when
// the caller has left, and must not block.
func (c *committer) writeThen(ctx context.Context, tx Tx, after func(error)) error {
	p := &pendingTx{tx: tx, err: make(chan error, 1), after: after}
	if err := c.send(ctx, p); err != nil {
		if after != nil {
			after(err)
		}
		return err
	}
	select {
	case err := <-p.err:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		select { // it may have been in the last batch
		case err := <-p.err:
			return err
		default:
			return ErrStopped
		}
	}
}

// later hands over a tx whose loss does no harm and does not wait for it;
// after learns what became of it.
func (c *committer) later(ctx context.Context, tx Tx, after func(error)) error {
	tx.Lazy = true
	return c.send(ctx, &pendingTx{tx: tx, after: after})
}

func (c *committer) send(ctx context.Context, p *pendingTx) error {
	select {
	case <-c.quit:
		return ErrStopped
	default:
	}
	select {
	case c.in <- p:
		return nil
	case <-c.quit:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends run once what was handed over is committed.
func (c *committer) close() {
	c.stop.Do(func() { close(c.quit) })
	<-c.done
}

// guardedStore turns a panic in a plugged-in Store into an error, so that it
// fails what was being written and not the process.
type guardedStore struct{ Store }

func (g guardedStore) commit(txs []Tx) (errs []error) {
	fail := func(err error) []error {
		all := make([]error, len(txs))
		for i := range all {
			all[i] = err
		}
		return all
	}
	defer func() {
		if r := recover(); r != nil {
			errs = fail(panicError(r))
		}
	}()
	// Not the callers' contexts: a caller who left must not cut off the rest.
	errs = g.Store.Commit(context.Background(), txs)
	if len(errs) != len(txs) {
		return fail(fmt.Errorf("store answered %d of %d transactions", len(errs), len(txs)))
	}
	return errs
}
