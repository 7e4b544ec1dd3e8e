package anonymize

import "acme.example/creditscore/acme/bank"

// Categorize tells what an entry was for. It reads the remittance text, the
// counterparty's name, the ISO 20022 and ISO 18245 codes and the direction,
// in this order of trust:
//
//  1. words of the text that name a purpose ("salary", "splátka úvěru");
//  2. codes that name a purpose (SALA, ACMT-MCOP-INTR, MCC 7995);
//  3. names of merchants, lenders, authorities, in text or counterparty;
//  4. codes and words that tell only how money moved.
//
// Within one step the longest phrase decides, and a phrase may be bound to
// one direction: "loan" is a disbursement when money comes in and an
// instalment when it leaves. Words of a counterparty's name never count as a
// purpose, since people are called Rent and Lohn.
//
// It is deterministic, safe for concurrent use, and allocates nothing for
// texts of ordinary length. Nothing of the text survives in the result.
func Categorize(t *bank.Transaction) Category {
	var scratch [foldedSize]byte
	c, _, folded := categorize(t, scratch[:0])
	clear(folded[:cap(folded)])
	return c
}

// foldedSize holds the folded form of nearly every entry's texts.
const foldedSize = 512

// categorize folds into buf and returns it, grown where it had to be. The
// second result tells that words or an exact code named the purpose.
func categorize(t *bank.Transaction, buf []byte) (Category, bool, []byte) {
	m, f := lexicon(), folding()
	sign := signOf(t)
	var best [numTiers]hit
	buf = append(f.append(append(buf[:0], ' '), t.Remittance.Reveal()), ' ')
	if len(buf) > 2 {
		m.scan(buf, sign, &best)
	}
	own := best[purpose]
	end := len(buf)
	buf = append(f.append(append(buf, ' '), t.Counterparty.Reveal()), ' ')
	if len(buf) > end+2 {
		m.scan(buf[end:], sign, &best)
	}
	best[purpose] = own
	c, named := decide(t, sign, &best)
	return c, named, buf
}

// signOf is -1 for a debit, +1 for a credit and for an entry of nothing.
func signOf(t *bank.Transaction) int8 {
	if t.Amount.Minor < 0 {
		return -1
	}
	return 1
}

func decide(t *bank.Transaction, sign int8, best *[numTiers]hit) (Category, bool) {
	if best[purpose].length > 0 {
		return best[purpose].category, true
	}
	mcc, trusted := byMCC(t.MCC.Reveal())
	if trusted {
		return mcc, true
	}
	if c := byPurpose(t.Purpose.Reveal(), sign); c != Uncategorized {
		return c, true
	}
	code, strong := byBankCode(t.BankCode.Reveal(), sign)
	if strong {
		return code, true
	}
	if best[name].length > 0 {
		return best[name].category, false
	}
	if mcc != Uncategorized {
		return mcc, false
	}
	// A card's or a direct debit's code is exact; of a transfer the words
	// may still tell that a card was used.
	if code == CardPayment || code == DirectDebit {
		return code, false
	}
	if best[channel].length > 0 {
		return best[channel].category, false
	}
	if code == Uncategorized && !t.CounterpartyAccount.IsZero() {
		return bySign(sign, TransferIn, TransferOut), false
	}
	return code, false
}
