package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// Fault names one way for a call to go wrong; the package comment says what
// the client sees.
type Fault string

// The faults.
const (
	FaultTimeout     Fault = "timeout"
	FaultRateLimited Fault = "429"
	Fault500         Fault = "500"
	Fault502         Fault = "502"
	Fault503         Fault = "503"
	FaultTruncated   Fault = "truncated"
	FaultWrongJSON   Fault = "wrong-json"
	FaultHTML        Fault = "html"
	FaultExpired     Fault = "expired"
	FaultDrip        Fault = "drip"
	FaultReset       Fault = "reset"
)

// AllFaults returns every Fault.
func AllFaults() []Fault {
	return []Fault{FaultTimeout, FaultRateLimited, Fault500, Fault502, Fault503, FaultTruncated,
		FaultWrongJSON, FaultHTML, FaultExpired, FaultDrip, FaultReset}
}

// On names the calls a Rule is about.
type On string

// The calls. OnAPI stands for every one below /v1.
const (
	OnAPI          On = ""
	OnAccounts     On = "accounts"
	OnAccount      On = "account"
	OnBalances     On = "balances"
	OnTransactions On = "transactions"
	OnConsents     On = "consents"
	OnToken        On = "token"
)

// Rule lets a fault happen. Exactly one of Every and Probability is given.
type Rule struct {
	Fault Fault `json:"fault"`
	On    On    `json:"on,omitempty"`
	// Every makes it the fault of every nth call: 1 is each.
	Every uint64 `json:"every,omitempty"`
	// Probability, above 0 and up to 1, is drawn from the bank's seed, the
	// rule's place and the number of the call, so that a run can be repeated.
	Probability float64 `json:"probability,omitempty"`
	// Limit ends the rule after so many faults; 0 is never.
	Limit uint64 `json:"limit,omitempty"`
}

// Faults is what goes wrong. The first rule that applies to a call wins.
type Faults struct {
	Rules []Rule `json:"rules,omitempty"`
	// RetryAfterSeconds goes with a 429; 0 is 1.
	RetryAfterSeconds int `json:"retry_after_seconds,omitempty"`
	// DripEvery is the pause between two pieces of a drip, in nanoseconds
	// where it is JSON; 0 is 250 ms.
	DripEvery time.Duration `json:"drip_every,omitempty"`
}

// dripPieces is how many pieces a drip comes in.
const dripPieces = 64

func (f Faults) validate() error {
	var faults []error
	for i, r := range f.Rules {
		bad := func(field string, value any, want string) {
			faults = append(faults, fmt.Errorf("Faults.Rules[%d].%s is %v, want %s", i, field, value, want))
		}
		if !slices.Contains(AllFaults(), r.Fault) {
			bad("Fault", fmt.Sprintf("%q", r.Fault), fmt.Sprintf("one of %v", AllFaults()))
		}
		ons := []On{OnAPI, OnAccounts, OnAccount, OnBalances, OnTransactions, OnConsents, OnToken}
		if !slices.Contains(ons, r.On) {
			bad("On", fmt.Sprintf("%q", r.On), fmt.Sprintf("empty or one of %v", ons[1:]))
		}
		if r.Probability < 0 || r.Probability > 1 || math.IsNaN(r.Probability) {
			bad("Probability", r.Probability, "0 to 1")
		}
		if (r.Every == 0) == (r.Probability == 0) {
			bad("Every", r.Every, "either Every or Probability")
		}
	}
	if f.RetryAfterSeconds < 0 {
		faults = append(faults, fmt.Errorf("Faults.RetryAfterSeconds is %d, want 0 or more", f.RetryAfterSeconds))
	}
	if f.DripEvery < 0 {
		faults = append(faults, fmt.Errorf("Faults.DripEvery is %v, want 0 or more", f.DripEvery))
	}
	return errors.Join(faults...)
}

// faultBox holds the Faults in force; they can be replaced while calls run.
type faultBox struct{ p atomic.Pointer[faultState] }

type faultState struct {
	Faults
	seed  uint64
	calls []atomic.Uint64 // a rule's calls
	hits  []atomic.Uint64 // and how many of them it spoilt
}

func (f *faultBox) set(seed uint64, v Faults) {
	v.Rules = slices.Clone(v.Rules)
	f.p.Store(&faultState{Faults: v, seed: seed,
		calls: make([]atomic.Uint64, len(v.Rules)), hits: make([]atomic.Uint64, len(v.Rules))})
}

// next decides about one call; "" is no fault.
func (f *faultBox) next(on On) Fault {
	s := f.p.Load()
	for i := range s.Rules {
		r := &s.Rules[i]
		if r.On != on && (r.On != OnAPI || on == OnToken) {
			continue
		}
		n := s.calls[i].Add(1)
		hit := r.Every > 0 && n%r.Every == 0
		if r.Probability > 0 {
			draw := hash64(s.seed+n, string(r.Fault), string(rune('0'+i)))
			hit = float64(draw>>11)/(1<<53) < r.Probability
		}
		if hit && (r.Limit == 0 || s.hits[i].Add(1) <= r.Limit) {
			return r.Fault
		}
	}
	return ""
}

func (b *Bank) getFaults(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, b.faults.p.Load().Faults)
}

// putFaults replaces the faults; counters start again.
func (b *Bank) putFaults(w http.ResponseWriter, r *http.Request) {
	var v Faults
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		writeTPP(w, http.StatusBadRequest, "FORMAT_ERROR", "the body is not the JSON of faults")
		return
	}
	if err := v.validate(); err != nil {
		writeTPP(w, http.StatusBadRequest, "FORMAT_ERROR", err.Error())
		return
	}
	b.faults.set(b.cfg.Seed, v)
	b.getFaults(w, r)
}

func (b *Bank) deleteFaults(w http.ResponseWriter, _ *http.Request) {
	b.faults.set(b.cfg.Seed, Faults{})
	w.WriteHeader(http.StatusNoContent)
}
