package acme

import (
	"time"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score"
)

// Request asks for one score. Either ConsentID names a consent that was
// given before, or Bank, Subject and AccessToken are all set.
type Request struct {
	// Partner is who asks: the tenant. Embedders with one tenant leave it "".
	Partner string `json:"-" validate:"max=128"`

	ConsentID ConsentID `json:"consent_id,omitempty" validate:"omitempty,max=64"`

	Bank        string     `json:"bank,omitempty" validate:"required_without=ConsentID,excluded_with=ConsentID,max=128"`
	Subject     string     `json:"subject,omitempty" validate:"required_without=ConsentID,excluded_with=ConsentID,omitempty,max=256,plain"`
	AccessToken bank.Token `json:"access_token,omitzero" validate:"-"`
	// BankConsentID is the bank's own id of the consent behind AccessToken
	// (Berlin Group's Consent-ID header).
	BankConsentID bank.Text `json:"bank_consent_id,omitzero" validate:"-"`

	Loan       *LoanTerms        `json:"loan,omitempty" validate:"omitempty"`
	WebhookURL string            `json:"webhook_url,omitempty" validate:"omitempty,max=2048"`
	Metadata   map[string]string `json:"metadata,omitempty" validate:"max=20,dive,keys,min=1,max=40,plain,endkeys,max=500"`

	// IdempotencyKey makes a repeated Submit answer with the same job. It
	// is remembered for Config.Retention.IdempotencyKeys.
	IdempotencyKey string `json:"-" validate:"omitempty,max=255,printascii"`
}

// LoanTerms is a loan that is asked for. Amount is decimal text in the
// currency beside it.
type LoanTerms struct {
	Amount     string `json:"amount" validate:"required,max=32"`
	Currency   string `json:"currency" validate:"required,len=3,uppercase,alpha"`
	TermMonths int    `json:"term_months" validate:"min=1,max=600"`
}

// parse returns the terms as the scorer takes them.
func (l *LoanTerms) parse() (*score.Loan, error) {
	if l == nil {
		return nil, nil
	}
	m, err := bank.ParseMoney(l.Amount, l.Currency)
	if err != nil {
		return nil, err
	}
	return &score.Loan{Amount: m, TermMonths: l.TermMonths}, nil
}

// Consent is a person's permission to read their account at one bank.
type Consent struct {
	ID          ConsentID     `json:"id"`
	Status      ConsentStatus `json:"status"`
	Bank        string        `json:"bank"`
	Subject     string        `json:"subject"`
	RedirectURI string        `json:"redirect_uri,omitempty"`
	CreatedAt   time.Time     `json:"created_at"`
	// ExpiresAt is when the access ends for good; nil when the bank did
	// not say or a refresh token extends it.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	Partner   string     `json:"-"`
}

// ConsentID names a consent: "con_" and 26 characters.
type ConsentID string

// ConsentStatus is where a consent stands.
type ConsentStatus string

// The life of a consent: awaiting_authorization → authorized → expired |
// revoked, or awaiting_authorization → denied | expired | revoked.
const (
	ConsentAwaiting   ConsentStatus = "awaiting_authorization"
	ConsentAuthorized ConsentStatus = "authorized"
	ConsentDenied     ConsentStatus = "denied"
	ConsentExpired    ConsentStatus = "expired"
	ConsentRevoked    ConsentStatus = "revoked"
)

// ConsentRequest asks for a consent. With RedirectURI the person is sent to
// the bank; with AccessToken the partner already holds the grant. Exactly
// one of the two is set.
type ConsentRequest struct {
	Partner     string `json:"-" validate:"max=128"`
	Bank        string `json:"bank" validate:"required,max=128"`
	Subject     string `json:"subject" validate:"required,max=256,plain"`
	RedirectURI string `json:"redirect_uri,omitempty" validate:"omitempty,max=2048,url"`

	AccessToken   bank.Token `json:"access_token,omitzero" validate:"-"`
	RefreshToken  bank.Token `json:"refresh_token,omitzero" validate:"-"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty"`
	BankConsentID bank.Text  `json:"bank_consent_id,omitzero" validate:"-"`
}

// Endpoint is an address of a partner's that events are sent to.
type Endpoint struct {
	ID  EndpointID `json:"id"`
	URL string     `json:"url"`
	// Events are the types wanted; empty for all.
	Events    []string  `json:"events"`
	Status    string    `json:"status"` // enabled | disabled
	CreatedAt time.Time `json:"created_at"`
	// DisabledReason says why a disabled endpoint is: "gone" after a 410.
	DisabledReason string `json:"disabled_reason,omitempty"`
	Partner        string `json:"-"`
}

// EndpointID names an endpoint: "we_" and 26 characters.
type EndpointID string

// EndpointRequest creates an endpoint.
type EndpointRequest struct {
	Partner string   `json:"-" validate:"max=128"`
	URL     string   `json:"url" validate:"required,max=2048"`
	Events  []string `json:"events,omitempty" validate:"max=16,unique,dive,oneof=score.completed score.failed consent.authorized consent.revoked endpoint.disabled"`
}

// Delivery is one event to one address, with every attempt made.
type Delivery struct {
	ID       DeliveryID     `json:"id"`
	EventID  string         `json:"webhook_id"` // the webhook-id of every attempt
	Type     string         `json:"type"`
	Endpoint EndpointID     `json:"endpoint_id,omitempty"` // "" for a webhook_url
	URL      string         `json:"url"`
	Status   DeliveryStatus `json:"status"`
	// Job is the job the event is about, if it is about one.
	Job         JobID             `json:"score_id,omitempty"`
	CreatedAt   time.Time         `json:"created_at"`
	NextAttempt *time.Time        `json:"next_attempt_at"`
	Attempts    []DeliveryAttempt `json:"attempts"`
	Partner     string            `json:"-"`
}

// DeliveryID names a delivery: "dlv_" and 26 characters.
type DeliveryID string

// DeliveryStatus is where a delivery stands.
type DeliveryStatus string

// The states of a delivery.
const (
	DeliveryPending   DeliveryStatus = "pending"   // an attempt is due or under way
	DeliveryDelivered DeliveryStatus = "delivered" // a 2xx came
	DeliveryDead      DeliveryStatus = "dead"      // attempts used up, or the endpoint is gone; can be replayed
)

// DeliveryAttempt is one attempt. Nothing of the receiver's answer is kept
// but its status.
type DeliveryAttempt struct {
	At         time.Time `json:"at"`
	StatusCode int       `json:"status_code,omitempty"` // 0 without an answer
	DurationMS int64     `json:"duration_ms"`
	Error      string    `json:"error,omitempty"` // class: timeout, dns, connect, tls, …
}

// DeliveryPage is one page of deliveries, newest first.
type DeliveryPage struct {
	Deliveries []*Delivery
	Next       Cursor
}
