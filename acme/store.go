package acme

import (
	"context"
	"errors"
	"time"
)

// Store keeps records durable. It is the truth of the system: the queue may
// lose, repeat or reorder messages, the Store may not.
//
// A Store knows nothing of jobs or consents. It keeps versioned records in
// ordered indexes; every rule about what they mean is the Engine's, so that
// all Stores behave alike. acmetest.RunStore holds an implementation to each
// sentence below.
//
// Implementations are safe for concurrent use. Identifiers are compared byte
// by byte: case, trailing spaces and Unicode forms matter. A dead ctx ends
// any call with its error; a Commit so ended may or may not have happened.
// After Close every call returns ErrStoreClosed.
type Store interface {
	// Commit makes every Tx durable before it returns: a power cut right
	// after must not lose it. Each Tx is applied whole or not at all, and
	// independently of the others; Txs of one call that touch the same key
	// are applied in order. The result has one error a Tx: nil,
	// ErrConflict when a write does not meet the version it expects, or
	// another error, after which the Tx may or may not have been applied.
	Commit(ctx context.Context, txs []Tx) []error

	// Get returns one record, or ErrNotFound.
	Get(ctx context.Context, key Key) (Record, error)

	// List returns records of one kind and owner, newest first (CreatedAt,
	// then ID, both descending), at most q.Limit of them. A page that is
	// followed by writes neither skips nor repeats records that existed
	// all along: the next page starts after the last record's Cursor.
	List(ctx context.Context, q ListQuery) ([]Record, error)

	// Due returns records of a kind whose DueAt is set and not after
	// until, earliest first (DueAt, then ID), at most limit of them,
	// starting after the position after (zero: from the beginning).
	Due(ctx context.Context, kind Kind, until time.Time, after DueKey, limit int) ([]DueKey, error)

	// Expired returns keys of records of any kind whose ExpiresAt is set
	// and not after until, earliest first, at most limit of them. They
	// stay until a Tx deletes them.
	Expired(ctx context.Context, until time.Time, limit int) ([]Key, error)

	// Close releases the Store. A second Close returns ErrStoreClosed.
	Close() error
}

// Errors that a Store returns, wrapped or not.
var (
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("version conflict")
	ErrStoreClosed = errors.New("store is closed")
)

// Kind names a family of records.
type Kind string

// The kinds of records.
const (
	KindJob         Kind = "job"
	KindProfile     Kind = "profile"     // id: the job's
	KindDelivery    Kind = "delivery"    // one event to one address: the outbox
	KindConsent     Kind = "consent"     //
	KindFlow        Kind = "flow"        // a consent under way at the bank; id: digest of its state
	KindEndpoint    Kind = "endpoint"    // a partner's webhook endpoint
	KindSecret      Kind = "secret"      // a partner's default webhook secret; id: the partner's
	KindIdempotency Kind = "idempotency" // id: partner and digest of the key
)

// Key names a record. IDs are 1 to 512 bytes of valid UTF-8.
type Key struct {
	Kind Kind
	ID   string
}

// Record is what a Store keeps. Times have microseconds, in UTC; the zero
// time means "not set".
type Record struct {
	Key
	// Version is 1 when first written and grows by one with each write.
	Version uint64
	// Owner is the partner; lists never cross it.
	Owner string
	// Group narrows a list: a job's subject, a delivery's endpoint.
	Group string
	// Status narrows a list.
	Status string

	CreatedAt time.Time // the order of lists; never changes
	DueAt     time.Time // when the store role must look at it; zero: never
	ExpiresAt time.Time // when retention deletes it; zero: kept

	Body Body
}

// Cursor is the record's place in lists.
func (r Record) Cursor() Cursor { return Cursor{CreatedAt: r.CreatedAt, ID: r.ID} }

// Tx is a set of writes that happen together.
type Tx struct {
	// Puts write records. A Put's Version is that of the record after the
	// write: 1 creates (and conflicts where the key exists), n replaces
	// version n-1.
	Puts []Record
	// Deletes remove records of exactly these versions; version 0 removes
	// any version, and nothing where there is none.
	Deletes []VersionedKey
	// Lazy marks a Tx whose loss in a crash does no harm. A Store may
	// return before it is durable, but never applies it out of order.
	Lazy bool
}

// VersionedKey is a key at a version.
type VersionedKey struct {
	Key
	Version uint64
}

// ListQuery selects records for List.
type ListQuery struct {
	Kind   Kind
	Owner  string
	Group  string // "" for every group
	Status string // "" for every status
	After  Cursor // zero: from the newest
	Limit  int    // at least 1
}

// Cursor is a place in a list: just behind the record it names.
type Cursor struct {
	CreatedAt time.Time
	ID        string
}

// IsZero tells whether the cursor stands before the first record.
func (c Cursor) IsZero() bool { return c.ID == "" && c.CreatedAt.IsZero() }

// DueKey is a place among the due records of a kind.
type DueKey struct {
	DueAt time.Time
	ID    string
}

// Body is the content of a record in this package's own versioned format.
// Only this package can make one from a value, so that nothing but what it
// means to keep reaches a Store: there is no way to put a bank.Statement
// into a Body.
type Body struct{ raw []byte }

// StoredBody takes back what Bytes gave. It is for Stores alone; raw must
// not be changed afterwards.
func StoredBody(raw []byte) Body { return Body{raw} }

// Bytes returns the content to store. It must not be changed.
func (b Body) Bytes() []byte { return b.raw }
