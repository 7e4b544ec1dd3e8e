package acme

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/webhook"
)

// newValidator builds the validator of this package's struct tags. Fields
// are named by their JSON key where they have one, since that is the name
// their writer knows.
var newValidator = sync.OnceValue(func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			return f.Name
		}
		return name
	})
	if err := v.RegisterValidation("plain", plainText); err != nil {
		panic(err) // a fault of this file, seen by every test
	}
	return v
})

// plainText accepts printable text: identifiers that partners choose are
// kept and shown as they are, so control characters have no place in them.
func plainText(fl validator.FieldLevel) bool {
	s := fl.Field().String()
	if !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// faults collects what is wrong with one value.
type faults struct{ list []*FieldError }

func (f *faults) add(field, value, allowed string) {
	f.list = append(f.list, &FieldError{Field: field, Value: value, Allowed: allowed})
}

// err returns nil, or an *InvalidError with every fault.
func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return &InvalidError{Faults: f.list}
}

// check adds every fault that v's struct tags find.
func (f *faults) check(v any) {
	err := newValidator().Struct(v)
	var all validator.ValidationErrors
	if !errors.As(err, &all) {
		return
	}
	for _, fe := range all {
		_, field, _ := strings.Cut(fe.Namespace(), ".")
		f.add(field, shown(fe.Value()), allowed(fe))
	}
}

// shown shortens a value for an error; what is absent is not shown.
func shown(v any) string {
	rv := reflect.ValueOf(v)
	switch {
	case !rv.IsValid(), rv.IsZero():
		return ""
	case rv.Kind() == reflect.Func, rv.Kind() == reflect.Pointer, rv.Kind() == reflect.Interface, rv.Kind() == reflect.Struct:
		return ""
	case rv.Kind() == reflect.Map, rv.Kind() == reflect.Slice:
		return fmt.Sprintf("%d entries", rv.Len())
	}
	s := []rune(fmt.Sprint(v))
	if len(s) > 60 {
		return string(s[:60]) + "…"
	}
	return string(s)
}

// allowed puts a rule into words.
func allowed(fe validator.FieldError) string {
	list := fe.Kind() == reflect.Slice || fe.Kind() == reflect.Map
	text := fe.Kind() == reflect.String
	switch fe.Tag() {
	case "required":
		return "is required"
	case "required_without":
		return "is required unless " + jsonName(fe.Param()) + " is given"
	case "excluded_with":
		return "must not be given together with " + jsonName(fe.Param())
	case "oneof":
		return "must be one of " + strings.Join(strings.Fields(fe.Param()), ", ")
	case "min":
		return "must be " + bound("at least", fe.Param(), text, list)
	case "max":
		return "must be " + bound("at most", fe.Param(), text, list)
	case "len":
		return "must have exactly " + fe.Param() + " characters"
	case "unique":
		return "must not repeat an entry"
	case "url":
		return "must be an absolute URL"
	case "plain":
		return "must be printable text"
	case "printascii":
		return "must be printable ASCII"
	case "uppercase", "alpha":
		return "must be capital letters A to Z"
	}
	return "fails the rule " + fe.Tag()
}

func bound(word, n string, text, list bool) string {
	switch {
	case text:
		return word + " " + n + " characters long"
	case list:
		return word + " " + n + " entries"
	}
	return word + " " + n
}

// jsonName turns a Go field name into the key users write.
func jsonName(field string) string {
	if field == "ConsentID" {
		return "consent_id"
	}
	return field
}

// validate reports every fault of the configuration at once.
func (c Config) validate() error {
	var f faults
	f.check(c)
	c = c.withDefaults() // what is left out must fit what is given, too
	if c.Timeouts.Job > 0 && c.Timeouts.Fetch > c.Timeouts.Job {
		f.add("Timeouts.Fetch", c.Timeouts.Fetch.String(), "must not exceed Timeouts.Job, "+c.Timeouts.Job.String())
	}
	if c.Retry.Max > 0 && c.Retry.Base > c.Retry.Max {
		f.add("Retry.Base", c.Retry.Base.String(), "must not exceed Retry.Max, "+c.Retry.Max.String())
	}
	return f.err()
}

// maxSecretLen bounds tokens a partner hands over.
const maxSecretLen = 16 << 10

// validate reports every fault of the request at once.
func (r Request) validate(allowPrivate bool) error {
	var f faults
	f.check(r)
	switch {
	case r.ConsentID == "" && r.AccessToken.IsZero():
		f.add("access_token", "", "is required unless consent_id is given")
	case r.ConsentID != "" && !r.AccessToken.IsZero():
		f.add("access_token", "", "must not be given together with consent_id")
	case len(r.AccessToken.Reveal()) > maxSecretLen:
		f.add("access_token", "", "must be at most 16384 characters long")
	}
	if len(r.BankConsentID.Reveal()) > 512 {
		f.add("bank_consent_id", "", "must be at most 512 characters long")
	}
	checkURL(&f, "webhook_url", r.WebhookURL, allowPrivate)
	if r.Loan != nil {
		if loan, err := r.Loan.parse(); err != nil {
			f.add("loan.amount", r.Loan.Amount, "must be a decimal text such as \"5000.00\" beside an ISO 4217 currency")
		} else if loan.Amount.Minor <= 0 {
			f.add("loan.amount", r.Loan.Amount, "must be more than zero")
		}
	}
	for k, v := range r.Metadata {
		if kind, found := anonymize.LooksPersonal(k); found {
			f.add("metadata", "", "has a key that looks like personal data ("+kind+"), which metadata must not hold")
			continue
		}
		if !utf8.ValidString(v) {
			f.add("metadata."+k, "", "must be valid UTF-8")
		} else if kind, found := anonymize.LooksPersonal(v); found {
			// The value itself must not come back in an answer or a log.
			f.add("metadata."+k, "", "looks like personal data ("+kind+"), which metadata must not hold")
		}
	}
	return f.err()
}

// validate reports every fault of the consent request at once.
func (r ConsentRequest) validate() error {
	var f faults
	f.check(r)
	switch {
	case r.RedirectURI == "" && r.AccessToken.IsZero():
		f.add("redirect_uri", "", "is required unless access_token is given")
	case r.RedirectURI != "" && !r.AccessToken.IsZero():
		f.add("redirect_uri", r.RedirectURI, "must not be given together with access_token")
	}
	if r.AccessToken.IsZero() && (!r.RefreshToken.IsZero() || r.ExpiresAt != nil || !r.BankConsentID.IsZero()) {
		f.add("access_token", "", "is required with refresh_token, expires_at or bank_consent_id")
	}
	for field, n := range map[string]int{
		"access_token": len(r.AccessToken.Reveal()), "refresh_token": len(r.RefreshToken.Reveal()),
		"bank_consent_id": len(r.BankConsentID.Reveal()),
	} {
		if n > maxSecretLen {
			f.add(field, "", "must be at most 16384 characters long")
		}
	}
	return f.err()
}

// validate reports every fault of the endpoint at once.
func (r EndpointRequest) validate(allowPrivate bool) error {
	var f faults
	f.check(r)
	checkURL(&f, "url", r.URL, allowPrivate)
	return f.err()
}

func checkURL(f *faults, field, url string, allowPrivate bool) {
	if url == "" {
		return
	}
	if err := webhook.CheckURL(url, allowPrivate); err != nil {
		f.add(field, url, err.Error())
	}
}
