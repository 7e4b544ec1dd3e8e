package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"acme.example/creditscore/api"
)

// schema is the part of JSON Schema that the document's answers use.
type schema struct {
	Ref        string `json:"$ref"`
	Required   []string
	Properties map[string]schema
	Items      *schema
	OneOf      []schema
	Enum       []any
	Const      any
}

// TestAnswersAreAsDocumented holds real answers to the document: every member
// is described, every required one is there, words are of their lists.
func TestAnswersAreAsDocumented(t *testing.T) {
	t.Parallel()
	var doc struct {
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(api.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	w := setup(t, options{})
	rc := newReceiver(t)
	made := w.call("POST", "/v1/webhook-endpoints", `{"url":"`+rc.URL+`"}`)
	var e endpoint
	made.into(t, &e)
	rc.trust(t, e.Secret)
	w.call("POST", "/v1/scores", inline)
	<-rc.got
	for name, got := range map[string]answer{
		"Endpoint":     made,
		"EndpointPage": w.call("GET", "/v1/webhook-endpoints", ""),
		"Delivery":     w.call("POST", "/v1/webhook-endpoints/"+e.ID+"/test", ""),
		"DeliveryPage": w.call("GET", "/v1/deliveries", ""),
		"Job": w.call("POST", "/v1/scores", `{"bank":"sandbox","subject":"u","access_token":"t","metadata":{"a":"b"},`+
			`"loan":{"amount":"5000.00","currency":"EUR","term_months":24}}`, "Prefer: wait=20"),
		"JobPage":    w.call("GET", "/v1/scores", ""),
		"Consent":    w.call("POST", "/v1/consents", `{"bank":"sandbox","subject":"u","redirect_uri":"http://localhost/"}`),
		"Secret":     w.call("GET", "/v1/webhook-secret", ""),
		"Problem":    w.call("POST", "/v1/scores", `{"a":1}`),
		"Token":      w.signIn(func(r *http.Request) { r.SetBasicAuth("other", "other-secret") }, "grant_type=client_credentials"),
		"OAuthError": w.signIn(func(r *http.Request) {}, "grant_type=client_credentials"),
	} {
		var v any
		got.into(t, &v)
		for _, fault := range check(doc.Components.Schemas, schema{Ref: "#/components/schemas/" + name}, v, name) {
			t.Errorf("%s in %s", fault, got.body)
		}
	}
}

// check compares a value with its schema.
func check(all map[string]schema, s schema, v any, path string) (faults []string) {
	if s.Ref != "" {
		return check(all, all[s.Ref[len("#/components/schemas/"):]], v, path)
	}
	if len(s.OneOf) > 0 && v != nil {
		return check(all, s.OneOf[len(s.OneOf)-1], v, path) // the other is null
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) || s.Const != nil && s.Const != v {
		faults = append(faults, fmt.Sprintf("%s is %v", path, v))
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				faults = append(faults, path+"."+name+" is missing")
			}
		}
		for name, member := range v {
			inner, ok := s.Properties[name]
			if !ok && s.Properties != nil {
				faults = append(faults, path+"."+name+" is not documented")
			}
			faults = append(faults, check(all, inner, member, path+"."+name)...)
		}
	case []any:
		if s.Items != nil {
			for i, member := range v {
				faults = append(faults, check(all, *s.Items, member, fmt.Sprintf("%s[%d]", path, i))...)
			}
		}
	}
	return faults
}
