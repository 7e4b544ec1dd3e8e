package acme

import (
	"context"
	"sync"
	"time"
)

// MemoryQueue is the embedded Queue: one bounded channel a subject. What it
// holds is gone when the process ends, and is issued again from the Store at
// the next start.
type MemoryQueue struct {
	lanes  map[Subject]*lane
	quit   chan struct{}
	closer sync.Once
}

// lane carries one subject.
type lane struct {
	messages chan heldMessage

	mu   sync.Mutex
	open int           // published and not yet acked
	idle chan struct{} // closed when open falls to zero; nil while nobody waits
}

// heldMessage is a message and how often it was given back.
type heldMessage struct {
	Message
	nacks int
}

// maxNacks is how often a message may come back before it is dropped. The
// store role issues the command again when its lease is over, so that one
// that nobody can handle goes round slowly.
const maxNacks = 3

// laneSize bounds the messages of a subject that wait in memory: fewer where
// a message holds a whole profile.
func laneSize(s Subject) int {
	if s == SubjectBankResponse || s == SubjectScoreRequest {
		return 64
	}
	return 1024
}

// NewMemoryQueue returns an empty queue.
func NewMemoryQueue() *MemoryQueue {
	q := &MemoryQueue{lanes: make(map[Subject]*lane), quit: make(chan struct{})}
	for _, s := range Subjects() {
		q.lanes[s] = &lane{messages: make(chan heldMessage, laneSize(s))}
	}
	return q
}

// Publish implements Queue.
func (q *MemoryQueue) Publish(ctx context.Context, m Message) error {
	l := q.lanes[m.Subject()]
	l.add(1)
	if err := q.put(ctx, l, m); err != nil {
		l.add(-1)
		return err
	}
	return nil
}

func (q *MemoryQueue) put(ctx context.Context, l *lane, m Message) error {
	select {
	case <-q.quit:
		return ErrQueueClosed
	default:
	}
	select {
	case l.messages <- heldMessage{Message: m}:
		return nil
	case <-q.quit:
		return ErrQueueClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Receive implements Queue.
func (q *MemoryQueue) Receive(ctx context.Context, s Subject) (Received, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := q.lanes[s]
	select {
	case m := <-l.messages:
		return &memoryReceived{l: l, m: m}, nil
	case <-q.quit:
		return nil, ErrQueueClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Flush waits until every message published to the subjects is acked: an
// orderly stop uses it so that no finished step is done twice.
func (q *MemoryQueue) Flush(ctx context.Context, subjects ...Subject) error {
	for _, s := range subjects {
		select {
		case <-q.lanes[s].wait():
		case <-q.quit:
			return ErrQueueClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Volatile tells that messages do not survive the process.
func (q *MemoryQueue) Volatile() bool { return true }

// Close implements Queue.
func (q *MemoryQueue) Close() error {
	q.closer.Do(func() { close(q.quit) })
	return nil
}

func (l *lane) add(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open += n
	if l.open == 0 && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

func (l *lane) wait() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == 0 {
		ready := make(chan struct{})
		close(ready)
		return ready
	}
	if l.idle == nil {
		l.idle = make(chan struct{})
	}
	return l.idle
}

// memoryReceived is one message taken from a MemoryQueue.
type memoryReceived struct {
	l    *lane
	m    heldMessage
	once sync.Once
}

func (r *memoryReceived) Message() Message { return r.m.Message }

func (r *memoryReceived) Ack(context.Context) error {
	r.once.Do(func() { r.l.add(-1) })
	return nil
}

// Nack puts the message back when delay is over; where there is no room by
// then, or it came back too often, it is dropped, and the store role issues
// it again.
func (r *memoryReceived) Nack(_ context.Context, delay time.Duration) error {
	r.once.Do(func() {
		if r.m.nacks++; r.m.nacks > maxNacks {
			r.l.add(-1)
			return
		}
		time.AfterFunc(delay, func() {
			select {
			case r.l.messages <- r.m:
			default:
				r.l.add(-1)
			}
		})
	})
	return nil
}

func (r *memoryReceived) InProgress(context.Context) error { return nil }
