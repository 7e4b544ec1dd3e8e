// Command fit makes a scorecard's model from a portfolio of past loans and
// says, honestly, how good it is.
//
//	go run ./acme/score/fit -data DIR [-out FILE] [-seed N] [-repeats N] [-version V]
//
// DIR is a folder as package portfolio describes it. Each loan's account
// goes the way of a bank's answer: statement, profile, features. Figures come
// from stratified cross-validation, five folds five times, around everything
// that is chosen or fitted: scaling, features, penalty. With -out the model
// fitted on all loans is written there; it holds coefficients and figures, no
// row of the portfolio.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "fit:", err)
		}
		os.Exit(2)
	}
}

// options are the command's flags.
type options struct {
	data, out string
	seed      uint64
	version   string
	repeats   int
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("fit", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.data, "data", "", "folder with loans.csv and transactions.csv[.gz] (required)")
	flags.StringVar(&o.out, "out", "", "file to write the model to")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of the folds")
	flags.StringVar(&o.version, "version", "1.0.0", "version of the model")
	flags.IntVar(&o.repeats, "repeats", 5, "repeats of the cross-validation, 1 to 100")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.data == "" || flags.NArg() > 0 {
		flags.Usage()
		return errors.New("-data is required and there are no other arguments")
	}
	if o.repeats < 1 || o.repeats > 100 {
		return fmt.Errorf("-repeats: %d, want 1 to 100", o.repeats)
	}
	p, err := readPortfolio(ctx, o.data)
	if err != nil {
		return err
	}
	file, err := fit(ctx, p, o, stdout)
	if err != nil || o.out == "" {
		return err
	}
	return write(file, o.out)
}
