package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
)

// drawWinogradNet returns two convolutions that Winograd's algorithm suits, with or
// without something between them, for pictures of odd and even sizes.
func drawWinogradNet(r *rand.Rand) (*convNet, Shape) {
	for {
		conv := func(in int) Conv2d {
			pad := func() int { return r.IntN(4) }
			return Conv2d{In: in, Out: []int{16, 32, 16 + r.IntN(20)}[r.IntN(3)], Kernel: 3, PaddingHW: [2]int{pad(), pad()}, NoBias: r.IntN(3) == 0}
		}
		n := &convNet{choices: [2]int{r.IntN(4), r.IntN(4)}, First: conv([]int{16, 32, 16 + r.IntN(20)}[r.IntN(3)])}
		n.Second = conv(n.First.Out)
		in := Shape{n.First.In, 1 + r.IntN(11), 1 + r.IntN(11)}
		size := func(i int) int { return in[1+i] + 2*n.First.PaddingHW[i] - 2 }
		if size(0) > 0 && size(1) > 0 && size(0)+2*n.Second.PaddingHW[0] > 2 && size(1)+2*n.Second.PaddingHW[1] > 2 {
			return n, in
		}
	}
}

// TestWinogradPrograms compares programs by Winograd's algorithm with the definitions:
// outputs and all gradients, for any padding, short batches, and the same bits for 1 to 4
// workers.
func TestWinogradPrograms(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	count := 60
	if testing.Short() {
		count = 12
	}
	for seed := range uint64(count) {
		r := rand.New(rand.NewPCG(seed, 30))
		net, in := drawWinogradNet(r)
		algorithm := allWinograd2 + Convolutions(seed%2)
		if err := compareWinograd(r, net, in, algorithm); err != nil {
			t.Fatalf("%d, %v: %+v, %+v, choices %v, input %v: %v", seed, algorithm, net.First.op(), net.Second.op(), net.choices, in, err)
		}
	}
}

func compareWinograd(r *rand.Rand, net *convNet, in Shape, algorithm Convolutions) error {
	Init(net, r)
	batch := 1 + r.IntN(6)
	compiled := append(Shape{batch + r.IntN(3)}, in...)
	network := func(batch int, c Convolutions) Network {
		n := NewNetwork(net, append(Shape{batch}, in...)...)
		n.Convolutions = c
		return n
	}
	small, err := traceAll(net, network(batch, 0).Inputs, network(batch, 0).Forward, true, nil)
	if err != nil {
		return err
	}
	ref := newReference[float64](small, 0, 1)
	input := make([]float32, batch*in.Elements())
	for i := range input {
		input[i] = float32(r.NormFloat64())
		ref.values[small.input().index].Data[i] = float64(input[i])
	}
	want := ref.forward().Data
	gradient := make([]float64, len(want))
	flat := make([]float32, len(want))
	for i := range gradient {
		flat[i] = float32(r.NormFloat64())
		gradient[i] = float64(flat[i])
	}
	ref.backward(gradient)
	names := paramNames(net)
	var bits []float32
	for _, workers := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(min(workers, 2))
		p, err := Training{Network: network(compiled[0], algorithm), Loss: givenGradient{}, Optimizer: newSGD()}.Compile()
		if err != nil {
			return err
		}
		p.SetWorkers(workers)
		if n := countByAlgorithm(&p.machine, algorithm); n != 5 { // the first has no gradient of its input
			return fmt.Errorf("%d passes are by the algorithm, want 5", n)
		}
		got := slices.Clone(p.Forward(input))
		if err := closeTo("outputs", got, want, 1e-5); err != nil {
			return err
		}
		p.setNumbers(flat)
		p.backward()
		for param, wanted := range ref.paramGrads {
			for _, entry := range p.Gradients() {
				if entry.Name() == names[param] {
					if err := closeTo(fmt.Sprintf("gradient of %s for %d of %d examples", entry.Name(), batch, compiled[0]), values(entry), wanted.Data, 2e-5); err != nil {
						return err
					}
				}
			}
		}
		for _, entry := range p.Gradients() {
			got = append(got, values(entry)...)
		}
		p.team.close()
		if bits != nil && !slices.Equal(got, bits) {
			return fmt.Errorf("%d workers give other bits", workers)
		}
		bits = got
	}
	return nil
}

// countByAlgorithm returns how many passes over convolutions are computed by Winograd's
// algorithm.
func countByAlgorithm(m *machine, wanted Convolutions) int {
	type pass struct {
		of      *origin
		weights bool
		forward bool
	}
	passes := map[pass]bool{}
	name := convWinograd2.String()
	if wanted == allWinograd4 {
		name = convWinograd4.String()
	}
	for i, list := range [][]*stage{m.plan.forward, m.plan.backward} {
		for _, s := range list {
			if s.algorithm == name && s.axis != tasks {
				passes[pass{s.of, false, i == 0}] = true
			}
			for _, k := range s.tasks {
				for _, c := range k.of.contributions {
					if c.algorithm == name {
						passes[pass{c.of, true, false}] = true
					}
				}
			}
		}
	}
	return len(passes)
}

// winogradErrors are the largest errors allowed, against float64, in multiples of the
// rms of what is computed: those of the table in docs/architecture.md, rounded up.
var winogradErrors = map[Convolutions][3]float64{
	ExactConvolutions: {1.5e-5, 1.5e-5, 1e-5},
	allWinograd2:      {0.7e-5, 0.7e-5, 0.7e-5},
	allWinograd4:      {3e-5, 3e-5, 1e-5},
}

// TestWinogradErrors measures the largest errors of a layer's passes against float64. With
// -v it prints them, and with INKLING_WHOLE_LAYERS=1 those of layers as they are, for the docs.
func TestWinogradErrors(t *testing.T) {
	layers := []struct{ channels, size, batch int }{{32, 12, 2}, {64, 8, 2}}
	if os.Getenv("INKLING_WHOLE_LAYERS") != "" {
		layers = []struct{ channels, size, batch int }{{32, 32, 4}, {64, 32, 4}, {128, 16, 4}, {256, 8, 4}, {512, 4, 4}}
	}
	for _, l := range layers {
		for _, algorithm := range []Convolutions{ExactConvolutions, allWinograd2, allWinograd4} {
			errors, err := convErrors(l.channels, l.size, l.batch, algorithm)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d@%dx%d, %v: outputs %.1e, inputs' gradients %.1e, filters' %.1e", l.channels, l.size, l.size, algorithm, errors[0], errors[1], errors[2])
			for pass, bound := range winogradErrors[algorithm] {
				if !(errors[pass] <= bound) {
					t.Errorf("%d@%dx%d, %v: the error of pass %d is %.1e of the rms, more than %.1e", l.channels, l.size, l.size, algorithm, pass, errors[pass], bound)
				}
			}
		}
	}
}

// convErrors returns the largest errors of outputs, gradients of inputs and of filters of
// a 3x3 convolution of normal pictures with filters of He's variance. The pictures are
// rows of an embedding, whose gradient is that of the pictures.
func convErrors(channels, size, batch int, algorithm Convolutions) (errors [3]float64, err error) {
	net := &struct {
		Pictures Embedding
		Conv     Conv2d
	}{Embedding{Count: batch, Dim: channels * size * size}, Conv2d{In: channels, Out: channels, Kernel: 3, Padding: 1, NoBias: true}}
	r := rand.New(rand.NewPCG(4, 4))
	if err := Init(net, r); err != nil {
		return errors, err
	}
	weights := make([]float32, 9*channels*channels)
	for i := range weights {
		weights[i] = float32(r.NormFloat64() * math.Sqrt(2/float64(9*channels)))
	}
	net.Conv.Weight.Write(weights)
	network := Network{Module: net, Inputs: []Spec{{Shape{batch}, Int32}}, Convolutions: algorithm, Forward: func(x []*Value) []*Value {
		return []*Value{net.Conv.Forward(Reshape(net.Pictures.Forward(x[0]), channels, size, size)).Flatten()}
	}}
	g, err := traceAll(net, network.Inputs, network.Forward, true, nil)
	if err != nil {
		return errors, err
	}
	ref := newReference[float64](g, 0, 1)
	indices := make([]int32, batch)
	for i := range indices {
		indices[i] = int32(i)
	}
	copy(ref.values[g.input().index].Ints, indices)
	want := ref.forward().Data
	slopes, slopes64 := make([]float32, len(want)), make([]float64, len(want))
	for i := range slopes {
		slopes[i] = float32(r.NormFloat64())
		slopes64[i] = float64(slopes[i])
	}
	ref.backward(slopes64)
	p, err := network.CompileTrain(givenGradient{}, newSGD())
	if err != nil {
		return errors, err
	}
	defer p.team.close()
	errors[convOutputs] = largestError(p.ForwardAll(Tensor[float32]{Ints: indices})[0].Data, want)
	p.setNumbers(slopes)
	p.backward()
	for _, entry := range p.Gradients() {
		if entry.Name() == "conv.weight" {
			errors[convWeights] = largestError(values(entry), ref.paramGrads[&net.Conv.Weight].Data)
		} else {
			errors[convInputs] = largestError(values(entry), ref.paramGrads[&net.Pictures.Weight].Data)
		}
	}
	return errors, nil
}

// largestError returns the largest difference in multiples of the rms of want.
func largestError(got []float32, want []float64) float64 {
	var largest, squares float64
	for i, v := range want {
		largest = max(largest, math.Abs(float64(got[i])-v))
		squares += v * v
	}
	return largest / math.Sqrt(squares/float64(len(want)))
}
