package sandbox_test

import (
	"bytes"
	"math/big"
	"strings"
	"testing"
	"time"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/sandbox"
)

func TestHistoriesAreSound(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{})
	tokens := []string{sandbox.PersonToken(0), sandbox.PersonToken(1), sandbox.PersonToken(1<<64 - 1)}
	for _, p := range f.bank.People() {
		tokens = append(tokens, sandbox.Token(p.Login))
	}
	for _, token := range tokens {
		for _, s := range f.fetch(token, "bookingStatus=both") {
			checkStatement(t, token, s)
		}
	}
}

// checkStatement: order, running balances, IBANs, codes and days.
func checkStatement(t *testing.T, who string, s statement) {
	t.Helper()
	if !validIBAN(s.IBAN) || s.OwnerName == "" {
		t.Errorf("%s: account IBAN %s, owner %q", who, s.IBAN, s.OwnerName)
	}
	day := today.Format(time.DateOnly)
	var balance int64
	for i, x := range s.booked {
		if i > 0 {
			balance += x.TransactionAmount.minor(t)
			if got := x.BalanceAfter.BalanceAmount.minor(t); got != balance {
				t.Fatalf("%s: row %d closes at %d, want %d", who, i, got, balance)
			}
			if x.BookingDate < s.booked[i-1].BookingDate {
				t.Fatalf("%s: row %d is out of order", who, i)
			}
		} else {
			balance = x.BalanceAfter.BalanceAmount.minor(t)
		}
		if x.BookingDate > day || x.ValueDate > x.BookingDate || x.Code == "" || x.Remittance == "" || x.TransactionAmount.minor(t) == 0 {
			t.Fatalf("%s: row %d is not sound: %+v", who, i, x)
		}
		for _, iban := range []string{x.CreditorAccount.IBAN, x.DebtorAccount.IBAN} {
			if iban != "" && !validIBAN(iban) {
				t.Fatalf("%s: row %d has IBAN %s", who, i, iban)
			}
		}
	}
	if len(s.booked) > 0 && s.balances["interimBooked"] != balance {
		t.Errorf("%s: balance %d, last row %d", who, s.balances["interimBooked"], balance)
	}
	for _, x := range s.pending {
		if x.BookingDate != "" || x.BalanceAfter != nil || x.ValueDate > day {
			t.Errorf("%s: pending %+v", who, x)
		}
		balance += x.TransactionAmount.minor(t)
	}
	if len(s.booked) > 0 && s.balances["expected"] != balance {
		t.Errorf("%s: expected balance %d, want %d", who, s.balances["expected"], balance)
	}
}

// validIBAN is ISO 13616's check, computed another way than the bank does.
func validIBAN(iban string) bool {
	if len(iban) < 15 {
		return false
	}
	var digits strings.Builder
	for _, c := range iban[4:] + iban[:4] {
		if c >= 'A' {
			digits.WriteString(big.NewInt(int64(c-'A') + 10).String())
		} else {
			digits.WriteRune(c)
		}
	}
	n, ok := new(big.Int).SetString(digits.String(), 10)
	return ok && new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
}

func TestPeopleAreWhoTheyAre(t *testing.T) {
	t.Parallel()
	f := setup(t, sandbox.Config{})
	text := map[string]string{}
	span := map[string]int{}
	rows := map[string]int{}
	low := map[string]bool{}
	pending := 0
	for _, p := range f.bank.People() {
		for i, s := range f.fetch(sandbox.Token(p.Login), "bookingStatus=both") {
			pending += len(s.pending)
			for _, x := range s.booked {
				text[p.Login] += x.Remittance + "|" + x.Code + "\n"
				low[p.Login] = low[p.Login] || i == 0 && strings.HasPrefix(x.BalanceAfter.BalanceAmount.Amount, "-")
			}
			rows[p.Login] += len(s.booked)
			if i == 0 {
				first, err := bank.ParseDate(s.booked[0].BookingDate)
				if err != nil {
					t.Fatal(err)
				}
				span[p.Login] = bank.DateOf(today).Sub(first)
			}
		}
	}
	for _, who := range []string{"alice", "bob", "dave", "erin", "grace", "heidi"} {
		if rows[who] < 600 || rows[who] > 1600 || span[who] < 725 || span[who] > 730 {
			t.Errorf("%s: %d rows over %d days", who, rows[who], span[who])
		}
	}
	if span["carol"] < 120 || span["carol"] > 180 || span["frank"] > 40 || span["frank"] < 30 {
		t.Errorf("carol has %d days, frank %d", span["carol"], span["frank"])
	}
	if low["alice"] || low["grace"] || low["erin"] || !low["dave"] {
		t.Errorf("below zero: %v", low)
	}
	if pending == 0 {
		t.Error("nobody has anything pending")
	}
	for who, wants := range map[string][]string{
		"alice": {"PMNT-RCDT-SALA", "Miete", "PMNT-CCRD-CWDL", "PMNT-CCRD-RIMB", "PMNT-ICDT-BOOK", "Habenzinsen", "Versicherung"},
		"dave":  {"CASINO", "Ruecklastschrift", "Mahngebuehr", "Sollzinsen", "returned debit fee"},
		"erin":  {"Rente"},
		"heidi": {"Rate", "LDAS-CSLN-DDWN", "Kindergeld"},
	} {
		for _, want := range wants {
			if !strings.Contains(text[who], want) {
				t.Errorf("%s has no %s", who, want)
			}
		}
	}
}

func TestSameSeedAndDaySameBytes(t *testing.T) {
	t.Parallel()
	read := func(cfg sandbox.Config, token string) string {
		f := setup(t, cfg)
		var all bytes.Buffer
		for _, s := range f.fetch(token, "bookingStatus=pending") {
			all.Write(f.get("/v1/accounts/"+s.ResourceID+"/transactions?bookingStatus=both", token).body)
			all.Write(f.get("/v1/accounts/"+s.ResourceID+"/balances", token).body)
		}
		return all.String()
	}
	for _, token := range []string{sandbox.Token("bob"), sandbox.PersonToken(7)} {
		one := read(sandbox.Config{Seed: 3}, token)
		if one != read(sandbox.Config{Seed: 3, CacheBytes: 1}, token) {
			t.Errorf("%s: two banks of one seed differ", token)
		}
		if one == read(sandbox.Config{Seed: 4}, token) {
			t.Errorf("%s: two seeds give the same", token)
		}
	}
}

func TestTomorrowIsTodayAndADayMore(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"alice", "bob", "dave", "heidi", "carol", "person-5"} {
		now := today
		f := setup(t, sandbox.Config{PageSize: 5000, Now: func() time.Time { return now }})
		query := "bookingStatus=both&dateFrom=2025-01-01"
		before := f.fetch(sandbox.Token(p), query)
		now = now.Add(72 * time.Hour)
		after := f.fetch(sandbox.Token(p), query)
		for i := range before {
			n := len(before[i].booked)
			if len(after[i].booked) < n || i == 0 && len(after[i].booked) == n {
				t.Fatalf("%s: %d rows became %d", p, n, len(after[i].booked))
			}
			for j, x := range before[i].booked {
				if y := after[i].booked[j]; x.TransactionID != y.TransactionID || *x.BalanceAfter != *y.BalanceAfter {
					t.Fatalf("%s: row %d changed", p, j)
				}
			}
			booked := strings.Join(ids(after[i].booked), " ") + " " + strings.Join(ids(after[i].pending), " ")
			for _, x := range before[i].pending {
				if !strings.Contains(booked, x.TransactionID) {
					t.Errorf("%s: what was pending has gone", p)
				}
			}
		}
	}
}

func TestTransactionsAreExact(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 60, 100, 400, 1500, 5000} {
		f := setup(t, sandbox.Config{Transactions: n, History: 365 * 24 * time.Hour, PageSize: 10_000})
		for person := range uint64(5) {
			list := f.fetch(sandbox.PersonToken(person), "bookingStatus=both")
			if len(list) != 1 || len(list[0].booked) != n {
				t.Errorf("person %d has %d transactions, want %d", person, len(list[0].booked), n)
			}
			checkStatement(t, sandbox.PersonToken(person), list[0])
			if first, _ := bank.ParseDate(list[0].booked[0].BookingDate); n >= 60 && bank.DateOf(today).Sub(first) < 180 {
				t.Errorf("%d transactions reach back to %s only", n, first)
			}
		}
	}
}
