package anonymize

// ibanLengths are those of the SWIFT IBAN Registry, release 99; written
// "CC" + two digits each.
const ibanLengths = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18" +
	"FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24" +
	"ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23" +
	"ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30"

func ibanLength(country string) int {
	for i := 0; i < len(ibanLengths); i += 4 {
		if ibanLengths[i:i+2] == country {
			return int(ibanLengths[i+2]-'0')*10 + int(ibanLengths[i+3]-'0')
		}
	}
	return 0
}

// maxIBAN is the longest length of the registry.
const maxIBAN = 33

// hasIBAN knows ISO 13616 numbers, in one piece or parted by single spaces,
// dashes or dots.
func hasIBAN(t string) bool {
	for i := range len(t) {
		if !startsWord(t, i) && !isDigit(t[max(i-1, 0)]) {
			continue
		}
		var compact [maxIBAN]byte
		n, want := 0, maxIBAN
		for j := i; j < len(t) && n < want; j++ {
			c := t[j]
			if isLower(c) {
				c -= 'a' - 'A'
			}
			switch {
			case isDigit(c) && n != 0 && n != 1, isUpper(c) && n != 2 && n != 3:
				compact[n] = c
				n++
			case n >= 2 && (c == ' ' || c == '-' || c == '.') && j > 0 && isWord(t[j-1]):
				continue
			default:
				want = 0
			}
			if n == 4 {
				want = min(want, ibanLength(string(compact[:2])))
			}
		}
		if n == want && n >= 15 && mod97(compact[:n]) == 1 {
			return true
		}
	}
	return false
}

// mod97 is ISO 7064 over the number with its first four characters last.
func mod97(iban []byte) int {
	sum := 0
	for i := range iban {
		c := iban[(i+4)%len(iban)]
		if isDigit(c) {
			sum = (sum*10 + int(c-'0')) % 97
		} else {
			sum = (sum*100 + int(c-'A') + 10) % 97
		}
	}
	return sum
}

// hasPAN knows card numbers in one piece or in groups of at least three
// digits, parted by one kind of separator.
func hasPAN(t string) bool {
	for i := 0; i < len(t); i++ {
		if !isDigit(t[i]) || !startsWord(t, i) || i > 0 && (t[i-1] == '-' || t[i-1] == '.') {
			continue
		}
		var digits [19]byte
		n, group, sep := 0, 0, byte(0)
		j := i
		for ; j < len(t) && n < len(digits); j++ {
			c := t[j]
			if isDigit(c) {
				digits[n] = c - '0'
				n, group = n+1, group+1
				continue
			}
			if (c != ' ' && c != '-') || sep != 0 && c != sep || group < 3 {
				break
			}
			sep, group = c, 0
			if j+1 == len(t) || !isDigit(t[j+1]) {
				break
			}
		}
		if (j == len(t) || !isWord(t[j])) && isCard(digits[:n]) {
			return true
		}
	}
	return false
}

// isCard checks issuer range, length and Luhn's sum (ISO/IEC 7812-1).
func isCard(d []byte) bool {
	if len(d) < 13 {
		return false
	}
	first4 := int(d[0])*1000 + int(d[1])*100 + int(d[2])*10 + int(d[3])
	first2 := first4 / 100
	n := len(d)
	var issued bool
	switch {
	case d[0] == 4: // Visa
		issued = n == 13 || n == 16 || n == 19
	case first2 >= 51 && first2 <= 55, first4 >= 2221 && first4 <= 2720: // Mastercard
		issued = n == 16
	case first2 == 34 || first2 == 37: // American Express
		issued = n == 15
	case first2 == 36 || first2 == 38 || first4 >= 3000 && first4 <= 3059: // Diners Club
		issued = n == 14
	case first4 == 6011 || first2 == 65 || first4 >= 6440 && first4 <= 6499: // Discover
		issued = n == 16
	case first4 >= 3528 && first4 <= 3589: // JCB
		issued = n == 16
	case first2 == 50 || first2 >= 56 && first2 <= 69: // Maestro, UnionPay
		issued = n == 16 || n == 18 || n == 19
	}
	if !issued {
		return false
	}
	sum := 0
	for i := range d {
		v := int(d[n-1-i])
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}
