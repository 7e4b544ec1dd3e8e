package sandbox

// party is the other side of a transaction.
type party struct{ name, iban string }

// at names a party; its IBAN follows from its name.
func at(name string) *party {
	return &party{name: name, iban: germanIBAN(otherBankCode, hash64(0, "party", name))}
}

// kind is what a shop sells.
type kind int

const (
	groceries kind = iota
	bakery
	eatingOut
	drugstore
	fuel
	transit
	clothing
	online
	electronics
	leisure
	travel
	numKinds
)

// shop is where cards are used.
type shop struct {
	name, text string
}

// shops of each kind, what is usually spent there in cents, and how often
// the kind comes up.
var shops = [numKinds]struct {
	usual, sigma, weight float64
	shops                []shop
}{
	groceries: {3200, 0.55, 38, []shop{
		{"REWE Markt GmbH", "REWE SAGT DANKE. Kartenzahlung"}, {"EDEKA Center Nord", "EDEKA SAGT DANKE Kartenzahlung"},
		{"LIDL Vertriebs GmbH", "LIDL SAGT DANKE Kartenzahlung"}, {"ALDI SUED", "ALDI SUED SAGT DANKE Kartenzahlung"},
		{"PENNY Markt", "PENNY SAGT DANKE Kartenzahlung"}, {"Bio Markt am Park", "Bio Markt Supermarkt card payment"}}},
	bakery: {620, 0.4, 14, []shop{{"Backhaus Sommer", "Baeckerei Backhaus Sommer Kartenzahlung"}, {"Baeckerei Krume", "BAECKEREI KRUME card payment"}}},
	eatingOut: {2100, 0.6, 12, []shop{{"Trattoria Da Gino", "RESTAURANT DA GINO card payment"}, {"Cafe Morgenrot", "CAFE MORGENROT Kartenzahlung"},
		{"Lieferdienst Hurtig", "Lieferdienst Hurtig Bestellung"}, {"Imbiss am Eck", "IMBISS AM ECK Kartenzahlung"}}},
	drugstore: {1900, 0.5, 8, []shop{{"dm-drogerie markt", "DM DROGERIEMARKT SAGT DANKE"}, {"Linden-Apotheke", "LINDEN-APOTHEKE Kartenzahlung"}}},
	fuel:      {5200, 0.3, 6, []shop{{"Shell Station 0417", "SHELL 0417 Tankstelle"}, {"ARAL AG", "ARAL STATION Tankstelle Kartenzahlung"}}},
	transit:   {1450, 0.6, 6, []shop{{"DB Vertrieb GmbH", "DB Fahrkarte online"}, {"Stadtverkehr", "Stadtverkehr Ticket app"}}},
	clothing:  {5400, 0.6, 4, []shop{{"Modehaus Keller", "MODEHAUS KELLER Kartenzahlung"}, {"Schuh Brandt", "SCHUH BRANDT card payment"}}},
	online: {3900, 0.8, 8, []shop{{"AMAZON EU S.A R.L.", "AMZN Mktp DE Bestellung"}, {"Buchversand Zeile", "BUCHVERSAND ZEILE online order"},
		{"PAYPAL EUROPE", "PAYPAL Ihr Einkauf"}}},
	electronics: {13500, 0.8, 1.2, []shop{{"Elektro Volt", "ELEKTRO VOLT Fachmarkt Kartenzahlung"}}},
	leisure: {2600, 0.6, 4, []shop{{"Kino am Ring", "KINO AM RING Tickets"}, {"Schwimmbad Stadtwerke", "SCHWIMMBAD Eintritt"},
		{"Baumarkt Hammer", "BAUMARKT HAMMER Kartenzahlung"}}},
	travel: {24000, 0.6, 0.6, []shop{{"Reisebuero Fernweh", "REISEBUERO FERNWEH booking"}, {"Hotel Seeblick", "HOTEL SEEBLICK"}}},
}

// seasonal is how much more or less is spent in a month.
var seasonal = [13]float64{0, 0.9, 0.92, 0.97, 1, 1, 1.02, 1.1, 1.08, 0.97, 0.98, 1.05, 1.25}

var casinos = []shop{{"Lucky Star Online Casino Ltd", "LUCKY STAR CASINO deposit"}, {"Bet-Arena Sportwetten", "BET-ARENA SPORTWETTEN Einzahlung"}}

var (
	firstNames = []string{"Anna", "Ben", "Clara", "David", "Elif", "Felix", "Greta", "Hannes", "Ida", "Jonas", "Katharina", "Lukas",
		"Mia", "Noah", "Olga", "Paul", "Rosa", "Samir", "Tina", "Victor", "Yara", "Zoe"}
	lastNames = []string{"Albrecht", "Brandt", "Conrad", "Dietz", "Engel", "Fuchs", "Graf", "Hoffmann", "Ilgner", "Jansen", "Keller",
		"Lorenz", "Maurer", "Nowak", "Otto", "Petersen", "Richter", "Sander", "Thiel", "Ulrich", "Vogt", "Winkler", "Yilmaz", "Ziegler"}
	employers = []string{"Nordwerk Maschinenbau GmbH", "Stadtklinik Betriebs gGmbH", "Kontor Logistik SE", "Landesschulamt Besoldung",
		"Solarhaus Technik AG", "Gasthof Zur Post", "Pflegedienst Morgensonne", "Datenraum Software GmbH", "Backhaus Sommer KG"}
)

func rent(to string, amount int64) bill {
	return bill{to: at(to), text: "Miete inkl. Nebenkosten", stamp: withMonth, amount: amount, day: 1, every: 1, code: codeStanding, purpose: "RENT"}
}

func debit(to, text string, amount int64, day int) bill {
	return bill{to: at(to), text: text, stamp: withInvoice, amount: amount, day: day, every: 1, code: codeDirectDebit}
}

func (b bill) per(months, offset int) bill { b.every, b.offset = months, offset; return b }
func (b bill) varying(v float64) bill      { b.vary = v; return b }
func (b bill) until(months int) bill       { b.last = months; return b }
func (b bill) since(months int) bill       { b.first = months; return b }

// household is what most people pay, most important first.
func household(energy, phone int64) []bill {
	return []bill{
		debit("Stadtwerke Energie", "Abschlag Strom und Gas Vertrag", energy, 3),
		debit("Vodafone GmbH", "Mobilfunk Rechnung", phone, 12).varying(0.04),
		debit("Netzwerk DSL GmbH", "Internet und Festnetz Rechnung", 3499, 8),
		debit("Allsicher Versicherung AG", "Haftpflicht- und Hausratversicherung Beitrag", 1480, 5),
		debit("Rundfunk ARD, ZDF, DRadio", "Rundfunkbeitrag 3 Monate", 5508, 15).per(3, 2),
		debit("Spotify AB", "Spotify Premium subscription", 1099, 18),
		debit("NETFLIX INTERNATIONAL B.V.", "Netflix monthly subscription", 1399, 21),
		debit("Fitwerk Studios", "Fitness Mitgliedsbeitrag", 2990, 2),
	}
}

func carInsurance(amount int64) bill {
	return debit("Allsicher Versicherung AG", "KFZ-Versicherung Jahresbeitrag", amount, 4).per(12, 1)
}

func salary(from string, amount int64) income {
	return income{from: at(from), text: "LOHN / GEHALT", stamp: withMonth, amount: amount, vary: 0.012, day: 25, code: codeSalary, purpose: "SALA"}
}
