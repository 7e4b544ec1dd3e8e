package sandbox

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// getAuthorize shows the consent page (RFC 6749 section 4.1.1). While the
// client or its redirect_uri is in doubt every error is a page, since a
// redirect would make this bank an open redirector; then errors go back.
func (b *Bank) getAuthorize(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > 8<<10 {
		b.page.fail(w, http.StatusBadRequest, "The address is not readable.")
		return
	}
	req := authRequest{client: q.Get("client_id"), redirectURI: q.Get("redirect_uri"), state: q.Get("state"),
		challenge: q.Get("code_challenge"), scope: q.Get("scope"), hint: q.Get("login_hint")}
	switch {
	case len(q["client_id"]) != 1 || b.cfg.Clients[req.client] == "":
		b.page.fail(w, http.StatusBadRequest, "The application that sent you here is not known to this bank.")
		return
	case len(q["redirect_uri"]) != 1 || !usableRedirect(req.redirectURI):
		b.page.fail(w, http.StatusBadRequest, "The application named no address this bank could send you back to: "+
			"it must be https, or http on this computer.")
		return
	}
	if code, text := b.faultOf(q, &req); code != "" {
		b.sendBack(w, r, req, url.Values{"error": {code}, "error_description": {text}})
		return
	}
	b.page.ask(w, http.StatusOK, pageData{Request: b.grants.ask(req), Client: req.client,
		People: b.people.list(), Chosen: b.people.preselect(req.hint), redirect: req.redirectURI})
}

// faultOf checks the rest of a request and finds its consent. It returns an
// error code of RFC 6749 section 4.1.2.1, or "".
func (b *Bank) faultOf(q url.Values, req *authRequest) (code, text string) {
	for name, values := range q {
		if len(values) > 1 && name != "resource" {
			return "invalid_request", "a parameter is given more than once"
		}
	}
	switch {
	case q.Get("response_type") != "code":
		return "unsupported_response_type", "response_type must be code"
	case q.Get("code_challenge_method") != "S256":
		return "invalid_request", "code_challenge_method must be S256"
	case len(req.challenge) != 43 || strings.Trim(req.challenge, base64URL) != "":
		return "invalid_request", "code_challenge must be the base64url SHA-256 of the verifier"
	}
	for word := range strings.FieldsSeq(req.scope) {
		id, found := strings.CutPrefix(word, "AIS:")
		if !found {
			continue
		}
		if c, ok := b.grants.consent(id); !ok || c.status != consentReceived {
			return "invalid_scope", "the consent is not known or not open"
		}
		req.consentID = id
	}
	return "", ""
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// usableRedirect takes any https address and http on loopback (RFC 8252
// section 7.3), without a fragment (RFC 6749 section 3.1.2).
func usableRedirect(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.Contains(text, "#") {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// postAuthorize takes the person's answer. The request id, which only the
// page knew and which is good once, ties the answer to the request; requests
// another site made the browser send are refused besides.
func (b *Bank) postAuthorize(w http.ResponseWriter, r *http.Request) {
	if err := b.page.csrf.Check(r); err != nil {
		b.page.fail(w, http.StatusForbidden, "The answer came from another site and was not taken.")
		return
	}
	if err := r.ParseForm(); err != nil {
		b.page.fail(w, http.StatusBadRequest, "The form is not readable.")
		return
	}
	id, person, decision := r.PostForm.Get("request"), r.PostForm.Get("person"), r.PostForm.Get("decision")
	req, ok := b.grants.asked(id)
	if !ok {
		b.page.fail(w, http.StatusBadRequest, "This request has been answered or has run out. Go back to the application and start again.")
		return
	}
	allow := decision == "allow"
	if _, known := b.people.find(person); allow && !known || !allow && decision != "deny" {
		b.page.ask(w, http.StatusUnprocessableEntity, pageData{Request: id, Client: req.client,
			People: b.people.list(), redirect: req.redirectURI, Error: "Choose who you are, then Allow or Deny."})
		return
	}
	authCode, ok := b.grants.decide(id, person, allow)
	switch {
	case !ok: // answered by another tab in between
		b.page.fail(w, http.StatusBadRequest, "This request has been answered already.")
	case allow:
		b.sendBack(w, r, req, url.Values{"code": {authCode}})
	default:
		b.sendBack(w, r, req, url.Values{"error": {"access_denied"}, "error_description": {"the person said no"}})
	}
}

// sendBack redirects to the client with what it asked to have back and who we
// are (RFC 9207). 303 keeps the browser from posting the form on.
func (b *Bank) sendBack(w http.ResponseWriter, r *http.Request, req authRequest, v url.Values) {
	if req.state != "" {
		v.Set("state", req.state)
	}
	v.Set("iss", b.issuer(r))
	target, sep := req.redirectURI, "?"
	if strings.Contains(target, "?") {
		sep = "&"
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", target+sep+v.Encode())
	w.WriteHeader(http.StatusSeeOther)
}
