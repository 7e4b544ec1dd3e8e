package acme_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/acmetest"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/webhook"
)

// fakeBank answers every fetch with a small statement after latency, unless
// fail says otherwise.
type fakeBank struct {
	latency time.Duration
	fail    func(call int, a bank.Access) error

	mu    sync.Mutex
	calls int
	seen  []bank.Access
	busy  int // fetches under way
	most  int // the most at once
}

func (b *fakeBank) Fetch(ctx context.Context, a bank.Access, asked bank.Range) (*bank.Statement, error) {
	b.mu.Lock()
	b.calls++
	b.busy++
	b.most = max(b.most, b.busy)
	call := b.calls
	b.seen = append(b.seen, a)
	b.mu.Unlock()
	defer func() { b.mu.Lock(); b.busy--; b.mu.Unlock() }()
	if b.latency > 0 {
		select {
		case <-time.After(b.latency):
		case <-ctx.Done():
			return nil, &bank.Error{Code: bank.CodeUnavailable, Op: "fetch", Err: ctx.Err()}
		}
	}
	if b.fail != nil {
		if err := b.fail(call, a); err != nil {
			return nil, err
		}
	}
	return statement(asked), nil
}

func (b *fakeBank) count() int { b.mu.Lock(); defer b.mu.Unlock(); return b.calls }

func (b *fakeBank) Has(id string) bool { return id == "sandbox" }

// statement is twelve months of salary, rent and groceries.
func statement(asked bank.Range) *bank.Statement {
	eur, _ := bank.ParseCurrency("EUR")
	acc := bank.Account{ID: bank.NewText("acc-1"), Number: bank.NewText("DE02120300000000202051"), Kind: bank.AccountCurrent, Currency: eur, Complete: true}
	balance := int64(150000)
	add := func(d bank.Date, minor int64, text, code string) {
		balance += minor
		acc.Transactions = append(acc.Transactions, bank.Transaction{
			Status: bank.Booked, Amount: bank.Money{Minor: minor, Currency: eur}, Booking: d, Value: d,
			Remittance: bank.NewText(text), BankCode: bank.NewText(code),
			BalanceAfter: bank.Money{Minor: balance, Currency: eur}, HasBalanceAfter: true,
		})
	}
	for d := asked.To.AddDays(-360); d < asked.To; d = d.AddDays(30) {
		add(d, 250000, "SALARY OCTOBER", "PMNT-RCDT-SALA")
		add(d.AddDays(3), -90000, "RENT FLAT 7", "PMNT-ICDT-STDO")
		add(d.AddDays(9), -60000, "SUPERMARKET", "PMNT-CCRD-POSD")
	}
	acc.Delivered = bank.Range{From: acc.Transactions[0].Booking, To: acc.Transactions[len(acc.Transactions)-1].Booking}
	return &bank.Statement{Asked: asked, Accounts: []bank.Account{acc}}
}

// fakeScorer gives a fixed report after latency.
type fakeScorer struct {
	latency time.Duration
	fail    func() error

	mu    sync.Mutex
	calls int
}

func (s *fakeScorer) Score(ctx context.Context, in score.Input) (*score.Report, error) {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
	if s.latency > 0 {
		select {
		case <-time.After(s.latency):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return nil, err
		}
	}
	return &score.Report{Value: 683, Min: score.Min, Max: score.Max, Reasons: []score.Reason{}, Improvements: []score.Improvement{}}, nil
}

func (s *fakeScorer) count() int { s.mu.Lock(); defer s.mu.Unlock(); return s.calls }

// inbox is a Notifier that keeps what arrives.
type inbox struct {
	answer func(call int, m webhook.Message) webhook.Result

	mu   sync.Mutex
	got  []webhook.Message
	when []time.Time
}

func (n *inbox) Send(_ context.Context, m webhook.Message) webhook.Result {
	n.mu.Lock()
	n.got = append(n.got, m)
	n.when = append(n.when, time.Now())
	call := len(n.got)
	n.mu.Unlock()
	if n.answer != nil {
		return n.answer(call, m)
	}
	return webhook.Result{Status: 200}
}

func (n *inbox) messages() []webhook.Message {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]webhook.Message(nil), n.got...)
}

// bundle is an engine with everything around it.
type bundle struct {
	*acme.Engine
	bank   *fakeBank
	scorer *fakeScorer
	inbox  *inbox
	store  acme.Store
	keys   *keyset.Set
}

// setup starts an engine over a memory store; change adjusts its parts. The
// engine stops with the test.
func setup(t *testing.T, change func(*bundle, *acme.Config)) *bundle {
	t.Helper()
	b := prepare(t, change)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, b.Engine) })
	return b
}

func stop(t *testing.T, e *acme.Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := e.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func prepare(t *testing.T, change func(*bundle, *acme.Config)) *bundle {
	t.Helper()
	keys, err := keyset.New()
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{bank: &fakeBank{}, scorer: &fakeScorer{}, inbox: &inbox{}, store: acmetest.NewMemStore(), keys: keys}
	cfg := acme.Config{AllowPrivateNetworks: true}
	if change != nil {
		change(b, &cfg)
	}
	if cfg.Bank == nil {
		cfg.Bank = b.bank
	}
	if cfg.Scorer == nil {
		cfg.Scorer = b.scorer
	}
	if cfg.Notifier == nil {
		cfg.Notifier = b.inbox
	}
	if cfg.Store == nil {
		cfg.Store = b.store
	}
	cfg.Keys = b.keys
	b.Engine, err = acme.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// inBubble runs f in a synctest bubble.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

func request() acme.Request {
	return acme.Request{Bank: "sandbox", Subject: "user-42", AccessToken: bank.NewToken("tok-secret")}
}

func mustScore(t *testing.T, e *acme.Engine, r acme.Request) *acme.Job {
	t.Helper()
	job, err := e.Score(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func mustSubmit(t *testing.T, e *acme.Engine, r acme.Request) *acme.Job {
	t.Helper()
	job, err := e.Submit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// eventData reads the data of an event's body.
func eventData(t *testing.T, body []byte) (typ string, data map[string]any) {
	t.Helper()
	var ev struct {
		Type string         `json:"type"`
		Data map[string]any `json:"data"`
	}
	if err := json.Unmarshal(body, &ev); err != nil {
		t.Fatal(err)
	}
	return ev.Type, ev.Data
}

func unavailable(status int) error {
	return &bank.Error{Code: bank.CodeUnavailable, Op: "transactions", Status: status}
}

func userID(i int) string { return fmt.Sprintf("user-%d", i) }
