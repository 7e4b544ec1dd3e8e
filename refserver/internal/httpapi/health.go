package httpapi

import (
	"errors"
	"net/http"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/api"
)

// getHealth answers 200 as long as the process is worth keeping: a store that
// failed does not come back by itself, only by a new start.
func (a *API) getHealth(w http.ResponseWriter, _ *http.Request) error {
	if err := a.cfg.Engine.Ready(); err != nil && !errors.Is(err, acme.ErrStopped) {
		p := notReady()
		p.Detail = "The store has failed."
		return p
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// getReady answers 200 while new requests are taken. Why they are not is told
// in words of our own: a disk's error may name files.
func (a *API) getReady(w http.ResponseWriter, _ *http.Request) error {
	reason := ""
	switch err := a.cfg.Engine.Ready(); {
	case err == nil:
	case errors.Is(err, acme.ErrStopped):
		reason = err.Error() // "…: it is starting"
	default:
		reason = "the store has failed"
	}
	if a.isDraining() {
		reason = "draining"
	}
	if reason == "" {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
		return nil
	}
	p := notReady()
	p.Detail = reason
	return p
}

// getOpenAPI serves the contract in its machine-readable form.
func (a *API) getOpenAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "max-age=300")
	_, _ = w.Write(api.OpenAPI())
	return nil
}
