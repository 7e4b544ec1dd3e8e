package httpapi

import (
	"net/http"

	"acme.example/creditscore/acme"
)

func viewDelivery(d *acme.Delivery) *acme.Delivery {
	v := *d
	if v.Attempts == nil {
		v.Attempts = []acme.DeliveryAttempt{}
	}
	return &v
}

func (a *API) writeDelivery(w http.ResponseWriter, status int, d *acme.Delivery) {
	if status == http.StatusAccepted {
		w.Header().Set("Location", a.cfg.PublicURL+"/v1/deliveries/"+string(d.ID))
	}
	writeJSON(w, status, viewDelivery(d))
}

func (a *API) listEndpointDeliveries(w http.ResponseWriter, r *http.Request) error {
	e, err := a.ownEndpoint(r)
	if err != nil {
		return err
	}
	return a.writeDeliveries(w, r, e.ID)
}

// listDeliveries lists those of every address, webhook_urls included: it is
// where a dead delivery to one of these is found.
func (a *API) listDeliveries(w http.ResponseWriter, r *http.Request) error {
	return a.writeDeliveries(w, r, "")
}

func (a *API) writeDeliveries(w http.ResponseWriter, r *http.Request, endpoint acme.EndpointID) error {
	q := r.URL.Query()
	after, limit, err := readPaging(q)
	if err != nil {
		return err
	}
	status := acme.DeliveryStatus(q.Get("status"))
	switch status {
	case "", acme.DeliveryPending, acme.DeliveryDelivered, acme.DeliveryDead:
	default:
		return newProblem(invalid, "See the member errors.", fieldFault{"status", "must be one of pending, delivered, dead"})
	}
	found, err := a.cfg.Engine.Deliveries(r.Context(), acme.DeliveryQuery{
		Partner: callOf(r).partner, Endpoint: endpoint, Status: status, After: after, Limit: limit})
	if err != nil {
		return err
	}
	views := make([]*acme.Delivery, len(found.Deliveries))
	for i, d := range found.Deliveries {
		views[i] = viewDelivery(d)
	}
	writeJSON(w, http.StatusOK, newPage(views, found.Next))
	return nil
}

func (a *API) getDelivery(w http.ResponseWriter, r *http.Request) error {
	d, err := a.ownDelivery(r)
	if err != nil {
		return err
	}
	a.writeDelivery(w, http.StatusOK, d)
	return nil
}

func (a *API) replayDelivery(w http.ResponseWriter, r *http.Request) error {
	d, err := a.ownDelivery(r)
	if err != nil {
		return err
	}
	if d, err = a.cfg.Engine.ReplayDelivery(r.Context(), d.ID); err != nil {
		return err
	}
	a.writeDelivery(w, http.StatusAccepted, d)
	return nil
}

// ownDelivery finds the delivery of the path. Another partner's is not found.
func (a *API) ownDelivery(r *http.Request) (*acme.Delivery, error) {
	id, ok := pathID(r)
	if !ok {
		return nil, acme.ErrNotFound
	}
	d, err := a.cfg.Engine.Delivery(r.Context(), acme.DeliveryID(id))
	if err != nil {
		return nil, err
	}
	if d.Partner != callOf(r).partner {
		return nil, acme.ErrNotFound
	}
	return d, nil
}
