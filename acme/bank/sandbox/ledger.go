package sandbox

import (
	"encoding/json"
	"slices"
	"strconv"

	"acme.example/creditscore/acme/bank"
)

// ledger is all that is on a customer's accounts on one day, rendered: the
// accounts stand in the order of the customer's heads. It is immutable.
type ledger struct{ accounts []accountLedger }

// accountLedger is one account's JSON, in pieces that answers are made of.
type accountLedger struct {
	balances, pending []byte // JSON arrays
	booked            []renderedEntry
}

// renderedEntry is one booked transaction. One without a booking date has
// undated set and belongs to every range.
type renderedEntry struct {
	booking bank.Date
	undated bool
	raw     []byte
}

// size is about how many bytes the ledger holds.
func (l *ledger) size() int {
	const entryOverhead = 40
	n := 1
	for i := range l.accounts {
		a := &l.accounts[i]
		n += len(a.balances) + len(a.pending)
		for _, e := range a.booked {
			n += len(e.raw) + entryOverhead
		}
	}
	return n
}

// txPage is one page of an account's transactions.
type txPage struct {
	booked  []renderedEntry
	pending []byte
}

// page cuts the page of at most size booked entries that v asks for; more
// tells that another follows.
func (a *accountLedger) page(v view, size int) (p txPage, more bool) {
	p.pending = a.pending
	if !v.booked {
		return p, false
	}
	skip := v.offset
	for _, e := range a.booked {
		if !e.undated && (e.booking < v.from || e.booking > v.to) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if len(p.booked) == size {
			return p, true
		}
		p.booked = append(p.booked, e)
	}
	return p, false
}

func (p *txPage) size() int {
	n := len(p.pending)
	for _, e := range p.booked {
		n += len(e.raw) + 1
	}
	return n
}

func (p *txPage) appendBooked(b []byte) []byte {
	for i, e := range p.booked {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e.raw...)
	}
	return b
}

// newSimulated makes a customer of a profile: a current account and, where
// the profile saves, a savings account.
func newSimulated(cfg Config, who Person, p *profile) *customer {
	c := &customer{Person: who}
	own := ownAccounts(cfg.Seed, who, p)
	for i, a := range own {
		h := head{id: resourceID(cfg.Seed, who.Login, i), ref: []byte(`{"iban":"` + a.iban + `"}`)}
		h.object = accountObject(h.id, a.iban, who.Name, i == 1)
		c.heads = append(c.heads, h)
	}
	c.ledger = func(asOf bank.Date) *ledger {
		return render(cfg, c, own, simulate(cfg, who.Login, p, own, asOf))
	}
	return c
}

// ownAccounts names the person's own accounts as counterparties.
func ownAccounts(seed uint64, who Person, p *profile) []*party {
	n := 1
	if p.savings != nil {
		n = 2
	}
	own := make([]*party, n)
	for i := range own {
		own[i] = &party{name: who.Name, iban: germanIBAN(ownBankCode, hash64(seed, who.Login, "iban", strconv.Itoa(i)))}
	}
	return own
}

// accountObject is accountDetails of the standard's section 14.5.
func accountObject(id, iban, owner string, savings bool) []byte {
	type account struct {
		ResourceID      string          `json:"resourceId"`
		IBAN            string          `json:"iban"`
		Currency        string          `json:"currency"`
		OwnerName       string          `json:"ownerName"`
		Name            string          `json:"name"`
		Product         string          `json:"product"`
		CashAccountType string          `json:"cashAccountType"`
		Status          string          `json:"status"`
		BIC             string          `json:"bic"`
		Usage           string          `json:"usage"`
		Links           map[string]link `json:"_links"`
	}
	a := account{ResourceID: id, IBAN: iban, Currency: "EUR", OwnerName: owner, Name: "Girokonto", Product: "Sandbox Giro",
		CashAccountType: "CACC", Status: "enabled", BIC: "SNDBDE00XXX", Usage: "PRIV", Links: map[string]link{
			"balances":     {"/v1/accounts/" + id + "/balances"},
			"transactions": {"/v1/accounts/" + id + "/transactions"},
		}}
	if savings {
		a.Name, a.Product, a.CashAccountType = "Tagesgeld", "Sandbox Savings", "SVGS"
	}
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings and maps of strings always encode
	}
	return b
}

// render turns what was simulated into JSON.
func render(cfg Config, c *customer, own []*party, h *history) *ledger {
	led := &ledger{accounts: make([]accountLedger, len(own))}
	for i := range own {
		account := &h.accounts[i]
		out := &led.accounts[i]
		prefix := c.heads[i].id[:8] + "-"
		blob := make([]byte, 0, len(account.booked)*480)
		ends := make([]int, len(account.booked))
		for j := range account.booked {
			blob = appendTransaction(blob, prefix, &account.booked[j], false)
			ends[j] = len(blob)
		}
		out.booked = make([]renderedEntry, len(ends))
		for j, start := 0, 0; j < len(ends); j++ {
			out.booked[j] = renderedEntry{booking: account.booked[j].booking, raw: blob[start:ends[j]:ends[j]]}
			start = ends[j]
		}
		if cfg.NewestFirst {
			slices.Reverse(out.booked)
		}
		pendingSum := int64(0)
		pending := []byte{'['}
		for j := range account.pending {
			if j > 0 {
				pending = append(pending, ',')
			}
			pending = appendTransaction(pending, prefix, &account.pending[j], true)
			pendingSum += account.pending[j].minor
		}
		out.pending = append(pending, ']')
		out.balances = appendBalances(nil, h.asOf, account.balance, account.balance+pendingSum)
	}
	return led
}

func appendBalances(b []byte, asOf bank.Date, booked, expected int64) []byte {
	b = append(appendAmount(append(b, `[{"balanceType":"interimBooked","balanceAmount":`...), booked), `,"referenceDate":"`...)
	b = append(appendDate(b, asOf), `"},{"balanceType":"expected","balanceAmount":`...)
	return append(appendAmount(b, expected), "}]"...)
}

// appendTransaction writes one entry. The texts are this package's own:
// they need no escape but for quotes and backslashes.
func appendTransaction(b []byte, prefix string, t *posting, pending bool) []byte {
	b = append(append(b, `{"transactionId":"`...), prefix...)
	b = append(strconv.AppendInt(b, int64(t.seq)+100_000, 10), '"')
	if t.mandate {
		b = append(b, `,"mandateId":"M-`...)
		b = append(strconv.AppendUint(b, hash64(1, prefix, t.party.name)%1_000_000_000, 10), '"')
	}
	if t.party != nil {
		side := `"debtor`
		if t.minor < 0 {
			side = `"creditor`
		}
		b = appendString(append(append(append(b, ','), side...), `Name":`...), t.party.name)
		if t.party.iban != "" && !t.card {
			b = append(append(append(b, ','), side...), `Account":{"iban":"`...)
			b = append(append(b, t.party.iban...), `"}`...)
		}
	}
	b = appendAmount(append(b, `,"transactionAmount":`...), t.minor)
	if !pending {
		b = append(appendDate(append(b, `,"bookingDate":"`...), t.booking), '"')
	}
	b = append(appendDate(append(b, `,"valueDate":"`...), t.value), '"')
	b = appendString(append(b, `,"remittanceInformationUnstructured":`...), t.text)
	if t.purpose != "" {
		b = append(append(append(b, `,"purposeCode":"`...), t.purpose...), '"')
	}
	b = append(append(append(b, `,"bankTransactionCode":"`...), t.code...), '"')
	if !pending {
		b = appendAmount(append(b, `,"balanceAfterTransaction":{"balanceType":"interimBooked","balanceAmount":`...), t.balance)
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendAmount(b []byte, minor int64) []byte {
	b = append(b, `{"currency":"EUR","amount":"`...)
	if minor < 0 {
		b, minor = append(b, '-'), -minor
	}
	b = strconv.AppendInt(b, minor/100, 10)
	return append(b, '.', byte('0'+minor/10%10), byte('0'+minor%10), '"', '}')
}

func appendDate(b []byte, d bank.Date) []byte { return d.Time().AppendFormat(b, "2006-01-02") }

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}
