package berlingroup

import (
	"bytes"
	"encoding/json"
	"strings"
)

// accountList is the answer of GET /v1/accounts.
type accountList struct {
	Accounts []wireAccount `json:"accounts"`
}

type wireAccount struct {
	ResourceID      string        `json:"resourceId"`
	Currency        string        `json:"currency"`
	OwnerName       string        `json:"ownerName"`
	Name            string        `json:"name"`
	DisplayName     string        `json:"displayName"`
	Product         string        `json:"product"`
	CashAccountType string        `json:"cashAccountType"`
	Status          string        `json:"status"`
	Balances        []wireBalance `json:"balances"`
	Links           wireLinks     `json:"_links"`
	wireNumber
}

// wireNumber is an accountReference: whichever of the kinds of number the
// bank uses.
type wireNumber struct {
	IBAN      string `json:"iban"`
	BBAN      string `json:"bban"`
	PAN       string `json:"pan"`
	MaskedPAN string `json:"maskedPan"`
	MSISDN    string `json:"msisdn"`
	Other     struct {
		Identification flexText `json:"identification"`
	} `json:"other"`
}

// text is the most telling number there is.
func (n wireNumber) text() string {
	for _, t := range []string{n.IBAN, n.BBAN, string(n.Other.Identification), n.PAN, n.MaskedPAN, n.MSISDN} {
		if t != "" {
			return t
		}
	}
	return ""
}

type balanceList struct {
	Balances []wireBalance `json:"balances"`
}

type wireBalance struct {
	Amount              wireAmount `json:"balanceAmount"`
	Type                string     `json:"balanceType"`
	CreditLimitIncluded bool       `json:"creditLimitIncluded"`
	ReferenceDate       string     `json:"referenceDate"`
}

type wireAmount struct {
	Currency string   `json:"currency"`
	Amount   flexText `json:"amount"`
}

// transactionPage is one answer of GET …/transactions.
type transactionPage struct {
	Transactions *struct {
		Booked  []wireTransaction `json:"booked"`
		Pending []wireTransaction `json:"pending"`
		Links   wireLinks         `json:"_links"`
	} `json:"transactions"`
	Links wireLinks `json:"_links"`
}

// wireTransaction is comparable: two that are equal were written alike.
type wireTransaction struct {
	TransactionID   flexText    `json:"transactionId"`
	EntryReference  flexText    `json:"entryReference"`
	Amount          wireAmount  `json:"transactionAmount"`
	Indicator       string      `json:"creditDebitIndicator"`
	BookingDate     string      `json:"bookingDate"`
	ValueDate       string      `json:"valueDate"`
	CreditorName    string      `json:"creditorName"`
	CreditorAccount wireNumber  `json:"creditorAccount"`
	CreditorID      flexText    `json:"creditorId"`
	UltCreditor     flexText    `json:"ultimateCreditor"`
	DebtorName      string      `json:"debtorName"`
	DebtorAccount   wireNumber  `json:"debtorAccount"`
	UltDebtor       flexText    `json:"ultimateDebtor"`
	Unstructured    flexText    `json:"remittanceInformationUnstructured"`
	UnstructuredArr flexText    `json:"remittanceInformationUnstructuredArray"`
	Structured      flexText    `json:"remittanceInformationStructured"`
	StructuredArr   flexText    `json:"remittanceInformationStructuredArray"`
	Additional      flexText    `json:"additionalInformation"`
	BankCode        flexText    `json:"bankTransactionCode"`
	OwnCode         flexText    `json:"proprietaryBankTransactionCode"`
	Purpose         flexText    `json:"purposeCode"`
	MCC             flexText    `json:"merchantCategoryCode"`
	BalanceAfter    wireBalance `json:"balanceAfterTransaction"`
}

// wireLinks are hyperlinks by name. A nil map has none.
type wireLinks map[string]wireLink

func (l wireLinks) balances() string     { return l["balances"].Href }
func (l wireLinks) transactions() string { return l["transactions"].Href }

// offers tells whether a resource may be asked for: when it is linked, or
// when its sibling is not linked either, so that the links say nothing.
func (l wireLinks) offers(link, sibling string) bool { return link != "" || sibling == "" }

// wireLink is {"href": "…"}; some banks write the address alone.
type wireLink struct{ Href string }

// UnmarshalJSON reads both forms.
func (l *wireLink) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var o struct {
			Href string `json:"href"`
		}
		err := json.Unmarshal(b, &o)
		l.Href = o.Href
		return err
	}
	return json.Unmarshal(b, &l.Href)
}

// flexText is a text that banks write in several ways: as a string, as a
// number (kept digit for digit, never made a float), as an object with the
// text in "reference", or as a list of these, whose lines it joins.
type flexText string

// UnmarshalJSON reads each form; what is none of them counts as empty. Each
// level is opened once and none below the third, so that nesting as deep as
// JSON allows is not read again and again.
func (t *flexText) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		line, err := readLine(b)
		*t = line
		return err
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(b, &elements); err != nil {
		return err
	}
	lines := make([]flexText, len(elements))
	for i, e := range elements {
		var err error
		if lines[i], err = readLine(e); err != nil {
			return err
		}
	}
	*t = flexText(joinLines(lines...))
	return nil
}

// readLine reads a scalar, or an object with one in "reference".
func readLine(b []byte) (flexText, error) {
	if b[0] != '{' {
		return readScalar(b)
	}
	var o struct {
		Reference json.RawMessage `json:"reference"`
	}
	if err := json.Unmarshal(b, &o); err != nil || len(o.Reference) == 0 {
		return "", err
	}
	return readScalar(o.Reference)
}

func readScalar(b []byte) (flexText, error) {
	switch b[0] {
	case '"':
		if plain := b[1 : len(b)-1]; isPlain(plain) {
			return flexText(plain), nil
		}
		var s string
		err := json.Unmarshal(b, &s)
		return flexText(s), err
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return flexText(bytes.TrimSpace(b)), nil
	}
	return "", nil
}

// isPlain tells whether a JSON string's inside is its own text: ASCII
// without escapes.
func isPlain(b []byte) bool {
	for _, c := range b {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

// joinLines joins what is not empty.
func joinLines(lines ...flexText) string {
	var kept []string
	for _, l := range lines {
		if l != "" {
			kept = append(kept, string(l))
		}
	}
	return strings.Join(kept, "\n")
}
