package pebblestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"acme.example/creditscore/acme"
)

// The keys, all ordered byte by byte:
//
//	r kind id                        → record (record.go)
//	l kind owner  created↓ id↓       → status
//	g kind owner  group created↓ id↓ → status, where there is a group
//	d kind due id                    → nothing, where DueAt is set
//	e expires kind id                → nothing, where ExpiresAt is set
//	m name                           → of the directory itself
//
// A string is its bytes, NUL as 00 FF, closed by 00 01, so that "a" comes
// before "a\x00" and before "ab" and no key is the beginning of another. A
// time is its microseconds since 1970 as eight big-endian bytes with the
// sign bit turned. What is marked ↓ is complemented bit by bit, which turns
// its order round.
const (
	tagRecord = 'r'
	tagList   = 'l'
	tagGroup  = 'g'
	tagDue    = 'd'
	tagExpiry = 'e'
	tagMeta   = 'm'
)

var errBadKey = errors.New("malformed key")

// recordKey is the key of a record.
func recordKey(k acme.Key) []byte {
	b := make([]byte, 0, 1+len(k.Kind)+len(k.ID)+4)
	b = append(b, tagRecord)
	b = appendString(b, string(k.Kind))
	return appendString(b, k.ID)
}

// metaKey is the key of something about the directory.
func metaKey(name string) []byte { return appendString([]byte{tagMeta}, name) }

// listPrefix opens the keys of a list: of a group where one is given.
func listPrefix(kind acme.Kind, owner, group string) []byte {
	b := make([]byte, 0, 1+len(kind)+len(owner)+len(group)+6)
	if group == "" {
		b = append(b, tagList)
	} else {
		b = append(b, tagGroup)
	}
	b = appendString(b, string(kind))
	b = appendString(b, owner)
	if group != "" {
		b = appendString(b, group)
	}
	return b
}

// appendCursor completes a listPrefix to a place in the list.
func appendCursor(b []byte, c acme.Cursor) []byte {
	from := len(b)
	b = appendTime(b, c.CreatedAt)
	b = appendString(b, c.ID)
	complement(b[from:])
	return b
}

// cutCursor reads what appendCursor wrote. It changes b.
func cutCursor(b []byte) (acme.Cursor, error) {
	complement(b)
	t, b, err := cutTime(b)
	if err != nil {
		return acme.Cursor{}, err
	}
	id, b, err := cutString(b)
	if err == nil && len(b) > 0 {
		err = errBadKey
	}
	return acme.Cursor{CreatedAt: t, ID: id}, err
}

// duePrefix opens the keys of the due records of a kind.
func duePrefix(kind acme.Kind) []byte { return appendString([]byte{tagDue}, string(kind)) }

// appendDue completes a duePrefix to a place among the due records.
func appendDue(b []byte, d acme.DueKey) []byte {
	return appendString(appendTime(b, d.DueAt), d.ID)
}

// cutDue reads what appendDue wrote.
func cutDue(b []byte) (acme.DueKey, error) {
	t, b, err := cutTime(b)
	if err != nil {
		return acme.DueKey{}, err
	}
	id, b, err := cutString(b)
	if err == nil && len(b) > 0 {
		err = errBadKey
	}
	return acme.DueKey{DueAt: t, ID: id}, err
}

// expiryKey is the key of a record in the order of expiry.
func expiryKey(t time.Time, k acme.Key) []byte {
	b := make([]byte, 0, 9+len(k.Kind)+len(k.ID)+4)
	b = append(b, tagExpiry)
	b = appendTime(b, t)
	b = appendString(b, string(k.Kind))
	return appendString(b, k.ID)
}

// cutExpiry reads what expiryKey wrote.
func cutExpiry(b []byte) (acme.Key, error) {
	if len(b) == 0 {
		return acme.Key{}, errBadKey
	}
	_, b, err := cutTime(b[1:])
	if err != nil {
		return acme.Key{}, err
	}
	kind, b, err := cutString(b)
	if err != nil {
		return acme.Key{}, err
	}
	id, b, err := cutString(b)
	if err == nil && len(b) > 0 {
		err = errBadKey
	}
	return acme.Key{Kind: acme.Kind(kind), ID: id}, err
}

// appendString writes s so that byte order is the order of strings.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		b = append(b, s[i])
		if s[i] == 0 {
			b = append(b, 0xFF)
		}
	}
	return append(b, 0, 1)
}

// cutString reads what appendString wrote, and returns what follows.
func cutString(b []byte) (string, []byte, error) {
	var s []byte
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 || i+1 == len(b) {
			return "", nil, errBadKey
		}
		switch b[i+1] {
		case 1:
			if s == nil {
				return string(b[:i]), b[i+2:], nil
			}
			return string(append(s, b[:i]...)), b[i+2:], nil
		case 0xFF:
			s = append(append(s, b[:i]...), 0)
			b = b[i+2:]
		default:
			return "", nil, errBadKey
		}
	}
}

// appendTime writes t so that byte order is the order of times.
func appendTime(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro())^1<<63)
}

// cutTime reads what appendTime wrote, and returns what follows.
func cutTime(b []byte) (time.Time, []byte, error) {
	if len(b) < 8 {
		return time.Time{}, nil, errBadKey
	}
	return microTime(int64(binary.BigEndian.Uint64(b) ^ 1<<63)), b[8:], nil
}

// microTime is the time of so many microseconds since 1970. That of the zero
// time gives the zero time back.
func microTime(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// prefixEnd is the first key behind those that begin with b, which must end
// in a string.
func prefixEnd(b []byte) []byte {
	end := bytes.Clone(b)
	end[len(end)-1]++
	return end
}

// behind is the first key after key.
func behind(key []byte) []byte { return append(bytes.Clone(key), 0) }

func complement(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}
