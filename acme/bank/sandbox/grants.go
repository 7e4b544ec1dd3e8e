package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"sync"
	"time"
)

// grants keeps consents, authorization codes and tokens, in memory and
// capped. It is safe for concurrent use; no call blocks.
type grants struct {
	mu       sync.Mutex
	now      func() time.Time
	requests *bounded[authRequest]
	codes    *bounded[*code]
	consents *bounded[*consent]
	access   *bounded[*grant]
	refresh  *bounded[*refreshToken]
}

// authRequest is an authorization request that waits on the consent page.
type authRequest struct {
	client, redirectURI, state, challenge, scope, hint string
	consentID                                          string // one created before, or empty
}

// grant is what one Allow gave: every token drawn from it ends with it.
type grant struct {
	person, client, scope string
	consent               *consent
	revoked               bool
}

type code struct {
	authRequest
	grant *grant
	used  bool
}

type refreshToken struct {
	grant *grant
	used  bool
}

// consent is a Berlin Group account information consent.
type consent struct {
	id, status, access, validUntil string
	recurring                      bool
	frequency                      int
}

// The consent statuses used (NextGenPSD2 1.3 section 14.14).
const (
	consentReceived   = "received"
	consentValid      = "valid"
	consentRejected   = "rejected"
	consentTerminated = "terminatedByTpp"
)

// tokens is an answer of /token.
type tokens struct {
	access, refresh string
	grant           *grant
}

// errInvalidGrant is every way for a code or refresh token not to be good:
// the client learns no more than that.
var errInvalidGrant = errors.New("invalid grant")

func newGrants(cfg Config) *grants {
	return &grants{
		now:      cfg.Now,
		requests: newBounded[authRequest](cfg.MaxGrants, requestLifetime),
		codes:    newBounded[*code](cfg.MaxGrants, codeLifetime),
		consents: newBounded[*consent](cfg.MaxGrants, cfg.RefreshTokenLifetime),
		access:   newBounded[*grant](cfg.MaxGrants, cfg.AccessTokenLifetime),
		refresh:  newBounded[*refreshToken](cfg.MaxGrants, cfg.RefreshTokenLifetime),
	}
}

// ask remembers a request and returns its id.
func (g *grants) ask(req authRequest) string {
	id := randomText()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests.put(g.now(), id, req)
	return id
}

// asked looks a request up and leaves it.
func (g *grants) asked(id string) (authRequest, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	req, ok, expired := g.requests.get(g.now(), id)
	return req, ok && !expired
}

// decide ends a request, once. Allowed, it returns a code for person.
func (g *grants) decide(id, person string, allow bool) (authCode string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	req, ok, expired := g.requests.get(now, id)
	if !ok || expired {
		return "", false
	}
	g.requests.delete(id)
	c, known, _ := g.consents.get(now, req.consentID)
	if !known {
		c = g.newConsent(consent{access: `{"allPsd2":"allAccounts"}`, recurring: true, frequency: 4})
	}
	if !allow {
		c.status = consentRejected
		return "", true
	}
	c.status = consentValid
	authCode = randomText()
	g.codes.put(now, authCode, &code{authRequest: req,
		grant: &grant{person: person, client: req.client, scope: req.scope, consent: c}})
	return authCode, true
}

// exchange trades a code for tokens (RFC 6749 section 4.1.3, RFC 7636
// section 4.6). A code used twice ends what its first use gave.
func (g *grants) exchange(client, authCode, redirectURI, verifier string) (tokens, error) {
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok, expired := g.codes.get(g.now(), authCode)
	if !ok || c.client != client {
		return tokens{}, errInvalidGrant
	}
	if c.used {
		c.grant.revoked = true
		return tokens{}, errInvalidGrant
	}
	if expired || c.redirectURI != redirectURI || subtle.ConstantTimeCompare([]byte(challenge), []byte(c.challenge)) != 1 {
		return tokens{}, errInvalidGrant
	}
	c.used = true
	return g.issue(c.grant), nil
}

// renew trades a refresh token for new tokens. One used twice has been
// stolen from somebody, so it ends the grant (RFC 9700 section 4.14.2).
func (g *grants) renew(client, refresh string) (tokens, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t, ok, expired := g.refresh.get(g.now(), refresh)
	if !ok || t.grant.client != client {
		return tokens{}, errInvalidGrant
	}
	if t.used {
		t.grant.revoked = true
	}
	if expired || t.used || t.grant.over() {
		return tokens{}, errInvalidGrant
	}
	t.used = true
	return g.issue(t.grant), nil
}

func (g *grants) issue(of *grant) tokens {
	t := tokens{access: randomText(), refresh: randomText(), grant: of}
	g.access.put(g.now(), t.access, of)
	g.refresh.put(g.now(), t.refresh, &refreshToken{grant: of})
	return t
}

// over tells whether nothing more may be had with a grant.
func (gr *grant) over() bool { return gr.revoked || gr.consent.status != consentValid }

// tokenState is what the API needs to know of an access token.
type tokenState int

const (
	tokenUnknown tokenState = iota
	tokenValid
	tokenExpired
	tokenRevoked
)

// lookUp says what an access token is good for.
func (g *grants) lookUp(token string) (person, consentID string, state tokenState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gr, ok, expired := g.access.get(g.now(), token)
	switch {
	case !ok:
		return "", "", tokenUnknown
	case gr.over():
		return "", "", tokenRevoked
	case expired:
		return "", "", tokenExpired
	}
	return gr.person, gr.consent.id, tokenValid
}

// revoke ends the grant of an access or refresh token that is client's; it
// says nothing about any other (RFC 7009 section 2.2).
func (g *grants) revoke(client, token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if gr, ok, _ := g.access.get(g.now(), token); ok && gr.client == client {
		gr.revoked, gr.consent.status = true, consentTerminated
	}
	if t, ok, _ := g.refresh.get(g.now(), token); ok && t.grant.client == client {
		t.grant.revoked, t.grant.consent.status = true, consentTerminated
	}
}

// newConsent keeps c under a new id; g.mu is held.
func (g *grants) newConsent(c consent) *consent {
	c.id, c.status = randomText(), consentReceived
	g.consents.put(g.now(), c.id, &c)
	return &c
}

// addConsent keeps c and returns it with its id.
func (g *grants) addConsent(c consent) consent {
	g.mu.Lock()
	defer g.mu.Unlock()
	return *g.newConsent(c)
}

// consent returns a copy of the consent of that id.
func (g *grants) consent(id string) (consent, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok, _ := g.consents.get(g.now(), id)
	if !ok {
		return consent{}, false
	}
	return *c, true
}

// terminate ends a consent and, with it, its grants.
func (g *grants) terminate(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok, _ := g.consents.get(g.now(), id)
	if ok {
		c.status = consentTerminated
	}
	return ok
}

// randomText is 256 bits nobody can guess, in the alphabet of RFC 6750.
func randomText() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}
