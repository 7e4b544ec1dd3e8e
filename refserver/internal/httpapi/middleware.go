package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

// maxBody is the most a request's body may have.
const maxBody = 1 << 20

// call is what is known of one call while it lasts.
type call struct {
	id      string // a UUID, the caller's X-Request-ID or a new one
	partner string // once authenticated
	hungUp  bool
	discard func() // see discardBody
}

// How much of a body that is too large is taken in all the same, and for how
// long: a client that is still sending when the connection is closed sees a
// broken pipe, and not the answer.
const (
	discardMost   = 16 << 20
	discardWithin = 5 * time.Second
)

// discardBody reads on to the end of a body, if that is not too far.
func discardBody(w http.ResponseWriter, body io.Reader) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(discardWithin))
	_, _ = io.CopyN(io.Discard, body, discardMost)
}

type callKey struct{}

func callOf(r *http.Request) *call {
	c, _ := r.Context().Value(callKey{}).(*call)
	if c == nil {
		c = &call{discard: func() {}}
	}
	return c
}

// ServeHTTP answers one call, logs and counts it.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := a.cfg.Now()
	whole := r.Body
	c := &call{id: requestID(r), discard: func() { discardBody(w, whole) }}
	h := w.Header()
	h.Set("X-Request-ID", c.id)
	h.Set("X-Content-Type-Options", "nosniff")
	rec := &recorder{ResponseWriter: w}
	// The innermost writer is the one that MaxBytesReader can tell to close
	// the connection after a body that is too large.
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
	done := a.metrics.began()
	defer func() {
		a.recovered(rec, r, recover())
		took := a.cfg.Now().Sub(began)
		status := rec.status
		if c.hungUp {
			status = 499 // as nginx has it: the client closed the request
		}
		done(r.Method, r.Pattern, status, took)
		a.logCall(r, c, status, took)
		if rec.aborted {
			panic(http.ErrAbortHandler)
		}
	}()
	switch {
	case r.ContentLength > maxBody:
		h.Set("Connection", "close")
		if r.Header.Get("Expect") == "" { // else the client waits to be asked for it
			c.discard()
		}
		a.writeError(rec, r, newProblem(tooLarge, "The body has more than 1 MiB."))
	case r.URL.EscapedPath() != cleaned(r.URL.EscapedPath()):
		// The mux would redirect, with a page.
		a.writeError(rec, r, newProblem(notFound, "There is nothing at this path."))
	default:
		a.mux.ServeHTTP(rec, r)
	}
}

// cleaned is the path as the mux wants it.
func cleaned(p string) string {
	if p == "" || p[0] != '/' {
		return "/"
	}
	c := path.Clean(p)
	if p[len(p)-1] == '/' && c != "/" {
		c += "/"
	}
	return c
}

// serve makes an http.HandlerFunc of a handler: who may call, then the call,
// then its error as a problem.
func (a *API) serve(who access, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if who != forOperator && a.isDraining() {
			w.Header().Set("Connection", "close")
			a.writeError(w, r, notReady())
			return
		}
		if who == forPartners {
			if err := a.authenticate(r); err != nil {
				a.writeError(w, r, err)
				return
			}
		}
		if err := h(w, r); err != nil {
			a.writeError(w, r, err)
		}
	}
}

// recovered turns a panic into a 500. The stack goes to the log alone, and of
// the panic's value only what the runtime itself made of it: others may quote
// what they were working on.
func (a *API) recovered(rec *recorder, r *http.Request, v any) {
	switch v {
	case nil:
		return
	case http.ErrAbortHandler:
		rec.aborted = true
		return
	}
	what := fmt.Sprintf("%T", v)
	var fault runtime.Error
	if err, ok := v.(error); ok && errors.As(err, &fault) {
		what = fault.Error()
	}
	a.cfg.Logger.ErrorContext(r.Context(), "panic in a request", "request_id", callOf(r).id,
		"route", r.Pattern, "panic", what, "stack", string(debug.Stack()))
	if rec.status != 0 {
		rec.aborted = true // half an answer is out: the connection must not look whole
		return
	}
	a.writeError(rec, r, newProblem(internal, ""))
}

// logCall writes the call's line. The query is left out: a callback's holds a
// code. What operators poll is logged at debug level.
func (a *API) logCall(r *http.Request, c *call, status int, took time.Duration) {
	level := slog.LevelInfo
	switch r.URL.Path {
	case "/healthz", "/readyz", "/metrics":
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("method", knownMethod(r.Method)), slog.String("route", routeName(r.Pattern)), slog.Int("status", status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000), slog.String("request_id", c.id),
	}
	if c.partner != "" {
		attrs = append(attrs, slog.String("partner", c.partner))
	}
	a.cfg.Logger.LogAttrs(r.Context(), level, "request", attrs...)
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// requestID takes the caller's when it is a UUID: it is logged, and anything
// else could say something about a person.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-ID"); uuid.MatchString(id) {
		return id
	}
	var b [16]byte
	_, _ = rand.Read(b[:])                      // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // RFC 9562, version 4
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// recorder notes the status of the answer.
type recorder struct {
	http.ResponseWriter
	status  int
	aborted bool
}

// WriteHeader notes the first final status.
func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 && status >= 200 {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write implies a 200, as with any ResponseWriter.
func (rec *recorder) Write(p []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	return rec.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// routeName is the mux's pattern without its method.
func routeName(pattern string) string {
	for i := range pattern {
		if pattern[i] == '/' {
			pattern = pattern[i:]
			break
		}
	}
	if pattern == "" || pattern == "/" {
		return "none"
	}
	return pattern
}

// knownMethod keeps what a caller made up out of logs and labels.
func knownMethod(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "OTHER"
}

// hold allows a call to last d longer than the server's timeouts would let
// it. Writers that know no deadlines (in tests) have none to move.
func (a *API) hold(w http.ResponseWriter, d time.Duration) {
	until := time.Now().Add(d + 30*time.Second)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(until)
	_ = rc.SetWriteDeadline(until)
}

func statusLabel(status int) string { return strconv.Itoa(status) }
