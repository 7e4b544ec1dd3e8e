package sandbox

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"time"
)

// misbehave answers a call with a fault; good writes the answer it would
// have had.
func (b *Bank) misbehave(f Fault, on On, w http.ResponseWriter, r *http.Request, good http.HandlerFunc) {
	switch f {
	case FaultTimeout:
		select {
		case <-r.Context().Done():
		case <-b.closing:
		}
		panic(http.ErrAbortHandler) // no answer at all, not an empty 200
	case FaultRateLimited:
		after := b.faults.p.Load().RetryAfterSeconds
		w.Header().Set("Retry-After", strconv.Itoa(max(after, 1)))
		writeTPP(w, http.StatusTooManyRequests, "ACCESS_EXCEEDED", "too many accesses, come back later")
	case Fault500:
		writeTPP(w, http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", "internal error")
	case Fault502:
		writeHTML(w, http.StatusBadGateway, "<!doctype html><title>502</title><h1>502 Bad Gateway</h1>\n")
	case Fault503:
		writeTPP(w, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "service unavailable")
	case FaultHTML:
		writeHTML(w, http.StatusOK, "<!doctype html><title>Maintenance</title><h1>We will be right back</h1>\n")
	case FaultExpired:
		if on == OnToken {
			writeOAuthError(w, http.StatusBadRequest, "invalid_grant", "the grant has expired")
			return
		}
		writeTPP(w, http.StatusUnauthorized, "TOKEN_EXPIRED", "the access token has expired")
	case FaultWrongJSON:
		writeBody(w, http.StatusOK, []byte(wrongJSON[on]))
	case FaultTruncated:
		body := b.record(good, r)
		writeBody(w, http.StatusOK, body[:len(body)/2])
	case FaultDrip:
		b.drip(w, r, b.record(good, r))
	case FaultReset:
		reset(w, b.record(good, r))
	}
}

// wrongJSON is well-formed and of the wrong types, call by call.
var wrongJSON = map[On]string{
	OnAccounts:     `{"accounts":{"resourceId":7,"currency":["EUR"]}}`,
	OnAccount:      `{"account":[1,2,3]}`,
	OnBalances:     `{"balances":"none"}`,
	OnTransactions: `{"transactions":{"booked":[{"transactionAmount":-12.5,"bookingDate":20250301}],"pending":false}}`,
	OnConsents:     `{"consentStatus":5,"consentId":{}}`,
	OnToken:        `{"access_token":true,"token_type":["Bearer"],"expires_in":"soon"}`,
}

// record runs a handler and keeps what it would have sent.
func (b *Bank) record(h http.HandlerFunc, r *http.Request) []byte {
	rec := &bodyRecorder{header: http.Header{}}
	h(rec, r)
	return rec.body.Bytes()
}

type bodyRecorder struct {
	header http.Header
	body   bytes.Buffer
}

func (b *bodyRecorder) Header() http.Header         { return b.header }
func (b *bodyRecorder) WriteHeader(int)             {}
func (b *bodyRecorder) Write(p []byte) (int, error) { return b.body.Write(p) }

// drip sends the body whole but slowly.
func (b *Bank) drip(w http.ResponseWriter, r *http.Request, body []byte) {
	pause := b.faults.p.Load().DripEvery
	if pause == 0 {
		pause = 250 * time.Millisecond
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	out := http.NewResponseController(w)
	size := max(1, (len(body)+dripPieces-1)/dripPieces)
	for len(body) > 0 {
		n := min(size, len(body))
		if _, err := w.Write(body[:n]); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		body = body[n:]
		if len(body) > 0 && !b.wait(r, pause) {
			panic(http.ErrAbortHandler)
		}
	}
}

// reset sends half of the answer and then a TCP RST; where the connection is
// not TCP of its own (HTTP/2, a pipe) it is closed instead.
func reset(w http.ResponseWriter, body []byte) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n")
	_, _ = buf.Write(body[:len(body)/2])
	_ = buf.Flush() // a client that is gone already sees no difference
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func writeHTML(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
