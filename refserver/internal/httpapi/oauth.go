package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
)

// oauthError is an error of RFC 6749 section 5.2, which has a form of its own.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// postToken issues an access token for client credentials (RFC 6749 section
// 4.4). Faults of HTTP itself are problems as everywhere; those of OAuth have
// OAuth's form.
func (a *API) postToken(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(r)
	if err != nil {
		return err
	}
	for _, values := range form {
		if len(values) > 1 {
			return refuseToken(w, http.StatusBadRequest, "invalid_request", "a parameter is given more than once")
		}
	}
	id, secret, problem := credentials(r, form)
	if problem != "" {
		return refuseToken(w, http.StatusBadRequest, "invalid_request", problem)
	}
	partner, ok := a.partnerBy(id, secret)
	if !ok {
		return refuseToken(w, http.StatusUnauthorized, "invalid_client", "the client is not known, or its secret is another")
	}
	switch form.Get("grant_type") {
	case "client_credentials":
	case "":
		return refuseToken(w, http.StatusBadRequest, "invalid_request", "grant_type is missing")
	default:
		return refuseToken(w, http.StatusBadRequest, "unsupported_grant_type", "grant_type must be client_credentials")
	}
	if form.Get("scope") != "" {
		return refuseToken(w, http.StatusBadRequest, "invalid_scope", "there are no scopes here")
	}
	callOf(r).partner = partner
	token, err := a.tokens.issue(partner)
	if err != nil {
		return err
	}
	w.Header().Set("Pragma", "no-cache")
	writeJSON(w, http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}{token, "Bearer", int(tokenLifetime.Seconds())})
	return nil
}

func refuseToken(w http.ResponseWriter, status int, code, description string) error {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="acme"`)
	}
	w.Header().Set("Pragma", "no-cache")
	writeJSON(w, status, oauthError{code, description})
	return nil
}

// readForm reads form data from the body; parameters in the query do not
// count, as they end up in logs on the way.
func readForm(r *http.Request) (url.Values, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return url.Values{}, nil
	}
	if err := wantMedia(r, "application/x-www-form-urlencoded"); err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, newProblem(malformed, "The body is not form data.")
	}
	return form, nil
}

// credentials finds id and secret in the Authorization header or the form,
// but not in both (RFC 6749 section 2.3).
func credentials(r *http.Request, form url.Values) (id, secret, problem string) {
	header := r.Header.Values("Authorization")
	inForm := form.Has("client_id") && form.Has("client_secret")
	switch {
	case len(header) == 0:
		return form.Get("client_id"), form.Get("client_secret"), ""
	case len(header) > 1 || inForm:
		return "", "", "the client authenticates in more than one way"
	}
	id, secret, ok := r.BasicAuth()
	if !ok {
		return "", "", ""
	}
	if form.Has("client_id") && form.Get("client_id") != id {
		return "", "", "client_id is not that of the Authorization header"
	}
	return id, secret, ""
}

// partnerBy finds the partner with this id and secret, in a time that tells
// neither where a secret differs nor whether the partner exists. In HTTP
// Basic both should be form-encoded (RFC 6749 section 2.3.1) and often are
// not; ids have no character that would differ, and of the secret either
// spelling is good.
func (a *API) partnerBy(id, secret string) (partner string, ok bool) {
	p, known := a.partners[id]
	want := sha256.Sum256([]byte(p.Secret.Reveal()))
	plain := sha256.Sum256([]byte(secret))
	same := subtle.ConstantTimeCompare(want[:], plain[:])
	if decoded, err := url.QueryUnescape(secret); err == nil {
		other := sha256.Sum256([]byte(decoded))
		same |= subtle.ConstantTimeCompare(want[:], other[:])
	}
	return p.ID, known && !p.Secret.IsZero() && same == 1
}

// authenticate finds the partner behind the Bearer token (RFC 6750) and notes
// it in the call.
func (a *API) authenticate(r *http.Request) error {
	refuse := func(challenge, detail string) error {
		p := newProblem(unauthorized, detail)
		p.challenge = `Bearer realm="acme"` + challenge
		return p
	}
	header := r.Header.Values("Authorization")
	if len(header) == 0 {
		return refuse("", "The Authorization header is missing.")
	}
	scheme, text, _ := strings.Cut(header[0], " ")
	if len(header) > 1 || !strings.EqualFold(scheme, "Bearer") || text == "" {
		return refuse(`, error="invalid_request"`, "The Authorization header must be: Bearer, a space, an access token.")
	}
	partner, err := a.tokens.read(strings.TrimSpace(text))
	if _, known := a.partners[partner]; err != nil || !known {
		return refuse(`, error="invalid_token"`, "The access token is not valid, or not any more.")
	}
	callOf(r).partner = partner
	return nil
}

// getMetadata describes the token endpoint (RFC 8414).
func (a *API) getMetadata(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Cache-Control", "max-age=3600")
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                a.cfg.PublicURL,
		"token_endpoint":                        a.cfg.PublicURL + "/oauth/token",
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"grant_types_supported":                 []string{"client_credentials"},
		"response_types_supported":              []string{},
	})
	return nil
}
