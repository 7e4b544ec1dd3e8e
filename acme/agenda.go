package acme

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// agenda is what the store role means to do next, in memory: ids, each with
// the time from which it may be issued. An id is on it once, whoever adds it
// how often; one that was issued is not issued again before its lease ends.
// All of it can be rebuilt from the Store.
type agenda struct {
	now func() time.Time

	mu    sync.Mutex
	queue agendaHeap
	known map[string]*agendaItem
	seq   uint64
	wake  chan struct{} // buffered, 1
}

// agendaItem is one id: waiting in the heap, or issued until its lease ends.
type agendaItem struct {
	id     string
	at     time.Time
	seq    uint64 // first come, first served among equals
	index  int    // in the heap; -1 once issued
	leased time.Time
}

func newAgenda(now func() time.Time) *agenda {
	return &agenda{now: now, known: make(map[string]*agendaItem), wake: make(chan struct{}, 1)}
}

// add puts an id on the agenda. One that waits already moves to the earlier
// of the two times; one that is issued is left alone until its lease ends.
func (a *agenda) add(id string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	it := a.known[id]
	switch {
	case it == nil:
		it = &agendaItem{id: id}
		a.known[id] = it
	case it.index >= 0:
		if at.Before(it.at) {
			it.at = at
			heap.Fix(&a.queue, it.index)
			a.signal()
		}
		return
	case a.now().Before(it.leased):
		return
	}
	a.push(it, at)
}

// again puts back an id that next gave out, whatever its lease.
func (a *agenda) again(id string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	it := a.known[id]
	if it == nil {
		it = &agendaItem{id: id}
		a.known[id] = it
	} else if it.index >= 0 {
		return
	}
	a.push(it, at)
}

func (a *agenda) push(it *agendaItem, at time.Time) {
	a.seq++
	it.at, it.seq = at, a.seq
	heap.Push(&a.queue, it)
	if it.index == 0 {
		a.signal()
	}
}

func (a *agenda) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// lease notes until when an issued id is in good hands.
func (a *agenda) lease(id string, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if it := a.known[id]; it != nil && it.index < 0 {
		it.leased = until
	}
}

// done forgets an issued id: its step has ended.
func (a *agenda) done(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if it := a.known[id]; it != nil && it.index < 0 {
		delete(a.known, id)
	}
}

// issuing is the lease of an id between next and lease: long enough for a
// token refresh and for room in the queue.
const issuing = 10 * time.Minute

// next waits until an id may be issued and takes it. One caller at a time.
func (a *agenda) next(ctx context.Context) (string, error) {
	for {
		id, wait := a.pop()
		if id != "" {
			return id, nil
		}
		var fire <-chan time.Time
		var timer *time.Timer
		if wait > 0 {
			timer = time.NewTimer(wait)
			fire = timer.C
		}
		select {
		case <-ctx.Done():
		case <-a.wake:
		case <-fire:
		}
		if timer != nil {
			timer.Stop()
		}
		if err := ctx.Err(); err != nil {
			return "", err
		}
	}
}

// pop takes what is due, or tells how long until the first is; 0 when the
// agenda is empty.
func (a *agenda) pop() (string, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) == 0 {
		return "", 0
	}
	now := a.now()
	if wait := a.queue[0].at.Sub(now); wait > 0 {
		return "", wait
	}
	it := heap.Pop(&a.queue).(*agendaItem)
	it.leased = now.Add(issuing)
	return it.id, 0
}

// busyWith tells whether the id waits here or is issued under a lease.
func (a *agenda) busyWith(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	it := a.known[id]
	return it != nil && (it.index >= 0 || a.now().Before(it.leased))
}

// size is how many ids wait and how many are issued.
func (a *agenda) size() (waiting, issued int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.queue), len(a.known) - len(a.queue)
}

// agendaHeap orders items by time, then by arrival.
type agendaHeap []*agendaItem

func (h agendaHeap) Len() int { return len(h) }
func (h agendaHeap) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].seq < h[j].seq
}
func (h agendaHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *agendaHeap) Push(x any) {
	it := x.(*agendaItem)
	it.index = len(*h)
	*h = append(*h, it)
}
func (h *agendaHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	it.index = -1
	return it
}
