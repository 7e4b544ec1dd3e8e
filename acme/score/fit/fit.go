package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"acme.example/creditscore/acme/bank"
	"acme.example/creditscore/acme/score"
	"acme.example/creditscore/acme/score/internal/train"
)

// outerFolds is the folds of the cross-validation that measures; normal95 is
// the normal quantile of a 95 % interval.
const (
	outerFolds = 5
	normal95   = 1.959963984540054
)

// newRecipe is how the model is made; see train.Recipe. The order of the
// library, and so what the smaller sizes hold, was settled with sight of the
// portfolio the embedded model is fitted on: its figures are that much too
// kind, by about the distance to the whole library's.
func newRecipe(seed uint64) train.Recipe {
	r := train.Recipe{
		Sizes:        []int{6, 9, len(score.Definitions())},
		Penalties:    []float64{1, 3, 10, 30},
		InnerFolds:   5,
		InnerRepeats: 2,
		Seed:         seed,
	}
	for _, d := range score.Definitions() {
		r.Signs = append(r.Signs, d.Risk)
	}
	return r
}

// fit measures the recipe, prints what it measured, and makes the model.
func fit(ctx context.Context, s *sample, o options, w io.Writer) (*score.ModelFile, error) {
	recipe := newRecipe(o.seed)
	fmt.Fprintf(w, "portfolio  %d loans, %d bad, %d refused for too little history\n", len(s.Bad), s.bad(), s.refused)
	fmt.Fprintf(w, "seed       %d\n\n", o.seed)
	measured, err := train.Validate(s.Data, recipe, outerFolds, o.repeats, o.seed)
	if err != nil {
		return nil, fmt.Errorf("cross-validating: %w", err)
	}
	figures := map[string]float64{}
	fmt.Fprintf(w, "%d×%d stratified cross-validation, everything refitted inside folds\n", o.repeats, outerFolds)
	show(w, figures, "auc", "AUC", measured)
	whole := recipe
	whole.Sizes = recipe.Sizes[len(recipe.Sizes)-1:]
	all, err := train.Validate(s.Data, whole, outerFolds, o.repeats, o.seed)
	if err != nil {
		return nil, fmt.Errorf("cross-validating the whole library: %w", err)
	}
	show(w, figures, "auc_whole_library", "AUC, no choice of size", all)
	fmt.Fprintf(w, "  calibration slope %.3f, intercept %+.3f\n  Brier score       %.4f (base rate alone %.4f)\n",
		measured.Slope, measured.Intercept, measured.Brier, baseBrier(s.Bad))
	figures["calibration_slope"] = rounded(measured.Slope)
	figures["brier"] = rounded(measured.Brier)
	show(w, figures, "auc_never_negative", "AUC, never below zero",
		measured.Among(s.Bad, func(i int) bool { return !s.negative[i] }))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := timeSplit(s, recipe, w, figures); err != nil {
		return nil, err
	}
	fitted, err := recipe.Fit(s.Data)
	if err != nil {
		return nil, fmt.Errorf("fitting: %w", err)
	}
	file := modelFile(s, fitted, o, figures)
	describe(w, fitted, s)
	return file, nil
}

func show(w io.Writer, figures map[string]float64, key, name string, m *train.Measured) {
	fmt.Fprintf(w, "  %-22s %.4f, standard error %.4f, 95 %% interval %.4f to %.4f; between repeats ±%.4f\n",
		name, m.AUC, m.SE, m.AUC-normal95*m.SE, math.Min(1, m.AUC+normal95*m.SE), m.Spread)
	figures[key], figures[key+"_se"] = rounded(m.AUC), rounded(m.SE)
}

// timeSplit fits on the older loans and tests on the newer ones: those
// before 1997 where the portfolio has loans on both sides, as the known one
// does, else the older 60 %.
func timeSplit(s *sample, r train.Recipe, w io.Writer, figures map[string]float64) error {
	cut := bank.NewDate(1997, time.January, 1)
	sorted := slices.Sorted(slices.Values(s.dates))
	if n := len(sorted); sorted[0] >= cut || sorted[n-1] < cut {
		cut = sorted[n*6/10]
	}
	var before, after []int
	for i, d := range s.dates {
		if d < cut {
			before = append(before, i)
		} else {
			after = append(after, i)
		}
	}
	older, newer := s.Subset(before), s.Subset(after)
	if !bothOutcomes(older.Bad) || !bothOutcomes(newer.Bad) {
		fmt.Fprintf(w, "time split at %s: one outcome is missing on a side\n", cut)
		return nil
	}
	m, err := r.Fit(older)
	if err != nil {
		return fmt.Errorf("time split: %w", err)
	}
	p := make([]float64, len(newer.Bad))
	for i, x := range newer.X {
		p[i] = m.Probability(x)
	}
	auc, se := train.AUC(p, newer.Bad)
	fmt.Fprintf(w, "time split: fitted on %d loans before %s, tested on the %d since\n  AUC %.4f, standard error %.4f, Brier score %.4f\n",
		len(before), cut, len(after), auc, se, train.Brier(p, newer.Bad))
	figures["auc_time_split"], figures["auc_time_split_se"] = rounded(auc), rounded(se)
	return nil
}

func bothOutcomes(bad []bool) bool { return slices.Contains(bad, true) && slices.Contains(bad, false) }

func baseBrier(bad []bool) float64 {
	n := 0.0
	for _, b := range bad {
		if b {
			n++
		}
	}
	rate := n / float64(len(bad))
	return rate * (1 - rate)
}

// modelFile is the fitted model in the form that scorecards read. Features
// whose weight a sign holds at zero are left out.
func modelFile(s *sample, m *train.Fitted, o options, figures map[string]float64) *score.ModelFile {
	sorted := slices.Sorted(slices.Values(s.dates))
	f := &score.ModelFile{
		Format:    1,
		Name:      "acme-cashflow",
		Version:   o.version,
		FittedOn:  score.Sample{Loans: len(s.Bad), Bad: s.bad(), From: sorted[0].String(), To: sorted[len(sorted)-1].String()},
		Scale:     score.DefaultScale(),
		Intercept: m.Logit.Intercept,
		Figures:   figures,
	}
	f.Figures["seed"] = float64(o.seed)
	f.Figures["penalty"] = m.Penalty
	kept := []int{0}
	definitions := score.Definitions()
	for k := range m.Mean {
		if m.Logit.Weights[k] == 0 {
			continue
		}
		kept = append(kept, k+1)
		f.Features = append(f.Features, score.Coefficient{
			Code: definitions[k].Code, Name: definitions[k].Name,
			Low: m.Low[k], High: m.High[k], Mean: m.Mean[k], Deviation: m.Deviation[k],
			Weight: m.Logit.Weights[k],
		})
	}
	for _, i := range kept {
		row := make([]float64, 0, len(kept))
		for _, j := range kept {
			row = append(row, m.Logit.Covariance[i][j])
		}
		f.Covariance = append(f.Covariance, row)
	}
	return f
}

// describe prints the model fitted on all loans.
func describe(w io.Writer, m *train.Fitted, s *sample) {
	fmt.Fprintf(w, "\nmodel fitted on all loans, penalty %g\n", m.Penalty)
	definitions := score.Definitions()
	for k := range m.Mean {
		fmt.Fprintf(w, "  %s %-18s weight %+.4f a deviation of %.4g about %.4g\n",
			definitions[k].Code, definitions[k].Name, m.Logit.Weights[k], m.Deviation[k], m.Mean[k])
	}
	p := make([]float64, len(s.Bad))
	for i, x := range s.X {
		p[i] = m.Probability(x)
	}
	auc, _ := train.AUC(p, s.Bad)
	fmt.Fprintf(w, "  AUC on the same loans %.4f: not to be believed\n", auc)
}

func rounded(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// write replaces the file at once, so that a broken run leaves the old one.
func write(f *score.ModelFile, path string) error {
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return err
	}
	if _, err := score.Load(bytes.NewReader(b.Bytes())); err != nil {
		return fmt.Errorf("checking the model made: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".model-*")
	if err != nil {
		return fmt.Errorf("writing model: %w", err)
	}
	defer os.Remove(temporary.Name())
	if _, err := temporary.Write(b.Bytes()); err != nil {
		temporary.Close()
		return fmt.Errorf("writing model: %w", err)
	}
	if err := errors.Join(temporary.Chmod(0o644), temporary.Close()); err != nil {
		return fmt.Errorf("writing model: %w", err)
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return fmt.Errorf("writing model: %w", err)
	}
	return nil
}
