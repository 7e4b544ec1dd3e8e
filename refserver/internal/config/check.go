package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-playground/validator/v10"

	"acme.example/creditscore/acme/bank"
)

// check returns the faults of values, leaving out keys that already have one.
func check(cfg Config, before []*Fault) []*Fault {
	err := newValidator().Struct(cfg)
	var found validator.ValidationErrors
	if !errors.As(err, &found) {
		if err != nil { // a rule is misspelt: ours to fix, seen by every test
			return []*Fault{{Key: "config", Problem: err.Error()}}
		}
		return nil
	}
	var faults []*Fault
	for _, fe := range found {
		_, path, _ := strings.Cut(fe.Namespace(), ".")
		named := func(f *Fault) bool {
			return f.Key == path || strings.HasPrefix(f.Key, path+"[") || strings.HasPrefix(f.Key, path+".")
		}
		if slices.ContainsFunc(before, named) || slices.ContainsFunc(faults, named) {
			continue
		}
		faults = append(faults, faultOf(fe, path))
	}
	return faults
}

// faultOf words one refusal of the validator.
func faultOf(fe validator.FieldError, path string) *Fault {
	k := keyAt(path)
	switch fe.Tag() {
	case "required", "required_with", "required_without":
		return &Fault{Key: path, Problem: "missing", Allowed: k.allowed}
	case "excluded_with":
		return &Fault{Key: path, Problem: "given twice", Allowed: k.allowed}
	case "min":
		if fe.Kind() == reflect.Slice {
			return &Fault{Key: path, Problem: "missing", Allowed: k.allowed}
		}
	case "unique":
		return &Fault{Key: path, Value: shown(repeated(fe.Value())), Problem: "given more than once", Allowed: k.allowed}
	}
	return invalid(k, path, fmt.Sprint(fe.Value()))
}

// repeated finds the first entry of a list that is there twice.
func repeated(list any) string {
	seen := map[string]bool{}
	v := reflect.ValueOf(list)
	for i := range v.Len() {
		text := ""
		switch e := v.Index(i).Interface().(type) {
		case string:
			text = e
		case Partner:
			text = e.ID
		case Bank:
			text = e.ID
		}
		if seen[text] {
			return text
		}
		seen[text] = true
	}
	return ""
}

// keyAt finds the key of a path such as "banks[0].api" or "roles[1]".
func keyAt(path string) key {
	t := reflect.TypeFor[Config]()
	var k key
	for _, step := range pathStep.FindAllStringSubmatch(path, -1) {
		for _, one := range keysOf(t) {
			if one.name == step[1] {
				k = one
			}
		}
		t = k.field.Type
		if isTable(t) {
			t = t.Elem()
		}
		if !isSection(t) {
			break
		}
	}
	return k
}

func newValidator() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string { return f.Tag.Get("yaml") })
	v.RegisterCustomTypeFunc(func(f reflect.Value) any { return f.Interface().(bank.Token).Reveal() }, bank.Token{})
	for tag, ok := range map[string]func(string) bool{
		"listen":   isListen,
		"name":     name.MatchString,
		"weburl":   isWebURL,
		"baseurl":  func(s string) bool { return isWebURL(s) && !strings.ContainsAny(s, "?") },
		"redirect": func(s string) bool { return isWebURL(s) && (strings.HasPrefix(s, "https:") || IsLoopbackURL(s)) },
		"store":    func(s string) bool { return s == "pebble" },
		"queue":    func(s string) bool { return s == "memory" },
		"bankapi":  func(s string) bool { return s == "berlin-group" },
	} {
		if err := v.RegisterValidation(tag, func(fl validator.FieldLevel) bool { return ok(fl.Field().String()) }); err != nil {
			panic(err) // a rule without a name: cannot happen, the names are above
		}
	}
	return v
}

var name = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

func isListen(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == port
}

// isWebURL takes an absolute http or https URL without user information and
// fragment.
func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		!strings.Contains(text, "#") && len(text) <= 2048
}

// IsLoopbackURL tells an http URL on this computer: 127.0.0.0/8, ::1 or
// localhost, on any port (RFC 8252, section 7.3).
func IsLoopbackURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.User != nil || strings.Contains(text, "#") {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.Unmap().IsLoopback()
}
