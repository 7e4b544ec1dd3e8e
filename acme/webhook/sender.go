package webhook

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Sender makes delivery attempts. It keeps connections open between them, so
// use one for all endpoints. Safe for concurrent use; how many Sends run at
// once is the caller's to bound.
type Sender struct {
	cfg       SenderConfig
	transport *http.Transport

	// closing guards closed, and running.Add against running.Wait.
	closing sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// Message is what one attempt sends.
type Message struct {
	// ID is the webhook-id, the same on every attempt: see Sign for what it
	// may hold.
	ID string
	// URL is where to: see CheckURL.
	URL string
	// Body is sent as it is, as application/json: usually Event.Body. At
	// most MaxBody bytes. Not changed and not kept.
	Body []byte
	// Secrets sign it: one, or the new and the old during rotation.
	Secrets []Secret
}

// SenderConfig is what a Sender needs. Its zero value is for production.
type SenderConfig struct {
	// AllowPrivateNetworks lets webhooks go to any address, port and name,
	// and by http: for tests and demos on loopback.
	AllowPrivateNetworks bool
	// Timeout bounds an attempt from its start to the answer's header.
	// 0: 15 s. Negative is refused.
	Timeout time.Duration
	// UserAgent names the sender. "": acme-webhook/1.0.
	UserAgent string
	// RootCAs are the authorities receivers' certificates must come from.
	// nil: the system's.
	RootCAs *x509.CertPool
	// Resolver resolves receivers' names. nil: net.DefaultResolver. The
	// addresses it gives are checked like any.
	Resolver *net.Resolver
	// DialContext opens connections in place of the Sender's own dialler,
	// and thereby takes over the check of the address: for in-memory
	// listeners, and for egress proxies that check it themselves. The URL
	// is checked, and TLS spoken, all the same.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Now is the clock. nil: time.Now.
	Now func() time.Time
}

const (
	// MaxBody is the most bytes a body may have.
	MaxBody = 256 << 10

	defaultTimeout   = 15 * time.Second
	defaultUserAgent = "acme-webhook/1.0"
	// What of an answer's body is read, to be able to use the connection
	// again, and dropped: more, or slower, costs the receiver the connection.
	drainBytes = 4 << 10
	drainTime  = time.Second
)

// NewSender makes a Sender of cfg. It opens nothing. It returns every fault
// of cfg. Close it when done.
func NewSender(cfg SenderConfig) (*Sender, error) {
	var faults []error
	if cfg.Timeout < 0 {
		faults = append(faults, fmt.Errorf("webhook: Timeout is %s; allowed: 0 (%s) or more", cfg.Timeout, defaultTimeout))
	}
	if strings.ContainsFunc(cfg.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		faults = append(faults, errors.New("webhook: UserAgent has a character that is not printable ASCII"))
	}
	if cfg.DialContext != nil && cfg.Resolver != nil {
		faults = append(faults, errors.New("webhook: Resolver and DialContext are both set; DialContext resolves by itself"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = defaultUserAgent
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Sender{cfg: cfg, transport: newTransport(cfg)}, nil
}

// Send makes one attempt: it signs m as of now, posts it and reads the
// answer's header. It always returns a Result, within the configured Timeout
// and as soon as ctx is done; ctx cancelled gives ClassCanceled, ctx's own
// deadline ClassTimeout. Only a 2xx is a success. Retrying is the caller's,
// but for one case: a connection kept open from an earlier attempt that turns
// out to be closed is replaced at once by a fresh one.
func (s *Sender) Send(ctx context.Context, m Message) Result {
	start := s.cfg.Now()
	result := s.send(ctx, m, start)
	if result.Status == 0 {
		result.Duration = s.cfg.Now().Sub(start)
	}
	return result
}

func (s *Sender) send(ctx context.Context, m Message, start time.Time) Result {
	if !s.enter() {
		return Result{Class: ClassCanceled}
	}
	defer s.running.Done()

	attempt, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	request, err := s.request(attempt, m, start)
	if err != nil {
		if errors.Is(err, ErrRefusedAddress) {
			return Result{Class: ClassRefusedAddress}
		}
		return Result{Class: ClassInvalid}
	}
	// The transport itself, not an http.Client: nothing then follows
	// redirects, keeps cookies or quotes the URL in its errors.
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		return Result{Class: classOfError(ctx, attempt, err)}
	}
	answered := s.cfg.Now()
	result := Result{
		Status:   response.StatusCode,
		Duration: answered.Sub(start),
		Class:    classOfStatus(response.StatusCode),
	}
	if !result.Delivered() {
		result.RetryAfter = parseRetryAfter(response.Header.Get("Retry-After"), answered)
	}
	// The status is all that counts: an answer whose body is slow, long or
	// broken off is still that answer.
	if response.ContentLength != 0 {
		slow := time.AfterFunc(drainTime, cancel)
		_, _ = io.CopyN(io.Discard, response.Body, drainBytes)
		slow.Stop()
	}
	_ = response.Body.Close()
	return result
}

// request is m as a signed POST.
func (s *Sender) request(ctx context.Context, m Message, at time.Time) (*http.Request, error) {
	if len(m.Body) > MaxBody {
		return nil, fmt.Errorf("%w: body of %d bytes; allowed: at most %d", ErrBadMessage, len(m.Body), MaxBody)
	}
	target, err := parseURL(m.URL, s.cfg.AllowPrivateNetworks)
	if err != nil {
		return nil, err
	}
	signature, err := Sign(m.ID, at, m.Body, m.Secrets...)
	if err != nil {
		return nil, err
	}
	request := (&http.Request{
		Method: http.MethodPost,
		URL:    target,
		Host:   target.Host,
		Header: http.Header{
			"Content-Type":  {"application/json"},
			"User-Agent":    {s.cfg.UserAgent},
			HeaderID:        {m.ID},
			HeaderTimestamp: {strconv.FormatInt(at.Unix(), 10)},
			HeaderSignature: {signature},
			// Not sent, being empty, but tells the transport that the request
			// may be repeated on a fresh connection when a kept one turns out
			// to be closed: receivers tell repetitions by webhook-id.
			"X-Idempotency-Key": {},
		},
		ContentLength: int64(len(m.Body)),
		Body:          io.NopCloser(bytes.NewReader(m.Body)),
		GetBody: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(m.Body)), nil
		},
	}).WithContext(ctx)
	if len(m.Body) == 0 {
		request.Body = http.NoBody
	}
	return request, nil
}

// Close lets running Sends finish, refuses further ones and closes the kept
// connections. To hurry it, cancel the contexts the Sends were given. It may
// be called more than once.
func (s *Sender) Close() {
	s.closing.Lock()
	s.closed = true
	s.closing.Unlock()
	s.running.Wait()
	s.transport.CloseIdleConnections()
}

func (s *Sender) enter() bool {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}
