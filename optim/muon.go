package optim

import (
	"fmt"
	"math"

	"inkling/internal/kernel"
)

// Muon moves a matrix of weights along its momentum made orthogonal (Jordan et
// al. 2024, kellerjordan.github.io/posts/muon), as torch.optim.Muon, in float32:
// for parameter p and gradient g,
//
//	b = Momentum*b + (1-Momentum)*g
//	u = Nesterov ? Momentum*b + (1-Momentum)*g : b
//	x = u / max(|u|, Eps), transposed if it has more rows than columns
//	NSSteps times: a = x xᵀ, x = c0*x + (c1*a + c2*a*a) x    (c: Coefficients)
//	p = p - LR*WeightDecay*p
//	p = p - LR * sqrt(max(1, rows/columns)) * x
//
// The iteration (Newton and Schulz) brings all singular values near 1. A filter
// of a convolution, Out x In x Kh x Kw, counts as a row of In*Kh*Kw. Parameters of one
// dimension, such as biases, have no matrix: give them to another optimizer.
//
// Muon needs whole parameters: see UpdateTensor. NewMuon gives PyTorch's
// defaults; in a literal each number means what it says.
type Muon struct {
	LR           float64
	WeightDecay  float64
	Momentum     float64
	Nesterov     bool
	Coefficients [3]float64
	Eps          float64
	NSSteps      int
	// NormalizeRows scales a parameter before its step so that its rows are of length 1 on the
	// mean: a step then turns all of them equally far, however often it was done. It is for
	// filters with a BatchNorm behind them, which does not see how long they are (Jordan 2024,
	// airbench94_muon; torch.optim.Muon has no such thing).
	NormalizeRows bool
}

// NewMuon returns Muon with PyTorch's defaults: weight decay 0.1, momentum 0.95
// in Nesterov's form, 5 steps with coefficients 3.4445, -4.775 and 2.0315, eps
// 1e-7. PyTorch's default learning rate is 0.001.
func NewMuon(lr float64) *Muon {
	return &Muon{LR: lr, WeightDecay: 0.1, Momentum: 0.95, Nesterov: true, Coefficients: [3]float64{3.4445, -4.775, 2.0315}, Eps: 1e-7, NSSteps: 5}
}

// Check wants numbers of 0 or more, and 1 to 99 steps.
func (m *Muon) Check() error {
	err := firstError(
		wantAtLeastZero("Muon", "learning rate", m.LR),
		wantAtLeastZero("Muon", "momentum", m.Momentum),
		wantAtLeastZero("Muon", "weight decay", m.WeightDecay),
		wantAtLeastZero("Muon", "eps", m.Eps),
	)
	if err == nil && (m.NSSteps < 1 || m.NSSteps >= 100) {
		err = fmt.Errorf("optim: Muon has NSSteps of %d; it must be 1 to 99 (optim.NewMuon gives PyTorch's 5)", m.NSSteps)
	}
	for i, c := range m.Coefficients {
		if err == nil && (math.IsNaN(c) || math.IsInf(c, 0)) {
			err = fmt.Errorf("optim: Muon has a coefficient %d of %v; it must be a number", i, c)
		}
	}
	return err
}

// Settings lists lr, weight_decay, momentum, nesterov, eps, ns_steps and normalize_rows.
func (m *Muon) Settings() []Setting {
	return []Setting{
		{"lr", "how far the weights move", &m.LR},
		{"weight_decay", "the force that pulls every weight towards zero", &m.WeightDecay},
		{"momentum", "the share that is kept of the mean gradient", &m.Momentum},
		{"nesterov", "Nesterov's form of the momentum", &m.Nesterov},
		{"eps", "the least norm that an update is divided by", &m.Eps},
		{"ns_steps", "how often an update is made more orthogonal", &m.NSSteps},
		{"normalize_rows", "scale the rows of weights to length 1 on the mean before each step", &m.NormalizeRows},
	}
}

// Slots returns 1, the momentum buffer.
func (m *Muon) Slots() int { return 1 }

// SlotNames returns momentum_buffer.
func (m *Muon) SlotNames() []string { return []string{"momentum_buffer"} }

// Begin does nothing: no factor depends on the step.
func (m *Muon) Begin(int) {}

// Update panics: Muon works on whole parameters.
func (m *Muon) Update(parameter, gradient []float32, slots [][]float32) {
	panic("optim: Muon needs whole parameters: call UpdateTensor")
}

// CheckShape refuses a parameter that is no matrix.
func (m *Muon) CheckShape(shape []int) error {
	if len(shape) < 2 {
		return fmt.Errorf("optim: Muon wants parameters of two dimensions or more, got %v; give biases and scales to another optimizer, such as AdamW", shape)
	}
	return nil
}

// matrix returns the rows and columns of what a parameter is updated as, the
// fewer first.
func (m *Muon) matrix(shape []int) (rows, columns int, transposed bool) {
	rows, columns = shape[0], 1
	for _, d := range shape[1:] {
		columns *= d
	}
	if rows > columns {
		return columns, rows, true
	}
	return rows, columns, false
}

func padded(n int) int { return (n + 7) &^ 7 }

// Scratch returns how many floats UpdateTensor needs to work with.
func (m *Muon) Scratch(shape []int) int {
	rows, columns, _ := m.matrix(shape)
	return 2*rows*padded(columns) + columns*padded(rows) + 2*rows*padded(rows)
}

// UpdateTensor applies the rule to a whole parameter of the given shape, in
// row-major order.
func (m *Muon) UpdateTensor(shape []int, parameter, gradient []float32, slots [][]float32, scratch []float32) {
	rows, columns, transposed := m.matrix(shape)
	take := func(n int) []float32 {
		part := scratch[:n:n]
		scratch = scratch[n:]
		clear(part)
		return part
	}
	wide, narrow := padded(columns), padded(rows) // the kernels want columns in eights
	x, next, xT := take(rows*wide), take(rows*wide), take(columns*narrow)
	a, b := take(rows*narrow), take(rows*narrow)
	at := func(r, c int) int { // the place of an element of x in the parameter
		if transposed {
			return c*rows + r
		}
		return r*columns + c
	}

	buffer := slots[0]
	keep, add := float32(m.Momentum), float32(1-m.Momentum)
	for i, g := range gradient {
		buffer[i] = kernel.Flush(float32(keep*buffer[i]) + float32(add*g))
	}
	var squares float64
	for r := range rows {
		for c := range columns {
			u := buffer[at(r, c)]
			if m.Nesterov {
				u = float32(keep*u) + float32(add*gradient[at(r, c)])
			}
			x[r*wide+c] = u
			squares += float64(u) * float64(u)
		}
	}
	norm := max(math.Sqrt(squares), m.Eps)
	if norm == 0 {
		norm = 1 // of nothing but zeros
	}
	for i := range x {
		x[i] = float32(float64(x[i]) / norm)
	}
	c0, c1, c2 := float32(m.Coefficients[0]), float32(m.Coefficients[1]), float32(m.Coefficients[2])
	for range m.NSSteps {
		for r := range rows {
			for c := range columns {
				xT[c*narrow+r] = x[r*wide+c]
			}
		}
		kernel.MatMul(a, x, xT, rows, narrow, columns, narrow, wide, 1, narrow, false)
		kernel.MatMul(b, a, a, rows, narrow, rows, narrow, narrow, 1, narrow, false)
		for i := range b {
			b[i] = float32(c1*a[i]) + float32(c2*b[i])
		}
		kernel.MatMul(next, b, x, rows, wide, rows, wide, narrow, 1, wide, false)
		for i := range x {
			x[i] = float32(c0*x[i]) + next[i]
		}
	}
	shrink := float32(m.normalizing(shape, parameter) * (1 - m.LR*m.WeightDecay))
	ratio := float64(rows) / float64(columns)
	if transposed {
		ratio = 1 / ratio
	}
	step := float32(m.LR * math.Sqrt(max(1, ratio)))
	for r := range rows {
		for c := range columns {
			p := &parameter[at(r, c)]
			*p = float32(*p*shrink) - float32(step*x[r*wide+c])
		}
	}
}

// normalizing is what NormalizeRows multiplies a parameter by.
func (m *Muon) normalizing(shape []int, parameter []float32) float64 {
	if !m.NormalizeRows {
		return 1
	}
	var squares float64
	for _, v := range parameter {
		squares += float64(v) * float64(v)
	}
	if squares == 0 {
		return 1
	}
	return math.Sqrt(float64(shape[0]) / squares)
}
