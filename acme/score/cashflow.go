package score

import (
	"time"

	"acme.example/creditscore/acme/bank"
)

// maxMonths is how many months a CashFlow shows.
const maxMonths = 24

// firstYear and lastYear bound the newest entry of what has months: those
// that ISO 8601 writes in four digits, the oldest month included.
const firstYear, lastYear = 4, 9999

// cashFlow sums the window by calendar months, contiguous from the first to
// the last with an entry, the newest 24 of them.
func (s *series) cashFlow() CashFlow {
	flow := CashFlow{Currency: s.currency, Months: []Month{}}
	if s.days == 0 {
		return flow
	}
	newest := s.end.Time()
	if newest.Year() < firstYear || newest.Year() > lastYear {
		return flow
	}
	start := s.end.AddDays(1 - s.days)
	for back := maxMonths - 1; back >= 0; back-- {
		first := bank.NewDate(newest.Year(), newest.Month()-time.Month(back), 1)
		next := bank.NewDate(newest.Year(), newest.Month()-time.Month(back)+1, 1)
		if next <= start {
			continue
		}
		from, to := max(s.index(first), 0), min(s.index(next), s.days)
		m := Month{
			Month:    first.Time().Format("2006-01"),
			Income:   s.decimal(total(s.in[from:to])),
			Spending: s.decimal(total(s.out[from:to])),
		}
		if s.hasBalance {
			m.Balance = s.decimal(s.balance[to-1])
		}
		flow.Months = append(flow.Months, m)
	}
	return flow
}

func (s *series) decimal(v int64) string {
	return bank.Money{Minor: s.minor(v), Currency: s.currency}.Decimal()
}
