package berlingroup

import (
	"strings"

	"acme.example/creditscore/acme/bank"
)

// settleSigns decides which amounts without a minus are debits, by the rules
// in the package's documentation, and makes them negative. wires are the
// entries as written, in the same order.
func settleSigns(entries []bank.Transaction, wires []wireTransaction) {
	chain := balanceSigns(entries)
	minus, creditorOnly := 0, 0
	for i := range wires {
		w := &wires[i]
		switch {
		case strings.HasPrefix(string(w.Amount.Amount), "-"):
			minus++
		case indicated(w.Indicator) == 0 && chain[i] == 0 && namesCreditorOnly(w):
			creditorOnly++
		}
	}
	signed := minus > creditorOnly
	for i := range entries {
		w := &wires[i]
		if entries[i].Amount.Minor <= 0 {
			continue
		}
		sign := indicated(w.Indicator)
		if sign == 0 {
			sign = chain[i]
		}
		if sign == 0 && !signed {
			if sign = codeSign(string(w.BankCode)); sign == 0 && namesCreditorOnly(w) {
				sign = -1
			}
		}
		if sign < 0 {
			entries[i].Amount.Minor = -entries[i].Amount.Minor
		}
	}
}

// indicated reads ISO 20022's credit debit indicator: -1, +1, or 0 for none.
func indicated(word string) int {
	switch strings.ToUpper(word) {
	case "DBIT", "DEBIT":
		return -1
	case "CRDT", "CREDIT":
		return 1
	}
	return 0
}

func namesCreditorOnly(w *wireTransaction) bool {
	debtor := w.DebtorName != "" || w.UltDebtor != "" || w.DebtorAccount != (wireNumber{})
	creditor := w.CreditorName != "" || w.CreditorID != "" || w.UltCreditor != "" || w.CreditorAccount != (wireNumber{})
	return creditor && !debtor
}

// balanceSigns tells each entry's sign from the balances around it: -1, +1,
// or 0 where they do not tell. Banks list from the newest or from the oldest
// entry; whichever order explains more entries is taken, and neither when
// they explain as many.
func balanceSigns(entries []bank.Transaction) []int {
	fromOldest, a := signsFrom(entries, -1)
	fromNewest, b := signsFrom(entries, +1)
	switch {
	case a > b:
		return fromOldest
	case b > a:
		return fromNewest
	}
	return make([]int, len(entries))
}

// signsFrom assumes that the entry before in time stands step places away.
func signsFrom(entries []bank.Transaction, step int) (signs []int, explained int) {
	signs = make([]int, len(entries))
	for i := range entries {
		j := i + step
		if j < 0 || j >= len(entries) || !entries[i].HasBalanceAfter || !entries[j].HasBalanceAfter ||
			entries[i].Status != entries[j].Status || entries[i].BalanceAfter.Currency != entries[j].BalanceAfter.Currency {
			continue
		}
		size := entries[i].Amount.Minor
		if size < 0 {
			size = -size
		}
		switch d := entries[i].BalanceAfter.Minor - entries[j].BalanceAfter.Minor; {
		case size == 0:
		case d == size:
			signs[i], explained = 1, explained+1
		case d == -size:
			signs[i], explained = -1, explained+1
		}
	}
	return signs, explained
}

// codeSign reads an ISO 20022 bank transaction code "DOMN-FMLY-SUBF"
// (external code sets, ExternalBankTransactionFamily1Code and
// …SubFamily1Code) as seen from the account's holder: who issues a direct
// debit receives its money, who received one pays. 0 where the code leaves
// it open.
func codeSign(code string) int {
	parts := strings.Split(code, "-")
	if len(parts) < 2 {
		return 0
	}
	domain, family, sub := parts[0], parts[1], ""
	if len(parts) > 2 {
		sub = parts[2]
	}
	switch sub {
	case "CHRG", "FEES", "COMM", "TAXE":
		return -1
	// Returns, reversals, cancellations and refunds run against their family.
	case "RRTN", "RPCR", "UPDD", "UPCT", "UPCQ", "PRDD", "PRCT", "RCDD", "ARPD", "URCQ", "RIMB", "ADJT":
		return 0
	}
	if domain != "PMNT" {
		return 0
	}
	switch family {
	case "ICDT", "IRCT", "RDDT", "ICHQ":
		return -1
	case "RCDT", "RRCT", "IDDT", "RCHQ", "MCRD":
		return 1
	case "CCRD":
		if sub == "CDPT" {
			return 1
		}
		return -1
	case "CNTR":
		switch sub {
		case "CWDL", "BCWD", "FCWD", "TCWD":
			return -1
		case "CDPT", "BCDP", "FCDP", "TCDP", "CHKD":
			return 1
		}
	}
	return 0
}
