package sandbox

import "time"

// bounded is a map with an end: entries expire, and when it is full the
// oldest goes. All entries live equally long, so the oldest is also the
// first to expire. What has expired is remembered as such for one life more.
// It is not safe for concurrent use.
type bounded[V any] struct {
	max    int
	life   time.Duration
	m      map[string]boundedEntry[V]
	order  []string // keys by age; may name keys already deleted
	oldest int      // index into order
}

type boundedEntry[V any] struct {
	value   V
	expires time.Time
}

func newBounded[V any](limit int, life time.Duration) *bounded[V] {
	return &bounded[V]{max: limit, life: life, m: make(map[string]boundedEntry[V])}
}

// put keeps value under a key never used before.
func (b *bounded[V]) put(now time.Time, key string, value V) {
	for b.oldest < len(b.order) {
		k := b.order[b.oldest]
		if e, ok := b.m[k]; ok && len(b.m) < b.max && now.Before(e.expires.Add(b.life)) {
			break
		}
		delete(b.m, k)
		b.oldest++
	}
	if b.oldest > len(b.order)/2 { // keeps order at most twice the map
		b.order = append(b.order[:0], b.order[b.oldest:]...)
		b.oldest = 0
	}
	b.m[key] = boundedEntry[V]{value, now.Add(b.life)}
	b.order = append(b.order, key)
}

// get returns the value; expired tells one that is still known but too old.
func (b *bounded[V]) get(now time.Time, key string) (v V, ok, expired bool) {
	e, ok := b.m[key]
	return e.value, ok, ok && !now.Before(e.expires)
}

func (b *bounded[V]) delete(key string) { delete(b.m, key) }
