package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"acme.example/creditscore/acme/bank"
)

// loadAccountsDir reads every NAME.json of a folder into customers by login.
// The error joins all faults of all files, each naming its file and place and
// never a value. An empty dir is nobody.
func loadAccountsDir(dir string) (map[string]*customer, error) {
	if dir == "" {
		return nil, nil
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("sandbox: reading AccountsDir: %w", err)
	}
	given := map[string]*customer{}
	var faults []error
	for _, f := range names {
		login, isJSON := strings.CutSuffix(f.Name(), ".json")
		if !isJSON || f.IsDir() {
			continue
		}
		c, err := loadFile(filepath.Join(dir, f.Name()), login)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		given[login] = c
	}
	if len(given) == 0 && len(faults) == 0 {
		faults = append(faults, fmt.Errorf("AccountsDir %s holds no .json file", dir))
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("sandbox: %w", errors.Join(faults...))
	}
	return given, nil
}

const maxFile = 64 << 20

var loginForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func loadFile(path, login string) (*customer, error) {
	data, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c, err := parseCustomer(login, data)
	if err != nil {
		var all []error
		for _, e := range unjoin(err) {
			all = append(all, fmt.Errorf("%s: %w", path, e))
		}
		return nil, errors.Join(all...)
	}
	return c, nil
}

func readBounded(path string) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.New("cannot be opened")
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, errors.New("cannot be read")
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	return data, nil
}

func unjoin(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}

// accountsFile is one person's file.
type accountsFile struct {
	Accounts     []json.RawMessage            `json:"accounts"`
	Balances     map[string][]json.RawMessage `json:"balances"`
	Transactions map[string]struct {
		Booked  []json.RawMessage `json:"booked"`
		Pending []json.RawMessage `json:"pending"`
	} `json:"transactions"`
}

// parseCustomer reads a file's content; the error joins every fault.
func parseCustomer(login string, data []byte) (*customer, error) {
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !loginForm.MatchString(login) {
		bad("the file's name must be letters, digits, '.', '_' and '-', at most 64")
	}
	if _, taken := generatedNumber(login); taken || strings.HasPrefix(login, faultPrefix) {
		bad("the file's name is one of the sandbox's own")
	}
	var f accountsFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, errors.Join(append(faults, describeJSON(err))...)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		bad("more follows after the JSON object")
	}
	if len(f.Accounts) == 0 {
		bad("accounts is missing or empty")
	}
	c := &customer{Person: Person{Login: login, Name: login, About: "given"}, fixed: true}
	led := &ledger{}
	for i, raw := range f.Accounts {
		h, owner, err := readHead(raw)
		if err != nil {
			bad("accounts[%d]: %w", i, err)
			continue
		}
		if slices.ContainsFunc(c.heads, func(o head) bool { return o.id == h.id }) {
			bad("accounts[%d]: its resourceId is that of another account", i)
			continue
		}
		if owner != "" && c.Name == login {
			c.Name = owner
		}
		c.heads = append(c.heads, h)
		var a accountLedger
		var errs []error
		where := fmt.Sprintf("of accounts[%d]", i)
		a.balances, errs = joinObjects(f.Balances[h.id], "balances "+where)
		faults = append(faults, errs...)
		tx := f.Transactions[h.id]
		a.pending, errs = joinObjects(tx.Pending, "pending transactions "+where)
		faults = append(faults, errs...)
		a.booked, errs = readBooked(tx.Booked, "booked transactions "+where)
		faults = append(faults, errs...)
		led.accounts = append(led.accounts, a)
		delete(f.Balances, h.id)
		delete(f.Transactions, h.id)
	}
	if n := len(f.Balances); n > 0 {
		bad("balances has %d keys that are no account's resourceId", n)
	}
	if n := len(f.Transactions); n > 0 {
		bad("transactions has %d keys that are no account's resourceId", n)
	}
	c.ledger = func(bank.Date) *ledger { return led }
	return c, errors.Join(faults...)
}

// describeJSON says where JSON is wrong without quoting it.
func describeJSON(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("a value of the wrong type at byte %d: want %s", kind.Offset, kind.Type)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not JSON: it ends too early")
	}
	return errors.New("an unknown key: accounts, balances and transactions (booked, pending) are known")
}

// readHead reads what the bank itself has to know of an account object.
func readHead(raw json.RawMessage) (h head, owner string, err error) {
	var a struct {
		ResourceID string `json:"resourceId"`
		IBAN       string `json:"iban"`
		BBAN       string `json:"bban"`
		OwnerName  string `json:"ownerName"`
	}
	if !isObject(raw) || json.Unmarshal(raw, &a) != nil {
		return h, "", errors.New("not an account object")
	}
	if a.ResourceID == "" {
		return h, "", errors.New("resourceId is missing")
	}
	ref := map[string]string{}
	if a.IBAN != "" {
		ref["iban"] = a.IBAN
	} else if a.BBAN != "" {
		ref["bban"] = a.BBAN
	}
	h = head{id: a.ResourceID, object: raw}
	h.ref, err = json.Marshal(ref)
	return h, a.OwnerName, err
}

// readBooked keeps each entry verbatim beside its booking date.
func readBooked(raws []json.RawMessage, where string) (entries []renderedEntry, faults []error) {
	for i, raw := range raws {
		var t struct {
			BookingDate *string `json:"bookingDate"`
		}
		if !isObject(raw) || json.Unmarshal(raw, &t) != nil {
			faults = append(faults, fmt.Errorf("%s: [%d] is not a transaction object", where, i))
			continue
		}
		e := renderedEntry{raw: raw, undated: t.BookingDate == nil}
		if !e.undated {
			var err error
			if e.booking, err = bank.ParseDate(*t.BookingDate); err != nil {
				faults = append(faults, fmt.Errorf("%s: [%d].bookingDate is not a date YYYY-MM-DD", where, i))
			}
		}
		entries = append(entries, e)
	}
	return entries, faults
}

// joinObjects writes objects as one JSON array, each byte for byte.
func joinObjects(raws []json.RawMessage, where string) (array []byte, faults []error) {
	for i, raw := range raws {
		if !isObject(raw) {
			faults = append(faults, fmt.Errorf("%s: [%d] is not an object", where, i))
		}
	}
	return append(append([]byte{'['}, bytes.Join(rawBytes(raws), []byte{','})...), ']'), faults
}

func rawBytes(raws []json.RawMessage) [][]byte {
	out := make([][]byte, len(raws))
	for i, r := range raws {
		out[i] = r
	}
	return out
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }
