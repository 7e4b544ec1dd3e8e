package score_test

import (
	"math/rand/v2"
	"testing"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
)

var (
	eur   = bank.Currency{'E', 'U', 'R'}
	today = bank.NewDate(2026, 3, 31)
)

// person is a made-up history: a salary, bills and everyday spending over
// some days, a given number of further entries, and a purse that follows
// from thrift: at 1 all of the income is spent.
type person struct {
	days, entries int
	salary        int64
	thrift        float64
	seed          uint64
}

func (p person) profile() *anonymize.Profile {
	rng := rand.New(rand.NewPCG(p.seed, 7))
	var ts []anonymize.Transaction
	start := today.AddDays(1 - p.days)
	everyday := max(p.entries-p.days/15, 1)
	budget := float64(p.salary) * p.thrift * .6 * float64(p.days) / 30 / float64(everyday)
	balance, spent := p.salary/3, 0
	add := func(day int, amount int64, c anonymize.Category) {
		balance += amount
		ts = append(ts, anonymize.Transaction{Date: start.AddDays(day), Amount: amount, BalanceAfter: balance, HasBalanceAfter: true, Category: c})
	}
	for day := range p.days {
		if day%30 == 3 {
			add(day, p.salary, anonymize.Salary)
		}
		if day%30 == 9 {
			add(day, -int64(float64(p.salary)*p.thrift*.4), anonymize.Rent)
		}
		for spent*p.days < everyday*(day+1) {
			spent++
			add(day, -int64(budget*(.2+1.6*rng.Float64()))-1, anonymize.CardPayment)
		}
	}
	return profileOf(ts)
}

// profileOf is a profile of one current account with the entries given.
func profileOf(ts []anonymize.Transaction) *anonymize.Profile {
	a := anonymize.Account{ID: anonymize.Pseudonym{1}, Kind: anonymize.KindCurrent, Currency: eur, Complete: true, Transactions: ts}
	if len(ts) > 0 {
		a.Delivered = bank.Range{From: ts[0].Date, To: ts[len(ts)-1].Date}
	}
	return &anonymize.Profile{AsOf: today, Asked: bank.Range{From: today.AddDays(-730), To: today}, Accounts: []anonymize.Account{a}}
}

// change returns a profile with f applied to a copy of every entry.
func change(p *anonymize.Profile, f func(t *anonymize.Transaction)) *anonymize.Profile {
	out := *p
	out.Accounts = append([]anonymize.Account(nil), p.Accounts...)
	for i := range out.Accounts {
		ts := append([]anonymize.Transaction(nil), out.Accounts[i].Transactions...)
		for k := range ts {
			f(&ts[k])
		}
		out.Accounts[i].Transactions = ts
	}
	return &out
}

// somebody are people of every kind, from thrifty to overdrawn.
func somebody(t testing.TB) map[string]*anonymize.Profile {
	t.Helper()
	return map[string]*anonymize.Profile{
		"thrifty":   person{days: 730, entries: 1500, salary: 310_000, thrift: .8, seed: 1}.profile(),
		"even":      person{days: 400, entries: 500, salary: 187_333, thrift: 1, seed: 2}.profile(),
		"overdrawn": person{days: 365, entries: 400, salary: 250_001, thrift: 1.1, seed: 3}.profile(),
		"short":     person{days: 95, entries: 20, salary: 99_999, thrift: .9, seed: 4}.profile(),
	}
}
