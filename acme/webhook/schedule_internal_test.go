package webhook

import (
	"net/http"
	"testing"
	"time"
)

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		"120":                            2 * time.Minute,
		" 120 ":                          2 * time.Minute,
		"86400":                          24 * time.Hour,
		"86401":                          MaxRetryAfter,
		"99999999999999999999999":        MaxRetryAfter,
		"-1":                             0,
		"1.5":                            0,
		"soon":                           0,
		"Sun, 01 Mar 2026 12:01:00 GMT":  time.Minute,
		"Sun, 01 Mar 2026 11:59:00 GMT":  0,
		"Sun, 01 Mar 2099 12:00:00 GMT":  MaxRetryAfter,
		"Sunday, 01-Mar-26 12:00:30 GMT": 30 * time.Second,
	} {
		if got := parseRetryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, seed := range []string{"", "1", "-1", "99999999999999999999", now.Add(time.Hour).Format(http.TimeFormat)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if got := parseRetryAfter(value, now); got < 0 || got > MaxRetryAfter {
			t.Fatalf("%q gives %s", value, got)
		}
	})
}

func TestTransportHasNoProxy(t *testing.T) {
	t.Parallel()
	if newTransport(SenderConfig{}).Proxy != nil {
		t.Fatal("the transport asks for a proxy, which would hide the address dialled")
	}
}
