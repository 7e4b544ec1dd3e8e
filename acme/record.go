package acme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"acme.example/creditscore/acme/anonymize"
)

// document is a value this package keeps in a Store. Its JSON form is the
// Body; the record's indexes are derived from it, never kept apart.
type document interface {
	*jobDoc | *consentDoc | *flowDoc | *endpointDoc | *secretDoc | *deliveryDoc | *idempotencyDoc
	// record returns the indexes: everything but Version and Body.
	record() Record
}

// bodyFormat opens every JSON body. A reader refuses formats it does not
// know, so that an older binary fails instead of dropping fields.
const bodyFormat = 1

// stored wraps a document on its way to and from a Store.
type stored[D any] struct {
	Format int `json:"v"`
	Doc    D   `json:"doc"`
}

// errUnreadable is wrapped by errors about a record that is there but cannot
// be understood, now or later.
var errUnreadable = errors.New("record cannot be read")

// encode makes the record of doc at version.
func encode[D document](doc D, version uint64) (Record, error) {
	raw, err := json.Marshal(stored[D]{bodyFormat, doc})
	if err != nil {
		return Record{}, fmt.Errorf("encoding record: %w", err)
	}
	r := doc.record()
	r.Version = version
	r.Body = Body{raw}
	return r, nil
}

// decode reads a record's body into doc.
func decode[D document](r Record, doc D) error {
	s := stored[D]{Doc: doc}
	if err := json.Unmarshal(r.Body.raw, &s); err != nil {
		return fmt.Errorf("%w: %s %s: %w", errUnreadable, r.Kind, r.ID, err)
	}
	if s.Format != bodyFormat {
		return fmt.Errorf("%w: %s %s: format %d; this version reads format %d", errUnreadable, r.Kind, r.ID, s.Format, bodyFormat)
	}
	return nil
}

// profileRecord keeps a Profile in its own binary form.
func profileRecord(id JobID, partner, subject string, p *anonymize.Profile, now, expires time.Time) (Record, error) {
	raw, err := p.MarshalBinary()
	if err != nil {
		return Record{}, fmt.Errorf("encoding profile: %w", err)
	}
	return Record{
		Key: Key{KindProfile, string(id)}, Version: 1,
		Owner: partner, Group: subject, CreatedAt: now, ExpiresAt: expires, Body: Body{raw},
	}, nil
}

// profile reads a job's Profile.
func (e *Engine) profile(ctx context.Context, id JobID) (*anonymize.Profile, error) {
	r, err := e.store.Get(ctx, Key{KindProfile, string(id)})
	if err != nil {
		return nil, fmt.Errorf("reading profile of %s: %w", id, err)
	}
	p := new(anonymize.Profile)
	if err := p.UnmarshalBinary(r.Body.raw); err != nil {
		return nil, fmt.Errorf("reading profile of %s: %w: %w", id, errUnreadable, err)
	}
	return p, nil
}

// load reads one document and the version it was at.
func load[D document](ctx context.Context, e *Engine, key Key, doc D) (uint64, error) {
	r, err := e.store.Get(ctx, key)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", key.Kind, key.ID, err)
	}
	return r.Version, decode(r, doc)
}

// errUnchanged is returned by the function given to update when there is
// nothing to write.
var errUnchanged = errors.New("unchanged")

// maxConflicts bounds how often update starts over. Conflicts come from
// duplicates and from other writers of the same job; each round one of them
// has won, so more than a few mean a fault.
const maxConflicts = 16

// update reads a document, lets change alter it, and writes it with what
// change adds to the Tx, starting over when someone else wrote meanwhile.
// change returns errUnchanged to leave all as it is; doc is then as read.
func update[D document](ctx context.Context, e *Engine, key Key, fresh func() D, change func(doc D, version uint64, tx *Tx) error) (D, uint64, error) {
	for range maxConflicts {
		doc := fresh()
		version, err := load(ctx, e, key, doc)
		if err != nil {
			return doc, 0, err
		}
		var tx Tx
		if err := change(doc, version, &tx); err != nil {
			if errors.Is(err, errUnchanged) {
				return doc, version, nil
			}
			return doc, version, err
		}
		r, err := encode(doc, version+1)
		if err != nil {
			return doc, version, err
		}
		tx.Puts = append(tx.Puts, r)
		err = e.commit.write(ctx, tx)
		if err == nil {
			return doc, version + 1, nil
		}
		if !errors.Is(err, ErrConflict) {
			return doc, version, fmt.Errorf("writing %s %s: %w", key.Kind, key.ID, err)
		}
	}
	return fresh(), 0, fmt.Errorf("writing %s %s: %w after %d tries", key.Kind, key.ID, ErrConflict, maxConflicts)
}
