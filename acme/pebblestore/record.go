package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"

	"acme.example/creditscore/acme"
)

// recordFormat is the format of the records written. Its bytes:
//
//	1   format
//	n   version                       unsigned varint
//	n   created                       varint, microseconds since 1970
//	1   flags: 1 due set, 2 expires set
//	n   due − created                 varint, where set
//	n   expires − created             varint, where set
//	n+… owner, group, status          unsigned varint length, bytes
//	…   body
//
// Varints are those of encoding/binary. Key and times carry no redundancy:
// the key is not repeated, times are kept relative.
const recordFormat = 1

const (
	flagDue     = 1
	flagExpires = 2
)

// ErrUnknownFormat is wrapped when a record or the directory has a format
// that this version does not read: it was written by a newer one.
var ErrUnknownFormat = errors.New("unknown format")

var errBadRecord = errors.New("malformed record")

// encodeRecord writes all of r but its key.
func encodeRecord(r *acme.Record) []byte {
	body := r.Body.Bytes()
	b := make([]byte, 0, 40+len(r.Owner)+len(r.Group)+len(r.Status)+len(body))
	b = append(b, recordFormat)
	b = binary.AppendUvarint(b, r.Version)
	created := r.CreatedAt.UnixMicro()
	b = binary.AppendVarint(b, created)
	var flags byte
	if !r.DueAt.IsZero() {
		flags |= flagDue
	}
	if !r.ExpiresAt.IsZero() {
		flags |= flagExpires
	}
	b = append(b, flags)
	if flags&flagDue != 0 {
		b = binary.AppendVarint(b, r.DueAt.UnixMicro()-created)
	}
	if flags&flagExpires != 0 {
		b = binary.AppendVarint(b, r.ExpiresAt.UnixMicro()-created)
	}
	for _, s := range []string{r.Owner, r.Group, r.Status} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return append(b, body...)
}

// decodeRecord reads what encodeRecord wrote. The Record's Body is a part of
// b, which must not be changed afterwards.
func decodeRecord(key acme.Key, b []byte) (acme.Record, error) {
	r := acme.Record{Key: key}
	if len(b) == 0 {
		return r, errBadRecord
	}
	if b[0] != recordFormat {
		return r, fmt.Errorf("%w: record of format %d, this version reads format %d", ErrUnknownFormat, b[0], recordFormat)
	}
	in := reader{b: b[1:]}
	r.Version = in.uvarint()
	created := in.varint()
	r.CreatedAt = microTime(created)
	flags := in.byte()
	if flags&^(flagDue|flagExpires) != 0 {
		in.bad = true
	}
	if flags&flagDue != 0 {
		r.DueAt = microTime(created + in.varint())
	}
	if flags&flagExpires != 0 {
		r.ExpiresAt = microTime(created + in.varint())
	}
	r.Owner, r.Group, r.Status = in.string(), in.string(), in.string()
	if in.bad {
		return acme.Record{Key: key}, errBadRecord
	}
	r.Body = acme.StoredBody(in.b)
	return r, nil
}

// reader takes values off the front of b; bad tells that one did not fit.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) skip(n int) {
	if n <= 0 || n > len(r.b) {
		r.b, r.bad = nil, true
		return
	}
	r.b = r.b[n:]
}

func (r *reader) byte() (v byte) {
	if len(r.b) > 0 {
		v = r.b[0]
	}
	r.skip(1)
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

func (r *reader) string() string {
	n := r.uvarint()
	if r.bad || n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

// entry is one key of an index and what it holds.
type entry struct{ key, value []byte }

// entries are the places of a record in the indexes, in a fixed order; one
// without a key is no place.
func entries(r *acme.Record) (es [4]entry) {
	status := []byte(r.Status)
	es[0] = entry{appendCursor(listPrefix(r.Kind, r.Owner, ""), r.Cursor()), status}
	if r.Group != "" {
		es[1] = entry{appendCursor(listPrefix(r.Kind, r.Owner, r.Group), r.Cursor()), status}
	}
	if !r.DueAt.IsZero() {
		es[2].key = appendDue(duePrefix(r.Kind), acme.DueKey{DueAt: r.DueAt, ID: r.ID})
	}
	if !r.ExpiresAt.IsZero() {
		es[3].key = expiryKey(r.ExpiresAt, r.Key)
	}
	return es
}
