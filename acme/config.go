package acme

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/webhook"
)

// Config is what an Engine is made of. Bank, Store and Keys are required;
// of everything else the zero value means the default named beside it.
type Config struct {
	// Bank reads accounts; usually a *bank.Directory.
	Bank BankClient `validate:"required"`
	// Store keeps what must survive, such as pebblestore.Open's.
	Store Store `validate:"required"`
	// Keys seals tokens and secrets and makes pseudonyms.
	Keys *keyset.Set `validate:"required"`
	// Scorer makes the score; nil: score.New(), the embedded scorecard.
	Scorer score.Scorer
	// Notifier delivers events; nil: a *webhook.Sender that reaches public
	// addresses only.
	Notifier Notifier
	// Queue carries messages between the roles; nil: one in memory.
	Queue Queue

	// Roles are the services to run here; nil: all five.
	Roles []Role `validate:"unique,dive,oneof=request bank store score response"`

	// CallbackURL is where banks send the browser back to:
	// "https://score.example/oauth/callback". Needed for consents only.
	CallbackURL string `validate:"omitempty,url"`
	// AllowPrivateNetworks lets webhook addresses be plain http and in
	// private or loopback ranges. For tests and demonstrations.
	AllowPrivateNetworks bool

	// History is how far back a bank is asked; 0: 8760h. BankHistory
	// overrides it for single banks.
	History     time.Duration            `validate:"min=0"`
	BankHistory map[string]time.Duration `validate:"dive,min=1"`

	Limits    Limits
	Timeouts  Timeouts
	Retry     Retry
	Retention Retention

	// Logger gets what happens; nil: nothing is logged.
	Logger *slog.Logger
	// Registerer gets the metrics; nil: none are kept.
	Registerer prometheus.Registerer
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Limits bounds what runs at once.
type Limits struct {
	FetchConcurrency   int `validate:"min=0,max=1000000"` // banks being read; 0: 512
	ScoreConcurrency   int `validate:"min=0,max=100000"`  // scores being made; 0: GOMAXPROCS
	DeliverConcurrency int `validate:"min=0,max=100000"`  // webhooks being sent; 0: 64
	MaxAccepted        int `validate:"min=0"`             // unfinished jobs; 0: 100,000
}

// Timeouts bounds each step.
type Timeouts struct {
	Fetch   time.Duration `validate:"min=0"` // one attempt at the bank; 0: 5m
	Score   time.Duration `validate:"min=0"` // one score; 0: 1m
	Deliver time.Duration `validate:"min=0"` // one attempt at a webhook; 0: 15s
	Job     time.Duration `validate:"min=0"` // from acceptance to the end; 0: 1h
}

// Retry is how failed steps of a job are tried again. Webhooks have a
// schedule of their own.
type Retry struct {
	// Attempts at a step, the first included; 0: 5.
	Attempts int `validate:"min=0,max=100"`
	// Base is the wait after the first failure, doubled after each further
	// one up to Max, ±50 %; 0: 1s and 1m. A bank's own Retry-After is
	// waited for in full.
	Base time.Duration `validate:"min=0"`
	Max  time.Duration `validate:"min=0"`
	// Webhook is the schedule of deliveries; nil: webhook.DefaultSchedule().
	Webhook webhook.Schedule `validate:"dive,min=0"`
}

// Retention is how long records are kept.
type Retention struct {
	Profiles        time.Duration `validate:"min=0"` // 0: 720h
	Jobs            time.Duration `validate:"min=0"` // results and deliveries; 0: 9480h
	IdempotencyKeys time.Duration `validate:"min=0"` // 0: 48h
}

// BankClient reads accounts. Failures are *bank.Error, or wrap
// bank.ErrUnknownBank. It is called from many goroutines and must return
// soon after ctx ends. A panic in it fails the job, not the process.
type BankClient interface {
	// Fetch is as in bank.Adapter.
	Fetch(ctx context.Context, access bank.Access, asked bank.Range) (*bank.Statement, error)
}

// ConsentingBank is what a BankClient also implements when consents can be
// started through it; *bank.Directory does.
type ConsentingBank interface {
	// Consenter returns the bank's way to consents; ok is false when the
	// bank is unknown or takes tokens only.
	Consenter(bankID string) (c bank.Consenter, ok bool)
}

// KnownBanks is what a BankClient also implements when it can tell which
// banks there are; requests for others are then refused at once.
type KnownBanks interface{ Has(bankID string) bool }

// Notifier makes one attempt to deliver an event; the engine keeps the
// schedule. *webhook.Sender is the usual one. It is called from many
// goroutines and must return soon after ctx ends.
type Notifier interface {
	Send(ctx context.Context, m webhook.Message) webhook.Result
}

// Role is one of the five services.
type Role string

// The roles.
const (
	RoleRequest  Role = "request"
	RoleBank     Role = "bank"
	RoleStore    Role = "store"
	RoleScore    Role = "score"
	RoleResponse Role = "response"
)

// Roles returns all five.
func Roles() []Role { return []Role{RoleRequest, RoleBank, RoleStore, RoleScore, RoleResponse} }

// withDefaults returns a copy with every zero filled in. Notifier, Scorer
// and Queue are filled by New, which can fail.
func (c Config) withDefaults() Config {
	fill(&c.History, 8760*time.Hour)
	fill(&c.Limits.FetchConcurrency, 512)
	fill(&c.Limits.ScoreConcurrency, runtime.GOMAXPROCS(0))
	fill(&c.Limits.DeliverConcurrency, 64)
	fill(&c.Limits.MaxAccepted, 100_000)
	fill(&c.Timeouts.Job, time.Hour)
	fill(&c.Timeouts.Fetch, min(5*time.Minute, c.Timeouts.Job))
	fill(&c.Timeouts.Score, time.Minute)
	fill(&c.Timeouts.Deliver, 15*time.Second)
	fill(&c.Retry.Attempts, 5)
	fill(&c.Retry.Max, max(time.Minute, c.Retry.Base))
	fill(&c.Retry.Base, min(time.Second, c.Retry.Max))
	fill(&c.Retention.Profiles, 720*time.Hour)
	fill(&c.Retention.Jobs, 9480*time.Hour)
	fill(&c.Retention.IdempotencyKeys, 48*time.Hour)
	if c.Retry.Webhook == nil {
		c.Retry.Webhook = webhook.DefaultSchedule()
	}
	if len(c.Roles) == 0 {
		c.Roles = Roles()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// fill sets a zero value to its default.
func fill[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
