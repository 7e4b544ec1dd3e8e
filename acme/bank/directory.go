package bank

import (
	"context"
	"fmt"
	"slices"
)

// Directory is a fixed set of banks by id. It is itself what the engine
// calls: each request goes to the Adapter of the bank it names. The zero
// Directory has no bank. It is safe for concurrent use once built.
type Directory struct{ banks map[string]Adapter }

// NewDirectory keeps a copy of banks.
func NewDirectory(banks map[string]Adapter) *Directory {
	d := &Directory{banks: make(map[string]Adapter, len(banks))}
	for id, a := range banks {
		d.banks[id] = a
	}
	return d
}

// IDs returns the ids in order.
func (d *Directory) IDs() []string {
	ids := make([]string, 0, len(d.banks))
	for id := range d.banks {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Has tells whether there is a bank of that id.
func (d *Directory) Has(id string) bool { _, ok := d.banks[id]; return ok }

// Fetch reads from the bank that access names. Errors: ErrUnknownBank, *Error.
func (d *Directory) Fetch(ctx context.Context, access Access, asked Range) (*Statement, error) {
	a, ok := d.banks[access.Bank]
	if !ok {
		return nil, fmt.Errorf("%w %q", ErrUnknownBank, access.Bank)
	}
	return a.Fetch(ctx, access, asked)
}

// Consenter returns the bank's Consenter; ok is false when the bank is
// unknown or takes tokens only. An Adapter that has the methods but was built
// without OAuth says so by a method CanConsent() bool.
func (d *Directory) Consenter(id string) (Consenter, bool) {
	c, ok := d.banks[id].(Consenter)
	if optional, has := c.(interface{ CanConsent() bool }); has && !optional.CanConsent() {
		return nil, false
	}
	return c, ok
}
