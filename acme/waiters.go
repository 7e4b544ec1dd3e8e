package acme

import "sync"

// waiters lets calls hang on a job until it changes.
type waiters struct {
	mu   sync.Mutex
	jobs map[JobID]*waitPoint
}

// waitPoint is one change that some calls wait for.
type waitPoint struct {
	changed chan struct{}
	calls   int
}

func newWaiters() *waiters { return &waiters{jobs: make(map[JobID]*waitPoint)} }

// watch returns a channel that is closed at the job's next change, and a
// function to call when it is no longer waited for. Watch first, then look:
// a change in between is not missed.
func (w *waiters) watch(id JobID) (changed <-chan struct{}, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.jobs[id]
	if p == nil {
		p = &waitPoint{changed: make(chan struct{})}
		w.jobs[id] = p
	}
	p.calls++
	return p.changed, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if p.calls--; p.calls == 0 && w.jobs[id] == p {
			delete(w.jobs, id)
		}
	}
}

// notify wakes whoever watches the job.
func (w *waiters) notify(id JobID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.jobs[id]; p != nil {
		close(p.changed)
		delete(w.jobs, id)
	}
}
