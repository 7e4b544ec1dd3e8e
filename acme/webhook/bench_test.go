package webhook_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"acme.example/creditscore/acme/webhook"
)

// benchBody is of the size of a finished job: about 2 KB.
func benchBody(b *testing.B) []byte {
	b.Helper()
	data := append([]byte(`{"id":"scr_1","text":"`), bytes.Repeat([]byte("a"), 2000)...)
	body, err := webhook.Event{Type: "score.completed", Timestamp: vectorTime, Data: append(data, `"}`...)}.Body()
	if err != nil {
		b.Fatal(err)
	}
	return body
}

func BenchmarkSign(b *testing.B) {
	body, secret := benchBody(b), newSecret(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := webhook.Sign(vectorID, vectorTime, body, secret); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	body, secret := benchBody(b), newSecret(b)
	signature, err := webhook.Sign(vectorID, vectorTime, body, secret)
	if err != nil {
		b.Fatal(err)
	}
	verifier, header := verifierAt(b, vectorTime, secret), headers(vectorID, vectorTime, signature)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := verifier.Verify(header, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckURL(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := webhook.CheckURL("https://hooks.partner.example:8443/acme/scores?v=1", false); err != nil {
			b.Fatal(err)
		}
	}
}

// receiver is a TLS server on loopback that reads a body and answers 204,
// with the two ways to post to it: a Sender, and net/http alone.
func receiver(b *testing.B, http2 bool) (send, bare func() bool) {
	b.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	server.EnableHTTP2 = http2
	server.StartTLS()
	b.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())

	sender := newSender(b, webhook.SenderConfig{AllowPrivateNetworks: true, RootCAs: roots})
	m := webhook.Message{ID: "msg_1", URL: server.URL, Body: benchBody(b), Secrets: []webhook.Secret{newSecret(b)}}
	send = func() bool { return sender.Send(b.Context(), m).Delivered() }

	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: http2, MaxIdleConnsPerHost: 64}
	b.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: 15 * time.Second}
	bare = func() bool {
		response, err := client.Post(server.URL, "application/json", bytes.NewReader(m.Body))
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return response.StatusCode == http.StatusNoContent
	}
	return send, bare
}

// BenchmarkDelivery is one delivery after another over TLS on loopback, by a
// Sender and by a bare net/http POST with the same 15 s timeout, in turns of
// 50 so that both see the same machine; it reports the ratio of the two.
func BenchmarkDelivery(b *testing.B) {
	for name, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
		b.Run(name, func(b *testing.B) {
			send, bare := receiver(b, http2)
			if !send() || !bare() {
				b.Fatal("not delivered")
			}
			const turn = 50
			var ours, theirs time.Duration
			var n int
			for b.Loop() {
				for _, side := range []struct {
					post func() bool
					took *time.Duration
				}{{send, &ours}, {bare, &theirs}} {
					start := time.Now()
					for range turn {
						if !side.post() {
							b.Fatal("not delivered")
						}
					}
					*side.took += time.Since(start)
				}
				n += turn
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(ours.Microseconds())/float64(n), "µs/send")
			b.ReportMetric(float64(theirs.Microseconds())/float64(n), "µs/bare")
			b.ReportMetric(float64(ours)/float64(theirs), "send/bare")
		})
	}
}

// BenchmarkDeliveries is as many at once as the benchmark is told by -cpu,
// eight for each.
func BenchmarkDeliveries(b *testing.B) {
	for name, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
		send, bare := receiver(b, http2)
		for side, post := range map[string]func() bool{"send": send, "bare": bare} {
			b.Run(name+"/"+side, func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(8)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if !post() {
							b.Error("not delivered")
							return
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
			})
		}
	}
}
