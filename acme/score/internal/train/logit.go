package train

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Logit is a fitted logistic regression: the log-odds of the event are
// Intercept + Σ Weights[j]·x[j].
type Logit struct {
	Intercept float64
	Weights   []float64
	// Covariance is that of the intercept (row and column 0) and the
	// weights: the inverse of the penalised information, zero in the rows of
	// weights that a sign holds at zero.
	Covariance [][]float64
	// Loss is the penalised negative log-likelihood.
	Loss float64
}

// ErrNoConvergence is returned when the optimum was not found.
var ErrNoConvergence = errors.New("logistic regression did not converge")

// FitLogit maximises the likelihood of y minus penalty/2·Σ Weights², subject
// to signs: +1 keeps a weight from being negative, -1 from being positive, 0
// leaves it free. The intercept is not penalised. Newton's method
// outside, coordinate descent with projection inside.
func FitLogit(x [][]float64, y []bool, penalty float64, signs []int) (*Logit, error) {
	p := len(signs) + 1
	f := &logitFit{x: x, y: y, penalty: penalty, signs: signs, w: make([]float64, p)}
	base := 0.0
	for _, v := range y {
		if v {
			base++
		}
	}
	if base == 0 || int(base) == len(y) {
		return nil, errors.New("fitting: want loans of both outcomes")
	}
	f.w[0] = math.Log(base / (float64(len(y)) - base))
	loss := f.loss(f.w)
	for range 100 {
		gram, slope := f.quadratic()
		next := f.descend(gram, slope)
		step := 1.0
		trial := make([]float64, p)
		better := loss
		for ; step > 1e-6; step /= 2 {
			for j := range trial {
				trial[j] = f.w[j] + step*(next[j]-f.w[j])
			}
			if better = f.loss(trial); better <= loss {
				break
			}
		}
		done := loss-better < 1e-10*(1+math.Abs(loss))
		if better <= loss {
			f.w, loss = trial, better
		}
		if done {
			return f.result()
		}
	}
	return nil, ErrNoConvergence
}

type logitFit struct {
	x       [][]float64
	y       []bool
	penalty float64
	signs   []int
	w       []float64
}

func eta(w, row []float64) float64 {
	e := w[0]
	for j, v := range row {
		e += w[j+1] * v
	}
	return e
}

func (f *logitFit) loss(w []float64) float64 {
	total := 0.0
	for i, row := range f.x {
		e := eta(w, row)
		if f.y[i] {
			e = -e
		}
		total += softplus(e)
	}
	for _, v := range w[1:] {
		total += f.penalty / 2 * v * v
	}
	return total
}

// softplus is log(1+exp(e)) without overflow.
func softplus(e float64) float64 {
	return math.Max(e, 0) + math.Log1p(math.Exp(-math.Abs(e)))
}

// Probability is the logistic function.
func Probability(eta float64) float64 {
	if eta < 0 {
		return math.Exp(eta) / (1 + math.Exp(eta))
	}
	return 1 / (1 + math.Exp(-eta))
}

// quadratic returns the loss's second and first derivatives at f.w.
func (f *logitFit) quadratic() (gram [][]float64, slope []float64) {
	p := len(f.w)
	slope = make([]float64, p)
	gram = make([][]float64, p)
	for j := range gram {
		gram[j] = make([]float64, p)
	}
	full := make([]float64, p)
	full[0] = 1
	for i, row := range f.x {
		copy(full[1:], row)
		q := Probability(eta(f.w, row))
		r, v := q, q*(1-q)
		if f.y[i] {
			r--
		}
		for j, a := range full {
			slope[j] += r * a
			va := v * a
			for k := 0; k <= j; k++ {
				gram[j][k] += va * full[k]
			}
		}
	}
	for j := range gram {
		if j > 0 {
			gram[j][j] += f.penalty
			slope[j] += f.penalty * f.w[j]
		}
		gram[j][j] += 1e-9
		for k := 0; k < j; k++ {
			gram[k][j] = gram[j][k]
		}
	}
	return gram, slope
}

// descend minimises the quadratic model under the signs.
func (f *logitFit) descend(gram [][]float64, slope []float64) []float64 {
	w := append([]float64(nil), f.w...)
	g := append([]float64(nil), slope...)
	for range 1000 {
		most := 0.0
		for j := range w {
			to := w[j] - g[j]/gram[j][j]
			if j > 0 && float64(f.signs[j-1])*to < 0 {
				to = 0
			}
			d := to - w[j]
			if d == 0 {
				continue
			}
			w[j] = to
			for k := range g {
				g[k] += gram[j][k] * d
			}
			most = math.Max(most, math.Abs(d))
		}
		if most < 1e-9 {
			break
		}
	}
	return w
}

func (f *logitFit) result() (*Logit, error) {
	gram, _ := f.quadratic()
	free := []int{0}
	for j, s := range f.signs {
		if f.w[j+1] != 0 || s == 0 {
			free = append(free, j+1)
		}
	}
	info := mat.NewSymDense(len(free), nil)
	for a, j := range free {
		for b := a; b < len(free); b++ {
			info.SetSym(a, b, gram[j][free[b]])
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(info) {
		return nil, ErrNoConvergence
	}
	var inv mat.SymDense
	if err := chol.InverseTo(&inv); err != nil {
		return nil, ErrNoConvergence
	}
	l := &Logit{Intercept: f.w[0], Weights: f.w[1:], Loss: f.loss(f.w), Covariance: make([][]float64, len(f.w))}
	for j := range l.Covariance {
		l.Covariance[j] = make([]float64, len(f.w))
	}
	for a, j := range free {
		for b, k := range free {
			l.Covariance[j][k] = inv.At(a, b)
		}
	}
	return l, nil
}
