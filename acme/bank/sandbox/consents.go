package sandbox

import (
	"encoding/json"
	"net/http"

	"acme.example/creditscore/acme/bank"
)

// consentRequest is the body of POST /v1/consents. A client may send more
// than these; what a sandbox has no use for is not read.
type consentRequest struct {
	Access             json.RawMessage `json:"access"`
	RecurringIndicator bool            `json:"recurringIndicator"`
	ValidUntil         string          `json:"validUntil"`
	FrequencyPerDay    int             `json:"frequencyPerDay"`
}

// postConsent creates a consent that waits for the person: its scaOAuth link
// names the authorization server, where scope=AIS:<consentId> takes it up.
func (b *Bank) postConsent(w http.ResponseWriter, r *http.Request) {
	var c consentRequest
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		writeTPP(w, http.StatusBadRequest, "FORMAT_ERROR", "the body is not the JSON of a consent")
		return
	}
	var access map[string]any
	if err := json.Unmarshal(c.Access, &access); err != nil || len(access) == 0 {
		writeTPP(w, http.StatusBadRequest, "FORMAT_ERROR", "access must be an object that names what is asked for")
		return
	}
	until, err := bank.ParseDate(c.ValidUntil)
	switch {
	case err != nil:
		writeTPP(w, http.StatusBadRequest, "FORMAT_ERROR", "validUntil must be a date YYYY-MM-DD")
		return
	case until < b.today():
		writeTPP(w, http.StatusBadRequest, "PERIOD_INVALID", "validUntil is in the past")
		return
	case c.FrequencyPerDay < 1:
		writeTPP(w, http.StatusBadRequest, "FORMAT_ERROR", "frequencyPerDay must be 1 or more")
		return
	}
	kept := b.grants.addConsent(consent{access: string(c.Access), validUntil: until.String(),
		recurring: c.RecurringIndicator, frequency: c.FrequencyPerDay})
	self := "/v1/consents/" + kept.id
	w.Header().Set("Location", b.issuer(r)+self)
	w.Header().Set("ASPSP-SCA-Approach", "REDIRECT")
	writeJSON(w, http.StatusCreated, map[string]any{
		"consentStatus": kept.status,
		"consentId":     kept.id,
		"_links": map[string]link{
			"scaOAuth": {b.issuer(r) + "/.well-known/oauth-authorization-server"},
			"self":     {self},
			"status":   {self + "/status"},
		},
	})
}

type link struct {
	Href string `json:"href"`
}

func (b *Bank) getConsent(w http.ResponseWriter, r *http.Request) {
	c, ok := b.grants.consent(r.PathValue("id"))
	if !ok {
		consentUnknown(w)
		return
	}
	v := map[string]any{
		"access":             json.RawMessage(c.access),
		"recurringIndicator": c.recurring,
		"frequencyPerDay":    c.frequency,
		"consentStatus":      c.status,
		"_links":             map[string]link{"account": {"/v1/accounts"}},
	}
	if c.validUntil != "" {
		v["validUntil"] = c.validUntil
	}
	writeJSON(w, http.StatusOK, v)
}

func (b *Bank) getConsentStatus(w http.ResponseWriter, r *http.Request) {
	c, ok := b.grants.consent(r.PathValue("id"))
	if !ok {
		consentUnknown(w)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"consentStatus": c.status})
}

// deleteConsent ends the consent; tokens drawn from it end with it.
func (b *Bank) deleteConsent(w http.ResponseWriter, r *http.Request) {
	if !b.grants.terminate(r.PathValue("id")) {
		consentUnknown(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// consentUnknown: in the path of a call it is a 403, as section 14.11 lists.
func consentUnknown(w http.ResponseWriter) {
	writeTPP(w, http.StatusForbidden, "CONSENT_UNKNOWN", "no such consent")
}
