package anonymize_test

import (
	"fmt"

	"acme.example/creditscore/acme/anonymize"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
)

func Example() {
	keys, err := keyset.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	day := bank.NewDate(2026, 3, 2)
	statement := &bank.Statement{Accounts: []bank.Account{{
		Number: bank.NewText("DE75512108001245126199"), Currency: bank.Currency{'E', 'U', 'R'},
		Transactions: []bank.Transaction{{
			ID: bank.NewText("1"), Status: bank.Booked, Booking: day,
			Amount:       bank.Money{Minor: -75000, Currency: bank.Currency{'E', 'U', 'R'}},
			Counterparty: bank.NewText("Erika Mustermann"), Remittance: bank.NewText("Miete März, Lindenweg 3"),
		}},
	}}}
	p, err := anonymize.New(keys).Profile(statement, anonymize.Subject{Partner: "demo", ID: "user-42"}, day)
	if err != nil {
		fmt.Println(err)
		return
	}
	t := p.Accounts[0].Transactions[0]
	fmt.Println(t.Date, t.Amount, t.Category, len(t.Counterparty.String()))
	// Output: 2026-03-02 -75000 rent 32
}

func ExampleLooksPersonal() {
	fmt.Println(anonymize.LooksPersonal("order-12345"))
	fmt.Println(anonymize.LooksPersonal("refund to DE89 3704 0044 0532 0130 00"))
	// Output:
	//  false
	// iban true
}
