package bank

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The bounds of the short retries of one request.
const (
	maxRetries      = 2
	maxInlineWait   = 5 * time.Second // the longest Retry-After waited for here
	retryBase       = 200 * time.Millisecond
	maxRetryAfter   = 24 * time.Hour // longer ones are cut to it
	maxRedirects    = 3
	idlePerHost     = 4096
	keepIdle        = 90 * time.Second
	connectWithin   = 10 * time.Second
	maxHeaderBytes  = 64 << 10
	firstReadBuffer = 16 << 10
	maxReserve      = 1 << 20
)

// newClient wraps a transport; nil makes one of its own. The wrapper hides
// the transport's CloseIdleConnections: go-retryablehttp calls it after every
// failed request, which would cost all other requests their connections.
func newClient(t http.RoundTripper, redirect func(*http.Request, []*http.Request) error) *http.Client {
	if t == nil {
		t = newTransport()
	}
	return &http.Client{Transport: keepOpen{t}, CheckRedirect: redirect}
}

type keepOpen struct{ next http.RoundTripper }

func (k keepOpen) RoundTrip(r *http.Request) (*http.Response, error) { return k.next.RoundTrip(r) }

func closeIdle(c *http.Client) {
	if k, ok := c.Transport.(keepOpen); ok {
		if t, ok := k.next.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
}

// newTransport is net/http's with a pool wide enough that a burst of slow
// answers does not close and open connections all the time.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectWithin, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        keepIdle,
		TLSHandshakeTimeout:    connectWithin,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// followRedirect follows within the bank's origin only; any other redirect
// is handed back as the answer, before a token or a consent id goes there.
func (h *HTTP) followRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects || !sameOrigin(h.base, req.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

func (h *HTTP) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		var cert *tls.CertificateVerificationError
		return !errors.As(err, &cert), nil
	}
	wait, said := parseRetryAfter(resp.Header.Get("Retry-After"), h.now())
	if end, limited := ctx.Deadline(); limited && h.now().Add(wait).After(end) {
		return false, nil // the caller is told to wait, not that time ran out
	}
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return true, nil
	case http.StatusServiceUnavailable:
		return wait <= maxInlineWait, nil
	case http.StatusTooManyRequests:
		return said && wait <= maxInlineWait, nil
	}
	return false, nil
}

// backoff waits as long as the bank said and up to a fifth more, else about
// 0.2 s, then 0.4 s, each between half and one and a half times as long.
func (h *HTTP) backoff(_, _ time.Duration, attempt int, resp *http.Response) time.Duration {
	if resp != nil {
		if wait, said := parseRetryAfter(resp.Header.Get("Retry-After"), h.now()); said {
			return wait + time.Duration(rand.Float64()*0.2*float64(wait))
		}
	}
	return time.Duration((0.5 + rand.Float64()) * float64(retryBase<<attempt))
}

// parseRetryAfter reads RFC 9110 section 10.2.3: seconds or an HTTP date. A
// date in the past is 0; what cannot be read counts as not said.
func parseRetryAfter(text string, now time.Time) (wait time.Duration, said bool) {
	if text = strings.TrimSpace(text); text == "" {
		return 0, false
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		if n > uint64(maxRetryAfter/time.Second) {
			return maxRetryAfter, true
		}
		return time.Duration(n) * time.Second, true
	}
	t, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return min(max(t.Sub(now), 0), maxRetryAfter), true
}

// failed turns a request without an answer into an *Error. ctx is the
// caller's, own the one with this request's timeout. The cause's text is
// dropped: net/url puts the whole address into it.
func (h *HTTP) failed(ctx, own context.Context, op string, err error) *Error {
	return requestFailed(ctx, own, op, h.timeout, err)
}

func requestFailed(ctx, own context.Context, op string, timeout time.Duration, err error) *Error {
	e := &Error{Code: CodeUnavailable, Op: op, Detail: "connection failed"}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var slow net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Detail, e.Err = "given up by the caller", context.Canceled
	case ctx.Err() != nil:
		e.Detail, e.Err = "no answer before the caller's deadline", context.DeadlineExceeded
	case own.Err() != nil:
		e.Detail, e.Err = "no answer within "+shortDuration(timeout), context.DeadlineExceeded
	case errors.As(err, &cert):
		e.Detail = "certificate not accepted"
	case errors.As(err, &dns):
		e.Detail = "host name not found"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Detail = "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Detail = "connection broken"
	case errors.As(err, &slow) && slow.Timeout():
		e.Detail = "no connection in time"
	}
	return e
}

// shortDuration writes 60 s as "60s", where Duration.String has "1m0s".
func shortDuration(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return d.String()
}

// isJSON accepts application/json, the +json types, text/json, and an answer
// that names no type.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "application/json" || t == "text/json" || strings.HasSuffix(t, "+json"))
}

var errTooLarge = errors.New("answer too large")

// readAll reads at most limit bytes. A known length is reserved at once, up
// to a bound: the claim of a length costs the other side nothing.
func readAll(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, errTooLarge
	}
	size := int64(firstReadBuffer)
	if resp.ContentLength >= 0 {
		size = min(resp.ContentLength+1, maxReserve) // one more, for the read that finds the end
	}
	buf := make([]byte, 0, size)
	for {
		n, err := resp.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return nil, errTooLarge
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}
