package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// object is a JSON object being read. Each member is asked for once, by name
// and type; done then names those that nobody asked for. Faults gather, and
// no value is ever part of one. A member that is null counts as absent.
//
// Requests are read this way, and not into a struct, for three reasons: every
// fault is found at once and named by its path; duplicate members are seen;
// and a token goes from the body into a bank.Token without a stop in a struct
// that could be printed.
type object struct {
	path    string
	members map[string]any
	asked   map[string]bool
	faults  *[]fieldFault
}

const maxDepth = 16

// readObject reads the request's body. The error is a *problem.
func readObject(r *http.Request) (*object, error) {
	if err := wantMedia(r, "application/json"); err != nil {
		return nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	return parseObject(body)
}

// wantMedia checks the content type, whose charset can only be UTF-8.
func wantMedia(r *http.Request, want string) error {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || media != want || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return newProblem(unsupportedMedia, "The body must be "+want+" in UTF-8.")
	}
	return nil
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	var over *http.MaxBytesError
	switch {
	case err == nil:
		return body, nil
	case errors.As(err, &over):
		callOf(r).discard()
		return nil, newProblem(tooLarge, "The body has more than 1 MiB.")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, newProblem(requestTimeout, "")
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	}
	return nil, newProblem(malformed, "The body broke off.")
}

// parseObject reads one JSON object and nothing after it.
func parseObject(body []byte) (*object, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, newProblem(malformed, "The body is empty; a JSON object is needed.")
	}
	if !utf8.Valid(body) {
		return nil, newProblem(malformed, "The body is not UTF-8.")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, newProblem(malformed, fmt.Sprintf("The body is not JSON: at byte %d of %d.", syntax.Offset, len(body)))
		}
		return nil, newProblem(malformed, "The body is not JSON.")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	value, err := parseValue(d, "", 0)
	if err != nil {
		return nil, err
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, newProblem(invalid, "The body must be a JSON object.", fieldFault{"", "must be an object"})
	}
	return &object{members: members, asked: map[string]bool{}, faults: new([]fieldFault)}, nil
}

// parseValue builds the next value of d, which is known to be well-formed.
func parseValue(d *json.Decoder, path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, newProblem(malformed, fmt.Sprintf("The body nests deeper than %d levels.", maxDepth))
	}
	token, err := d.Token()
	if err != nil {
		return nil, newProblem(malformed, "The body is not JSON.")
	}
	switch token {
	case json.Delim('{'):
		members := map[string]any{}
		for d.More() {
			nameToken, err := d.Token()
			if err != nil {
				return nil, newProblem(malformed, "The body is not JSON.")
			}
			name, _ := nameToken.(string)
			if _, twice := members[name]; twice {
				return nil, newProblem(malformed, fmt.Sprintf("The body has a member twice: at byte %d.", d.InputOffset()),
					fieldFault{join(path, name), "is given twice"})
			}
			if members[name], err = parseValue(d, join(path, name), depth+1); err != nil {
				return nil, err
			}
		}
		_, _ = d.Token()
		return members, nil
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := parseValue(d, fmt.Sprintf("%s[%d]", path, len(list)), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, _ = d.Token()
		return list, nil
	}
	return token, nil
}

// join makes a path that can be shown: names are the caller's, so they are
// cut and stripped of what does not print.
func join(path, name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > 64 {
		name = string(runes[:64]) + "…"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func (o *object) fault(field, detail string) {
	if len(*o.faults) < maxFaults {
		*o.faults = append(*o.faults, fieldFault{field, detail})
	}
}

// maxFaults bounds the faults of one answer, which would otherwise be larger
// than the body they are found in.
const maxFaults = 100

// take returns a member, which is no longer unknown then.
func (o *object) take(name string) (v any, given bool) {
	o.asked[name] = true
	v = o.members[name]
	return v, v != nil
}

// text is a member that is a string; "" when absent.
func (o *object) text(name string) string {
	v, given := o.take(name)
	s, ok := v.(string)
	if given && !ok {
		o.fault(join(o.path, name), "must be a string")
	}
	return s
}

// integer is a member that is a whole number; 0 when absent.
func (o *object) integer(name string) int {
	v, given := o.take(name)
	if !given {
		return 0
	}
	number, _ := v.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 32)
	if err != nil {
		o.fault(join(o.path, name), "must be a whole number")
	}
	return int(n)
}

// instant is a member that is an RFC 3339 time; nil when absent.
func (o *object) instant(name string) *time.Time {
	v, given := o.take(name)
	if !given {
		return nil
	}
	s, _ := v.(string)
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		o.fault(join(o.path, name), "must be a time such as 2030-01-31T12:00:00Z")
		return nil
	}
	return &at
}

// texts is a member that is a list of strings; nil when absent.
func (o *object) texts(name string) []string {
	v, given := o.take(name)
	if !given {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		o.fault(join(o.path, name), "must be a list of strings")
		return nil
	}
	texts := make([]string, len(list))
	for i, e := range list {
		if texts[i], ok = e.(string); !ok {
			o.fault(fmt.Sprintf("%s[%d]", join(o.path, name), i), "must be a string")
		}
	}
	return texts
}

// textMap is a member that is an object of strings; nil when absent.
func (o *object) textMap(name string) map[string]string {
	inner := o.object(name)
	if inner == nil {
		return nil
	}
	texts := make(map[string]string, len(inner.members))
	for _, key := range slices.Sorted(maps.Keys(inner.members)) {
		s, ok := inner.members[key].(string)
		if !ok {
			o.fault(join(inner.path, key), "must be a string")
		}
		texts[key] = s
	}
	return texts
}

// object is a member that is an object; nil when absent.
func (o *object) object(name string) *object {
	v, given := o.take(name)
	if !given {
		return nil
	}
	members, ok := v.(map[string]any)
	if !ok {
		o.fault(join(o.path, name), "must be an object")
		return nil
	}
	return &object{path: join(o.path, name), members: members, asked: map[string]bool{}, faults: o.faults}
}

// close faults every member that was not asked for.
func (o *object) close() {
	for _, name := range slices.Sorted(maps.Keys(o.members)) {
		if !o.asked[name] {
			o.fault(join(o.path, name), "is not a member of this request")
		}
	}
}

// done closes the outermost object and returns a *problem with every fault,
// or nil.
func (o *object) done() error {
	o.close()
	if len(*o.faults) == 0 {
		return nil
	}
	return newProblem(invalid, "See the member errors.", *o.faults...)
}
