package anonymize

import "strings"

// byBankCode reads an ISO 20022 bank transaction code "DOMN-FMLY-SUBF"
// (External Code Sets, BankTransactionCode) or one of the names that UK Open
// Banking gives the same things. The second result tells that the code says
// what an entry was for, not only how money moved.
func byBankCode(code string, sign int8) (Category, bool) {
	domain, rest, ok := strings.Cut(code, "-")
	if !ok {
		return byBankCodeName(code, sign)
	}
	family, sub, _ := strings.Cut(rest, "-")
	sub, _, _ = strings.Cut(sub, "-")
	switch sub {
	case "RRTN", "RPCR", "RVSL", "RRCT", "UPDD", "UPCT", "UPCQ", "PRDD", "PRCT", "ARET", "RIMB":
		return Reversal, true
	case "INTR":
		if domain == "LDAS" && family != "FTDP" && family != "NTDP" {
			return InterestPaid, true
		}
		return bySign(sign, InterestEarned, InterestPaid), true
	case "CHRG", "FEES", "COMM", "COMT", "COME":
		return Fees, true
	case "TAXE", "CHKT":
		return Tax, true
	case "SALA":
		if sign > 0 {
			return Salary, true
		}
	case "CWDL", "XBCW", "CDIS":
		return CashOut, true
	case "CDPT":
		return CashIn, true
	}
	switch domain {
	case "LDAS":
		return byLoanFamily(family, sign), true
	case "SECU":
		return Savings, true
	case "PMNT":
		return byPaymentFamily(family, sub, sign)
	}
	return Uncategorized, false
}

func byLoanFamily(family string, sign int8) Category {
	switch family {
	case "FTDP", "NTDP":
		return Savings
	case "MGLN":
		return bySign(sign, LoanDisbursement, Mortgage)
	}
	return bySign(sign, LoanDisbursement, LoanRepayment)
}

func byPaymentFamily(family, sub string, sign int8) (Category, bool) {
	switch family {
	case "CNTR":
		return bySign(sign, CashIn, CashOut), true
	case "CCRD", "MCRD":
		return CardPayment, false
	case "RDDT", "IDDT":
		if sign < 0 {
			return DirectDebit, false
		}
		return TransferIn, false
	case "RCDT", "RRCT", "RCHQ", "ICDT", "IRCT", "ICHQ", "DRFT":
		return bySign(sign, TransferIn, TransferOut), false
	}
	return Uncategorized, false
}

// byBankCodeName covers the names of OBBankTransactionCodeStructure that
// banks fill in practice.
func byBankCodeName(code string, sign int8) (Category, bool) {
	has := func(part string) bool { return strings.Contains(code, part) }
	switch {
	case has("CashWithdrawal"):
		return CashOut, true
	case has("CashDeposit"):
		return CashIn, true
	case has("CreditTransfer"), has("StandingOrder"), has("Cheque"):
		return bySign(sign, TransferIn, TransferOut), false
	case has("DirectDebit"):
		return bySign(sign, TransferIn, DirectDebit), false
	case has("Card"):
		return CardPayment, false
	}
	return Uncategorized, false
}

// byPurpose reads an ISO 20022 external purpose code. Codes that payers set
// at random in practice (SUPP, GDDS, OTHR) tell nothing.
func byPurpose(code string, sign int8) Category {
	switch code {
	case "SALA", "PAYR", "BONU":
		return only(sign > 0, Salary)
	case "PENS":
		return only(sign > 0, Pension)
	case "SSBE", "BENE", "BECH", "ALLW":
		return only(sign > 0, Benefits)
	case "RENT":
		return only(sign < 0, Rent)
	case "HLRP":
		return only(sign < 0, Mortgage)
	case "LOAN", "LOAR":
		return bySign(sign, LoanDisbursement, LoanRepayment)
	case "GAMB":
		return Gambling
	case "TAXS", "ESTX", "HLTX", "INTX", "NITX", "PTXP", "RDTX", "VATX", "WHLD", "TAXR":
		return Tax
	case "INSU", "LIFI", "HLTI", "PPTI", "INPC", "INSC":
		return Insurance
	case "ELEC", "GASB", "WTER", "PHON", "UBIL", "TBIL", "CBTV", "NWCH", "ENRG", "OTLC":
		return only(sign < 0, Utilities)
	case "INTE":
		return bySign(sign, InterestEarned, InterestPaid)
	case "FCOL":
		return only(sign < 0, Fees)
	case "CDCD", "CSDB":
		return only(sign < 0, CashOut)
	case "SAVG", "SECU":
		return Savings
	}
	return Uncategorized
}

// byMCC reads an ISO 18245 merchant category code. The second result tells
// that the code is to be trusted over the merchant's name.
func byMCC(code string) (Category, bool) {
	switch code {
	case "":
		return Uncategorized, false
	case "6010", "6011":
		return CashOut, true
	case "7995", "7800", "7801", "7802", "9406":
		return Gambling, true
	case "5411", "5422", "5441", "5451", "5462", "5499":
		return Groceries, false
	case "4812", "4814", "4816", "4899", "4900":
		return Utilities, false
	case "5960", "6300", "6381", "6399":
		return Insurance, false
	case "6513":
		return Rent, false
	case "9311":
		return Tax, false
	case "9222":
		return Penalty, false
	case "6211":
		return Savings, false
	}
	return CardPayment, false
}

func bySign(sign int8, credit, debit Category) Category {
	if sign < 0 {
		return debit
	}
	return credit
}

func only(ok bool, c Category) Category {
	if ok {
		return c
	}
	return Uncategorized
}
