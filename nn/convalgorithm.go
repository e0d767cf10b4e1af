package nn

import (
	"fmt"

	"inkling/internal/kernel"
)

// Convolutions says by which algorithms programs may compute convolutions.
type Convolutions uint8

const (
	// ExactConvolutions are sums of products, as the definition has them: every
	// result is as close to the true one as sums in float32 are.
	ExactConvolutions Convolutions = iota
	// FastConvolutions may be computed by Winograd's algorithm where that was measured to
	// be faster: 3x3, of stride 1 and one group. It multiplies less, up to four times, and
	// rounds more: docs/architecture.md has a table of errors.
	FastConvolutions

	// For tests and measurements: Winograd's, with tiles of 2x2 or 4x4 outputs, wherever
	// it can be.
	allWinograd2
	allWinograd4
)

var convolutionNames = []string{"exact", "fast"}

// ParseConvolutions returns what "exact" and "fast" stand for.
func ParseConvolutions(name string) (Convolutions, error) {
	for i, n := range convolutionNames {
		if n == name {
			return Convolutions(i), nil
		}
	}
	return 0, fmt.Errorf("convolutions are exact or fast, not %q", name)
}

func (c Convolutions) String() string {
	if int(c) < len(convolutionNames) {
		return convolutionNames[c]
	}
	return fmt.Sprintf("Convolutions(%d)", c)
}

// convAlgorithm is how a pass over a convolution is computed.
type convAlgorithm uint8

const (
	convDirect convAlgorithm = iota
	convWinograd2
	convWinograd4
)

func (a convAlgorithm) String() string {
	return [...]string{"tiles", "Winograd F(2x2,3x3)", "Winograd F(4x4,3x3)"}[a]
}

func (a convAlgorithm) winograd() *kernel.Winograd {
	return [...]*kernel.Winograd{nil, kernel.Winograd2, kernel.Winograd4}[a]
}

// convPass is one of the three things to compute of a convolution.
type convPass uint8

const (
	convOutputs convPass = iota
	convInputs           // gradients of the inputs
	convWeights          // gradients of the filters
)

// measured is how fast convolutions of some channels were, in multiples of what the
// processor can multiply and add, counted as if direct: one core, a batch of 16, by
// BenchmarkLayers. What Winograd's tiles gain grows with the channels, over which their
// transforms are spread.
type measured struct {
	channels int // at least, of input and output
	// The rates of the passes by tiles, F(2x2,3x3) and F(4x4,3x3).
	rates [3][3]float64
}

// measurements are those of every set of kernels, with the fewest channels first. A set
// without is direct always: the transforms of the others are plain Go.
var measurements = map[string][]measured{"avx2": onZen3, "avx512": onZen5}

// onZen3 and onZen5 were measured at 16, 32, 64, 128, 256 and 512 channels of 32x32, 32x32,
// 32x32, 16x16, 8x8 and 4x4 pixels.
var onZen3 = []measured{
	{16, [3][3]float64{{0.92, 0.97, 1.65}, {0.88, 0.91, 1.53}, {0.74, 0.91, 1.57}}},
	{32, [3][3]float64{{0.98, 1.27, 2.32}, {0.95, 1.33, 2.21}, {0.80, 1.23, 1.98}}},
	{64, [3][3]float64{{0.97, 1.45, 2.33}, {0.94, 1.34, 2.31}, {0.82, 1.10, 1.43}}},
	{128, [3][3]float64{{0.97, 1.74, 3.03}, {0.96, 1.76, 3.03}, {0.88, 1.22, 1.81}}},
	{256, [3][3]float64{{0.98, 1.88, 2.96}, {0.97, 1.92, 3.01}, {0.94, 1.29, 1.86}}},
	{512, [3][3]float64{{1.00, 1.02, 1.68}, {0.98, 0.96, 1.54}, {0.82, 0.96, 0.97}}},
}

// With AVX-512 16 channels are one block, for which there is too little to multiply.
var onZen5 = []measured{
	{16, [3][3]float64{{0.49, 0.60, 1.16}, {0.48, 0.58, 1.07}, {0.50, 0.58, 1.08}}},
	{32, [3][3]float64{{0.93, 1.20, 2.32}, {0.89, 1.15, 2.10}, {0.73, 1.14, 1.96}}},
	{64, [3][3]float64{{0.87, 1.15, 2.44}, {0.82, 1.35, 2.62}, {0.74, 1.07, 1.70}}},
	{128, [3][3]float64{{0.96, 1.70, 3.01}, {0.95, 1.70, 3.01}, {0.87, 1.09, 1.70}}},
	{256, [3][3]float64{{0.98, 1.84, 3.12}, {0.96, 1.82, 3.16}, {0.92, 1.22, 1.65}}},
	{512, [3][3]float64{{1.02, 1.57, 1.92}, {1.03, 1.63, 1.84}, {0.82, 0.87, 0.65}}},
}

// chooseConv is the one place that chooses the algorithms of a convolution's passes. They
// depend on shapes, batch and the set of kernels alone.
func (p *plan) chooseConv(op conv2d, in, out Shape) (chosen [3]convAlgorithm) {
	if !op.suitsWinograd() {
		return chosen
	}
	for pass := range chosen {
		switch p.graph.convolutions {
		case allWinograd2:
			chosen[pass] = convWinograd2
		case allWinograd4:
			chosen[pass] = convWinograd4
		case FastConvolutions:
			chosen[pass] = p.fastest(convPass(pass), op, in, out)
		}
	}
	return chosen
}

// suitsWinograd: pixels of fewer than 16 channels have no room for a kernel's lanes.
func (c conv2d) suitsWinograd() bool {
	return c.kernel == [2]int{3, 3} && c.stride == [2]int{1, 1} && c.dilation == [2]int{1, 1} && c.groups == 1 &&
		c.in >= kernel.TileColumns && c.out >= kernel.TileColumns
}

// fastest returns the algorithm that is the fastest by the measurements. Winograd's must
// have enough tiles at hand, and its filters take no more than twice the memory of the
// layer's own tensors.
func (p *plan) fastest(pass convPass, op conv2d, in, out Shape) (best convAlgorithm) {
	const enough = 12
	list := measurements[kernel.Implementation()]
	i := len(list) - 1
	for i >= 0 && list[i].channels > min(op.in, op.out) {
		i--
	}
	if i < 0 {
		return convDirect
	}
	rates := list[i].rates[pass]
	size := out
	if pass == convInputs {
		size = in
	}
	for _, a := range []convAlgorithm{convWinograd2, convWinograd4} {
		m := a.winograd().Outputs
		tiles := (size[1] + m - 1) / m * ((size[2] + m - 1) / m)
		// At the edges, tiles compute outputs that there are not.
		rate := rates[a] * float64(size[1]*size[2]) / float64(tiles*m*m)
		if rate > rates[best] && tiles*p.batch >= enough && (pass == convWeights || p.affords(a, op, in, out)) {
			rates[a], best = rate, a
		}
	}
	return best
}

// affords reports whether filters that are transformed for outputs and, in training, for
// the gradients of inputs take no more than twice the memory of the layer's tensors.
func (p *plan) affords(a convAlgorithm, op conv2d, in, out Shape) bool {
	weights := 9 * op.in * op.out
	tensors, passes := weights+p.batch*(in.Elements()+out.Elements()), 1
	if p.train {
		tensors, passes = 2*tensors, 2
	}
	size := a.winograd().Size
	return passes*size*size*op.in*op.out <= 2*tensors
}
