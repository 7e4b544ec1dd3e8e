package sandbox

// persona is a seeded person: always the same profile, lived out under the
// bank's seed.
type persona struct {
	Person
	profile func() *profile
}

// personas returns the seeded people in the order of the consent page.
func personas() []persona {
	return []persona{
		{Person{"alice", "Alice Albrecht", "steady salary, puts money aside"}, alice},
		{Person{"bob", "Bob Brandt", "freelancer, income comes and goes"}, bob},
		{Person{"carol", "Carol Conrad", "student, account opened five months ago"}, carol},
		{Person{"dave", "Dave Dietz", "overdrawn, returned debits, gambling"}, dave},
		{Person{"erin", "Erin Engel", "pensioner"}, erin},
		{Person{"frank", "Frank Fuchs", "account opened 40 days ago"}, frank},
		{Person{"grace", "Grace Graf", "high income, high rent, savings"}, grace},
		{Person{"heidi", "Heidi Hoffmann", "many instalments at once"}, heidi},
	}
}

func alice() *profile {
	pay := salary("Nordwerk Maschinenbau GmbH", 285_000)
	pay.bonusMonth = 11
	return &profile{
		opening: 210_000, overdraft: 100_000, accountFee: 0, cushion: 170_000, discipline: 0.9,
		incomes: []income{pay},
		bills: append(household(9800, 1999), rent("Wohnbau Genossenschaft eG", 82_000), carInsurance(48_600),
			bill{to: at("Tierheim Foerderverein"), text: "Spende", amount: 1500, day: 10, every: 1, code: codeStanding, purpose: "CHAR"}),
		shopping: shopping{perDay: 0.95, scale: 0.95, refunds: 0.03},
		cash:     cashHabit{perMonth: 1.6, typical: 5000},
		savings:  &savingsPlan{opening: 640_000, monthly: 30_000, rate: 0.0175, sweep: 400_000},
	}
}

func bob() *profile {
	p := &profile{
		opening: 320_000, overdraft: 200_000, accountFee: 690, cushion: 320_000, discipline: 0.8,
		bills: append(household(7600, 2999), rent("Hausverwaltung Krueger", 74_000),
			debit("Techniker Krankenkasse", "Beitrag Kranken- und Pflegeversicherung", 46_800, 15),
			debit("Kuenstler Cloud Ltd", "Software subscription", 6290, 9),
			bill{to: at("Finanzkasse Mitte"), text: "Einkommensteuer Vorauszahlung", stamp: withInvoice, amount: 96_000, vary: 0.1,
				day: 10, every: 3, offset: 3, code: codeTransferOut, purpose: "TAXS"}),
		shopping: shopping{perDay: 1.0, scale: 0.95, refunds: 0.03},
		cash:     cashHabit{perMonth: 2, typical: 8000},
	}
	for _, client := range []struct {
		name     string
		amount   int64
		perMonth float64
	}{{"Agentur Farbton GmbH", 135_000, 0.9}, {"Verlag Morgenblatt", 78_000, 0.8}, {"Studio Pixelweg", 240_000, 0.4}, {"Messebau Rahmen", 95_000, 0.25}} {
		p.incomes = append(p.incomes, income{from: at(client.name), text: "Rechnung / invoice", stamp: withInvoice,
			amount: client.amount, vary: 0.35, perMonth: client.perMonth, code: codeTransferIn})
	}
	return p
}

func carol() *profile {
	return &profile{
		openedMonths: 5, opening: 40_000, cushion: 35_000, discipline: 0.9,
		incomes: []income{
			{from: at("Renate Conrad"), text: "Unterhalt Studium", amount: 45_000, day: 1, code: codeTransferIn},
			salary("Cafe Morgenrot", 52_000).varying(0.15),
		},
		bills: []bill{
			{to: at("Studierendenwerk"), text: "Miete Wohnheim", stamp: withMonth, amount: 34_500, day: 3, every: 1, code: codeStanding, purpose: "RENT"},
			debit("Vodafone GmbH", "Mobilfunk Rechnung", 1299, 12),
			debit("Spotify AB", "Spotify Student subscription", 599, 18),
			{to: at("Universitaetskasse"), text: "Semesterbeitrag", amount: 31_200, day: 20, every: 6, offset: 1, code: codeTransferOut},
		},
		shopping: shopping{perDay: 1.1, scale: 0.5, refunds: 0.02},
		cash:     cashHabit{perMonth: 1.5, typical: 3000},
	}
}

func dave() *profile {
	return &profile{
		opening: -20_000, overdraft: 60_000, accountFee: 990, cushion: 60_000, discipline: 0.32,
		incomes: []income{salary("Kontor Logistik SE", 192_000).varying(0.06)},
		bills: append(household(10_400, 4499), rent("Immobilien Westend GmbH", 78_000), carInsurance(61_200),
			debit("Kredit Nord Bank", "Ratenkredit Rate Vertrag", 18_900, 28),
			debit("EasyPay Ratenkauf", "Ratenkauf Elektro Volt Rate", 6450, 5)),
		shopping: shopping{perDay: 1.0, scale: 0.8, refunds: 0.02},
		cash:     cashHabit{perMonth: 3, typical: 5000},
		gambling: gamblingHabit{perMonth: 5, typical: 3500, wins: 0.12},
	}
}

func erin() *profile {
	return &profile{
		opening: 380_000, accountFee: 490, cushion: 300_000, discipline: 0.9,
		incomes: []income{
			{from: at("Deutsche Rentenversicherung"), text: "Rente / Pension", stamp: withMonth, amount: 148_600, day: 30, code: codeTransferIn, purpose: "PENS"},
			{from: at("Betriebspensionskasse VVaG"), text: "Betriebsrente", stamp: withMonth, amount: 31_200, day: 28, code: codeTransferIn, purpose: "PENS"},
		},
		bills: append(household(8900, 999)[:5:5], rent("Wohnbau Genossenschaft eG", 56_000),
			debit("Sterbekasse Eintracht", "Sterbegeldversicherung Beitrag", 2140, 4),
			debit("Tageszeitung Kurier", "Abonnement Zeitung", 4190, 6)),
		shopping: shopping{perDay: 0.7, scale: 0.75, refunds: 0.01, weights: map[kind]float64{online: 2, electronics: 0.3, fuel: 1, drugstore: 16}},
		cash:     cashHabit{perMonth: 3.4, typical: 10_000},
		savings:  &savingsPlan{opening: 1_850_000, monthly: 5000, rate: 0.0175, sweep: 700_000},
	}
}

func frank() *profile {
	return &profile{
		opened: 40, opening: 30_000, overdraft: 50_000, cushion: 100_000, discipline: 0.8,
		incomes:  []income{salary("Solarhaus Technik AG", 231_000)},
		bills:    append(household(8200, 2499), rent("Wohnen Sued GmbH", 69_000)),
		shopping: shopping{perDay: 1.1, scale: 0.9, refunds: 0.02},
		cash:     cashHabit{perMonth: 2, typical: 5000},
	}
}

func grace() *profile {
	pay := salary("Datenraum Software GmbH", 518_000)
	pay.bonusMonth = 6
	return &profile{
		opening: 540_000, overdraft: 500_000, cushion: 420_000, discipline: 0.8,
		incomes: []income{pay},
		bills: append(household(14_200, 3999), rent("Hafenblick Immobilien KG", 215_000), carInsurance(92_000),
			debit("Vorsorge Leben AG", "Rentenversicherung Beitrag", 20_000, 1),
			debit("Golfclub Auetal", "Mitgliedsbeitrag", 9500, 7)),
		shopping: shopping{perDay: 1.3, scale: 1.1, refunds: 0.04, weights: map[kind]float64{travel: 1.6, eatingOut: 18, clothing: 7}},
		cash:     cashHabit{perMonth: 1.5, typical: 10_000},
		savings:  &savingsPlan{opening: 2_400_000, monthly: 60_000, rate: 0.0175, sweep: 900_000},
	}
}

func heidi() *profile {
	return &profile{
		opening: 90_000, overdraft: 150_000, accountFee: 590, cushion: 110_000, discipline: 0.75,
		incomes: []income{
			salary("Stadtklinik Betriebs gGmbH", 264_000),
			{from: at("Familienkasse"), text: "Kindergeld", stamp: withMonth, amount: 25_500, day: 12, code: codeTransferIn, purpose: "BENE"},
		},
		bills: append(household(11_800, 2999), rent("Wohnen Sued GmbH", 79_000), carInsurance(54_800),
			debit("Autobank Sandbox AG", "Autokredit Rate Vertrag", 24_900, 1),
			debit("Kredit Nord Bank", "Ratenkredit Rate Vertrag", 19_800, 15).since(9),
			debit("EasyPay Ratenkauf", "Ratenkauf Moebelhaus Rate", 7900, 5).since(12).until(2),
			debit("EasyPay Ratenkauf", "Ratenkauf Elektro Volt Rate", 5490, 20).since(5),
			debit("Jetztkauf Bank", "Finanzierung Smartphone instalment", 3990, 10)),
		loans:    []payout{{at("Kredit Nord Bank"), "Auszahlung Kredit / loan payout", 450_000, 10}},
		shopping: shopping{perDay: 1.0, scale: 0.95, refunds: 0.03},
		cash:     cashHabit{perMonth: 2, typical: 4000},
	}
}

func (i income) varying(v float64) income { i.vary = v; return i }
