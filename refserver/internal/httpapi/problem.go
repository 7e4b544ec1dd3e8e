package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
)

// problem is an answer of RFC 9457. It is an error, so that handlers return
// it.
type problem struct {
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Detail   string       `json:"detail,omitempty"`
	Instance string       `json:"instance,omitempty"`
	Errors   []fieldFault `json:"errors,omitempty"`

	retryAfter time.Duration
	challenge  string // WWW-Authenticate
}

// fieldFault is one thing wrong with the input.
type fieldFault struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error is the title, for logs.
func (p *problem) Error() string { return p.Title }

// kind is a sort of problem. Its name ends the type, "/problems/<name>",
// where a short text about it is served; names never change.
type kind struct {
	name   string
	status int
	title  string
	about  string
}

// The kinds of problems there are.
var (
	malformed = kind{"malformed-request", 400, "The request cannot be read",
		"The body is not JSON (or form data, at the token endpoint), is not UTF-8, names a member twice, has text after its end, or the cursor is not one that this API gave. Nothing was done. Mend the request before it is sent again."}
	unauthorized = kind{"unauthorized", 401, "A valid access token is needed",
		"The call carries no access token, or one that is not ours, has expired or belongs to a partner that is no longer configured. Get a new one from POST /oauth/token."}
	notFound = kind{"not-found", 404, "Not found",
		"There is nothing under this address, or it belongs to another partner."}
	methodNotAllowed = kind{"method-not-allowed", 405, "The method is not allowed here",
		"The path exists and answers to other methods; the Allow header names them."}
	requestTimeout = kind{"request-timeout", 408, "The request took too long to arrive",
		"The body did not arrive in time. Send it again."}
	consentUnusable = kind{"consent-not-authorized", 409, "The consent is not authorized",
		"The consent is still awaiting authorization, or was denied, has expired or was revoked. Start a new one with POST /v1/consents."}
	conflict = kind{"conflict", 409, "The resource is in another state",
		"What was asked for does not fit the state the resource is in. Read it again."}
	tooLarge = kind{"body-too-large", 413, "The body is too large",
		"A request's body may have at most 1 MiB."}
	unsupportedMedia = kind{"unsupported-media-type", 415, "The content type is not supported",
		"Bodies are application/json in UTF-8; at POST /oauth/token application/x-www-form-urlencoded."}
	invalid = kind{"invalid-request", 422, "The request is not valid",
		"The request can be read but its content is not allowed: a member is missing, unknown, of the wrong type or out of range. The member errors names every one of them. Nothing was done."}
	unknownBank = kind{"unknown-bank", 422, "The bank is not known",
		"No bank of this id is configured at this server."}
	noAuthorization = kind{"bank-takes-tokens-only", 422, "The bank offers no authorization",
		"No consent can be started at this bank; pass an access_token that you hold instead of a redirect_uri."}
	idempotencyMismatch = kind{"idempotency-key-reused", 422, "The idempotency key was used with another request",
		"An Idempotency-Key stands for one request. It was used before with a body that differs; use a new key."}
	internal = kind{"internal-error", 500, "Something went wrong on our side",
		"The server met an unexpected condition. It was logged under the request id in the member instance. A request with an Idempotency-Key can be sent again safely."}
	bankFailed = kind{"bank-failed", 502, "The bank did not answer as expected",
		"A call to the bank, made while you waited, failed. Try again later."}
	busy = kind{"busy", 503, "Too many unfinished jobs",
		"The server takes no more work for the moment. Try again after the time in Retry-After."}
	unavailable = kind{"unavailable", 503, "The server is not ready",
		"The server is starting, or about to stop. Try again after the time in Retry-After."}
)

func kinds() []kind {
	return []kind{malformed, unauthorized, notFound, methodNotAllowed, requestTimeout, consentUnusable, conflict, tooLarge,
		unsupportedMedia, invalid, unknownBank, noAuthorization, idempotencyMismatch, internal, bankFailed, busy, unavailable}
}

func newProblem(k kind, detail string, faults ...fieldFault) *problem {
	return &problem{Type: "/problems/" + k.name, Title: k.title, Status: k.status, Detail: detail, Errors: faults}
}

// problemOf is the one place where errors become answers. ok is false for an
// error that means nothing to the caller, which is to be logged.
func problemOf(err error) (p *problem, ok bool) {
	var (
		given   *problem
		input   *acme.InvalidError
		wait    *acme.BusyError
		atBank  *bank.Error
		isKnown = func(target error) bool { return errors.Is(err, target) }
	)
	switch {
	case errors.As(err, &given):
		copied := *given
		return &copied, true
	case errors.As(err, &input):
		return newProblem(invalid, "See the member errors.", faultsOf(input)...), true
	case isKnown(acme.ErrUnknownBank), isKnown(bank.ErrUnknownBank):
		return newProblem(unknownBank, "No bank of this id is configured.", fieldFault{"bank", "is not the id of a configured bank"}), true
	case isKnown(acme.ErrNoAuthorization):
		return newProblem(noAuthorization, "", fieldFault{"redirect_uri", "cannot be used with this bank; pass access_token"}), true
	case isKnown(acme.ErrIdempotencyMismatch):
		return newProblem(idempotencyMismatch, "", fieldFault{"Idempotency-Key", "was used before with another body"}), true
	case isKnown(acme.ErrConsentUnusable):
		return newProblem(consentUnusable, ""), true
	case isKnown(acme.ErrNotFound):
		return newProblem(notFound, ""), true
	case isKnown(acme.ErrConflict):
		return newProblem(conflict, ""), true
	case errors.As(err, &wait):
		p = newProblem(busy, "")
		p.retryAfter = wait.RetryAfter
		return p, true
	case isKnown(acme.ErrBusy):
		p = newProblem(busy, "")
		p.retryAfter = 5 * time.Second
		return p, true
	case isKnown(acme.ErrStopped), isKnown(acme.ErrStoreClosed), isKnown(acme.ErrQueueClosed):
		return notReady(), true
	case errors.As(err, &atBank):
		return newProblem(bankFailed, acme.ErrorCode(atBank.Code).Title()), true
	case isKnown(context.DeadlineExceeded):
		p = newProblem(unavailable, "The call took too long.")
		p.retryAfter = time.Second
		return p, true
	}
	return newProblem(internal, ""), false
}

func notReady() *problem {
	p := newProblem(unavailable, "")
	p.retryAfter = 2 * time.Second
	return p
}

func faultsOf(e *acme.InvalidError) []fieldFault {
	faults := make([]fieldFault, len(e.Faults))
	for i, f := range e.Faults {
		field := f.Field
		if field == "IdempotencyKey" {
			field = "Idempotency-Key"
		}
		faults[i] = fieldFault{field, f.Allowed}
	}
	return faults
}

// writeError answers with what problemOf makes of err. A caller that has hung
// up gets nothing.
func (a *API) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		callOf(r).hungUp = true
		return
	}
	p, known := problemOf(err)
	if !known {
		a.cfg.Logger.ErrorContext(r.Context(), "request failed", "request_id", callOf(r).id, "error", err.Error())
	}
	p.Instance = "urn:uuid:" + callOf(r).id
	if p.Detail == "" {
		p.Detail = p.Title + "."
	}
	h := w.Header()
	if p.retryAfter > 0 {
		h.Set("Retry-After", seconds(p.retryAfter))
	}
	if p.challenge != "" {
		h.Set("WWW-Authenticate", p.challenge)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	writeBody(w, p.Status, p)
}

// seconds rounds up, as Retry-After knows no fractions.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}

// writeJSON answers with v, which is of our own making and encodes.
func writeJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	writeBody(w, status, v)
}

func writeBody(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("encoding an answer: %w", err)) // becomes a 500, and is logged
	}
	body = append(body, '\n')
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have left
}

// getProblem serves the short text behind a problem's type.
func (a *API) getProblem(w http.ResponseWriter, r *http.Request) error {
	for _, k := range kinds() {
		if k.name == r.PathValue("name") {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Cache-Control", "max-age=3600")
			fmt.Fprintf(w, "%s (%d)\n\n%s\n", k.title, k.status, strings.TrimSpace(k.about))
			return nil
		}
	}
	return newProblem(notFound, "There is no problem of this name.")
}
