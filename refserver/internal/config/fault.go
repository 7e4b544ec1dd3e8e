package config

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// Fault is one thing wrong with a configuration.
type Fault struct {
	// Key is the dotted path, such as "banks[0].base_url".
	Key string
	// Problem says what is wrong with it, without its value: "missing".
	// Empty: the value is not allowed.
	Problem string
	// Value is what was given, shortened; empty for a secret.
	Value string
	// Allowed says what would have been accepted.
	Allowed string
}

// Error names the key, the value and what is allowed, on one line.
func (f *Fault) Error() string {
	s := f.Key
	if f.Value != "" {
		s += ": " + strconv.Quote(f.Value)
	}
	if f.Problem != "" {
		s += ": " + f.Problem
	}
	if f.Allowed != "" {
		s += ": allowed: " + f.Allowed
	}
	return s
}

// Error is every fault of a configuration. Its text is one line.
type Error struct{ Faults []*Fault }

// Error lists the faults.
func (e *Error) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives errors.As each fault.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Faults))
	for i, f := range e.Faults {
		errs[i] = f
	}
	return errs
}

const maxShown = 80

// shown is text as a fault may quote it: short, on one line, and without the
// parts of a URL that hold passwords and keys.
func shown(text string) string {
	if scheme, rest, ok := strings.Cut(text, "://"); ok && strings.ContainsAny(rest, "@?#") {
		u, err := url.Parse(text)
		if err != nil {
			return scheme + "://…"
		}
		text = u.Scheme + "://" + u.Host + u.Path
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxShown {
		text = string(runes[:maxShown]) + "…"
	}
	return text
}

// invalid is the fault of a value that is not allowed.
func invalid(k key, path, value string) *Fault {
	f := &Fault{Key: path, Allowed: k.allowed}
	if !k.secret {
		f.Value = shown(value)
	}
	if f.Value == "" {
		f.Problem = "bad value"
	}
	return f
}

func unknown(path string, known []string) *Fault {
	return &Fault{Key: path, Problem: "unknown key", Allowed: fmt.Sprintf("one of %s", strings.Join(known, ", "))}
}
