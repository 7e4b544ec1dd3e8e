package anonymize

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"acme.example/creditscore/acme/bank"
)

// pseudonymizer makes one subject's pseudonyms: HMAC-SHA-256 (RFC 2104)
// under a key that the PRF derives from partner and subject, over a domain
// byte and the normalized text, cut to 128 bits. It is used by one goroutine.
type pseudonymizer struct {
	key  []byte
	mac  hash.Hash
	sum  [sha256.Size]byte
	text []byte
	// known saves a hash where the same counterparty comes again. Its keys
	// share the Statement's own strings.
	known [numDomains]map[string]Pseudonym
}

// domain keeps apart what is hashed under one key.
type domain byte

const (
	domainNumber   domain = iota // account numbers, the person's own and others'
	domainName                   // names of counterparties
	domainResource               // the bank's ids of accounts without a number
	numDomains                   // keep last
)

// keyLabel begins every input of the PRF here, so that other uses of the
// same keyset can never meet these keys.
const keyLabel = "acme/anonymize/subject-key/v1"

func newPseudonymizer(keys Keys, who Subject) (*pseudonymizer, error) {
	if keys == nil {
		return nil, errors.New("anonymize: no keys")
	}
	input := []byte(keyLabel)
	for _, part := range []string{who.Partner, who.ID} {
		input = binary.BigEndian.AppendUint32(input, uint32(len(part)))
		input = append(input, part...)
	}
	key, err := keys.PRF(input, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("deriving subject key: %w", err)
	}
	if len(key) != sha256.Size {
		return nil, fmt.Errorf("deriving subject key: got %d bytes, want %d", len(key), sha256.Size)
	}
	p := &pseudonymizer{key: key, mac: hmac.New(sha256.New, key), text: make([]byte, 0, 128)}
	for d := range p.known {
		p.known[d] = map[string]Pseudonym{}
	}
	return p, nil
}

func (p *pseudonymizer) wipe() {
	clear(p.key)
	clear(p.sum[:])
	clear(p.text[:cap(p.text)])
	for _, m := range p.known {
		clear(m)
	}
	p.mac = nil
}

// counterparty stands for the other side of an entry: its account number,
// else its name; zero where the bank gave neither.
func (p *pseudonymizer) counterparty(t *bank.Transaction) Pseudonym {
	if id := p.number(t.CounterpartyAccount); !id.IsZero() {
		return id
	}
	return p.of(domainName, t.Counterparty.Reveal())
}

// number stands for an account number, which means the same here whether the
// account is the person's own or another's.
func (p *pseudonymizer) number(t bank.Text) Pseudonym {
	return p.of(domainNumber, t.Reveal())
}

func (p *pseudonymizer) accountID(a *bank.Account) Pseudonym {
	if id := p.number(a.Number); !id.IsZero() {
		return id
	}
	return p.of(domainResource, a.ID.Reveal())
}

func (p *pseudonymizer) of(d domain, text string) Pseudonym {
	if text == "" {
		return Pseudonym{}
	}
	if id, ok := p.known[d][text]; ok {
		return id
	}
	p.text = append(p.text[:0], byte(d))
	switch d {
	case domainName:
		p.text = appendName(p.text, text)
	case domainNumber:
		p.text = appendNumber(p.text, text)
	default:
		p.text = append(p.text, text...)
	}
	var id Pseudonym
	if len(p.text) > 1 {
		p.mac.Reset()
		p.mac.Write(p.text)
		copy(id[:], p.mac.Sum(p.sum[:0]))
	}
	p.known[d][text] = id
	return id
}

// sameName tells whether two names fold to the same words in any order; of
// fewer than two words it tells nothing, since forenames are shared.
func (p *pseudonymizer) sameName(a, b bank.Text) bool {
	if a.IsZero() || b.IsZero() {
		return false
	}
	p.text = folding().append(p.text[:0], a.Reveal())
	cut := len(p.text)
	p.text = folding().append(p.text, b.Reveal())
	return sameWords(p.text[:cut], p.text[cut:])
}

// sameWords compares the multisets of words; the texts are short, so each
// word of one is looked for in the other.
func sameWords(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	n := 0
	for rest := a; len(rest) > 0; n++ {
		var w []byte
		w, rest = nextWord(rest)
		if countWord(a, w) != countWord(b, w) {
			return false
		}
	}
	return n >= 2
}

func countWord(text, word []byte) int {
	n := 0
	for len(text) > 0 {
		var w []byte
		w, text = nextWord(text)
		if string(w) == string(word) {
			n++
		}
	}
	return n
}

func nextWord(text []byte) (word, rest []byte) {
	for i, c := range text {
		if c == ' ' {
			return text[:i], text[i+1:]
		}
	}
	return text, nil
}

// appendNumber keeps letters and digits, letters in upper case, so that
// "cz65 0800-…" and "CZ650800…" are one account.
func appendNumber(dst []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 0x80:
			dst = append(dst, c)
		case c >= 'a' && c <= 'z':
			dst = append(dst, c-'a'+'A')
		}
	}
	return dst
}

// appendName keeps the folded words that hold a letter: the number of a
// branch or of a till does not make another merchant. A name in a script
// that does not fold is kept as it is.
func appendName(dst []byte, text string) []byte {
	start := len(dst)
	dst = folding().append(dst, text)
	folded := dst[start:]
	kept := dst[:start]
	for len(folded) > 0 {
		word, rest := nextWord(folded)
		if hasLetter(word) {
			if len(kept) > start {
				kept = append(kept, ' ')
			}
			kept = append(kept, word...)
		}
		folded = rest
	}
	if len(kept) == start {
		return append(kept, text...)
	}
	return kept
}

func hasLetter(word []byte) bool {
	for _, c := range word {
		if c >= 'a' {
			return true
		}
	}
	return false
}
