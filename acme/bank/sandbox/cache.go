package sandbox

import (
	"container/list"
	"sync"

	"acme.example/creditscore/acme/bank"
)

// ledgerCache keeps the ledgers used last, up to a number of bytes. Two that
// ask for the same ledger at once share one making of it. It is safe for
// concurrent use.
type ledgerCache struct {
	mu    sync.Mutex
	max   int
	bytes int
	order *list.List // of *cachedLedger, the last used in front
	byKey map[ledgerKey]*list.Element
}

type ledgerKey struct {
	login string
	asOf  bank.Date
}

type cachedLedger struct {
	key  ledgerKey
	once sync.Once
	led  *ledger
	size int // 0 until made
}

func newLedgerCache(limit int) *ledgerCache {
	return &ledgerCache{max: limit, order: list.New(), byKey: map[ledgerKey]*list.Element{}}
}

// get returns the customer's ledger as of a day.
func (c *ledgerCache) get(who *customer, asOf bank.Date) *ledger {
	if who.fixed {
		return who.ledger(asOf)
	}
	key := ledgerKey{who.Login, asOf}
	c.mu.Lock()
	el, ok := c.byKey[key]
	if ok {
		c.order.MoveToFront(el)
	} else {
		el = c.order.PushFront(&cachedLedger{key: key})
		c.byKey[key] = el
	}
	e := el.Value.(*cachedLedger)
	c.mu.Unlock()

	e.once.Do(func() {
		e.led = who.ledger(asOf)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.byKey[key] != el {
			return // pushed out while it was made
		}
		e.size = e.led.size()
		c.bytes += e.size
		c.shrink()
	})
	return e.led
}

// shrink drops from the back until what is left fits; c.mu is held.
func (c *ledgerCache) shrink() {
	for el := c.order.Back(); el != nil && c.bytes > c.max; {
		e, before := el.Value.(*cachedLedger), el.Prev()
		if e.size > 0 { // not one still being made
			c.bytes -= e.size
			c.order.Remove(el)
			delete(c.byKey, e.key)
		}
		el = before
	}
}
