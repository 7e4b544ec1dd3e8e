package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// waitPreferred reads "Prefer: wait=N" (RFC 7240 section 4.3): how long the
// caller wants to wait, capped. A preference that is not understood is passed
// over, as the RFC has it; of several the first counts.
func (a *API) waitPreferred(r *http.Request) time.Duration {
	for _, line := range r.Header.Values("Prefer") {
		for one := range strings.SplitSeq(line, ",") {
			one, _, _ = strings.Cut(one, ";")
			name, value, _ := strings.Cut(one, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err != nil {
				return 0
			}
			return min(time.Duration(n)*time.Second, a.cfg.MaxWait)
		}
	}
	return 0
}

// applied tells the caller that its wait was honoured, and for how long at
// most.
func applied(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait.Seconds())))
	w.Header().Add("Vary", "Prefer")
}

// waiting is the context of a call that waits: it ends with the caller, after
// wait, and when the server drains.
func (a *API) waiting(r *http.Request, wait time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	release := context.AfterFunc(a.draining, cancel)
	return ctx, func() { release(); cancel() }
}
