package acmetest

import (
	"context"
	"sync"
	"time"

	"acme.example/creditscore/acme"
)

// FaultStore is an acme.Store that passes calls on and, where a Fault says
// so, fails or delays them. It is safe for concurrent use.
type FaultStore struct {
	store acme.Store

	mu     sync.Mutex
	faults []Fault
	calls  map[StoreCall]int
	hits   int
}

var _ acme.Store = (*FaultStore)(nil)

// StoreCall names a method of acme.Store.
type StoreCall string

// The methods of acme.Store.
const (
	CallCommit  StoreCall = "Commit"
	CallGet     StoreCall = "Get"
	CallList    StoreCall = "List"
	CallDue     StoreCall = "Due"
	CallExpired StoreCall = "Expired"
	CallClose   StoreCall = "Close"
)

// Fault is what goes wrong with a call.
type Fault struct {
	Call StoreCall
	// Nth is the call that is hit, 1 being the first since NewFaultStore;
	// 0 is every call.
	Nth int
	// Match, if not nil, chooses among Commits: the fault hits those it is
	// true for, and Nth counts only these.
	Match func(txs []acme.Tx) bool
	// Delay is waited before the call, or until ctx ends.
	Delay time.Duration
	// Err is returned instead of the call's result, by a Commit for each
	// Tx; acme.ErrConflict is one that engines meet. nil: only the Delay.
	Err error
	// After makes the call first and then returns Err: the write happened
	// and its caller does not know.
	After bool

	seen int
}

// NewFaultStore returns store with faults.
func NewFaultStore(store acme.Store, faults ...Fault) *FaultStore {
	return &FaultStore{store: store, faults: faults, calls: map[StoreCall]int{}}
}

// Add adds a Fault. Its Nth counts from now on.
func (f *FaultStore) Add(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, fault)
}

// Clear removes all Faults.
func (f *FaultStore) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// Calls returns how often a method was called.
func (f *FaultStore) Calls(c StoreCall) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[c]
}

// Hits returns how many calls a Fault has hit. A test of faults that sees
// none has tested nothing.
func (f *FaultStore) Hits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

// before counts a call, finds its Fault and waits for the Delay.
func (f *FaultStore) before(ctx context.Context, c StoreCall, txs []acme.Tx) Fault {
	fault := f.find(c, txs)
	if fault.Delay > 0 {
		timer := time.NewTimer(fault.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return fault
}

func (f *FaultStore) find(c StoreCall, txs []acme.Tx) (hit Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[c]++
	for i := range f.faults {
		fault := &f.faults[i]
		if fault.Call != c || fault.Match != nil && !fault.Match(txs) {
			continue
		}
		fault.seen++
		if (fault.Nth == 0 || fault.Nth == fault.seen) && hit.Call == "" {
			hit = *fault
			f.hits++
		}
	}
	return hit
}

// Commit implements acme.Store.
func (f *FaultStore) Commit(ctx context.Context, txs []acme.Tx) []error {
	fault := f.before(ctx, CallCommit, txs)
	if fault.Err == nil {
		return f.store.Commit(ctx, txs)
	}
	if fault.After {
		f.store.Commit(ctx, txs)
	}
	errs := make([]error, len(txs))
	for i := range errs {
		errs[i] = fault.Err
	}
	return errs
}

// Get implements acme.Store.
func (f *FaultStore) Get(ctx context.Context, key acme.Key) (acme.Record, error) {
	if fault := f.before(ctx, CallGet, nil); fault.Err != nil {
		return acme.Record{}, fault.Err
	}
	return f.store.Get(ctx, key)
}

// List implements acme.Store.
func (f *FaultStore) List(ctx context.Context, q acme.ListQuery) ([]acme.Record, error) {
	if fault := f.before(ctx, CallList, nil); fault.Err != nil {
		return nil, fault.Err
	}
	return f.store.List(ctx, q)
}

// Due implements acme.Store.
func (f *FaultStore) Due(ctx context.Context, kind acme.Kind, until time.Time, after acme.DueKey, limit int) ([]acme.DueKey, error) {
	if fault := f.before(ctx, CallDue, nil); fault.Err != nil {
		return nil, fault.Err
	}
	return f.store.Due(ctx, kind, until, after, limit)
}

// Expired implements acme.Store.
func (f *FaultStore) Expired(ctx context.Context, until time.Time, limit int) ([]acme.Key, error) {
	if fault := f.before(ctx, CallExpired, nil); fault.Err != nil {
		return nil, fault.Err
	}
	return f.store.Expired(ctx, until, limit)
}

// Close implements acme.Store. It closes the Store underneath whatever Fault
// there is.
func (f *FaultStore) Close() error {
	fault := f.before(context.Background(), CallClose, nil)
	err := f.store.Close()
	if fault.Err != nil {
		return fault.Err
	}
	return err
}
