package berlingroup_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/bank/berlingroup"
)

// FuzzReadTransactions: whatever the bytes, there is either an account whose
// booked entries all have a day within what was delivered, or a *bank.Error.
func FuzzReadTransactions(f *testing.F) {
	for _, name := range []string{"transactionsExample1_RegularAccount_json", "transactionsExample2_Download_json", "transactionsExample3_MulticurrencyAccount_json", "transactionsResponse200JsonExample"} {
		f.Add([]byte(fixture(f, name)))
	}
	f.Add([]byte(page("?x", entry("1e400"), numbered(1))))
	f.Add([]byte(`{"transactions":{"booked":[{"transactionAmount":{"currency":"JPY","amount":-1},"valueDate":"2025-01-01","remittanceInformationStructured":[{"reference":null},7,true]}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := berlingroup.ReadTransactions(body)
		if err != nil {
			var e *bank.Error
			if !errors.As(err, &e) || e.Code != bank.CodeBadData {
				t.Fatalf("error %T", err)
			}
			return
		}
		for _, tx := range a.Transactions {
			if tx.Status == bank.Booked && (tx.Booking.IsZero() || tx.Booking < a.Delivered.From || tx.Booking > a.Delivered.To) {
				t.Fatalf("booked on %s, delivered %v", tx.Booking, a.Delivered)
			}
			if again, err := bank.ParseMoney(tx.Amount.Decimal(), tx.Amount.Currency.String()); err != nil || again != tx.Amount {
				t.Fatalf("amount %s does not read back: %v", tx.Amount, err)
			}
		}
	})
}

func BenchmarkReadTransactions(b *testing.B) {
	for _, n := range []int{1_500, 10_000} {
		var entries []string
		for i := range n {
			entries = append(entries, entry(fmt.Sprintf("-%d.%02d", i%500, i%100), fmt.Sprintf(`"transactionId":"tx-%08d"`, i),
				`"valueDate":"2025-01-03"`, `"creditorName":"Some Shop Ltd"`, `"creditorAccount":{"iban":"DE67100100101306118605"}`,
				`"remittanceInformationUnstructured":"Card payment, thank you"`, code("PMNT-CCRD-POSD")))
		}
		body := []byte(`{"transactions":{"booked":[` + strings.Join(entries, ",") + `]}}`)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := berlingroup.ReadTransactions(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
