package sandbox

import (
	"testing"

	"acme.example/creditscore/acme/bank"
)

// What a file holds is never trusted: parsing it ends with an error or with
// a customer whose every account can be served.
func FuzzParseCustomer(f *testing.F) {
	f.Add([]byte(`{"accounts":[{"resourceId":"a"}],"transactions":{"a":{"booked":[{"bookingDate":"2025-01-01"}]}}}`))
	f.Add([]byte(`{"accounts":[{"resourceId":"a"},null,{}],"balances":{"a":[{}]}}`))
	f.Add([]byte(`{} {}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseCustomer("fuzz", data)
		if err != nil {
			return
		}
		led := c.ledger(0)
		if len(led.accounts) != len(c.heads) || len(c.heads) == 0 {
			t.Fatalf("%d accounts, %d heads", len(led.accounts), len(c.heads))
		}
		for i := range led.accounts {
			led.accounts[i].page(view{booked: true, from: minDate, to: maxDate}, 1)
		}
	})
}

func BenchmarkGenerate(b *testing.B) {
	for name, cfg := range map[string]Config{
		"natural": {}, "exact1500": {Transactions: 1500, History: 365 * day}, "exact100": {Transactions: 100, History: 365 * day},
	} {
		b.Run(name, func(b *testing.B) {
			cfg = cfg.withDefaults()
			p := newPeople(cfg, nil)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c, _ := p.find(PersonToken(uint64(i))[len(tokenPrefix):])
				b.SetBytes(int64(c.ledger(bank.NewDate(2026, 3, 18)).size()))
			}
		})
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	cfg := Config{Transactions: 100}.withDefaults()
	p, c := newPeople(cfg, nil), newLedgerCache(300_000)
	for n := range uint64(40) {
		who, _ := p.find(PersonToken(n)[len(tokenPrefix):])
		c.get(who, 20_000)
		if c.bytes > c.max || len(c.byKey) != c.order.Len() {
			t.Fatalf("%d bytes in %d entries", c.bytes, len(c.byKey))
		}
	}
	if len(c.byKey) < 3 {
		t.Errorf("%d entries kept", len(c.byKey))
	}
}

func TestBoundedForgetsTheOldest(t *testing.T) {
	t.Parallel()
	b := newBounded[int](3, day)
	now := bank.Date(20_000).Time()
	for i := range 1000 {
		b.put(now, string(rune('a'+i)), i)
		if i%2 == 0 {
			b.delete(string(rune('a' + i)))
		}
	}
	if len(b.m) > 3 || len(b.order) > 12 {
		t.Errorf("%d entries, %d keys", len(b.m), len(b.order))
	}
	b.put(now.Add(2*day), "later", 1)
	if len(b.m) != 1 {
		t.Errorf("%d entries after they expired", len(b.m))
	}
}
