// Command synchronous answers one question at a time: here is a person, what
// is the score? It brings its own way to the bank data, too: a type with one
// method, here over a ledger in memory.
//
//	go run ./examples/synchronous
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"acme.example/creditscore/acme"
	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/keyset"
	"acme.example/creditscore/acme/pebblestore"
)

func main() {
	dir, err := os.MkdirTemp("", "acme-synchronous-")
	if err != nil {
		log.Fatal(err)
	}
	err = run(context.Background(), os.Stdout, dir)
	_ = os.RemoveAll(dir)
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, dir string) (err error) {
	keys, err := keyset.Open(filepath.Join(dir, "keyset.json"))
	if err != nil {
		return err
	}
	store, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if cerr := store.Close(); err == nil {
			err = cerr
		}
	}()
	eng, err := acme.New(acme.Config{Bank: ledgers{"token-of-ann": 14, "token-of-ben": 1}, Store: store, Keys: keys})
	if err != nil {
		return err
	}
	if err := eng.Start(ctx); err != nil {
		return err
	}
	for _, person := range []string{"ann", "ben", "eve"} {
		if err := ask(ctx, out, eng, person); err != nil {
			return err
		}
	}
	return eng.Stop(ctx)
}

// ask waits for a score, but not for ever. When the time is over the job
// still goes on, and eng.Wait can be asked about it again.
func ask(ctx context.Context, out io.Writer, eng *acme.Engine, person string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	job, err := eng.Score(ctx, acme.Request{
		Bank: "own-ledger", Subject: person, AccessToken: bank.NewToken("token-of-" + person),
		IdempotencyKey: "application-of-" + person, // asking again gives the same job
	})
	switch {
	case err != nil:
		return err
	case job.Error != nil:
		fmt.Fprintf(out, "%s: no score: %s (%s)\n", person, job.Error.Code, job.Error.Title)
	default:
		fmt.Fprintf(out, "%s: %d points\n", person, job.Score.Value)
	}
	return nil
}

// ledgers is an acme.BankClient: by token, how many months of a ledger there
// are. Yours would read a database, a file, or a bank with an API of its own.
type ledgers map[string]int

// Fetch returns everything the token gives access to. Errors are *bank.Error,
// whose Code tells the engine whether trying again can help.
func (l ledgers) Fetch(_ context.Context, access bank.Access, asked bank.Range) (*bank.Statement, error) {
	months, known := l[access.Token.Reveal()]
	if !known {
		return nil, &bank.Error{Code: bank.CodeUnauthorized, Op: "ledger"}
	}
	return statement(months, asked), nil
}

// statement is a salary, a rent and a shopping list a month, the newest of
// them yesterday.
func statement(months int, asked bank.Range) *bank.Statement {
	eur := bank.Currency{'E', 'U', 'R'}
	acc := bank.Account{
		ID: bank.NewText("1"), Kind: bank.AccountCurrent, Currency: eur, Complete: true,
	}
	balance := int64(1_200_00) // money is whole cents, never a float
	book := func(day bank.Date, cents int64, counterparty string) {
		balance += cents
		acc.Transactions = append(acc.Transactions, bank.Transaction{
			Status: bank.Booked, Booking: day, Value: day, Counterparty: bank.NewText(counterparty),
			Amount:       bank.Money{Minor: cents, Currency: eur},
			BalanceAfter: bank.Money{Minor: balance, Currency: eur}, HasBalanceAfter: true,
		})
	}
	for m := months; m > 0; m-- {
		first := asked.To.AddDays(-30 * m)
		book(first, 2_450_00, "Employer Ltd")
		book(first.AddDays(3), -900_00, "Housing Association")
		for week := range 4 {
			book(first.AddDays(5+7*week), -180_00, "Grocery Store")
		}
		book(first.AddDays(29), -310_00, "Utility Works")
	}
	acc.Delivered = bank.Range{From: acc.Transactions[0].Booking, To: acc.Transactions[len(acc.Transactions)-1].Booking}
	acc.Balances = []bank.Balance{{
		Type: bank.BalanceClosingBooked, Amount: bank.Money{Minor: balance, Currency: eur}, Date: acc.Delivered.To,
	}}
	return &bank.Statement{Asked: asked, Accounts: []bank.Account{acc}}
}
