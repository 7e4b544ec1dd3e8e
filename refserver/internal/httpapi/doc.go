// Package httpapi is the HTTP face of an engine: the partners' API, the
// redirects of a consent, health and metrics.
//
//	api, err := httpapi.New(httpapi.Config{Engine: eng, Keys: keys, PublicURL: "https://score.example", …})
//	server := &http.Server{Handler: api, …}
//
// Where to look:
//
//	routes.go      every path, its methods, and who may call it
//	problem.go     every problem there is, and which error becomes which
//	middleware.go  what happens around each call: request id, log, limits, panics
//	body.go        reading JSON, every fault of it named
//	oauth.go       partners' access tokens
//	consent.go     consents; redirect.go the browser's way to the bank and back
//	score.go       scores; prefer.go waiting; events.go server-sent events
//	endpoint.go    webhook endpoints; delivery.go their deliveries
//
// A handler answers with a problem by returning an error: newProblem's, or
// any error of the engine, which problemOf translates in one table. Nothing a
// caller sent is ever logged, but ids that ACME gave.
package httpapi
