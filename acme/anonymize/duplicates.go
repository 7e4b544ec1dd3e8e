package anonymize

import "acme.example/creditscore/acme/bank"

// duplicates finds entries that a bank delivered twice, as happens where
// pages overlap: the same id and the same everything else. Entries without
// an id are never taken for duplicates, since two equal coffees a day are
// common; nor are entries that share an id and differ in a field, since some
// banks number per day.
type duplicates struct {
	list []bank.Transaction
	// last is the newest entry read of each id, previous the one before it
	// of the same id, both counted from 1.
	last     map[string]int32
	previous []int32
}

func newDuplicates(list []bank.Transaction) *duplicates {
	return &duplicates{list: list, last: make(map[string]int32, len(list)), previous: make([]int32, len(list))}
}

// repeated tells whether entry i equals one asked about before it.
func (d *duplicates) repeated(i int) bool {
	t := &d.list[i]
	if t.ID.IsZero() {
		return false
	}
	id := t.ID.Reveal()
	newest := d.last[id]
	for j := newest; j != 0; j = d.previous[j-1] {
		if sameEntry(t, &d.list[j-1]) {
			return true
		}
	}
	d.previous[i] = newest
	d.last[id] = int32(i + 1)
	return false
}

func sameEntry(a, b *bank.Transaction) bool {
	return a.Booking == b.Booking && a.Value == b.Value && a.Amount == b.Amount &&
		a.HasBalanceAfter == b.HasBalanceAfter && a.BalanceAfter == b.BalanceAfter &&
		a.Remittance.Reveal() == b.Remittance.Reveal() &&
		a.Counterparty.Reveal() == b.Counterparty.Reveal() &&
		a.CounterpartyAccount.Reveal() == b.CounterpartyAccount.Reveal()
}
