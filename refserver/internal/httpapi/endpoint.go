package httpapi

import (
	"net/http"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/webhook"
)

// endpointView is an endpoint as partners see it; the secret only in the
// answer that made it.
type endpointView struct {
	*acme.Endpoint
	Secret string `json:"secret,omitempty"`
}

func viewEndpoint(e *acme.Endpoint, secret webhook.Secret) endpointView {
	v := *e
	if v.Events == nil {
		v.Events = []string{}
	}
	return endpointView{&v, secret.Reveal()}
}

func (a *API) postEndpoint(w http.ResponseWriter, r *http.Request) error {
	o, err := readObject(r)
	if err != nil {
		return err
	}
	req := acme.EndpointRequest{Partner: callOf(r).partner, URL: o.text("url"), Events: o.texts("events")}
	if err := o.done(); err != nil {
		return err
	}
	e, secret, err := a.cfg.Engine.CreateEndpoint(r.Context(), req)
	if err != nil {
		return err
	}
	w.Header().Set("Location", a.cfg.PublicURL+"/v1/webhook-endpoints/"+string(e.ID))
	writeJSON(w, http.StatusCreated, viewEndpoint(e, secret))
	return nil
}

func (a *API) listEndpoints(w http.ResponseWriter, r *http.Request) error {
	after, limit, err := readPaging(r.URL.Query())
	if err != nil {
		return err
	}
	found, next, err := a.cfg.Engine.Endpoints(r.Context(), callOf(r).partner, after, limit)
	if err != nil {
		return err
	}
	views := make([]endpointView, len(found))
	for i, e := range found {
		views[i] = viewEndpoint(e, webhook.Secret{})
	}
	writeJSON(w, http.StatusOK, newPage(views, next))
	return nil
}

func (a *API) getEndpoint(w http.ResponseWriter, r *http.Request) error {
	e, err := a.ownEndpoint(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, viewEndpoint(e, webhook.Secret{}))
	return nil
}

func (a *API) deleteEndpoint(w http.ResponseWriter, r *http.Request) error {
	e, err := a.ownEndpoint(r)
	if err != nil {
		return err
	}
	if err := a.cfg.Engine.DeleteEndpoint(r.Context(), e.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) rotateEndpointSecret(w http.ResponseWriter, r *http.Request) error {
	e, err := a.ownEndpoint(r)
	if err != nil {
		return err
	}
	secret, err := a.cfg.Engine.RotateEndpointSecret(r.Context(), e.ID)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, viewEndpoint(e, secret))
	return nil
}

func (a *API) testEndpoint(w http.ResponseWriter, r *http.Request) error {
	e, err := a.ownEndpoint(r)
	if err != nil {
		return err
	}
	d, err := a.cfg.Engine.TestEndpoint(r.Context(), e.ID)
	if err != nil {
		return err
	}
	a.writeDelivery(w, http.StatusAccepted, d)
	return nil
}

// ownEndpoint finds the endpoint of the path. Another partner's is not found.
func (a *API) ownEndpoint(r *http.Request) (*acme.Endpoint, error) {
	id, ok := pathID(r)
	if !ok {
		return nil, acme.ErrNotFound
	}
	e, err := a.cfg.Engine.Endpoint(r.Context(), acme.EndpointID(id))
	if err != nil {
		return nil, err
	}
	if e.Partner != callOf(r).partner {
		return nil, acme.ErrNotFound
	}
	return e, nil
}

// secretView is a partner's default secret: shown the first time it is asked
// for, and when it is rotated; null otherwise.
type secretView struct {
	Secret *string `json:"secret"`
}

func viewSecret(s webhook.Secret) secretView {
	if s.IsZero() {
		return secretView{}
	}
	text := s.Reveal()
	return secretView{&text}
}

func (a *API) getWebhookSecret(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodHead {
		// Showing it once to a caller that drops the answer would lose it.
		writeJSON(w, http.StatusOK, secretView{})
		return nil
	}
	secret, shown, err := a.cfg.Engine.WebhookSecret(r.Context(), callOf(r).partner)
	if err != nil {
		return err
	}
	if !shown {
		secret = webhook.Secret{}
	}
	writeJSON(w, http.StatusOK, viewSecret(secret))
	return nil
}

func (a *API) rotateWebhookSecret(w http.ResponseWriter, r *http.Request) error {
	secret, err := a.cfg.Engine.RotateWebhookSecret(r.Context(), callOf(r).partner)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, viewSecret(secret))
	return nil
}
