package webhook_test

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"acme.example/creditscore/acme/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The vector published with the reference libraries of Standard Webhooks.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var vectorTime = time.Unix(1614265330, 0)

func mustParse(tb testing.TB, text string) webhook.Secret {
	tb.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func newSecret(tb testing.TB) webhook.Secret {
	tb.Helper()
	s, err := webhook.NewSecret()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func newSender(tb testing.TB, cfg webhook.SenderConfig) *webhook.Sender {
	tb.Helper()
	s, err := webhook.NewSender(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// headers are those of one message.
func headers(id string, at time.Time, signature string) http.Header {
	h := http.Header{}
	h.Set(webhook.HeaderID, id)
	h.Set(webhook.HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(webhook.HeaderSignature, signature)
	return h
}

func eventBody(tb testing.TB) []byte {
	tb.Helper()
	body, err := webhook.Event{
		Type:      "score.completed",
		Timestamp: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Data:      []byte(`{"id":"scr_1","status":"completed"}`),
	}.Body()
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

// pipes is a listener in memory, whose connections a synctest bubble can see
// through.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "memory"} }

func (p *pipes) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
