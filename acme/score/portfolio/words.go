package portfolio

// Wording is how a bank words an entry: the unstructured remittance
// information and the ISO 20022 bank transaction code "DOMN-FMLY-SUBF".
type Wording struct{ Remittance, BankCode string }

// The directions of an entry.
const (
	typeIn      = "PRIJEM"
	typeOut     = "VYDAJ"
	typeOutCash = "VYBER"
)

// operations and symbols are the words the file form knows, each with how a
// bank says it. A symbol without a bank code of its own keeps the
// operation's; the empty operation is that of entries the bank makes itself.
var (
	operations = map[string]Wording{
		"VKLAD":          {"VKLAD HOTOVOSTI", "PMNT-CNTR-CDPT"},
		"VYBER":          {"VYBER HOTOVOSTI", "PMNT-CNTR-CWDL"},
		"VYBER KARTOU":   {"VYBER KARTOU", "PMNT-CCRD-CWDL"},
		"PREVOD Z UCTU":  {"PRICHOZI PLATBA", "PMNT-RCDT-DMCT"},
		"PREVOD NA UCET": {"ODCHOZI PLATBA", "PMNT-ICDT-DMCT"},
		"":               {},
	}
	symbols = map[string]Wording{
		"UROK":        {"UROK Z VKLADU", "ACMT-MCOP-INTR"},
		"SANKC. UROK": {"SANKCNI UROK", "ACMT-MDOP-INTR"},
		"SLUZBY":      {"POPLATEK ZA VEDENI UCTU", "ACMT-MDOP-CHRG"},
		"SIPO":        {"SIPO", ""},
		"POJISTNE":    {"POJISTNE", ""},
		"DUCHOD":      {"DUCHOD", ""},
		"UVER":        {"SPLATKA UVERU", ""},
		" ":           {},
		"":            {},
	}
	types = map[string]bool{typeIn: true, typeOut: true, typeOutCash: true}
)

// Wording is the symbol's where the entry has one that a bank would print,
// else the operation's.
func (e Entry) Wording() Wording {
	w, s := operations[e.Operation], symbols[e.Symbol]
	if s.Remittance != "" {
		w.Remittance = s.Remittance
	}
	if s.BankCode != "" {
		w.BankCode = s.BankCode
	}
	return w
}
