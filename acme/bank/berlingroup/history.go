package berlingroup

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"acme.example/creditscore/acme/bank"
)

// history gathers one account's transactions over its pages, as written:
// signs can only be settled with all of them at hand.
type history struct {
	booked, pending pageList
	pages           int
	limit           int
}

// pageList is what the pages of one list brought so far, and where each id
// stands in it.
type pageList struct {
	entries []wireTransaction
	byID    map[flexText][]int
	indexed int
}

// guaranteedDays is how far back every bank must answer on a consent alone.
const guaranteedDays = 90

// fetchTransactions reads one account's transactions, asking for less where
// the bank refuses: booked entries alone, or the last 90 days alone.
func (a *Adapter) fetchTransactions(ctx context.Context, access bank.Access, asked bank.Range, id string, into *bank.Account) error {
	both := !a.bookedOnly.Load()
	from := asked.From
	for {
		h := &history{limit: a.maxTransactions}
		err := a.readHistory(ctx, access, id, bank.Range{From: from, To: asked.To}, both, h)
		switch {
		case err == nil:
			if !both {
				a.bookedOnly.Store(true)
			}
			return h.settle(into)
		case h.pages > 0:
			return err
		case isRefused(err, "PERIOD_INVALID") && asked.To.Sub(from) >= guaranteedDays:
			from = asked.To.AddDays(1 - guaranteedDays)
		case both && refusesBoth(err):
			both = false
		default:
			return err
		}
	}
}

// refusesBoth tells whether a refusal can be about bookingStatus=both: a 400
// that does not name another reason.
func refusesBoth(err error) bool {
	var e *bank.Error
	if !errors.As(err, &e) || e.Status != http.StatusBadRequest || e.Code != bank.CodeBadData {
		return false
	}
	return !isRefused(err, "PERIOD_INVALID") && !isRefused(err, "RESOURCE_UNKNOWN") && !isRefused(err, "RESOURCE_EXPIRED")
}

func isRefused(err error, code Refusal) bool {
	var r Refusal
	return errors.As(err, &r) && r == code
}

// readHistory reads page after page into h.
func (a *Adapter) readHistory(ctx context.Context, access bank.Access, id string, asked bank.Range, both bool, h *history) error {
	u := a.address("accounts", id, "transactions")
	status := "booked"
	if both {
		status = "both"
	}
	u.RawQuery = url.Values{
		"bookingStatus": {status}, "dateFrom": {asked.From.String()}, "dateTo": {asked.To.String()},
	}.Encode()
	return a.http.GetPages(ctx, a.call(access, "transactions", u), func(body []byte) (string, error) {
		var p transactionPage
		if err := bank.DecodeJSON("transactions", body, &p); err != nil {
			return "", err
		}
		next, err := h.add(&p)
		return underBase(a.http.Base(), next), err
	})
}

// underBase reads a link that is a path from its /v1/accounts/ on under the
// base URL, unless it already is there; see the package's documentation.
func underBase(base *url.URL, link string) string {
	path, _, _ := strings.Cut(link, "?")
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.HasPrefix(path, base.EscapedPath()+"/v1/") {
		return link
	}
	if i := strings.Index(path, "/v1/accounts/"); i > 0 || (i == 0 && base.Path != "") {
		return base.EscapedPath() + link[i:]
	}
	return link
}

// add takes in a page and returns the link to the next.
func (h *history) add(p *transactionPage) (next string, err error) {
	h.pages++
	if p.Transactions == nil {
		if p.Links["download"].Href != "" {
			return "", badData("transactions", "the bank offers the transactions as a download only")
		}
		return "", badData("transactions", "answer has no transactions field")
	}
	next = firstOf(p.Transactions.Links["next"].Href, p.Links["next"].Href)
	booked := p.Transactions.Booked
	repeats := h.booked.endsWith(booked)
	fresh := h.booked.add(booked)
	if h.pages > 1 && len(booked) > 0 && (fresh == 0 || repeats) && next != "" {
		return "", badDataf("transactions", "page %d repeats earlier pages", h.pages)
	}
	h.pending.add(p.Transactions.Pending) // some banks repeat what is pending on every page
	if len(h.booked.entries)+len(h.pending.entries) > h.limit {
		return "", badDataf("transactions", "more than %d entries in one account", h.limit)
	}
	return next, nil
}

// add takes in the entries that no earlier page held with the same id and
// the same contents, and returns how many there were. Entries without an id
// cannot be told apart from a second payment of the same kind, and are all
// taken in.
func (l *pageList) add(page []wireTransaction) int {
	if len(l.entries) == 0 {
		l.entries = page
		return len(page)
	}
	l.index()
	first := len(l.entries)
	for i := range page {
		if !slices.ContainsFunc(l.byID[page[i].TransactionID], func(at int) bool { return l.entries[at] == page[i] }) {
			l.entries = append(l.entries, page[i])
		}
	}
	return len(l.entries) - first
}

// index notes the places of the entries that came since it was last called:
// most answers have one page and need none.
func (l *pageList) index() {
	if l.byID == nil {
		l.byID = make(map[flexText][]int, len(l.entries))
	}
	for ; l.indexed < len(l.entries); l.indexed++ {
		if id := l.entries[l.indexed].TransactionID; isID(id) && len(l.byID[id]) < maxSameID {
			l.byID[id] = append(l.byID[id], l.indexed)
		}
	}
}

// maxSameID bounds how many entries of one id are compared: a bank that
// writes the same id everywhere identifies nothing by it.
const maxSameID = 16

// endsWith tells whether a page, long enough to mean it, is the last page
// over again.
func (l *pageList) endsWith(page []wireTransaction) bool {
	n := len(l.entries) - len(page)
	return len(page) >= minRepeat && n >= 0 && slices.Equal(l.entries[n:], page)
}

// minRepeat is how many entries without ids, all the same and in the same
// order as on the page before, make a page a repetition.
const minRepeat = 10

// isID tells an id from the words and zeros that stand where there is none.
func isID(id flexText) bool {
	for _, word := range [...]string{"NOTPROVIDED", "NOT PROVIDED", "NOT_PROVIDED", "UNKNOWN", "NULL", "NONE", "N/A"} {
		if len(id) == len(word) && strings.EqualFold(string(id), word) {
			return false
		}
	}
	return strings.Trim(string(id), "0 ") != ""
}

// ReadTransactions reads one answer with transactions, as GET
// …/transactions gives it, without asking any bank: its booked entries and
// then its pending ones, each in the answer's order. A link to a further page
// leaves the Account not Complete. Errors: *bank.Error with CodeBadData.
func ReadTransactions(body []byte) (bank.Account, error) {
	var p struct {
		Account wireAccount `json:"account"`
		transactionPage
	}
	if err := bank.DecodeJSON("transactions", body, &p); err != nil {
		return bank.Account{}, err
	}
	var a bank.Account
	if err := mapAccount(&p.Account, &a); err != nil {
		return bank.Account{}, err
	}
	h := &history{limit: DefaultMaxTransactions}
	next, err := h.add(&p.transactionPage)
	if err == nil {
		err = h.settle(&a)
	}
	if err != nil {
		return bank.Account{}, err
	}
	a.Complete = next == ""
	return a, nil
}

// settle maps what was gathered into the account.
func (h *history) settle(into *bank.Account) error {
	wires := h.booked.entries
	booked := len(wires)
	if len(h.pending.entries) > 0 {
		wires = append(wires[:booked:booked], h.pending.entries...)
	}
	into.Transactions = make([]bank.Transaction, len(wires))
	for i := range wires {
		status := bank.Booked
		if i >= booked {
			status = bank.Pending
		}
		t := &into.Transactions[i]
		if err := mapTransaction(t, &wires[i], status, into.Currency); err != nil {
			return err
		}
		switch {
		case status == bank.Pending:
		case i == 0:
			into.Delivered = bank.Range{From: t.Booking, To: t.Booking}
		default:
			into.Delivered.From = min(into.Delivered.From, t.Booking)
			into.Delivered.To = max(into.Delivered.To, t.Booking)
		}
	}
	settleSigns(into.Transactions, wires)
	for i := range wires {
		setCounterparty(&into.Transactions[i], &wires[i])
	}
	into.Complete = true
	return nil
}
