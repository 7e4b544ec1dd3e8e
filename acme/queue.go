package acme

import (
	"context"
	"errors"
	"time"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/webhook"
)

// Queue carries messages between the five services. It may lose, repeat and
// reorder them: the Store is the truth, and the store role issues again what
// got lost. It must be bounded: Publish waits for room.
//
// Implementations are safe for concurrent use.
type Queue interface {
	// Publish hands a message over, waiting for room while ctx lives.
	// After Close it returns ErrQueueClosed.
	Publish(ctx context.Context, m Message) error
	// Receive waits for the next message of a subject and takes it.
	// Errors: ctx's own, ErrQueueClosed.
	Receive(ctx context.Context, s Subject) (Received, error)
	// Close ends every waiting call. A second Close does nothing.
	Close() error
}

// Received is a message that was taken from a Queue. Exactly one of Ack and
// Nack ends it; without either the queue gives it to someone else in time.
type Received interface {
	Message() Message
	// Ack says that the message's effect is durable or not needed.
	Ack(ctx context.Context) error
	// Nack gives the message back, to be delivered again after delay.
	Nack(ctx context.Context, delay time.Duration) error
	// InProgress says that work on it goes on.
	InProgress(ctx context.Context) error
}

// ErrQueueClosed is returned by a closed Queue.
var ErrQueueClosed = errors.New("queue is closed")

// Subject is what a message is about, and who takes it.
type Subject string

// The subjects, in the order a job meets them.
const (
	SubjectBankRequest     Subject = "acme.bank.request"     // store → bank
	SubjectBankResponse    Subject = "acme.bank.response"    // bank → store
	SubjectScoreRequest    Subject = "acme.score.request"    // store → score
	SubjectScoreResponse   Subject = "acme.score.response"   // score → store
	SubjectWebhookRequest  Subject = "acme.webhook.request"  // store → response
	SubjectWebhookResponse Subject = "acme.webhook.response" // response → store
)

// Subjects returns every subject.
func Subjects() []Subject {
	return []Subject{
		SubjectBankRequest, SubjectBankResponse, SubjectScoreRequest,
		SubjectScoreResponse, SubjectWebhookRequest, SubjectWebhookResponse,
	}
}

// Message is a command to a worker or its answer. The set is closed: none of
// its members has a field that raw bank data would fit in.
type Message interface {
	Subject() Subject
	// MessageID is equal for equal work: the same step of the same attempt.
	MessageID() string
	message()
}

// BankRequest asks the bank role to read and pseudonymize.
type BankRequest struct {
	Job     JobID       `json:"job"`
	Attempt int         `json:"attempt"`
	Partner string      `json:"partner"`
	Who     string      `json:"subject"` // the partner's id of the person
	Bank    string      `json:"bank"`
	Access  SealedGrant `json:"access"`
	// Asked is the range of booking days to read; its end is "today".
	Asked bank.Range `json:"asked"`
}

// BankResponse is what came of a BankRequest: a Profile or a Fault.
type BankResponse struct {
	Job     JobID              `json:"job"`
	Attempt int                `json:"attempt"`
	Profile *anonymize.Profile `json:"profile,omitempty"`
	Fault   *Fault             `json:"fault,omitempty"`
}

// ScoreRequest asks the score role for a Report.
type ScoreRequest struct {
	Job     JobID              `json:"job"`
	Attempt int                `json:"attempt"`
	Profile *anonymize.Profile `json:"profile"`
	Loan    *score.Loan        `json:"loan,omitempty"`
}

// ScoreResponse is what came of a ScoreRequest: a Report or a Fault.
type ScoreResponse struct {
	Job     JobID         `json:"job"`
	Attempt int           `json:"attempt"`
	Report  *score.Report `json:"report,omitempty"`
	Fault   *Fault        `json:"fault,omitempty"`
}

// WebhookRequest asks the response role for one attempt to deliver an event.
type WebhookRequest struct {
	Delivery DeliveryID     `json:"delivery"`
	Attempt  int            `json:"attempt"`
	EventID  string         `json:"event_id"`
	URL      string         `json:"url"`
	Body     []byte         `json:"body"`
	Secrets  []SealedSecret `json:"secrets"`
}

// WebhookResponse is what came of the attempt.
type WebhookResponse struct {
	Delivery DeliveryID     `json:"delivery"`
	Attempt  int            `json:"attempt"`
	At       time.Time      `json:"at"`
	Result   webhook.Result `json:"result"`
}

// SealedGrant is a bank.Grant under the keyset, bound to one job or consent.
type SealedGrant struct {
	Context string `json:"context"` // the associated data it was sealed with
	Sealed  []byte `json:"sealed"`
}

// SealedSecret is a webhook.Secret under the keyset, bound to its owner.
type SealedSecret struct {
	Context string `json:"context"`
	Sealed  []byte `json:"sealed"`
}

// Fault is why a step failed: a code of the API and a sentence written by
// ACME, never by a bank.
type Fault struct {
	Code       ErrorCode     `json:"code"`
	Detail     string        `json:"detail,omitempty"`
	Retryable  bool          `json:"retryable"`
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	// TokenRefused tells that the bank itself refused the token.
	TokenRefused bool `json:"token_refused,omitempty"`
}

func (BankRequest) Subject() Subject     { return SubjectBankRequest }
func (BankResponse) Subject() Subject    { return SubjectBankResponse }
func (ScoreRequest) Subject() Subject    { return SubjectScoreRequest }
func (ScoreResponse) Subject() Subject   { return SubjectScoreResponse }
func (WebhookRequest) Subject() Subject  { return SubjectWebhookRequest }
func (WebhookResponse) Subject() Subject { return SubjectWebhookResponse }

func (m BankRequest) MessageID() string     { return messageID(string(m.Job), m.Attempt) }
func (m BankResponse) MessageID() string    { return messageID(string(m.Job), m.Attempt) }
func (m ScoreRequest) MessageID() string    { return messageID(string(m.Job), m.Attempt) }
func (m ScoreResponse) MessageID() string   { return messageID(string(m.Job), m.Attempt) }
func (m WebhookRequest) MessageID() string  { return messageID(string(m.Delivery), m.Attempt) }
func (m WebhookResponse) MessageID() string { return messageID(string(m.Delivery), m.Attempt) }

func (BankRequest) message()     {}
func (BankResponse) message()    {}
func (ScoreRequest) message()    {}
func (ScoreResponse) message()   {}
func (WebhookRequest) message()  {}
func (WebhookResponse) message() {}
