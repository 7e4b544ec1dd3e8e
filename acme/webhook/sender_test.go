package webhook_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"acme.example/creditscore/acme/webhook"
)

// local serves handler by TLS on loopback, in HTTP/2 when asked, and gives a
// Sender that trusts it.
func local(tb testing.TB, http2 bool, handler http.HandlerFunc) (*webhook.Sender, string) {
	tb.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	tb.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return newSender(tb, webhook.SenderConfig{AllowPrivateNetworks: true, RootCAs: roots}), server.URL
}

func message(tb testing.TB, url string) webhook.Message {
	tb.Helper()
	return webhook.Message{ID: "msg_1", URL: url, Body: eventBody(tb), Secrets: []webhook.Secret{newSecret(tb)}}
}

func TestSendArrivesSigned(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m webhook.Message
			sender, url := local(t, http2, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				for _, secret := range m.Secrets {
					reference, err := standardwebhooks.NewWebhook(secret.Reveal())
					if err != nil || reference.Verify(body, r.Header) != nil {
						t.Errorf("the reference refuses it: %v", reference.Verify(body, r.Header))
					}
				}
				if r.Proto != name || r.Method != http.MethodPost || r.URL.RequestURI() != "/hook?a=1" || string(body) != string(m.Body) {
					t.Errorf("got %s %s %s", r.Proto, r.Method, r.URL)
				}
				if r.Header.Get("Content-Type") != "application/json" || r.UserAgent() != "acme-webhook/1.0" || r.Header.Get(webhook.HeaderID) != "msg_1" {
					t.Errorf("headers %v", r.Header)
				}
				for _, name := range []string{"X-Idempotency-Key", "Accept-Encoding", "Cookie", "Referer"} {
					if _, there := r.Header[name]; there {
						t.Errorf("%s was sent", name)
					}
				}
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(http.StatusAccepted)
			})
			m = message(t, url+"/hook?a=1")
			m.Secrets = append(m.Secrets, newSecret(t))
			result := sender.Send(t.Context(), m)
			if !result.Delivered() || result.Status != 202 || result.Duration <= 0 || result.RetryAfter != 0 || result.Permanent() || result.Gone() {
				t.Fatalf("%+v", result)
			}
		})
	}
}

func TestSendToReceiver(t *testing.T) {
	t.Parallel()
	secret := newSecret(t)
	verifier, err := webhook.NewVerifier(secret)
	if err != nil {
		t.Fatal(err)
	}
	var got webhook.Received
	receiver, err := webhook.NewReceiver(webhook.ReceiverConfig{Verifier: verifier, Handle: func(_ context.Context, m webhook.Received) error {
		got = m
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	sender, url := local(t, false, receiver.ServeHTTP)
	m := message(t, url)
	m.Secrets = []webhook.Secret{newSecret(t), secret}
	if result := sender.Send(t.Context(), m); !result.Delivered() || got.ID != m.ID || got.Event.Type != "score.completed" {
		t.Fatalf("%+v, received %+v", result, got)
	}
	m.Secrets = m.Secrets[:1]
	if result := sender.Send(t.Context(), m); result.Class != webhook.ClassHTTPStatus || result.Status != 403 {
		t.Fatalf("under another secret: %+v", result)
	}
}

func TestSendClassesAnswers(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	var status atomic.Int32
	sender, url := local(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			followed.Add(1)
			return
		}
		w.Header().Set("Location", "/followed")
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(int(status.Load()))
		if s := status.Load(); s != 204 && s != 304 {
			_, _ = io.WriteString(w, strings.Repeat("not to be kept ", 5000))
		}
	})
	for code, want := range map[int]webhook.Class{
		200: "", 201: "", 202: "", 204: "", 299: "",
		300: "redirect", 301: "redirect", 302: "redirect", 303: "redirect", 304: "redirect", 307: "redirect", 308: "redirect",
		400: "http_status", 401: "http_status", 404: "http_status", 409: "http_status", 429: "http_status",
		410: "gone",
		500: "http_status", 502: "http_status", 503: "http_status", 504: "http_status", 599: "http_status",
	} {
		status.Store(int32(code))
		result := sender.Send(t.Context(), message(t, url))
		if result.Status != code || result.Class != want {
			t.Errorf("%d: %+v, want %q", code, result, want)
		}
		if result.Delivered() != (want == "") || result.Gone() != (code == 410) || result.Permanent() != (code == 410) {
			t.Errorf("%d: delivered %t, gone %t, permanent %t", code, result.Delivered(), result.Gone(), result.Permanent())
		}
		if wait := 7 * time.Second; !result.Delivered() && result.RetryAfter != wait {
			t.Errorf("%d: Retry-After %s, want %s", code, result.RetryAfter, wait)
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d redirects followed", n)
	}
}

func TestSendClassesConnections(t *testing.T) {
	t.Parallel()
	tcp := func(t *testing.T, serve func(net.Conn)) string {
		t.Helper()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				serve(conn)
				_ = conn.Close()
			}
		}()
		t.Cleanup(func() { _ = listener.Close(); <-done })
		return listener.Addr().String()
	}
	readRequest := func(c net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
		}
	}
	for _, tc := range []struct {
		rule string
		url  func(t *testing.T) string
		want webhook.Class
	}{
		{"nobody listens", func(t *testing.T) string {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			return "http://" + listener.Addr().String()
		}, webhook.ClassConnect},
		{"a certificate of nobody we trust", func(t *testing.T) string {
			server := httptest.NewUnstartedServer(nil)
			server.Config.ErrorLog = quiet()
			server.StartTLS()
			t.Cleanup(server.Close)
			return server.URL
		}, webhook.ClassTLS},
		{"no TLS where https was said", func(t *testing.T) string {
			return "https://" + tcp(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
		}, webhook.ClassTLS},
		{"closed without an answer", func(t *testing.T) string {
			return "http://" + tcp(t, readRequest)
		}, webhook.ClassRead},
		{"closed within the header", func(t *testing.T) string {
			return "http://" + tcp(t, func(c net.Conn) { readRequest(c); _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-") })
		}, webhook.ClassRead},
		{"an answer that is no HTTP", func(t *testing.T) string {
			return "http://" + tcp(t, func(c net.Conn) { readRequest(c); _, _ = io.WriteString(c, "220 mail ready\r\n") })
		}, webhook.ClassRead},
		{"a header over the bound", func(t *testing.T) string {
			return "http://" + tcp(t, func(c net.Conn) {
				readRequest(c)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
			})
		}, webhook.ClassRead},
		{"a body broken off after a 200", func(t *testing.T) string {
			return "http://" + tcp(t, func(c net.Conn) {
				readRequest(c)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
			})
		}, webhook.ClassOK},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			sender := newSender(t, webhook.SenderConfig{AllowPrivateNetworks: true})
			result := sender.Send(t.Context(), message(t, tc.url(t)))
			if result.Class != tc.want || result.Permanent() || result.Delivered() != (tc.want == webhook.ClassOK) {
				t.Fatalf("%+v, want %q", result, tc.want)
			}
		})
	}
}

func TestSendClassesWhatTLSRefusesEitherWay(t *testing.T) {
	t.Parallel()
	for rule, config := range map[string]*tls.Config{
		"a version too old":      {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"a certificate of ours":  {ClientAuth: tls.RequireAnyClientCert}, // said after our side of the handshake has ended
		"the same under TLS 1.2": {ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.Config.ErrorLog = quiet()
			server.TLS = config
			server.StartTLS()
			t.Cleanup(server.Close)
			roots := x509.NewCertPool()
			roots.AddCert(server.Certificate())
			sender := newSender(t, webhook.SenderConfig{AllowPrivateNetworks: true, RootCAs: roots})
			if result := sender.Send(t.Context(), message(t, server.URL)); result.Class != webhook.ClassTLS {
				t.Fatalf("%+v, want tls", result)
			}
		})
	}
}

func TestSendUsesConnectionsAgain(t *testing.T) {
	t.Parallel()
	peers := map[string]bool{}
	sender, url := local(t, false, func(w http.ResponseWriter, r *http.Request) {
		peers[r.RemoteAddr] = true
		_, _ = io.WriteString(w, "thanks")
	})
	for range 10 {
		if result := sender.Send(t.Context(), message(t, url)); !result.Delivered() {
			t.Fatalf("%+v", result)
		}
	}
	if len(peers) != 1 {
		t.Fatalf("%d connections for 10 deliveries", len(peers))
	}
}

// The first connection is kept and closed when the second message comes on
// it; the same message then goes out again on a fresh one.
func TestSendReplacesAKeptConnectionThatIsClosed(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2 {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			reader := bufio.NewReader(conn)
			for answered := 0; ; answered++ {
				r, err := http.ReadRequest(reader)
				if err != nil {
					break
				}
				_, _ = io.Copy(io.Discard, r.Body)
				ids = append(ids, r.Header.Get(webhook.HeaderID))
				if answered == 1 {
					break
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			}
			_ = conn.Close()
		}
	}()
	sender, err := webhook.NewSender(webhook.SenderConfig{AllowPrivateNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	m := message(t, "http://"+listener.Addr().String())
	for range 2 {
		if result := sender.Send(t.Context(), m); !result.Delivered() {
			t.Errorf("%+v", result)
		}
	}
	sender.Close()
	_ = listener.Close()
	<-done
	if strings.Join(ids, " ") != "msg_1 msg_1 msg_1" {
		t.Fatalf("received %v", ids)
	}
}

func TestSendRefusesWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	dialled := atomic.Int32{}
	sender := newSender(t, webhook.SenderConfig{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dialled.Add(1)
		return nil, net.ErrClosed
	}})
	for _, tc := range []struct {
		rule   string
		change func(*webhook.Message)
		want   webhook.Class
	}{
		{"a body over the bound", func(m *webhook.Message) { m.Body = make([]byte, webhook.MaxBody+1) }, webhook.ClassInvalid},
		{"no id", func(m *webhook.Message) { m.ID = "" }, webhook.ClassInvalid},
		{"an id with a full stop", func(m *webhook.Message) { m.ID = "a.b" }, webhook.ClassInvalid},
		{"no secret", func(m *webhook.Message) { m.Secrets = nil }, webhook.ClassInvalid},
		{"an empty secret", func(m *webhook.Message) { m.Secrets = []webhook.Secret{{}} }, webhook.ClassInvalid},
		{"no URL", func(m *webhook.Message) { m.URL = "" }, webhook.ClassInvalid},
		{"http", func(m *webhook.Message) { m.URL = "http://partner.example/" }, webhook.ClassInvalid},
		{"user information", func(m *webhook.Message) { m.URL = "https://a:b@partner.example/" }, webhook.ClassInvalid},
		{"a private address", func(m *webhook.Message) { m.URL = "https://10.0.0.1/" }, webhook.ClassRefusedAddress},
		{"an address in an odd spelling", func(m *webhook.Message) { m.URL = "https://0x7f.1/" }, webhook.ClassInvalid},
		{"a local name", func(m *webhook.Message) { m.URL = "https://localhost/" }, webhook.ClassRefusedAddress},
	} {
		m := message(t, "https://partner.example/")
		tc.change(&m)
		result := sender.Send(t.Context(), m)
		if result.Class != tc.want || result.Permanent() != (tc.want == webhook.ClassInvalid) {
			t.Errorf("%s: %+v, want %q", tc.rule, result, tc.want)
		}
	}
	if dialled.Load() != 0 {
		t.Error("something was dialled")
	}
	if result := sender.Send(t.Context(), message(t, "https://partner.example/")); result.Class != webhook.ClassConnect || dialled.Load() != 1 {
		t.Errorf("the plain message: %+v", result)
	}
}

func TestNewSenderReturnsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := webhook.NewSender(webhook.SenderConfig{Timeout: -1, UserAgent: "a\r\nb", Resolver: &net.Resolver{}, DialContext: newPipes().Dial})
	for _, field := range []string{"Timeout", "UserAgent", "Resolver"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named: %v", field, err)
		}
	}
}

func TestSendAfterCloseIsCanceled(t *testing.T) {
	t.Parallel()
	sender := newSender(t, webhook.SenderConfig{})
	sender.Close()
	sender.Close()
	if result := sender.Send(t.Context(), message(t, "https://partner.example/")); !result.Canceled() || result.Permanent() {
		t.Fatalf("%+v", result)
	}
}
