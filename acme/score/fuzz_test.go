package score_test

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score"
)

// fuzzProfile reads bytes as a profile: any number of entries, 14 bytes each,
// of the most various days, amounts, balances and kinds.
func fuzzProfile(data []byte) *anonymize.Profile {
	p := &anonymize.Profile{AsOf: today}
	accounts := [3]anonymize.Account{{Currency: eur}, {Currency: eur}, {Currency: bank.Currency{'U', 'S', 'D'}}}
	day := today.AddDays(-400)
	if len(data) > 0 {
		day = today.AddDays(-int(data[0]) * 150)
		accounts[data[0]%3].HasBalance = data[0]&8 != 0
		accounts[data[0]%3].Balance = math.MaxInt64 - int64(data[0])
		accounts[data[0]%3].BalanceDate = day
	}
	for ; len(data) >= 14; data = data[14:] {
		day = day.AddDays(int(data[0] & 15))
		amount := int64(binary.LittleEndian.Uint64(data[1:])) >> (data[9] & 63)
		t := anonymize.Transaction{Date: day, Amount: amount, Category: anonymize.Category(data[10] % 25)}
		if data[11]&1 != 0 {
			t.BalanceAfter, t.HasBalanceAfter = amount*int64(data[12])+int64(data[13]), true
		}
		a := &accounts[int(data[0]>>4)%3]
		a.Transactions = append(a.Transactions, t)
	}
	p.Accounts = accounts[:]
	return p
}

func check(t *testing.T, p *anonymize.Profile) {
	t.Helper()
	r, err := score.New().Score(t.Context(), score.Input{Profile: p})
	if err != nil {
		if !errors.Is(err, score.ErrInsufficientHistory) {
			t.Fatalf("error %v", err)
		}
		return
	}
	if r.Value < score.Min || r.Value > score.Max || r.Interval.Low > r.Value || r.Interval.High < r.Value ||
		!(r.ProbabilityOfDefault >= 0 && r.ProbabilityOfDefault <= 1) || len(r.Reasons) > 8 || len(r.CashFlow.Months) > 24 {
		t.Fatalf("report out of range: %+v", r)
	}
}

func FuzzScore(f *testing.F) {
	entry := []byte{5, 1, 2, 3, 4, 5, 6, 7, 8, 20, 8, 1, 3, 9}
	var long, extreme []byte
	for i := range 300 {
		entry[2], entry[9] = byte(i*37), byte(30+i%20)
		long = append(long, entry...)
		extreme = append(extreme, 15, 255, 255, 255, 255, 255, 255, 255, byte(127+i%2), 0, byte(i), byte(i), 1, 0)
	}
	f.Add([]byte{})
	f.Add([]byte{255})
	f.Add(long)
	f.Add(extreme)
	f.Fuzz(func(t *testing.T, data []byte) { check(t, fuzzProfile(data)) })
}

func TestStrangeHistoriesAreScoredOrRefused(t *testing.T) {
	t.Parallel()
	const most = 9_000_000_000_000_000_000
	long := today.AddDays(-36_500)
	many := func(n int, f func(i int) anonymize.Transaction) *anonymize.Profile {
		ts := make([]anonymize.Transaction, n)
		for i := range ts {
			ts[i] = f(i)
		}
		return profileOf(ts)
	}
	for name, p := range map[string]*anonymize.Profile{
		"nothing": {},
		"one old day": many(50, func(i int) anonymize.Transaction {
			return anonymize.Transaction{Date: today.AddDays(-100), Amount: int64(i - 20)}
		}),
		"hundred years": many(5000, func(i int) anonymize.Transaction {
			return anonymize.Transaction{Date: long.AddDays(i * 7), Amount: int64(i%7 - 3)}
		}),
		"only in": many(100, func(i int) anonymize.Transaction {
			return anonymize.Transaction{Date: today.AddDays(i - 100), Amount: most}
		}),
		"only out": many(100, func(i int) anonymize.Transaction {
			return anonymize.Transaction{Date: today.AddDays(i - 100), Amount: -most}
		}),
		"all zero": many(100, func(i int) anonymize.Transaction {
			return anonymize.Transaction{Date: today.AddDays(i - 100), HasBalanceAfter: true}
		}),
		"lowest integer": many(100, func(i int) anonymize.Transaction {
			return anonymize.Transaction{Date: today.AddDays(i - 100), Amount: math.MinInt64, BalanceAfter: math.MinInt64, HasBalanceAfter: true}
		}),
		"to and fro": many(10_000, func(i int) anonymize.Transaction {
			return anonymize.Transaction{Date: today.AddDays(i/14 - 714), Amount: most * int64(1-2*(i%2)), BalanceAfter: most * int64(1-i%3), HasBalanceAfter: true}
		}),
		"farthest days": many(20, func(i int) anonymize.Transaction {
			return anonymize.Transaction{Date: bank.Date(math.MinInt32 + i), Amount: 1}
		}),
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); check(t, p) })
	}
}
