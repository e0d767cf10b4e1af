package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Every kernel of every set that the machine runs is compared with its plain twin
// on random shapes. What a kernel may not write lies between guard values, which
// are checked after.

// eachSet runs a test with each set.
func eachSet(t *testing.T, test func(t *testing.T)) { withSets(t, Names(), test) }

// eachTwin runs a test with each set but plain Go, which it compares them with.
func eachTwin(t *testing.T, test func(t *testing.T)) {
	names := Names()[1:]
	if len(names) == 0 {
		t.Skip("this build or this processor has plain Go alone, and nothing to compare it with")
	}
	withSets(t, names, test)
}

func withSets(t *testing.T, names []string, test func(t *testing.T)) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			if err := Use(name); err != nil {
				t.Fatal(err)
			}
			defer Use("")
			test(t)
		})
	}
}

const guard = float32(-12345.5)

// guarded is an array with guard values on both sides.
type guarded struct {
	whole []float32
	data  []float32
}

func newGuarded(n int, fill func() float32) guarded {
	const margin = 33 // so that nothing is aligned
	g := guarded{whole: make([]float32, n+2*margin)}
	g.data = g.whole[margin : margin+n : margin+n]
	for i := range g.whole {
		g.whole[i] = guard
	}
	for i := range g.data {
		g.data[i] = fill()
	}
	return g
}

func (g guarded) clone() guarded {
	c := newGuarded(len(g.data), func() float32 { return 0 })
	copy(c.data, g.data)
	return c
}

func (g guarded) check(t *testing.T, what string) {
	t.Helper()
	margin := (len(g.whole) - len(g.data)) / 2
	for i, v := range g.whole {
		if (i < margin || i >= margin+len(g.data)) && v != guard {
			t.Fatalf("%s: wrote outside, at element %d of %d", what, i-margin, len(g.data))
		}
	}
}

// near fails unless got and want agree within rounding: relative to scale, the
// magnitude of what was added up.
func near(t *testing.T, what string, got, want []float32, scale float64) {
	t.Helper()
	for i := range want {
		diff := math.Abs(float64(got[i]) - float64(want[i]))
		bothNaN := got[i] != got[i] && want[i] != want[i]
		if !bothNaN && !(diff <= 1e-5*scale) {
			t.Fatalf("%s: element %d is %v, the plain kernel says %v", what, i, got[i], want[i])
		}
	}
}

func normal(r *rand.Rand) func() float32 { return func() float32 { return float32(r.NormFloat64()) } }

// randomConv returns a random convolution and the number of floats of its
// picture.
func randomConv(r *rand.Rand) (c Conv, picture int) {
	channels, in := 1+r.IntN(40), 1+r.IntN(20)
	kernel, stride := 1+r.IntN(7), 1+r.IntN(3)
	if r.IntN(3) == 0 { // a first layer, for which some sets have kernels of their own
		channels, in, stride = 1+r.IntN(8), 1, 1
	}
	c = Conv{Channels: channels, KernelRows: kernel, Run: kernel * in, ReLU: r.IntN(2) == 0, Pool: r.IntN(2) == 0,
		OutWidth: 1 + r.IntN(27), OutHeight: 1 + r.IntN(4)}
	window := 1
	if c.Pool {
		window = 2
	}
	width := (window*c.OutWidth-1)*stride + kernel + r.IntN(3)
	height := (window*c.OutHeight-1)*stride + kernel + r.IntN(3)
	c.InRow, c.StepX, c.StepY = width*in, stride*in, stride*width*in
	c.OutPixel = channels
	if channels > 16 {
		c.OutPixel = (channels + 15) &^ 15
	}
	return c, height * width * in
}

func (c *Conv) offsets() []int32 {
	window := 1
	if c.Pool {
		window = 2
	}
	var list []int32
	for y := range c.OutHeight {
		for x := range c.OutWidth {
			at := y*window*c.StepY + x*window*c.StepX
			list = append(list, int32(at), int32(at+c.StepX), int32(at+c.StepY), int32(at+c.StepX+c.StepY))
		}
	}
	return list
}

// filters returns random unpacked weights, zero between Run and FilterRow.
func (c *Conv) filters(r *rand.Rand) []float32 {
	w := make([]float32, c.Channels*c.Filter())
	for i := range w {
		if i%c.FilterRow() < c.Run {
			w[i] = float32(r.NormFloat64())
		}
	}
	return w
}

func eachConv(t *testing.T, count int, test func(t *testing.T, r *rand.Rand, c Conv, picture int)) {
	eachTwin(t, func(t *testing.T) {
		for seed := range uint64(count) {
			r := rand.New(rand.NewPCG(seed, 1))
			c, picture := randomConv(r)
			t.Run(fmt.Sprintf("%d/%+v", seed, c), func(t *testing.T) { test(t, r, c, picture) })
		}
	})
}

func TestConvForward(t *testing.T) {
	eachConv(t, 200, func(t *testing.T, r *rand.Rand, c Conv, picture int) {
		in := newGuarded(picture, normal(r))
		lanes := Lanes(c.Channels)
		weights := c.filters(r)
		packed, packedPlain := newGuarded(c.PackedWeights(), func() float32 { return 0 }), make([]float32, c.PackedWeights())
		c.Pack(packed.data, weights)
		packPlain(&c, packedPlain, weights, 0, c.Channels)
		packed.check(t, "packed weights")
		near(t, "packed weights", packed.data, packedPlain, 1)
		bias := make([]float32, c.Blocks()*lanes)
		for i := range c.Channels {
			bias[i] = float32(r.NormFloat64())
		}
		size := c.OutHeight*c.OutWidth*c.OutPixel + Slack
		zero := func() float32 { return 0 }
		got, want := newGuarded(size, zero), newGuarded(size, zero)
		gotChosen, wantChosen := make([]uint8, size), make([]uint8, size)
		if r.IntN(8) == 0 {
			in.data[r.IntN(picture)] = float32(math.NaN())
		}
		c.Forward(in.data, packed.data, bias, got.data, gotChosen)
		forwardPlain(&c, in.data, packed.data, bias, want.data, wantChosen)
		got.check(t, "out")
		scale := math.Sqrt(float64(c.Run*c.KernelRows)) * 4
		for p := range c.OutHeight * c.OutWidth {
			at := p * c.OutPixel
			near(t, fmt.Sprintf("pixel %d", p), got.data[at:at+c.Channels], want.data[at:at+c.Channels], scale)
			for i := at; i < at+c.Channels; i++ {
				if gotChosen[i] != wantChosen[i] {
					t.Fatalf("pixel %d chose %d, the plain kernel %d", p, gotChosen[i], wantChosen[i])
				}
			}
		}
		forgetful := newGuarded(size, zero)
		c.Forward(in.data, packed.data, bias, forgetful.data, nil)
		for i := range got.data {
			if math.Float32bits(forgetful.data[i]) != math.Float32bits(got.data[i]) {
				t.Fatalf("element %d is %v without chosen, %v with", i, forgetful.data[i], got.data[i])
			}
		}
	})
}

func TestPoolTies(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		// All inputs equal: every window has four equal outputs, the first counts.
		for _, channels := range []int{5, 13} {
			c := Conv{Channels: channels, KernelRows: 1, Run: 1, InRow: 8, StepX: 1, StepY: 8, OutWidth: 4, OutHeight: 2, OutPixel: channels, Pool: true}
			in, size := make([]float32, 32), c.OutWidth*c.OutHeight*channels+Slack
			for i := range in {
				in[i] = 1
			}
			lanes := Lanes(channels)
			weights := make([]float32, lanes)
			for i := range weights {
				weights[i] = 1
			}
			chosen := make([]uint8, size)
			for i := range chosen {
				chosen[i] = 9
			}
			c.Forward(in, weights, make([]float32, lanes), make([]float32, size), chosen)
			for i := range size - Slack {
				if chosen[i] != 0 {
					t.Fatalf("%d channels: element %d chose position %d of four equal ones, want 0", channels, i, chosen[i])
				}
			}
		}
	})
}

func TestConvGradients(t *testing.T) {
	eachConv(t, 200, func(t *testing.T, r *rand.Rand, c Conv, picture int) {
		pixels := c.OutHeight * c.OutWidth
		size := pixels*c.OutPixel + Slack
		in := newGuarded(picture+Slack, normal(r))
		out, slopes := newGuarded(size, normal(r)), newGuarded(size, normal(r))
		chosen := make([]uint8, size)
		for i := range chosen {
			if c.Pool {
				chosen[i] = uint8(r.IntN(4))
			}
		}
		offsets, weights := c.offsets(), c.filters(r)
		scale := math.Sqrt(float64(pixels)) * 8

		for channel := range c.Channels {
			pairs, plain := make([]Pair, pixels+1), make([]Pair, pixels+1)
			n := Collect(pairs, pixels, c.ReLU, out.data[channel:], chosen[channel:], c.OutPixel, slopes.data[channel:], c.OutPixel, offsets)
			m := collectPlain(plain, pixels, c.ReLU, out.data[channel:], chosen[channel:], c.OutPixel, slopes.data[channel:], c.OutPixel, offsets)
			if n != m || fmt.Sprint(pairs[:n]) != fmt.Sprint(plain[:n]) {
				t.Fatalf("collected %v, the plain kernel %v", pairs[:n], plain[:m])
			}
			got := newGuarded(c.Filter(), normal(r))
			want := got.clone()
			bias := c.WeightGradient(got.data, in.data, pairs[:n])
			wantBias := weightGradientPlain(&c, want.data, in.data, plain[:n])
			got.check(t, "filter gradient")
			near(t, "bias gradient", []float32{bias}, []float32{wantBias}, scale)
			for row := range c.KernelRows {
				at := row * c.FilterRow()
				near(t, "filter gradient", got.data[at:at+c.Run], want.data[at:at+c.Run], scale)
			}
		}

		got := newGuarded(picture+Slack, normal(r))
		want := got.clone()
		c.InputGradient(got.data, weights, out.data, chosen, slopes.data, c.OutPixel, 1, offsets)
		inputGradientPlain(&c, want.data, weights, out.data, chosen, slopes.data, c.OutPixel, 1, offsets)
		got.check(t, "input gradient")
		near(t, "input gradient", got.data, want.data, math.Sqrt(float64(c.Channels*c.KernelRows*c.KernelRows))*8)
	})
}

func TestLinearForward(t *testing.T) {
	eachTwin(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 3))
		for range 200 {
			n, outputs, depth := 1+r.IntN(9), 8*(1+r.IntN(6)), 8*(1+r.IntN(9))
			xStride, yStride, relu := depth+r.IntN(5), outputs+r.IntN(5), r.IntN(2) == 0
			x, w, bias := newGuarded(n*xStride, normal(r)), newGuarded(outputs*depth, normal(r)), newGuarded(outputs, normal(r))
			got := newGuarded(n*yStride, func() float32 { return 7 })
			want := got.clone()
			LinearForward(got.data, x.data, w.data, bias.data, n, outputs, depth, yStride, xStride, relu)
			linearForwardPlain(want.data, x.data, w.data, bias.data, n, outputs, depth, yStride, xStride, relu)
			got.check(t, "y")
			near(t, fmt.Sprintf("%dx%d by %d", n, depth, outputs), got.data, want.data, math.Sqrt(float64(depth))*4)
			// The bits of a row do not depend on the other rows.
			alone := make([]float32, outputs)
			LinearForward(alone, x.data[(n-1)*xStride:], w.data, bias.data, 1, outputs, depth, yStride, xStride, relu)
			for i, v := range alone {
				if v != got.data[(n-1)*yStride+i] {
					t.Fatalf("output %d is %v alone, %v among %d", i, v, got.data[(n-1)*yStride+i], n)
				}
			}
		}
	})
}

func TestMatMul(t *testing.T) {
	eachTwin(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(4, 4))
		for range 200 {
			rows, columns, depth := 1+r.IntN(14), 8*(1+r.IntN(9)), 1+r.IntN(20)
			cStride, bStride := columns+r.IntN(5), columns+r.IntN(5)
			aRow, aColumn := depth, 1
			if r.IntN(2) == 0 {
				aRow, aColumn = 1, rows
			}
			accumulate := r.IntN(2) == 0
			a, b := newGuarded(rows*depth, normal(r)), newGuarded(depth*bStride, normal(r))
			got := newGuarded(rows*cStride, normal(r))
			want := got.clone()
			MatMul(got.data, a.data, b.data, rows, columns, depth, cStride, aRow, aColumn, bStride, accumulate)
			matMulPlain(want.data, a.data, b.data, rows, columns, depth, cStride, aRow, aColumn, bStride, accumulate)
			got.check(t, "c")
			near(t, fmt.Sprintf("%dx%d by %d", rows, depth, columns), got.data, want.data, math.Sqrt(float64(depth))*4)
		}
	})
}

// TestMaskPositive holds all versions to the edge: zero is not positive, and
// neither is a NaN.
func TestMaskPositive(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		edges := []float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), -1, 1, math.SmallestNonzeroFloat32, float32(math.Inf(1)), float32(math.Inf(-1))}
		for n := 1; n < 40; n++ {
			for shift := range edges {
				output, gradient := make([]float32, n), make([]float32, n)
				for i := range output {
					output[i], gradient[i] = edges[(i+shift)%len(edges)], 3
				}
				MaskPositive(gradient, output)
				rectified := append([]float32(nil), output...)
				Rectify(rectified)
				for i, v := range rectified {
					if was := output[i]; was < 0 && v != 0 || !(was < 0) && v != was && was == was || was != was && v == v {
						t.Fatalf("%d elements: %v is rectified to %v", n, was, v)
					}
				}
				for i, v := range output {
					want := float32(0)
					if v > 0 {
						want = 3
					}
					if gradient[i] != want {
						t.Fatalf("%d elements: the gradient where the output is %v is %v, want %v", n, v, gradient[i], want)
					}
				}
			}
		}
	})
}

// TestMomentumIsFlushed holds all versions of SGD to zero where a momentum has
// decayed, and to what it is everywhere else.
func TestMomentumIsFlushed(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		starts := []float32{1.1e-30, 1.2e-30, 1e-45, -1e-45, -1.1e-30, -1.2e-30, 1, 0, float32(math.NaN()), float32(math.Inf(-1))}
		for n := 1; n < 30; n++ {
			for _, nesterov := range []bool{false, true} {
				s := SGD{LearningRate: 0.1, Momentum: 0.9, Damped: 1, Nesterov: nesterov}
				w, m := make([]float32, n), make([]float32, n)
				for i := range m {
					m[i] = starts[i%len(starts)]
				}
				s.Update(w, make([]float32, n), m)
				for i, got := range m {
					want := Flush(0.9 * starts[i%len(starts)])
					if got != want && !(got != got && want != want) {
						t.Fatalf("%d elements: a momentum of %v becomes %v, want %v", n, starts[i%len(starts)], got, want)
					}
				}
			}
		}
	})
}

func TestElementwise(t *testing.T) {
	eachTwin(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 5))
		for n := 1; n < 70; n++ {
			x := newGuarded(n, normal(r))
			got := newGuarded(n, normal(r))
			want := got.clone()
			Add(got.data, x.data)
			for i := range want.data {
				want.data[i] += x.data[i]
			}
			got.check(t, "Add")
			near(t, "Add", got.data, want.data, 1)

			want = got.clone()
			MaskPositive(got.data, x.data)
			for i := range want.data {
				if x.data[i] <= 0 {
					want.data[i] = 0
				}
			}
			got.check(t, "MaskPositive")
			near(t, "MaskPositive", got.data, want.data, 1)

			for _, nesterov := range []bool{false, true} {
				s := SGD{LearningRate: 0.1, Momentum: 0.9, Damped: 0.7, WeightDecay: 0.01, Nesterov: nesterov}
				w, m := newGuarded(n, normal(r)), newGuarded(n, normal(r))
				wantW, wantM := w.clone(), m.clone()
				s.Update(w.data, x.data, m.data)
				updateSGDPlain(s, wantW.data, x.data, wantM.data)
				w.check(t, "weights")
				m.check(t, "momentum")
				near(t, "weights", w.data, wantW.data, 2)
				near(t, "momentum", m.data, wantM.data, 2)
			}
		}
	})
}
