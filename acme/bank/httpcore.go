package bank

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// HTTP makes JSON requests to one bank, with the care that banks need: a
// bound on time, size and pages; no redirect and no link that leaves the
// bank's origin; errors that say what happened and never what the bank
// wrote. It knows no standard; the adapters below this package do.
//
// One request is tried at most three times within its Timeout, and only for
// what passes in a moment: a connection that failed, 502, 503 and 504, and
// 429 or 503 with a Retry-After of at most five seconds. Trying a whole step
// again, with its longer waits, is the engine's.
//
// It is safe for concurrent use. Waiting costs a connection and some
// goroutines, no thread: thousands of requests may wait at once.
type HTTP struct {
	base     *url.URL
	timeout  time.Duration
	maxBody  int64
	maxPages int
	client   *http.Client
	now      func() time.Time
	refused  RefusedFunc
}

// HTTPConfig configures HTTP. Zero values take the defaults.
type HTTPConfig struct {
	// BaseURL is what every path is under: http or https, a host, perhaps a
	// path. Plain http is for loopback and tests: it sends tokens readable.
	BaseURL string
	// Timeout bounds one request, its retries and its body. Default 60 s.
	Timeout time.Duration
	// MaxBody bounds one answer after decompression, in bytes. Default 16 MiB.
	MaxBody int64
	// MaxPages bounds one list. Default 1,000.
	MaxPages int
	// Transport carries the requests. The default keeps a pool of
	// connections wide enough for thousands of requests to one host.
	Transport http.RoundTripper
	// Now is the clock for Retry-After dates. Default time.Now.
	Now func() time.Time
	// Refused reads a standard's error body. Default: the status alone says it.
	Refused RefusedFunc
}

// RefusedFunc reads the body (its first 64 KiB) of an answer that is not a
// success. It returns the Code and a cause whose text is the standard's own
// closed vocabulary, never the bank's words; a nil cause leaves the Code that
// the status gives. It is not asked about 429 and 5xx, where the status says
// more than the body.
type RefusedFunc func(status int, body []byte) (Code, error)

// Call is one GET.
type Call struct {
	// Op names the call in errors, such as "transactions".
	Op string
	// URL is within the bank's origin; URLs from elsewhere are refused.
	URL *url.URL
	// Token, unless empty, goes out as a bearer token (RFC 6750).
	Token Token
	// Header, unless nil, adds headers; it is called before every attempt,
	// so that an id can differ each time.
	Header func(http.Header)
}

// Defaults of HTTPConfig.
const (
	DefaultTimeout  = 60 * time.Second
	DefaultMaxBody  = 16 << 20
	DefaultMaxPages = 1000
)

// maxErrorBody is how much of an error's body is looked at.
const maxErrorBody = 64 << 10

// NewHTTP checks the configuration and reports every fault at once.
func NewHTTP(c HTTPConfig) (*HTTP, error) {
	var faults []error
	base, err := parseEndpoint("BaseURL", c.BaseURL, true)
	if err != nil {
		faults = append(faults, err)
	}
	if c.Timeout < 0 {
		faults = append(faults, fault("Timeout", c.Timeout, "a positive duration or 0 for 60s"))
	}
	if c.MaxBody < 0 {
		faults = append(faults, fault("MaxBody", c.MaxBody, "a positive number of bytes or 0 for 16 MiB"))
	}
	if c.MaxPages < 0 {
		faults = append(faults, fault("MaxPages", c.MaxPages, "a positive number or 0 for 1000"))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	base.RawPath = strings.TrimSuffix(base.RawPath, "/")
	h := &HTTP{
		base: base, timeout: c.Timeout, maxBody: c.MaxBody, maxPages: c.MaxPages,
		now: c.Now, refused: c.Refused,
	}
	if h.timeout == 0 {
		h.timeout = DefaultTimeout
	}
	if h.maxBody == 0 {
		h.maxBody = DefaultMaxBody
	}
	if h.maxPages == 0 {
		h.maxPages = DefaultMaxPages
	}
	if h.now == nil {
		h.now = time.Now
	}
	h.client = newClient(c.Transport, h.followRedirect)
	return h, nil
}

// fault names a field of a configuration, its value and what is allowed.
func fault(field string, value any, allowed string) error {
	return fmt.Errorf("%s: %v, want %s", field, value, allowed)
}

// parseEndpoint reads an absolute http(s) URL of a configuration. It never
// repeats a URL with user information, which could hold a password.
func parseEndpoint(field, text string, required bool) (*url.URL, error) {
	if text == "" && !required {
		return nil, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: not a URL, want http(s)://host[/path]", field)
	case u.User != nil:
		return nil, fmt.Errorf("%s: has user information, want http(s)://host[/path]", field)
	case (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.Fragment != "":
		return nil, fmt.Errorf("%s: %q, want http(s)://host[/path]", field, text)
	}
	return u, nil
}

// Base returns a copy of the base URL, without a slash at its end.
func (h *HTTP) Base() *url.URL { u := *h.base; return &u }

// Close closes the connections that are idle. Requests under way go on.
func (h *HTTP) Close() { closeIdle(h.client) }

// GetJSON makes one call and decodes the answer into a value, as
// encoding/json does. Errors: *Error with any Code.
func (h *HTTP) GetJSON(ctx context.Context, call Call, into any) error {
	body, err := h.Get(ctx, call)
	if err != nil {
		return err
	}
	return DecodeJSON(call.Op, body, into)
}

// Get makes one call and returns the answer's body, of a JSON content type
// and at most MaxBody long. Errors: *Error with any Code.
func (h *HTTP) Get(ctx context.Context, call Call) ([]byte, error) {
	if !sameOrigin(h.base, call.URL) {
		return nil, &Error{Code: CodeBadData, Op: call.Op, Detail: "address outside the bank's origin"}
	}
	own, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	resp, err := h.send(own, call)
	if err != nil {
		return nil, h.failed(ctx, own, call.Op, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, h.status(call.Op, resp)
	}
	if !isJSON(resp.Header.Get("Content-Type")) {
		return nil, &Error{Code: CodeBadData, Op: call.Op, Status: resp.StatusCode, Detail: "answer is not of a JSON content type"}
	}
	body, err := readAll(resp, h.maxBody)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, &Error{Code: CodeBadData, Op: call.Op, Status: resp.StatusCode, Detail: fmt.Sprintf("answer is larger than %d bytes", h.maxBody)}
	case err != nil && own.Err() != nil:
		return nil, h.failed(ctx, own, call.Op, err)
	case err != nil:
		return nil, &Error{Code: CodeBadData, Op: call.Op, Status: resp.StatusCode, Detail: "answer is cut off or garbled"}
	}
	return body, nil
}

// send makes the request with its short retries and returns whatever answer
// came last. The retrying client is made for the one call: it is small, and
// so has no state that two calls could share.
func (h *HTTP) send(ctx context.Context, call Call) (*http.Response, error) {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, call.URL.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if !call.Token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+call.Token.Reveal())
	}
	if call.Header != nil {
		call.Header(req.Header)
	}
	c := retryablehttp.Client{
		HTTPClient:   h.client,
		RetryMax:     maxRetries,
		CheckRetry:   h.checkRetry,
		Backoff:      h.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		PrepareRetry: func(again *http.Request) error {
			// The transport may still be reading the headers of the last attempt.
			again.Header = again.Header.Clone()
			if call.Header != nil {
				call.Header(again.Header)
			}
			return nil
		},
	}
	resp, err := c.Do(req)
	if err != nil && resp != nil { // an answer that came as the time ran out
		_ = resp.Body.Close()
		resp = nil
	}
	return resp, err
}

// status turns an answer that is not 200 into an *Error.
func (h *HTTP) status(op string, resp *http.Response) *Error {
	e := &Error{Op: op, Status: resp.StatusCode}
	// Half a body is still worth a look, and one read to its end leaves the
	// connection fit for the next request.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	wait, _ := parseRetryAfter(resp.Header.Get("Retry-After"), h.now())
	switch s := resp.StatusCode; {
	case s == http.StatusTooManyRequests:
		e.Code, e.RetryAfter = CodeRateLimited, wait
		return e
	case s == http.StatusRequestTimeout || s >= 500:
		e.Code, e.RetryAfter = CodeUnavailable, wait
		return e
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		e.Code = CodeUnauthorized
	case s >= 300 && s < 400:
		e.Code, e.Detail = CodeBadData, "redirect refused"
		return e
	default:
		e.Code, e.Detail = CodeBadData, "unexpected status"
	}
	if h.refused == nil {
		return e
	}
	if code, cause := h.refused(resp.StatusCode, body); cause != nil {
		e.Code, e.Err, e.Detail = code, cause, cause.Error()
		if code == CodeRateLimited {
			e.RetryAfter = wait
		}
	}
	return e
}

// DecodeJSON decodes a whole body and reports a fault as CodeBadData, with
// where it is and without any of its text.
func DecodeJSON(op string, body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	e := &Error{Code: CodeBadData, Op: op, Detail: "answer could not be read"}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case len(body) == 0:
		e.Detail = "answer is empty"
	case errors.As(err, &syntax):
		e.Detail = fmt.Sprintf("answer is not JSON from byte %d of %d on", syntax.Offset, len(body))
	case errors.As(err, &kind):
		// Field is made of our own field names, Value can hold the bank's.
		e.Detail = fmt.Sprintf("field %q is of another type than the standard's", kind.Field)
	}
	return e
}
