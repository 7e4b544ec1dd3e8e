package acme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"acme.example/creditscore/acme/webhook"
)

// Statuses of an Endpoint.
const (
	EndpointEnabled  = "enabled"
	EndpointDisabled = "disabled"
)

// endpointDoc is an endpoint as it is stored.
type endpointDoc struct {
	ID             EndpointID  `json:"id"`
	Partner        string      `json:"partner,omitempty"`
	URL            string      `json:"url"`
	Events         []string    `json:"events,omitempty"`
	Status         string      `json:"status"`
	DisabledReason string      `json:"disabled_reason,omitempty"`
	CreatedAt      time.Time   `json:"created_at"`
	Secrets        []keyedText `json:"secrets"`
}

// keyedText is a sealed signing secret, newest first in its list.
type keyedText struct {
	SealedSecret
	// Until is when a rotated-out secret stops signing; zero for the current one.
	Until time.Time `json:"until,omitzero"`
}

func (d *endpointDoc) record() Record {
	return Record{Key: Key{KindEndpoint, string(d.ID)}, Owner: d.Partner, Status: d.Status, CreatedAt: d.CreatedAt}
}

func (d *endpointDoc) wants(event string) bool {
	return d.Status == EndpointEnabled && (len(d.Events) == 0 || slices.Contains(d.Events, event))
}

func (d *endpointDoc) endpoint() *Endpoint {
	events := d.Events
	if events == nil {
		events = []string{}
	}
	return &Endpoint{
		ID: d.ID, URL: d.URL, Events: events, Status: d.Status, CreatedAt: d.CreatedAt,
		DisabledReason: d.DisabledReason, Partner: d.Partner,
	}
}

// secretDoc is a partner's default secret, which signs what goes to a
// request's own webhook_url.
type secretDoc struct {
	ID        string      `json:"id"`
	Partner   string      `json:"partner"`
	CreatedAt time.Time   `json:"created_at"`
	Shown     bool        `json:"shown"`
	Secrets   []keyedText `json:"secrets"`
}

func (d *secretDoc) record() Record {
	return Record{Key: Key{KindSecret, d.ID}, Owner: d.Partner, CreatedAt: d.CreatedAt}
}

// secretOverlap is how long a rotated-out secret still signs.
const secretOverlap = 24 * time.Hour

// maxEndpoints bounds the endpoints of a partner: each gets every event.
const maxEndpoints = 100

// CreateEndpoint registers an address for a partner's events. The secret is
// returned here and never again.
//
// Errors: *InvalidError, ErrStopped, and the Store's own.
func (e *Engine) CreateEndpoint(ctx context.Context, r EndpointRequest) (*Endpoint, webhook.Secret, error) {
	var none webhook.Secret
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return nil, none, err
	}
	defer leave()
	if err := r.validate(e.cfg.AllowPrivateNetworks); err != nil {
		return nil, none, err
	}
	e.endpoints.creating.Lock()
	defer e.endpoints.creating.Unlock()
	have, err := e.endpoints.of(ctx, r.Partner)
	if err != nil {
		return nil, none, err
	}
	if len(have) >= maxEndpoints {
		var f faults
		f.add("url", r.URL, fmt.Sprintf("a partner has at most %d endpoints; delete one first", maxEndpoints))
		return nil, none, f.err()
	}
	now := stamp(e.cfg.Now())
	d := &endpointDoc{
		ID: EndpointID(newID("we_", now)), Partner: r.Partner, URL: r.URL, Events: r.Events,
		Status: EndpointEnabled, CreatedAt: now,
	}
	secret, sealed, err := e.newSecret("endpoint:" + string(d.ID))
	if err != nil {
		return nil, none, err
	}
	d.Secrets = []keyedText{sealed}
	rec, err := encode(d, 1)
	if err != nil {
		return nil, none, err
	}
	if err := e.commit.write(ctx, Tx{Puts: []Record{rec}}); err != nil {
		return nil, none, fmt.Errorf("creating an endpoint: %w", err)
	}
	e.endpoints.forget(r.Partner)
	return d.endpoint(), secret, nil
}

// newSecret makes a signing secret and its sealed form.
func (e *Engine) newSecret(context string) (webhook.Secret, keyedText, error) {
	secret, err := webhook.NewSecret()
	if err != nil {
		return secret, keyedText{}, err
	}
	sealed, err := e.cfg.Keys.Seal([]byte(secret.Reveal()), context)
	if err != nil {
		return webhook.Secret{}, keyedText{}, fmt.Errorf("sealing a secret: %w", err)
	}
	return secret, keyedText{SealedSecret: SealedSecret{Context: context, Sealed: sealed}}, nil
}

// rotated puts fresh first; the ones before it sign for the overlap only.
func rotated(list []keyedText, fresh keyedText, now time.Time) []keyedText {
	out := []keyedText{fresh}
	for _, s := range live(list, now) {
		if s.Until.IsZero() {
			s.Until = stamp(now.Add(secretOverlap))
		}
		out = append(out, s)
	}
	return out
}

// live drops secrets whose overlap is over.
func live(list []keyedText, now time.Time) []keyedText {
	var out []keyedText
	for _, s := range list {
		if s.Until.IsZero() || now.Before(s.Until) {
			out = append(out, s)
		}
	}
	return out
}

// Endpoint returns one endpoint, or ErrNotFound.
func (e *Engine) Endpoint(ctx context.Context, id EndpointID) (*Endpoint, error) {
	d := new(endpointDoc)
	if _, err := load(ctx, e, Key{KindEndpoint, string(id)}, d); err != nil {
		return nil, err
	}
	return d.endpoint(), nil
}

// Endpoints returns a partner's endpoints, newest first, and where the next
// page starts; a zero Cursor after the last. limit is 1 to 100; 0 means 20.
func (e *Engine) Endpoints(ctx context.Context, partner string, after Cursor, limit int) ([]*Endpoint, Cursor, error) {
	var out []*Endpoint
	next, err := e.list(ctx, ListQuery{Kind: KindEndpoint, Owner: partner, After: after, Limit: limit}, func(r Record) error {
		d := new(endpointDoc)
		if err := decode(r, d); err != nil {
			return err
		}
		out = append(out, d.endpoint())
		return nil
	})
	return out, next, err
}

// DeleteEndpoint removes an endpoint; what is still to be delivered to it is
// given up. ErrNotFound when there is none.
func (e *Engine) DeleteEndpoint(ctx context.Context, id EndpointID) error {
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	d := new(endpointDoc)
	if _, err := load(ctx, e, Key{KindEndpoint, string(id)}, d); err != nil {
		return err
	}
	if err := e.commit.write(ctx, Tx{Deletes: []VersionedKey{{Key: Key{KindEndpoint, string(id)}}}}); err != nil {
		return fmt.Errorf("deleting an endpoint: %w", err)
	}
	e.endpoints.forget(d.Partner)
	return nil
}

// RotateEndpointSecret gives an endpoint a new secret, returned once. The
// old one signs beside it for 24 hours. ErrNotFound when there is none.
func (e *Engine) RotateEndpointSecret(ctx context.Context, id EndpointID) (webhook.Secret, error) {
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return webhook.Secret{}, err
	}
	defer leave()
	secret, sealed, err := e.newSecret("endpoint:" + string(id))
	if err != nil {
		return secret, err
	}
	d, _, err := update(ctx, e, Key{KindEndpoint, string(id)}, func() *endpointDoc { return new(endpointDoc) },
		func(d *endpointDoc, _ uint64, _ *Tx) error {
			d.Secrets = rotated(d.Secrets, sealed, e.cfg.Now())
			return nil
		})
	if err != nil {
		return webhook.Secret{}, err
	}
	e.endpoints.forget(d.Partner)
	return secret, nil
}

// TestEndpoint sends an event of type endpoint.test to one endpoint.
// Errors: ErrNotFound, ErrStopped.
func (e *Engine) TestEndpoint(ctx context.Context, id EndpointID) (*Delivery, error) {
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	ep, err := e.Endpoint(ctx, id)
	if err != nil {
		return nil, err
	}
	now := stamp(e.cfg.Now())
	d := &deliveryDoc{
		ID: DeliveryID(newID("dlv_", now)), EventID: newID("msg_", now), Partner: ep.Partner, Type: EventEndpointTest,
		Endpoint: id, URL: ep.URL, Status: DeliveryPending, Data: []byte(`{"endpoint_id":"` + string(id) + `"}`),
		CreatedAt: now, Attempt: 1, DueAt: now, ExpiresAt: now.Add(e.cfg.Retention.Jobs),
	}
	rec, err := encode(d, 1)
	if err != nil {
		return nil, err
	}
	if err := e.commit.write(ctx, Tx{Puts: []Record{rec}}); err != nil {
		return nil, fmt.Errorf("sending a test event: %w", err)
	}
	e.deliverSoon([]*deliveryDoc{d})
	return d.delivery(), nil
}

// disableEndpoint adds to tx the change that disables an endpoint, and the
// event that tells the partner's other endpoints of it.
func (e *Engine) disableEndpoint(ctx context.Context, tx *Tx, id EndpointID, reason string) ([]*deliveryDoc, error) {
	d := new(endpointDoc)
	version, err := load(ctx, e, Key{KindEndpoint, string(id)}, d)
	if errors.Is(err, ErrNotFound) || (err == nil && d.Status == EndpointDisabled) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d.Status, d.DisabledReason = EndpointDisabled, reason
	r, err := encode(d, version+1)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(d.endpoint())
	if err != nil {
		return nil, fmt.Errorf("encoding an event: %w", err)
	}
	tx.Puts = append(tx.Puts, r)
	return e.outbox(ctx, tx, deliveryDoc{
		Partner: d.Partner, Endpoint: id, Type: EventEndpointDisabled, CreatedAt: stamp(e.cfg.Now()), Data: data,
	}, "")
}

// signers returns the sealed secrets that sign a delivery now; ErrNotFound
// when its endpoint was deleted or disabled.
func (e *Engine) signers(ctx context.Context, d *deliveryDoc) ([]SealedSecret, error) {
	var list []keyedText
	if d.Endpoint == "" {
		doc, err := e.defaultSecret(ctx, d.Partner)
		if err != nil {
			return nil, err
		}
		list = doc.Secrets
	} else {
		ep := new(endpointDoc)
		if _, err := load(ctx, e, Key{KindEndpoint, string(d.Endpoint)}, ep); err != nil {
			return nil, err
		}
		if ep.Status != EndpointEnabled {
			return nil, fmt.Errorf("endpoint %s is disabled: %w", ep.ID, ErrNotFound)
		}
		list = ep.Secrets
	}
	var out []SealedSecret
	for _, s := range live(list, e.cfg.Now()) {
		out = append(out, s.SealedSecret)
	}
	return out, nil
}

// endpointCache keeps each partner's endpoints in memory, since every
// finished job needs them. Changes made through this Engine show at once,
// changes made by another process within endpointsFresh.
type endpointCache struct {
	e *Engine
	// creating lets one endpoint be created at a time, so that their number
	// is bounded. It is held across a commit, which is rare enough.
	creating sync.Mutex

	mu sync.Mutex
	by map[string]cachedEndpoints
	// gen grows with every forget, so that a list read before a change is
	// not kept after it.
	gen uint64
}

type cachedEndpoints struct {
	list  []*endpointDoc
	until time.Time
}

const (
	endpointsFresh = 2 * time.Second
	cachedPartners = 10_000
)

// of returns a partner's endpoints. They must not be changed.
func (c *endpointCache) of(ctx context.Context, partner string) ([]*endpointDoc, error) {
	now := c.e.cfg.Now()
	c.mu.Lock()
	hit, ok := c.by[partner]
	gen := c.gen
	c.mu.Unlock()
	if ok && now.Before(hit.until) {
		return hit.list, nil
	}
	recs, err := c.e.store.List(ctx, ListQuery{Kind: KindEndpoint, Owner: partner, Limit: maxEndpoints + 1})
	if err != nil {
		return nil, fmt.Errorf("reading endpoints: %w", err)
	}
	list := make([]*endpointDoc, len(recs))
	for i, r := range recs {
		list[i] = new(endpointDoc)
		if err := decode(r, list[i]); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gen == gen {
		if len(c.by) >= cachedPartners {
			clear(c.by)
		}
		c.by[partner] = cachedEndpoints{list, now.Add(endpointsFresh)}
	}
	return list, nil
}

func (c *endpointCache) forget(partner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.by, partner)
	c.gen++
}
