package acme

import "sync"

// ledger counts unfinished jobs by their ids, so that a job is counted once
// whatever was heard of its writes: a Commit that failed may have happened.
type ledger struct {
	max int

	mu   sync.Mutex
	jobs map[JobID]struct{}
}

func newLedger(most int) *ledger { return &ledger{max: most, jobs: make(map[JobID]struct{})} }

// admit takes a place for a new job; false when all are taken.
func (l *ledger) admit(id JobID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.jobs) >= l.max {
		return false
	}
	l.jobs[id] = struct{}{}
	return true
}

// note counts a job that was found in the Store, beyond the limit if need be.
func (l *ledger) note(id JobID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jobs[id] = struct{}{}
}

// release gives a job's place back.
func (l *ledger) release(id JobID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.jobs, id)
}

func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.jobs)
}
