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
// No more is issued at a time than the workers can take, so that a message
// does not outlive its lease waiting for one of them; and no group (a bank,
// a receiver) has more than its share of that. All of it can be rebuilt from
// the Store.
type agenda struct {
	now      func() time.Time
	limit    int // issued at a time
	perGroup int // of these in one group; 0: no bound

	mu     sync.Mutex
	queue  agendaHeap
	known  map[string]*agendaItem
	groups map[string]*agendaGroup
	issued int
	seq    uint64
	wake   chan struct{} // buffered, 1
}

// agendaItem is one id: waiting in the heap, parked until its group has
// room, or issued until its lease ends.
type agendaItem struct {
	id     string
	at     time.Time
	seq    uint64 // first come, first served among equals
	index  int    // in the heap; -1 when not waiting
	parked bool
	// worked tells that the worker has answered: the id keeps its lease
	// until the answer is durable, but no longer its place.
	worked bool
	group  string // set while it has a place in its group
	leased time.Time
}

// agendaGroup is what shares a bound.
type agendaGroup struct {
	busy   int
	parked []*agendaItem
}

func newAgenda(now func() time.Time, limit, perGroup int) *agenda {
	return &agenda{
		now: now, limit: limit, perGroup: perGroup, wake: make(chan struct{}, 1),
		known: make(map[string]*agendaItem), groups: make(map[string]*agendaGroup),
	}
}

// add puts an id on the agenda and tells whether it was not known before.
// One that waits already moves to the earlier of the two times; one that is
// issued is left alone until its lease ends.
func (a *agenda) add(id string, at time.Time) (fresh bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	it := a.known[id]
	switch {
	case it == nil:
		it = &agendaItem{id: id, index: -1}
		a.known[id] = it
		a.push(it, at)
		return true
	case it.index >= 0:
		if at.Before(it.at) {
			it.at = at
			heap.Fix(&a.queue, it.index)
			a.signal()
		}
	case it.parked:
	case !a.now().Before(it.leased): // nothing was heard of it
		a.leave(it)
		a.push(it, at)
	}
	return false
}

// enter counts an id that next gave out in its group. When the group has its
// share already the id is parked, and given out again when there is room.
func (a *agenda) enter(id, group string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	it := a.known[id]
	if it == nil || it.index >= 0 || it.parked || it.group == group || a.perGroup == 0 {
		return true
	}
	g := a.groups[group]
	if g == nil {
		g = new(agendaGroup)
		a.groups[group] = g
	}
	if g.busy >= a.perGroup {
		a.issued--
		it.parked = true
		g.parked = append(g.parked, it)
		a.signal()
		return false
	}
	g.busy++
	it.group = group
	return true
}

// answered gives an issued id's place to the next: its worker is free again,
// while the answer waits to become durable.
func (a *agenda) answered(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if it := a.known[id]; it != nil && it.index < 0 && !it.parked {
		a.leave(it)
		it.worked = true
	}
}

// leave ends an id's being issued, and lets the next of its group in.
func (a *agenda) leave(it *agendaItem) {
	if it.worked {
		it.worked = false
		return
	}
	a.issued--
	a.signal()
	name := it.group
	g := a.groups[name]
	if g == nil {
		return
	}
	it.group = ""
	g.busy--
	for len(g.parked) > 0 {
		next := g.parked[0]
		g.parked[0] = nil
		g.parked = g.parked[1:]
		if a.known[next.id] == next && next.parked {
			// It has the place from now on, so that it cannot get lost.
			next.parked, next.group = false, name
			g.busy++
			a.push(next, next.at)
			return
		}
	}
	if g.busy == 0 {
		delete(a.groups, name)
	}
}

// again puts back an id that next gave out, whatever its lease.
func (a *agenda) again(id string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	it := a.known[id]
	switch {
	case it == nil:
		it = &agendaItem{id: id, index: -1}
		a.known[id] = it
	case it.index >= 0 || it.parked:
		return
	default:
		a.leave(it)
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
	if it := a.known[id]; it != nil && it.index < 0 && !it.parked {
		it.leased = until
	}
}

// done forgets an issued id: its step has ended.
func (a *agenda) done(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	it := a.known[id]
	if it == nil || it.index >= 0 {
		return
	}
	delete(a.known, id)
	if !it.parked {
		a.leave(it)
	}
}

// issuing is the lease of an id between next and lease: long enough for a
// token refresh and for room in the queue.
const issuing = 10 * time.Minute

// next waits until an id may be issued and takes it. One caller at a time.
func (a *agenda) next(ctx context.Context) (string, error) {
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
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
	}
}

// pop takes what is due, or tells how long until the first is; 0 when only
// an addition or an end can change anything.
func (a *agenda) pop() (string, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) == 0 || a.issued >= a.limit {
		return "", 0
	}
	now := a.now()
	if wait := a.queue[0].at.Sub(now); wait > 0 {
		return "", wait
	}
	it := heap.Pop(&a.queue).(*agendaItem)
	it.leased = now.Add(issuing)
	a.issued++
	return it.id, 0
}

// busyWith tells whether the id waits here or is issued under a lease.
func (a *agenda) busyWith(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	it := a.known[id]
	return it != nil && (it.index >= 0 || it.parked || a.now().Before(it.leased))
}

// size is how many ids wait and how many are issued.
func (a *agenda) size() (waiting, issued int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.known) - a.issued, a.issued
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
