package sandbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net/http"
	"net/url"
)

// postToken is the token endpoint (RFC 6749 section 3.2).
func (b *Bank) postToken(w http.ResponseWriter, r *http.Request) {
	client, ok := b.client(w, r)
	if !ok {
		return
	}
	var t tokens
	var err error
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		t, err = b.grants.exchange(client, r.PostForm.Get("code"), r.PostForm.Get("redirect_uri"), r.PostForm.Get("code_verifier"))
	case "refresh_token":
		t, err = b.grants.renew(client, r.PostForm.Get("refresh_token"))
	case "":
		writeOAuthError(w, http.StatusBadRequest, "invalid_request", "grant_type is missing")
		return
	default:
		writeOAuthError(w, http.StatusBadRequest, "unsupported_grant_type", "authorization_code and refresh_token are supported")
		return
	}
	if err != nil {
		writeOAuthError(w, http.StatusBadRequest, "invalid_grant", "the code or token is unknown, used, expired or not this client's")
		return
	}
	writeJSON(w, http.StatusOK, tokenAnswer{AccessToken: t.access, TokenType: "Bearer",
		ExpiresIn: int64(b.cfg.AccessTokenLifetime.Seconds()), RefreshToken: t.refresh,
		Scope: t.grant.scope, ConsentID: t.grant.consent.id})
}

type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope,omitempty"`
	ConsentID    string `json:"consentId"`
}

// postRevoke is the revocation endpoint (RFC 7009). Either token ends the
// whole grant, and the consent is terminated.
func (b *Bank) postRevoke(w http.ResponseWriter, r *http.Request) {
	client, ok := b.client(w, r)
	if !ok {
		return
	}
	token := r.PostForm.Get("token")
	if token == "" {
		writeOAuthError(w, http.StatusBadRequest, "invalid_request", "token is missing")
		return
	}
	b.grants.revoke(client, token)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// client reads the form and authenticates the client by Basic or by form
// (RFC 6749 section 2.3.1), answering itself when that fails.
func (b *Bank) client(w http.ResponseWriter, r *http.Request) (id string, ok bool) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		writeOAuthError(w, http.StatusBadRequest, "invalid_request", "the body must be application/x-www-form-urlencoded")
		return "", false
	}
	if err := r.ParseForm(); err != nil {
		writeOAuthError(w, http.StatusBadRequest, "invalid_request", "the form is not readable")
		return "", false
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			writeOAuthError(w, http.StatusBadRequest, "invalid_request", "a parameter is given more than once")
			return "", false
		}
	}
	id, secret, basic := r.BasicAuth()
	if basic {
		if r.PostForm.Has("client_secret") {
			writeOAuthError(w, http.StatusBadRequest, "invalid_request", "the client is authenticated in two ways")
			return "", false
		}
		var errID, errSecret error
		id, errID = url.QueryUnescape(id)
		secret, errSecret = url.QueryUnescape(secret)
		ok = errID == nil && errSecret == nil && (!r.PostForm.Has("client_id") || r.PostForm.Get("client_id") == id)
	} else {
		id, secret, ok = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"), true
	}
	// Hashes are of one length, so the comparison tells nothing; an unknown
	// client is compared all the same.
	want, known := b.cfg.Clients[id]
	got, expected := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(want))
	if same := subtle.ConstantTimeCompare(got[:], expected[:]) == 1; !ok || !known || !same {
		w.Header().Set("WWW-Authenticate", `Basic realm="sandbox"`)
		writeOAuthError(w, http.StatusUnauthorized, "invalid_client", "the client is not known or its secret is wrong")
		return "", false
	}
	return id, true
}

// writeOAuthError answers as RFC 6749 section 5.2 says.
func writeOAuthError(w http.ResponseWriter, status int, code, text string) {
	writeJSON(w, status, map[string]string{"error": code, "error_description": text})
}

// getMetadata is RFC 8414.
func (b *Bank) getMetadata(w http.ResponseWriter, r *http.Request) {
	iss := b.issuer(r)
	auth := []string{"client_secret_basic", "client_secret_post"}
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                         iss,
		"authorization_endpoint":                         iss + "/authorize",
		"token_endpoint":                                 iss + "/token",
		"revocation_endpoint":                            iss + "/revoke",
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token"},
		"code_challenge_methods_supported":               []string{"S256"},
		"token_endpoint_auth_methods_supported":          auth,
		"revocation_endpoint_auth_methods_supported":     auth,
		"authorization_response_iss_parameter_supported": true,
		"ui_locales_supported":                           []string{"en"},
	})
}
