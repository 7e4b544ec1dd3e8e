package anonymize

import (
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// folder reduces text to lower-case ASCII letters, digits and single spaces:
// accents are dropped, Greek and Cyrillic are transliterated, full-width
// forms narrowed, zero-width characters removed, and everything else parts
// words. One folding serves the lexicon, the statements and the names, so
// what counts is only that it is the same everywhere.
type folder struct {
	// table holds the replacement of each rune below len(table): up to four
	// bytes, the empty one for a rune that is dropped, " " for a separator.
	table [foldTableSize]fold
}

type fold struct {
	n    uint8
	text [4]byte
}

// foldTableSize covers Latin, IPA, combining marks, Greek and Cyrillic.
const foldTableSize = 0x530

var folding = sync.OnceValue(newFolder)

// letters that canonical decomposition does not reduce to ASCII, and the
// transliteration of Greek and Cyrillic.
const foldPairs = "ß ss æ ae œ oe ø o đ d ð d þ th ł l ħ h ı i ŋ n ĸ k ſ s ə e ª a º o " +
	"α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o " +
	"а a б b в v г g д d е e ж zh з z и i й i к k л l м m н n о o п p р r с s т t у u ф f х h ц ts ч ch ш sh щ sht ъ a ы y ь  э e ю yu я ya " +
	"ё e є e і i ї i ґ g ђ d ј j љ lj њ nj ћ c ў u џ dz ѓ g ќ k ѕ dz"

func newFolder() *folder {
	f := new(folder)
	special := map[rune]string{}
	for rest := foldPairs; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size+1:]
		end := 0
		for end < len(rest) && rest[end] != ' ' {
			end++
		}
		special[r] = rest[:end]
		rest = rest[min(end+1, len(rest)):]
	}
	for r := range rune(foldTableSize) {
		f.table[r] = foldOf(r, special)
	}
	return f
}

func foldOf(r rune, special map[rune]string) fold {
	if r == '\u00ad' || unicode.Is(unicode.Mn, r) {
		return fold{}
	}
	l := unicode.ToLower(r)
	text, ok := special[l]
	if !ok {
		base, _ := utf8.DecodeRuneInString(norm.NFKD.String(string(l)))
		text, ok = special[unicode.ToLower(base)]
		if !ok {
			if isAlnum(base) {
				text = string(base)
			} else {
				text = " "
			}
		}
	}
	out := fold{n: uint8(len(text))}
	copy(out.text[:], text)
	return out
}

func isAlnum(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }

// wide folds the runes beyond the table: full-width forms are narrowed,
// joiners dropped, other scripts part words.
func (f *folder) wide(r rune) fold {
	switch {
	case r >= 0xff01 && r <= 0xff5e:
		return f.table[r-0xfee0]
	case r >= 0x200b && r <= 0x200f, r >= 0x2060 && r <= 0x2064, r == 0xfeff, r >= 0xfe00 && r <= 0xfe0f:
		return fold{}
	case r >= 0x1e00 && r <= 0x1fff || r >= 0x1d400 && r <= 0x1d7ff || r >= 0x2c60 && r <= 0x2c7f:
		// Precomposed Latin and Greek, and mathematical letters.
		base, _ := utf8.DecodeRuneInString(norm.NFKD.String(string(r)))
		if base < foldTableSize {
			return f.table[base]
		}
	}
	return fold{n: 1, text: [4]byte{' '}}
}

// append appends the folded text to dst, with one space between words and
// none at either end of what is appended. Digits and letters part words too,
// since banks write "MIETE04" and "BET 365" as they please.
func (f *folder) append(dst []byte, text string) []byte {
	start := len(dst)
	gap := false
	for i := 0; i < len(text); {
		var e fold
		if c := text[i]; c < utf8.RuneSelf {
			e = f.table[c]
			i++
		} else {
			r, size := utf8.DecodeRuneInString(text[i:])
			i += size
			if r < foldTableSize {
				e = f.table[r]
			} else {
				e = f.wide(r)
			}
		}
		if e.n == 1 && e.text[0] == ' ' {
			gap = true
			continue
		}
		if e.n == 0 {
			continue
		}
		if n := len(dst); n > start && (gap || dst[n-1] >= 'a' != (e.text[0] >= 'a')) {
			dst = append(dst, ' ')
		}
		gap = false
		dst = append(dst, e.text[:e.n]...)
	}
	return dst
}
