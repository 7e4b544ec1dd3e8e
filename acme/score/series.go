package score

import (
	"math/bits"
	"slices"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
)

// window is the most days that are looked at, the newest last.
const window = 730

// series is a Profile's cash flow by day: what every feature is computed
// from. Amounts are whole numbers in a unit that divides them all, the same
// fraction of the largest such, so that multiplying every amount by a constant changes nothing here, and
// are small enough that no sum of them overflows.
type series struct {
	currency bank.Currency
	// first and end are the days of the oldest and the newest entry; days
	// counts those of the window, whose index 0 is end-days+1.
	first, end bank.Date
	days       int
	// entries is how many booked entries there are in all, whatever the
	// window.
	entries int

	in, out, cashOut []int64 // by day, not negative
	// balance is at the end of each day, all accounts summed; meaningful
	// only if hasBalance.
	balance    []int64
	hasBalance bool
	// groups counts entries and sums amounts by what they were for.
	groups [numGroups]group
	// unit is the greatest common divisor of the amounts in minor units.
	// Amounts are counted in unit/2^fine; shift is how many binary digits
	// were cut off where sums would not fit otherwise.
	unit        uint64
	fine, shift uint
}

// group is the entries of one kind in the window.
type group struct {
	count  int
	amount int64
	latest int // index of the newest one's day; -1 where there is none
}

// The kinds of entries that features ask about.
const (
	penalties = iota
	household
	insurance
	fees
	regularIncome
	cashIn
	numGroups
)

// newSeries builds the series of a profile's main currency. A profile
// without booked entries gives one without days.
func newSeries(p *anonymize.Profile) *series {
	s := &series{}
	accounts := s.choose(p)
	for i := range s.groups {
		s.groups[i].latest = -1
	}
	if s.entries == 0 {
		return s
	}
	s.days = min(s.end.Sub(s.first)+1, window)
	s.scale(accounts)
	flat := make([]int64, 4*s.days)
	s.in, flat = flat[:s.days:s.days], flat[s.days:]
	s.out, flat = flat[:s.days:s.days], flat[s.days:]
	s.cashOut, s.balance = flat[:s.days:s.days], flat[s.days:]
	s.hasBalance = true
	for _, a := range accounts {
		s.addFlows(a)
		s.addBalance(a)
	}
	return s
}

// choose finds the currency with the most booked entries, the first in the
// alphabet of those with equally many, and returns its accounts.
func (s *series) choose(p *anonymize.Profile) []*anonymize.Account {
	counts := map[bank.Currency]int{}
	for i := range p.Accounts {
		if a := &p.Accounts[i]; scored(a) {
			counts[a.Currency] += len(a.Transactions)
		}
	}
	for c, n := range counts {
		if n > s.entries || n == s.entries && n > 0 && slices.Compare(c[:], s.currency[:]) < 0 {
			s.currency, s.entries = c, n
		}
	}
	if s.entries == 0 {
		return nil
	}
	var accounts []*anonymize.Account
	for i := range p.Accounts {
		a := &p.Accounts[i]
		if !scored(a) || a.Currency != s.currency || len(a.Transactions) == 0 {
			continue
		}
		if len(accounts) == 0 {
			s.first, s.end = a.Transactions[0].Date, a.Transactions[0].Date
		}
		for j := range a.Transactions {
			d := a.Transactions[j].Date
			s.first, s.end = min(s.first, d), max(s.end, d)
		}
		accounts = append(accounts, a)
	}
	return accounts
}

func scored(a *anonymize.Account) bool {
	return a.Kind != anonymize.KindCard && a.Kind != anonymize.KindLoan
}

// scale finds the largest unit that divides every amount, and how far the
// amounts have to be cut so that sums over all entries fit 62 bits.
func (s *series) scale(accounts []*anonymize.Account) {
	var unit, most uint64
	for _, a := range accounts {
		for i := range a.Transactions {
			t := &a.Transactions[i]
			unit, most = gcd(unit, magnitude(t.Amount)), max(most, magnitude(t.Amount))
			if t.HasBalanceAfter {
				unit, most = gcd(unit, magnitude(t.BalanceAfter)), max(most, magnitude(t.BalanceAfter))
			}
		}
		if a.HasBalance {
			unit, most = gcd(unit, magnitude(a.Balance)), max(most, magnitude(a.Balance))
		}
	}
	s.unit = max(unit, 1)
	// An account's balance is at most one amount away from a sum of its
	// entries; the accounts' balances are summed again.
	room := bits.Len64(uint64(s.entries+1)) + bits.Len64(uint64(len(accounts)+1)) + bits.Len64(most/s.unit)
	s.shift = uint(max(room-62, 0))
	if room+fineness <= 62 {
		s.fine = fineness
	}
}

// fineness is the binary digits kept below the unit, for changes to amounts
// that are no multiple of it.
const fineness = 10

// norm is an amount in the series' unit.
func (s *series) norm(minor int64) int64 {
	v := int64(magnitude(minor) / s.unit << s.fine >> s.shift)
	if minor < 0 {
		return -v
	}
	return v
}

// minor is norm's inverse, exact unless digits were cut off; it saturates.
func (s *series) minor(v int64) int64 {
	hi, lo := bits.Mul64(magnitude(v)>>s.fine, s.unit<<s.shift)
	if hi != 0 || lo > 1<<63-1 {
		lo = 1<<63 - 1
	}
	if v < 0 {
		return -int64(lo)
	}
	return int64(lo)
}

// index is the window's index of a day, negative before the window.
func (s *series) index(d bank.Date) int { return s.days - 1 - s.end.Sub(d) }

func (s *series) addFlows(a *anonymize.Account) {
	for i := range a.Transactions {
		t := &a.Transactions[i]
		day := s.index(t.Date)
		if day < 0 {
			continue
		}
		v := s.norm(t.Amount)
		switch t.Category {
		case anonymize.OwnTransfer, anonymize.LoanDisbursement, anonymize.Reversal:
			// Neither earned nor spent; both halves of a reversal are marked.
			continue
		case anonymize.CashOut:
			s.cashOut[day] -= min(v, 0)
		}
		s.in[day] += max(v, 0)
		s.out[day] -= min(v, 0)
		if g := groupOf(t.Category); g >= 0 {
			s.groups[g].count++
			s.groups[g].amount += max(v, -v)
			s.groups[g].latest = max(s.groups[g].latest, day)
		}
	}
}

func groupOf(c anonymize.Category) int {
	switch c {
	case anonymize.Penalty, anonymize.InterestPaid:
		return penalties
	case anonymize.Household, anonymize.Rent, anonymize.Mortgage, anonymize.Utilities:
		return household
	case anonymize.Insurance:
		return insurance
	case anonymize.Fees:
		return fees
	case anonymize.Salary, anonymize.Benefits, anonymize.Pension, anonymize.TransferIn:
		return regularIncome
	case anonymize.CashIn:
		return cashIn
	}
	return -1
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// gcd is Euclid's; gcd(0, b) is b. Once it is 1 it costs nothing more.
func gcd(a, b uint64) uint64 {
	if a == 1 {
		return 1
	}
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
