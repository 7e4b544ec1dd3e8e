package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score"
)

// writePortfolio makes up loans of people whose purse is the tighter the
// likelier they default.
func writePortfolio(t *testing.T, loans int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 11))
	var l, e bytes.Buffer
	l.WriteString("loan_id,date,amount,duration,payments,status,bad,currency\n")
	e.WriteString("loan_id,date,type,operation,amount,balance,k_symbol,bank,account\n")
	for id := range loans {
		tight := rng.Float64()
		bad := rng.Float64() < tight*tight*tight
		start := bank.NewDate(1995, 1, 1).AddDays(rng.IntN(900))
		balance := 3000.0
		for day := range 200 {
			kind, operation, amount := "", "VYBER", 0.0
			switch {
			case day%30 == 5:
				kind, operation, amount = "PRIJEM", "PREVOD Z UCTU", 1000
				balance += amount
			case day%6 == 0:
				kind, amount = "VYDAJ", 100+float64(rng.IntN(100))*(.2+tight)+60*tight
				balance -= amount
			default:
				continue
			}
			fmt.Fprintf(&e, "%d,%s,%s,%s,%.2f,%.2f,,,\n", id, start.AddDays(day), kind, operation, amount, balance)
		}
		outcome := 0
		if bad {
			outcome = 1
		}
		fmt.Fprintf(&l, "%d,%s,5000,12,450,X,%d,EUR\n", id, start.AddDays(205), outcome)
	}
	dir := t.TempDir()
	for name, b := range map[string]*bytes.Buffer{"loans.csv": &l, "transactions.csv": &e} {
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// figure finds a figure in what the command printed.
func figure(t *testing.T, out, name string) float64 {
	t.Helper()
	m := regexp.MustCompile(name + `\s+(\d\.\d+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no %q in:\n%s", name, out)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCommandFitsAModelThatLoads(t *testing.T) {
	t.Parallel()
	dir := writePortfolio(t, 120)
	var first []byte
	for range 2 {
		var out bytes.Buffer
		path := filepath.Join(t.TempDir(), "model.json")
		if err := run(t.Context(), []string{"-data", dir, "-out", path, "-seed", "3", "-repeats", "1"}, &out, &out); err != nil {
			t.Fatal(err)
		}
		if auc := figure(t, out.String(), "AUC  "); auc < .7 {
			t.Errorf("AUC %v:\n%s", auc, out.String())
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		card, err := score.Load(bytes.NewReader(data))
		if err != nil || card.Model().Version != "1.0.0" {
			t.Errorf("model %+v, %v", card, err)
		}
		if first != nil && !bytes.Equal(first, data) {
			t.Error("the same portfolio and seed made another model")
		}
		first = data
	}
}

func TestCommandNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no folder":      {nil, "-data is required"},
		"missing folder": {[]string{"-data", "no-such-folder"}, "loans.csv"},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), c.args, &out, &out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// TestKnownPortfolio holds the figures of the embedded model to what is
// promised, and the model to what the command makes.
func TestKnownPortfolio(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(cmp.Or(os.Getenv("ACME_SHARED"), "../../../../shared"), "data", "berka")
	if _, err := os.Stat(filepath.Join(dir, "loans.csv")); err != nil {
		t.Skip("the PKDD'99 portfolio is not there; ACME_SHARED names the folder that holds data/berka")
	}
	var out bytes.Buffer
	path := filepath.Join(t.TempDir(), "model.json")
	if err := run(t.Context(), []string{"-data", dir, "-out", path, "-repeats", "1"}, &out, &out); err != nil {
		t.Fatal(err)
	}
	if auc := figure(t, out.String(), "AUC  "); auc < .88 {
		t.Errorf("cross-validated AUC %v, want at least .88", auc)
	}
	if slope := figure(t, out.String(), "calibration slope"); slope < .8 || slope > 1.25 {
		t.Errorf("calibration slope %v, want .8 to 1.25", slope)
	}
	made, embedded := readModel(t, path), readModel(t, "../model.json")
	if len(made.Features) != len(embedded.Features) || math.Abs(made.Intercept-embedded.Intercept) > 1e-6 {
		t.Error("the embedded model is not what the command makes: fit it again")
	}
}

func readModel(t *testing.T, path string) (m score.ModelFile) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
