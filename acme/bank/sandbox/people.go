package sandbox

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"acme.example/creditscore/acme/bank"
)

// Person is somebody who banks here.
type Person struct {
	// Login is how the person is named in tokens and forms.
	Login string
	// Name is the holder's full name, About one line on the person.
	Name, About string
}

const (
	tokenPrefix  = "sandbox-token-"
	personPrefix = "person-"
	faultPrefix  = "fault-"
)

// Token returns the fixed access token of the person of that login.
func Token(login string) string { return tokenPrefix + login }

// PersonToken returns the fixed access token of the nth generated person.
func PersonToken(n uint64) string { return Token(personPrefix + strconv.FormatUint(n, 10)) }

// FaultToken returns the access token that shows f with every call.
func FaultToken(f Fault) string { return Token(faultPrefix + string(f)) }

// People returns who can be chosen on the consent page: first those of
// AccountsDir, then the seeded ones.
func (b *Bank) People() []Person { return slices.Clone(b.people.list()) }

// customer is a person with accounts: their heads are cheap, their ledger
// (balances and transactions) is not and is made when it is asked for.
type customer struct {
	Person
	heads  []head
	ledger func(asOf bank.Date) *ledger
	fixed  bool // the ledger is the same on every day and held in memory anyway
}

// head is an account without what is on it.
type head struct {
	id string
	// object is the account as it is listed, ref its account reference, each
	// a JSON object.
	object, ref []byte
}

// people finds customers by login. It is immutable.
type people struct {
	cfg    Config
	seeded map[string]persona
	given  map[string]*customer
	listed []Person
}

func newPeople(cfg Config, given map[string]*customer) *people {
	p := &people{cfg: cfg, seeded: map[string]persona{}, given: given}
	for _, c := range given {
		p.listed = append(p.listed, c.Person)
	}
	slices.SortFunc(p.listed, func(a, b Person) int { return cmp.Compare(a.Login, b.Login) })
	for _, s := range personas() {
		p.seeded[s.Login] = s
		if given[s.Login] == nil {
			p.listed = append(p.listed, s.Person)
		}
	}
	return p
}

func (p *people) list() []Person { return p.listed }

// preselect returns hint if it names somebody on the list.
func (p *people) preselect(hint string) string {
	if slices.ContainsFunc(p.listed, func(l Person) bool { return l.Login == hint }) {
		return hint
	}
	return ""
}

// find returns the customer of a login, generated ones included.
func (p *people) find(login string) (*customer, bool) {
	if c := p.given[login]; c != nil {
		return c, true
	}
	if s, ok := p.seeded[login]; ok {
		return newSimulated(p.cfg, s.Person, s.profile()), true
	}
	if n, ok := generatedNumber(login); ok {
		person, prof := generatePerson(p.cfg, login, n)
		return newSimulated(p.cfg, person, prof), true
	}
	return nil, false
}

// generatedNumber reads person-<n>, in its one canonical spelling.
func generatedNumber(login string) (uint64, bool) {
	text, ok := strings.CutPrefix(login, personPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil && strconv.FormatUint(n, 10) == text
}
