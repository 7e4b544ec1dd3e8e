package anonymize

import (
	"cmp"

	"acme.example/creditscore/acme/bank"
)

// balanceRank orders the balances of a bank by how surely they are the
// booked one; that after the last entry stands between interimRank and
// expectedRank.
const (
	availableRank = iota + 1
	expectedRank
	afterRank
	interimRank
	closingRank
)

// balance chooses the account's balance among those of its currency.
func (b *builder) balance(acc *Account, src *bank.Account) {
	rank := 0
	offer := func(r int, amount int64, day bank.Date) {
		if cmp.Or(cmp.Compare(r, rank), cmp.Compare(day, acc.BalanceDate)) > 0 {
			rank, acc.HasBalance = r, true
			acc.Balance, acc.BalanceDate = amount, day
		}
	}
	for i := range src.Balances {
		bal := &src.Balances[i]
		r := rankOf(bal.Type)
		if r == 0 || bal.CreditLimitIncluded || bal.Amount.Currency != acc.Currency {
			continue
		}
		offer(r, bal.Amount.Minor, cmp.Or(bal.Date, b.asOf))
	}
	for i := len(acc.Transactions) - 1; i >= 0; i-- {
		if t := &acc.Transactions[i]; t.HasBalanceAfter {
			if i == len(acc.Transactions)-1 || rank == 0 {
				offer(afterRank, t.BalanceAfter, t.Date)
			}
			return
		}
	}
}

func rankOf(t bank.BalanceType) int {
	switch t {
	case bank.BalanceClosingBooked:
		return closingRank
	case bank.BalanceInterimBooked:
		return interimRank
	case bank.BalanceExpected:
		return expectedRank
	case bank.BalanceAvailable:
		return availableRank
	default:
		return 0
	}
}
