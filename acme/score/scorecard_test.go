package score_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score"
)

var update = flag.Bool("update", false, "write the golden files anew")

var _ score.Scorer = (*score.Scorecard)(nil)

func scoreOf(t testing.TB, p *anonymize.Profile) *score.Report {
	t.Helper()
	r, err := score.New().Score(t.Context(), score.Input{Profile: p})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// bare is a report's JSON without what names the input or shows its amounts.
func bare(t testing.TB, r *score.Report) string {
	t.Helper()
	c := *r
	c.CashFlow, c.InputDigest = score.CashFlow{}, ""
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestSameInputGivesSameBytes(t *testing.T) {
	t.Parallel()
	for name, p := range somebody(t) {
		data, err := json.MarshalIndent(scoreOf(t, p), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, '\n')
		path := filepath.Join("testdata", "report_"+name+".json")
		if *update {
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != string(want) {
			t.Errorf("%s: report differs from %s (-update writes it anew):\n%s", name, path, data)
		}
	}
}

func TestPointsAddUpExactly(t *testing.T) {
	t.Parallel()
	card := score.New()
	for seed := range uint64(200) {
		p := person{days: 91 + int(seed*7%600), entries: 20 + int(seed*13%300), salary: 100_000 + int64(seed)*971, thrift: .7 + float64(seed%50)/100, seed: seed}.profile()
		e, err := card.Explain(t.Context(), score.Input{Profile: p})
		if err != nil {
			t.Fatal(err)
		}
		sum := e.Base
		for _, c := range e.Contributions {
			sum += c.Points
		}
		if sum != e.Sum || min(max(e.Sum, score.Min), score.Max) != e.Value {
			t.Fatalf("base and points add up to %d, sum %d, value %d", sum, e.Sum, e.Value)
		}
		r := scoreOf(t, p)
		if r.Value != e.Value || r.Interval.Low > r.Value || r.Interval.High < r.Value || r.Interval.Low < score.Min || r.Interval.High > score.Max {
			t.Fatalf("value %d, explained %d, interval %+v", r.Value, e.Value, r.Interval)
		}
		checkReasons(t, r, e)
	}
}

// checkReasons holds reasons to the explanation: the strongest four of
// either direction, adverse first.
func checkReasons(t *testing.T, r *score.Report, e *score.Explanation) {
	t.Helper()
	var adverse, favourable []int
	for _, c := range e.Contributions {
		if c.Points < 0 {
			adverse = append(adverse, c.Points)
		}
		if c.Points > 0 {
			favourable = append(favourable, -c.Points)
		}
	}
	slices.Sort(adverse)
	slices.Sort(favourable)
	var want, got []int
	want = append(want, adverse[:min(4, len(adverse))]...)
	for _, v := range favourable[:min(4, len(favourable))] {
		want = append(want, -v)
	}
	for _, v := range r.Reasons {
		got = append(got, v.Points)
		if v.Text == "" || v.Code == "" {
			t.Fatalf("reason without text or code: %+v", v)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("reasons' points %v, want %v", got, want)
	}
}

func TestUnitOfMoneyChangesNothing(t *testing.T) {
	t.Parallel()
	for name, p := range somebody(t) {
		want := bare(t, scoreOf(t, p))
		for _, factor := range []int64{7, 1000, 999_983, 10_000_000_019} {
			scaled := change(p, func(e *anonymize.Transaction) { e.Amount *= factor; e.BalanceAfter *= factor })
			got := bare(t, scoreOf(t, scaled))
			before, err := score.Features(p)
			if err != nil {
				t.Fatal(err)
			}
			after, err := score.Features(scaled)
			if err != nil {
				t.Fatal(err)
			}
			for i := range before {
				if math.Float64bits(before[i]) != math.Float64bits(after[i]) {
					t.Errorf("%s times %d: %s is %v, was %v", name, factor, score.Definitions()[i].Name, after[i], before[i])
				}
			}
			if got != want {
				t.Errorf("%s times %d:\n got %s\nwant %s", name, factor, got, want)
			}
		}
	}
}

func TestOrderWithinADayChangesNothing(t *testing.T) {
	t.Parallel()
	for name, p := range somebody(t) {
		want := bare(t, scoreOf(t, p))
		turned := change(p, func(*anonymize.Transaction) {})
		ts := turned.Accounts[0].Transactions
		for i := 0; i < len(ts); {
			n := 1
			for i+n < len(ts) && ts[i+n].Date == ts[i].Date {
				n++
			}
			slices.Reverse(ts[i : i+n])
			i += n
		}
		if got := bare(t, scoreOf(t, turned)); got != want {
			t.Errorf("%s turned round within days:\n got %s\nwant %s", name, got, want)
		}
		balance := p.Accounts[0].Transactions[0].BalanceAfter - p.Accounts[0].Transactions[0].Amount
		for i := range ts {
			balance += ts[i].Amount
			ts[i].BalanceAfter = balance
		}
		if got := bare(t, scoreOf(t, turned)); got != want {
			t.Errorf("%s turned round, balances led anew:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestDayOfTheCalendarChangesNothing(t *testing.T) {
	t.Parallel()
	for name, p := range somebody(t) {
		want := bare(t, scoreOf(t, p))
		for _, days := range []int{1, 17, 365, 9000} {
			moved := change(p, func(e *anonymize.Transaction) { e.Date = e.Date.AddDays(-days) })
			if got := bare(t, scoreOf(t, moved)); got != want {
				t.Errorf("%s moved by %d days:\n got %s\nwant %s", name, days, got, want)
			}
		}
	}
}

func TestMoreBufferNeverLowersTheScore(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		p := person{days: 120 + int(seed)*15, entries: 30 + int(seed)*9, salary: 200_000, thrift: .9 + float64(seed%20)/80, seed: seed}.profile()
		before := 0
		for more := int64(-200_000); more <= 600_000; more += 50_000 {
			r := scoreOf(t, change(p, func(e *anonymize.Transaction) { e.BalanceAfter += more }))
			if r.Value < before {
				t.Fatalf("seed %d: with %d more the score fell from %d to %d", seed, more, before, r.Value)
			}
			before = r.Value
		}
	}
}

func TestImprovementsRiseFromTheScore(t *testing.T) {
	t.Parallel()
	some := false
	for name, p := range somebody(t) {
		r := scoreOf(t, p)
		before := r.Value
		for _, i := range r.Improvements {
			some = true
			if i.Value <= before || i.Value > score.Max {
				t.Errorf("%s: improvement to %d after %d", name, i.Value, before)
			}
			before = i.Value
		}
	}
	if !some {
		t.Error("nobody has an improvement")
	}
	data, err := json.Marshal(scoreOf(t, person{days: 730, entries: 1200, salary: 400_000, thrift: .3, seed: 9}.profile()))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "null") {
		t.Errorf("an empty list is written as null: %s", data)
	}
}

func TestTooLittleHistoryIsRefused(t *testing.T) {
	t.Parallel()
	card := score.New()
	enough := person{days: 100, entries: 30, salary: 100_000, thrift: .9, seed: 1}.profile()
	ts := enough.Accounts[0].Transactions
	cases := map[string]struct {
		profile *anonymize.Profile
		want    string
	}{
		"no entries":       {profileOf(nil), "no booked transactions, want 10 over 90 days"},
		"nine entries":     {profileOf(ts[:9]), "9 booked transactions over"},
		"eighty-nine days": {change(enough, func(e *anonymize.Transaction) { e.Date = max(e.Date, today.AddDays(-89)) }), "over 89 days, want 10 over 90 days"},
		"days to come":     {change(enough, func(e *anonymize.Transaction) { e.Date = e.Date.AddDays(5000) }), "over 0 days"},
	}
	for name, c := range cases {
		_, err := card.Score(t.Context(), score.Input{Profile: c.profile})
		if !errors.Is(err, score.ErrInsufficientHistory) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want ErrInsufficientHistory with %q", name, err, c.want)
		}
		if _, err := score.Features(c.profile); !errors.Is(err, score.ErrInsufficientHistory) {
			t.Errorf("%s: Features: got %v", name, err)
		}
	}
	ninety := change(profileOf(ts[:10]), func(e *anonymize.Transaction) {})
	ninety.Accounts[0].Transactions[0].Date = today.AddDays(-90)
	if _, err := card.Score(t.Context(), score.Input{Profile: ninety}); err != nil {
		t.Errorf("ten entries, the first 90 days ago: %v", err)
	}
}

func TestImpossibleInputIsRefused(t *testing.T) {
	t.Parallel()
	card := score.New()
	p := somebody(t)["even"]
	if _, err := card.Score(t.Context(), score.Input{}); err == nil {
		t.Error("no profile: no error")
	}
	_, err := card.Score(t.Context(), score.Input{Profile: p, Loan: &score.Loan{TermMonths: 601}})
	for _, want := range []string{"loan amount", "loan currency", "601, want 1 to 600"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("impossible loan: got %v, want %q in it", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := card.Score(ctx, score.Input{Profile: p}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: got %v", err)
	}
}

func TestLoanTermsCountInTheDigestAlone(t *testing.T) {
	t.Parallel()
	p := somebody(t)["even"]
	loan := &score.Loan{Amount: bank.Money{Minor: 500_000, Currency: eur}, TermMonths: 24}
	with, err := score.New().Score(t.Context(), score.Input{Profile: p, Loan: loan})
	if err != nil {
		t.Fatal(err)
	}
	without := scoreOf(t, p)
	if bare(t, with) != bare(t, without) {
		t.Error("the loan's terms changed the score")
	}
	if with.InputDigest == without.InputDigest || !strings.HasPrefix(with.InputDigest, "sha256:") {
		t.Errorf("digests %s and %s", with.InputDigest, without.InputDigest)
	}
}

func TestCurrencyOfMostEntriesIsScored(t *testing.T) {
	t.Parallel()
	p := somebody(t)["even"]
	want := bare(t, scoreOf(t, p))
	more := *p
	foreign := anonymize.Account{Currency: bank.Currency{'C', 'H', 'F'}, Transactions: p.Accounts[0].Transactions[:40]}
	card := anonymize.Account{Currency: eur, Kind: anonymize.KindCard, Transactions: p.Accounts[0].Transactions[:400]}
	more.Accounts = []anonymize.Account{foreign, card, p.Accounts[0]}
	r := scoreOf(t, &more)
	if got := bare(t, r); got != want || r.CashFlow.Currency != eur {
		t.Errorf("with a foreign and a card account:\n got %s\nwant %s", got, want)
	}
}

func TestCashFlowSumsCalendarMonths(t *testing.T) {
	t.Parallel()
	flow := scoreOf(t, somebody(t)["thrifty"]).CashFlow
	if len(flow.Months) != 24 || flow.Months[23].Month != "2026-03" || flow.Months[0].Month != "2024-04" {
		t.Fatalf("%d months from %s to %s", len(flow.Months), flow.Months[0].Month, flow.Months[len(flow.Months)-1].Month)
	}
	for _, m := range flow.Months {
		if !strings.HasSuffix(m.Income, "00.00") || m.Spending == "0.00" || m.Balance == "" {
			t.Errorf("month %+v", m)
		}
	}
}

func TestScorecardIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	card := score.New()
	p := somebody(t)["even"]
	want := bare(t, scoreOf(t, p))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			r, err := card.Score(context.Background(), score.Input{Profile: p})
			if err != nil || bare(t, r) != want {
				t.Errorf("concurrent score differs: %v", err)
			}
		})
	}
	group.Wait()
}

func TestLoadNamesEveryFault(t *testing.T) {
	t.Parallel()
	for text, wants := range map[string][]string{
		`{}`:      {"format 0, want 1", "name and version", "features must not be empty", "covariance has 0 rows, want 1", "scale"},
		`nothing`: {"reading model"},
		`{"format":1,"name":"a","version":"1","scale":{"points":1,"odds":1,"double":1},"features":[{"code":"R02","name":"days_low_balance","high":1,"deviation":1,"weight":-1}],"covariance":[[1,0],[0,1]]}`: {"R02: weight must not have the sign opposite to +1"},
	} {
		_, err := score.Load(strings.NewReader(text))
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", text, err, want)
			}
		}
	}
	if m := score.New().Model(); m.Name != "acme-cashflow" || !strings.HasPrefix(m.Digest, "sha256:") {
		t.Errorf("embedded model is %+v", m)
	}
}
