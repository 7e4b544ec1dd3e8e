package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"acme.example/creditscore/acme/bank"
)

// authorized wraps a call to the accounts API: it lets a fault happen, looks
// the token up and hands the customer to h.
func (b *Bank) authorized(on On, h func(http.ResponseWriter, *http.Request, *customer)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := bearer(r)
		if !ok {
			writeTPP(w, http.StatusUnauthorized, "TOKEN_UNKNOWN", "an access token is needed: Authorization: Bearer ...")
			return
		}
		if !acceptsJSON(r) {
			writeTPP(w, http.StatusNotAcceptable, "REQUESTED_FORMATS_INVALID", "only application/json is served")
			return
		}
		who, fault, ok := b.holder(w, r, token)
		if !ok {
			return
		}
		if fault == "" {
			fault = b.faults.next(on)
		}
		if fault == "" {
			h(w, r, who)
			return
		}
		b.misbehave(fault, on, w, r, func(w http.ResponseWriter, r *http.Request) { h(w, r, who) })
	}
}

// atConsents lets a fault happen to a call about consents.
func (b *Bank) atConsents(h http.HandlerFunc) http.HandlerFunc { return b.faulty(OnConsents, h) }

// atOAuth lets a fault happen to the token endpoint.
func (b *Bank) atOAuth(h http.HandlerFunc) http.HandlerFunc { return b.faulty(OnToken, h) }

func (b *Bank) faulty(on On, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if fault := b.faults.next(on); fault != "" {
			b.misbehave(fault, on, w, r, h)
			return
		}
		h(w, r)
	}
}

// holder finds whose token it is, answering itself when it is nobody's.
func (b *Bank) holder(w http.ResponseWriter, r *http.Request, token string) (who *customer, fault Fault, ok bool) {
	login, fixed := strings.CutPrefix(token, tokenPrefix)
	if name, isFault := strings.CutPrefix(login, faultPrefix); fixed && isFault {
		for _, f := range AllFaults() {
			if string(f) == name {
				who, ok = b.people.find("alice") // whose answers the fault spoils
				return who, f, ok
			}
		}
	}
	if fixed {
		if who, ok = b.people.find(login); ok {
			return who, "", true
		}
	}
	login, consentID, state := b.grants.lookUp(token)
	switch state {
	case tokenUnknown:
		writeTPP(w, http.StatusUnauthorized, "TOKEN_UNKNOWN", "the access token is not known")
	case tokenExpired:
		writeTPP(w, http.StatusUnauthorized, "TOKEN_EXPIRED", "the access token has expired")
	case tokenRevoked:
		writeTPP(w, http.StatusUnauthorized, "CONSENT_INVALID", "the consent was withdrawn")
	case tokenValid:
		if given := r.Header.Get("Consent-Id"); given != "" && given != consentID {
			writeTPP(w, http.StatusForbidden, "CONSENT_UNKNOWN", "the Consent-ID is not that of the access token")
			return nil, "", false
		}
		who, ok = b.people.find(login)
		return who, "", ok
	}
	return nil, "", false
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

func acceptsJSON(r *http.Request) bool {
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	return accept == "" || strings.Contains(accept, "application/json") ||
		strings.Contains(accept, "application/*") || strings.Contains(accept, "*/*")
}

func (b *Bank) getAccounts(w http.ResponseWriter, _ *http.Request, who *customer) {
	body := []byte(`{"accounts":[`)
	for i, h := range who.heads {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, h.object...)
	}
	writeBody(w, http.StatusOK, append(body, "]}\n"...))
}

func (b *Bank) getAccount(w http.ResponseWriter, r *http.Request, who *customer) {
	if i, ok := findAccount(w, r, who); ok {
		writeBody(w, http.StatusOK, fmt.Appendf(nil, "{\"account\":%s}\n", who.heads[i].object))
	}
}

func (b *Bank) getBalances(w http.ResponseWriter, r *http.Request, who *customer) {
	if i, ok := findAccount(w, r, who); ok {
		led := b.cache.get(who, b.today())
		writeBody(w, http.StatusOK, fmt.Appendf(nil, "{\"account\":%s,\"balances\":%s}\n", who.heads[i].ref, led.accounts[i].balances))
	}
}

func findAccount(w http.ResponseWriter, r *http.Request, who *customer) (int, bool) {
	id := r.PathValue("id")
	for i, h := range who.heads {
		if h.id == id {
			return i, true
		}
	}
	writeTPP(w, http.StatusNotFound, "RESOURCE_UNKNOWN", "no such account")
	return 0, false
}

// getTransactions answers one page. Its link to the next one names the day
// of the first page as well as the place, so that midnight in between changes
// nothing.
func (b *Bank) getTransactions(w http.ResponseWriter, r *http.Request, who *customer) {
	i, ok := findAccount(w, r, who)
	if !ok {
		return
	}
	q := r.URL.Query()
	v, code, text := b.readView(q)
	if code != "" {
		writeTPP(w, http.StatusBadRequest, code, text)
		return
	}
	if i == 0 && v.offset == 0 && !b.wait(r, b.cfg.Latency) && r.Context().Err() != nil {
		return // nobody left to answer
	}
	page, more := b.cache.get(who, v.asOf).accounts[i].page(v, b.cfg.PageSize)
	path := "/v1/accounts/" + url.PathEscape(who.heads[i].id)
	body := make([]byte, 0, 1024+page.size())
	body = fmt.Appendf(body, `{"account":%s,"transactions":{`, who.heads[i].ref)
	if v.booked {
		body = append(page.appendBooked(append(body, `"booked":[`...)), "],"...)
	}
	if v.pending && v.offset == 0 {
		body = append(append(append(body, `"pending":`...), page.pending...), ',')
	}
	body = fmt.Appendf(body, `"_links":{"account":{"href":%q}`, path)
	if more {
		q.Set("page", fmt.Sprintf("%s.%d", v.asOf, v.offset+b.cfg.PageSize))
		body = fmt.Appendf(body, `,"next":{"href":%q}`, path+"/transactions?"+q.Encode())
	}
	writeBody(w, http.StatusOK, append(body, "}}}\n"...))
}

// view is which part of an account's transactions is asked for.
type view struct {
	booked, pending bool
	from, to        bank.Date // both ends included
	asOf            bank.Date
	offset          int
}

// readView reads the query; code is a tppMessages code or "".
func (b *Bank) readView(q url.Values) (v view, code, text string) {
	v = view{from: minDate, to: maxDate, asOf: b.today()}
	switch q.Get("bookingStatus") {
	case "booked":
		v.booked = true
	case "pending":
		v.pending = true
	case "both":
		v.booked, v.pending = true, true
	case "information":
		return v, "PARAMETER_NOT_SUPPORTED", "bookingStatus information is not supported"
	default:
		return v, "FORMAT_ERROR", "bookingStatus must be booked, pending or both"
	}
	if q.Has("deltaList") || q.Has("entryReferenceFrom") {
		return v, "PARAMETER_NOT_SUPPORTED", "delta access is not supported"
	}
	for _, f := range []struct {
		name string
		into *bank.Date
	}{{"dateFrom", &v.from}, {"dateTo", &v.to}} {
		if !q.Has(f.name) {
			continue
		}
		d, err := bank.ParseDate(q.Get(f.name))
		if err != nil {
			return v, "FORMAT_ERROR", f.name + " must be a date YYYY-MM-DD"
		}
		*f.into = d
	}
	if v.from > v.to {
		return v, "PERIOD_INVALID", "dateFrom is after dateTo"
	}
	if !q.Has("page") {
		return v, "", ""
	}
	dayText, offsetText, _ := strings.Cut(q.Get("page"), ".")
	asOf, errDay := bank.ParseDate(dayText)
	offset, errOffset := strconv.Atoi(offsetText)
	if age := v.asOf.Sub(asOf); errDay != nil || errOffset != nil || offset <= 0 || age < 0 || age > 1 {
		return v, "FORMAT_ERROR", "page is not one this bank named within the last day"
	}
	v.asOf, v.offset = asOf, offset
	return v, "", ""
}

const (
	minDate = bank.Date(-1 << 31)
	maxDate = bank.Date(1<<31 - 1)
)
