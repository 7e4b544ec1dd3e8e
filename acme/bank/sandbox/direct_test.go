package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// direct reads a person by calling the handler, without a connection: what a
// synctest bubble and the benchmarks need.
func direct(t testing.TB, h http.Handler, token string) []statement {
	t.Helper()
	f := &fixture{http: &http.Client{Transport: handlerTransport{h}}, url: "http://bank.test"}
	if tt, ok := t.(*testing.T); ok {
		f.t = tt
		return f.fetch(token, "bookingStatus=both")
	}
	t.Fatal("direct needs a *testing.T")
	return nil
}

type handlerTransport struct{ h http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	h.h.ServeHTTP(w, in)
	return w.Result(), nil
}
