package score

import (
	"slices"

	"acme.example/creditscore/acme/anonymize"
)

// addBalance adds an account's balance at the end of each day of the window.
// Where the entries carry the balance after them, each day's closing balance
// is one of those; a day without is derived from the day before and what was
// booked. Where none does, the account's balance is led back through the
// entries. Where there is none either, the series has no balance.
//
// The order of entries within a day does not matter: banks list them in
// either direction, or in none.
func (s *series) addBalance(a *anonymize.Account) {
	known, ok := s.anchor(a)
	if !ok {
		s.hasBalance = false
		return
	}
	// known is the opening balance of the account's first day.
	at, day := known, 0
	entries := a.Transactions
	for len(entries) > 0 {
		n := dayLen(entries)
		index := s.index(entries[0].Date)
		for ; day < min(index, s.days); day++ {
			s.balance[day] += at
		}
		at = s.closing(entries[:n], at)
		entries = entries[n:]
	}
	for ; day < s.days; day++ {
		s.balance[day] += at
	}
}

// dayLen is how many of the entries, which are in order of date, share the
// first one's day.
func dayLen(entries []anonymize.Transaction) int {
	n := 1
	for n < len(entries) && entries[n].Date == entries[0].Date {
		n++
	}
	return n
}

// anchor finds the balance before an account's first entry.
func (s *series) anchor(a *anonymize.Account) (int64, bool) {
	var before int64 // the sum of the entries before the day looked at
	entries := a.Transactions
	for len(entries) > 0 {
		n := dayLen(entries)
		today := entries[:n]
		if allBalanced(today) {
			return s.opening(today) - before, true
		}
		before += s.sum(today)
		entries = entries[n:]
	}
	if !a.HasBalance {
		return 0, false
	}
	opening := s.norm(a.Balance)
	for i := range a.Transactions {
		// Entries after the balance's day are not in it.
		if t := &a.Transactions[i]; t.Date <= a.BalanceDate {
			opening -= s.norm(t.Amount)
		}
	}
	return opening, true
}

func allBalanced(today []anonymize.Transaction) bool {
	for i := range today {
		if !today[i].HasBalanceAfter {
			return false
		}
	}
	return true
}

func (s *series) sum(today []anonymize.Transaction) int64 {
	var total int64
	for i := range today {
		total += s.norm(today[i].Amount)
	}
	return total
}

// opening is the balance before a day's first entry, whichever that is:
// the balance before one of them from which the day's sum leads nearest to
// the balance after one of them. Of several the lowest.
func (s *series) opening(today []anonymize.Transaction) int64 {
	if len(today) == 1 {
		return s.norm(today[0].BalanceAfter) - s.norm(today[0].Amount)
	}
	before, after := make([]int64, len(today)), make([]int64, len(today))
	for i := range today {
		after[i] = s.norm(today[i].BalanceAfter)
		before[i] = after[i] - s.norm(today[i].Amount)
	}
	slices.Sort(before)
	slices.Sort(after)
	net := s.sum(today)
	best, miss, j := before[0], int64(-1), 0
	for _, b := range before {
		for j+1 < len(after) && distance(after[j+1], b+net) <= distance(after[j], b+net) {
			j++
		}
		if d := distance(after[j], b+net); miss < 0 || d < miss {
			best, miss = b, d
		}
	}
	return best
}

// closing is the balance after a day's last entry, whichever that is: the
// balance after one of them that lies nearest to the opening balance and the
// day's sum; of two equally near the lower. Banks round, and leave entries
// out: what the bank says goes before what the sum says.
func (s *series) closing(today []anonymize.Transaction, opening int64) int64 {
	want := opening + s.sum(today)
	if !allBalanced(today) {
		return want
	}
	best := s.norm(today[0].BalanceAfter)
	for i := range today[1:] {
		v := s.norm(today[i+1].BalanceAfter)
		if d, e := distance(v, want), distance(best, want); d < e || d == e && v < best {
			best = v
		}
	}
	return best
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
