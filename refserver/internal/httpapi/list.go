package httpapi

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"acme.example/creditscore/acme"
)

// page is one page of a list, newest first. NextCursor is null on the last.
type page[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"next_cursor"`
}

func newPage[T any](data []T, next acme.Cursor) page[T] {
	p := page[T]{Data: data}
	if p.Data == nil {
		p.Data = []T{}
	}
	if !next.IsZero() {
		text := encodeCursor(next)
		p.NextCursor = &text
	}
	return p
}

const (
	defaultLimit  = 20
	maxLimit      = 100
	cursorVersion = 1
)

// readPaging reads cursor and limit.
func readPaging(q url.Values) (after acme.Cursor, limit int, err error) {
	limit = defaultLimit
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxLimit {
			return after, 0, newProblem(invalid, "See the member errors.",
				fieldFault{"limit", fmt.Sprintf("must be a whole number from 1 to %d", maxLimit)})
		}
	}
	after, err = decodeCursor(q.Get("cursor"))
	return after, limit, err
}

// encodeCursor writes a place in a list as text that means nothing to callers:
// a version, microseconds, the id, in base64url. It needs no signature: lists
// never leave their owner, whatever a cursor says.
func encodeCursor(c acme.Cursor) string {
	b := append([]byte{cursorVersion}, make([]byte, 8)...)
	binary.BigEndian.PutUint64(b[1:], uint64(c.CreatedAt.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, c.ID...))
}

// decodeCursor reads it back; "" is the first page.
func decodeCursor(text string) (acme.Cursor, error) {
	if text == "" {
		return acme.Cursor{}, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 10 || len(b) > 128 || b[0] != cursorVersion || strings.ContainsFunc(string(b[9:]), notOfID) {
		return acme.Cursor{}, newProblem(malformed, "The cursor is not one that this API gave.", fieldFault{"cursor", "is not a cursor"})
	}
	return acme.Cursor{CreatedAt: time.UnixMicro(int64(binary.BigEndian.Uint64(b[1:9]))).UTC(), ID: string(b[9:])}, nil
}

// notOfID knows the characters that ids have not.
func notOfID(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_'
}

// pathID is the id in the path. What has not the form of an id is not looked
// up: it stands for nothing.
func pathID(r *http.Request) (id string, ok bool) {
	id = r.PathValue("id")
	return id, id != "" && len(id) <= 64 && !strings.ContainsFunc(id, notOfID)
}
