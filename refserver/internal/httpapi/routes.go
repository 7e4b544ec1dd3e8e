package httpapi

import (
	"net/http"
	"slices"
	"strings"
)

// handler answers a call, or returns the error that problemOf turns into the
// answer. After it has written anything it returns nil.
type handler func(w http.ResponseWriter, r *http.Request) error

// access says who may make a call.
type access int

const (
	forPartners access = iota // with a Bearer token
	forBrowsers               // redirects and pages; GET only, not HEAD: a link preview must not use up a state
	forClients                // the token endpoint and what describes the API
	forOperator               // health and metrics: served while starting and draining too
)

// route is one path with its methods.
type route struct {
	path    string
	access  access
	methods map[string]handler
}

// routes is every path there is; a test compares them with api/openapi.json.
func (a *API) routes() []route {
	type on = map[string]handler
	return []route{
		{"/healthz", forOperator, on{"GET": a.getHealth}},
		{"/readyz", forOperator, on{"GET": a.getReady}},
		{"/metrics", forOperator, on{"GET": a.metrics.get}},

		{"/openapi.json", forClients, on{"GET": a.getOpenAPI}},
		{"/problems/{name}", forClients, on{"GET": a.getProblem}},
		{"/.well-known/oauth-authorization-server", forClients, on{"GET": a.getMetadata}},
		{"/oauth/token", forClients, on{"POST": a.postToken}},

		{"/consents/{id}/authorize", forBrowsers, on{"GET": a.getAuthorize}},
		{"/oauth/callback", forBrowsers, on{"GET": a.getCallback}},

		{"/v1/consents", forPartners, on{"POST": a.postConsent}},
		{"/v1/consents/{id}", forPartners, on{"GET": a.getConsent, "DELETE": a.deleteConsent}},
		{"/v1/scores", forPartners, on{"POST": a.postScore, "GET": a.listScores}},
		{"/v1/scores/{id}", forPartners, on{"GET": a.getScore}},
		{"/v1/scores/{id}/events", forPartners, on{"GET": a.getScoreEvents}},
		{"/v1/webhook-endpoints", forPartners, on{"POST": a.postEndpoint, "GET": a.listEndpoints}},
		{"/v1/webhook-endpoints/{id}", forPartners, on{"GET": a.getEndpoint, "DELETE": a.deleteEndpoint}},
		{"/v1/webhook-endpoints/{id}/rotate-secret", forPartners, on{"POST": a.rotateEndpointSecret}},
		{"/v1/webhook-endpoints/{id}/test", forPartners, on{"POST": a.testEndpoint}},
		{"/v1/webhook-endpoints/{id}/deliveries", forPartners, on{"GET": a.listEndpointDeliveries}},
		{"/v1/deliveries", forPartners, on{"GET": a.listDeliveries}},
		{"/v1/deliveries/{id}", forPartners, on{"GET": a.getDelivery}},
		{"/v1/deliveries/{id}/replay", forPartners, on{"POST": a.replayDelivery}},
		{"/v1/webhook-secret", forPartners, on{"GET": a.getWebhookSecret, "POST": a.rotateWebhookSecret}},
	}
}

// mount puts the routes on the mux. Any other method of a known path is 405
// and names the methods there are; any other path is 404.
func (a *API) mount() {
	for _, rt := range a.routes() {
		if a.cfg.OperatorOnly && rt.access != forOperator {
			continue
		}
		var allow []string
		for method, h := range rt.methods {
			a.mux.HandleFunc(method+" "+rt.path, a.serve(rt.access, h))
			allow = append(allow, method)
			if method == http.MethodGet && rt.access != forBrowsers {
				allow = append(allow, http.MethodHead)
			}
		}
		slices.Sort(allow)
		refuse := a.refuseMethod(strings.Join(allow, ", "))
		a.mux.HandleFunc(rt.path, refuse)
		if rt.access == forBrowsers {
			a.mux.HandleFunc("HEAD "+rt.path, refuse)
		}
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.writeError(w, r, newProblem(notFound, "There is nothing at this path."))
	})
}

func (a *API) refuseMethod(allow string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow)
		a.writeError(w, r, newProblem(methodNotAllowed, "This path answers to "+allow+"."))
	}
}
