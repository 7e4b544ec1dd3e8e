package e2e_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/score/portfolio"
)

// TestRealHistories takes twenty real loans' account histories through a bank
// and a server, both processes of their own: each comes back with exactly the
// score that the scorecard gives to the same history in this process.
func TestRealHistories(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(cmp.Or(os.Getenv("ACME_SHARED"), filepath.Join("..", "..", "shared")), "data", "berka")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the real loans are not here (%s): histories of real people did not go through the server", dir)
	}
	loans, err := portfolio.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(number(t, "ACME_SEED", 1))
	chosen := choose(loans, rand.New(rand.NewPCG(seed, 0)), 10, 10)
	today := bank.DateOf(time.Now().UTC())
	accounts := t.TempDir()
	for i := range chosen {
		chosen[i] = chosen[i].Shifted(today)
		writeAnswer(t, accounts, chosen[i])
	}

	// Small pages, so that each history takes several.
	atBank := begin(t, "sandbox", "-addr", "127.0.0.1:0", "-accounts", accounts, "-page-size", "100")
	config := writeConfig(t, settings{dataDir: filepath.Join(t.TempDir(), "data"), bank: atBank.url(), history: "17520h"})
	server := begin(t, "serve", "-config", config)
	p := newPartner(t, server.url(), "demo")

	got := make([]job, len(chosen))
	var all sync.WaitGroup
	for i, l := range chosen {
		all.Go(func() {
			a, err := p.do(t.Context(), "POST", "/v1/scores", fmt.Sprintf(
				`{"bank":"sandbox","subject":"loan-%s","access_token":"sandbox-token-%s"}`, l.ID, login(l)), "Prefer: wait=60")
			if err != nil || a.status != 200 {
				t.Errorf("loan %d of %d: %v %+v", i+1, len(chosen), err, a)
				return
			}
			if err := json.Unmarshal(a.body, &got[i]); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if bank.DateOf(time.Now().UTC()) != today {
		t.Skip("midnight (UTC) came while the histories were read: they ended yesterday")
	}
	var good, bad []float64
	for i, l := range chosen {
		pd, scored := compare(t, l, got[i])
		switch {
		case !scored:
		case l.Bad:
			bad = append(bad, pd)
		default:
			good = append(good, pd)
		}
	}
	server.stop()
	checkLog(t, server)
	atBank.stop()
	t.Logf("seed %d: %d of %d real histories scored over HTTP (%d good, %d bad loans), each as in this process; AUC %.3f",
		seed, len(good)+len(bad), len(chosen), len(good), len(bad), auc(good, bad))
	if len(good) > 0 && len(bad) > 0 && auc(good, bad) <= 0.5 {
		t.Error("the scores are no better than chance")
	}
}

// choose draws so many loans of either outcome.
func choose(loans []portfolio.Loan, rng *rand.Rand, good, bad int) []portfolio.Loan {
	left := map[bool]int{false: good, true: bad}
	var chosen []portfolio.Loan
	for _, i := range rng.Perm(len(loans)) {
		if l := loans[i]; left[l.Bad] > 0 {
			left[l.Bad]--
			chosen = append(chosen, l)
		}
	}
	return chosen
}

func login(l portfolio.Loan) string { return "loan-" + l.ID }

// writeAnswer writes what a Berlin Group bank would say of the loan's account.
func writeAnswer(t *testing.T, dir string, l portfolio.Loan) {
	t.Helper()
	type object = map[string]any
	currency := l.Amount.Currency.String()
	amount := func(m bank.Money) object { return object{"currency": currency, "amount": m.Decimal()} }
	booked := make([]object, 0, len(l.Entries))
	for i, e := range l.Entries {
		w := e.Wording()
		tx := object{
			"transactionId": fmt.Sprintf("%s-%d", l.ID, i), "bookingDate": e.Date.String(), "valueDate": e.Date.String(),
			"transactionAmount":       amount(e.Signed()),
			"balanceAfterTransaction": object{"balanceType": "interimBooked", "balanceAmount": amount(e.Balance)},
		}
		if w.Remittance != "" {
			tx["remittanceInformationUnstructured"] = w.Remittance
		}
		if w.BankCode != "" {
			tx["bankTransactionCode"] = w.BankCode
		}
		if e.Account != "" {
			side := "creditorAccount"
			if e.Signed().Minor > 0 {
				side = "debtorAccount"
			}
			tx[side] = object{"bban": e.Bank + e.Account}
		}
		booked = append(booked, tx)
	}
	raw, err := json.Marshal(object{
		"accounts":     []object{{"resourceId": "acc", "bban": "LOAN" + l.ID, "currency": currency, "cashAccountType": "CACC"}},
		"transactions": object{"acc": object{"booked": booked, "pending": []object{}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, login(l)+".json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// compare holds a job against the score made of the same loan here. scored is
// false for a history that is too short, here and there.
func compare(t *testing.T, l portfolio.Loan, j job) (pd float64, scored bool) {
	t.Helper()
	keys, err := keyset.New()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := anonymize.New(keys).Profile(l.Statement(), anonymize.Subject{Partner: "here", ID: l.ID}, l.Date)
	if err != nil {
		t.Fatal(err)
	}
	want, err := score.New().Score(t.Context(), score.Input{Profile: profile})
	if errors.Is(err, score.ErrInsufficientHistory) {
		if j.Status != "failed" || !strings.Contains(string(j.Error), `"insufficient_history"`) {
			t.Errorf("a history too short to be scored came back %s %s", j.Status, j.Error)
		}
		return 0, false
	}
	if err != nil {
		t.Fatal(err)
	}
	if j.Status != "completed" {
		t.Errorf("a loan is %s: %s", j.Status, j.Error)
		return 0, false
	}
	var got score.Report
	if err := json.Unmarshal(j.Score, &got); err != nil {
		t.Fatal(err)
	}
	if got.Value != want.Value || got.ProbabilityOfDefault != want.ProbabilityOfDefault || got.Model != want.Model {
		t.Errorf("over HTTP %d (%v) by %v, here %d (%v) by %v", got.Value, got.ProbabilityOfDefault, got.Model,
			want.Value, want.ProbabilityOfDefault, want.Model)
	}
	if a, b := fmt.Sprintf("%+v", got.Reasons), fmt.Sprintf("%+v", want.Reasons); a != b {
		t.Errorf("reasons over HTTP\n%s\nhere\n%s", a, b)
	}
	return got.ProbabilityOfDefault, true
}

// auc is the chance that a bad loan has the higher probability of default of
// two, ties counting half (Mann and Whitney's statistic).
func auc(good, bad []float64) float64 {
	wins := 0.0
	for _, b := range bad {
		for _, g := range good {
			switch {
			case b > g:
				wins++
			case b == g:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(good)*len(bad))
}
