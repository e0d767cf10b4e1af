package nn

import (
	"fmt"
	"math/rand/v2"
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
