package bench_test

import (
	"bytes"
	"net/http"
)

// answer is a ResponseWriter that becomes a Response.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *answer) response(r *http.Request) *http.Response {
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: readCloser{&a.body}, ContentLength: int64(a.body.Len()), Request: r,
	}
}

// readCloser is a body in memory, which can also be looked at unread.
type readCloser struct{ *bytes.Buffer }

func (readCloser) Close() error { return nil }
