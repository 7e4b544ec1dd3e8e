package berlingroup_test

import (
	"context"
	"fmt"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
)

// One Adapter serves every person of a bank; what is read can be used, but
// not printed by mistake.
func ExampleAdapter_Fetch() {
	adapter, err := berlingroup.New(berlingroup.Config{
		BaseURL: "https://bank.test/xs2a",
		Transport: &scripted{answers: map[string]string{ // a bank without a network
			"/v1/accounts":                 `{"accounts":[{"resourceId":"a1","iban":"DE89370400440532013000","currency":"EUR"}]}`,
			"/v1/accounts/a1/balances":     `{"balances":[{"balanceType":"interimBooked","balanceAmount":{"currency":"EUR","amount":"12.50"}}]}`,
			"/v1/accounts/a1/transactions": `{"transactions":{"booked":[{"bookingDate":"2025-03-01","transactionAmount":{"currency":"EUR","amount":"-7.50"},"creditorName":"Bakery"}]}}`,
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer adapter.Close()

	today := bank.NewDate(2025, 3, 10)
	statement, err := adapter.Fetch(context.Background(),
		bank.Access{Token: bank.NewToken("what the consent gave")},
		bank.Range{From: today.AddDays(-364), To: today})
	if err != nil {
		fmt.Println(err)
		return
	}
	account := statement.Accounts[0]
	fmt.Println("number", account.Number, "balance", account.Balances[0].Amount)
	for _, t := range account.Transactions {
		fmt.Println(t.Booking, t.Amount, t.Counterparty)
	}
	// Output:
	// number [redacted] balance 12.50 EUR
	// 2025-03-01 -7.50 EUR [redacted]
}
