package nn

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// recomputedNet has what recomputing must leave alone: running statistics, dropout, a
// layer that is used in two parts, and a value that leaves a part halfway.
type recomputedNet struct {
	Stem   Conv2d
	Norms  [4]BatchNorm2d
	Shared Conv2d
	Second Conv2d
	FC     Linear
	Lines  BatchNorm1d
	Out    Linear

	part func(x *Value, part func(x *Value) *Value) *Value
}

func newRecomputedNet(part func(x *Value, part func(x *Value) *Value) *Value) *recomputedNet {
	n := &recomputedNet{part: part,
		Stem: Conv2d{In: 2, Out: 4, Kernel: 3, Padding: 1}, Shared: Conv2d{In: 4, Out: 4, Kernel: 3, Padding: 1, NoBias: true},
		Second: Conv2d{In: 4, Out: 4, Kernel: 3, Padding: 1, Groups: 2}, FC: Linear{In: 4 * 3 * 3, Out: 12}, Lines: BatchNorm1d{Features: 12}, Out: Linear{In: 12, Out: 5}}
	for i := range n.Norms {
		n.Norms[i] = BatchNorm2d{Features: 4}
	}
	Init(n, rand.New(rand.NewPCG(3, 3)))
	return n
}

func (n *recomputedNet) Forward(x *Value) *Value {
	x = ReLU(n.Norms[0].Forward(n.Stem.Forward(x)))
	var halfway *Value
	for i := range 2 {
		x = n.part(x, func(x *Value) *Value {
			y := ReLU(n.Norms[1+i].Forward(n.Shared.Forward(x)))
			y = (&Dropout{P: 0.3}).Forward(y)
			halfway = y
			y = n.Norms[3].Forward(n.Second.Forward(y))
			// A part of a part is part of it.
			return n.part(y, func(y *Value) *Value { return ReLU(Add(y, x)) })
		})
	}
	x = Add(x, SiLU(halfway))
	x = (&MaxPool2d{Kernel: 2}).Forward(x)
	return n.part(x, func(x *Value) *Value {
		return n.Out.Forward(ReLU(n.Lines.Forward(ReLU(n.FC.Forward(x.Flatten())))))
	})
}

// TestRecompute trains a network with and without recomputing, and wants the same bits
// in weights and running statistics, step by step or call by call.
func TestRecompute(t *testing.T) {
	const batch, size = 12, 2 * 6 * 6
	plain := func(x *Value, part func(x *Value) *Value) *Value { return part(x) }
	train := func(part func(x *Value, part func(x *Value) *Value) *Value, workers int, single bool) (state []float32, losses []float64, memory int) {
		n := newRecomputedNet(part)
		p, err := CompileTrain(n, CrossEntropy{}, newSGD(), batch, 2, 6, 6)
		if err != nil {
			t.Fatal(err)
		}
		p.SetWorkers(workers)
		p.SetSeed(5)
		r := rand.New(rand.NewPCG(7, 7))
		for _, n := range []int{batch, batch, 5, batch} {
			images, labels := randomBatch(r, n, size, 5)
			if single {
				p.ZeroGrad()
				p.Forward(images)
				losses = append(losses, p.Backward(labels))
				p.Update()
			} else {
				losses = append(losses, p.Step(images, labels))
			}
		}
		for _, e := range State(n) {
			state = append(state, values(e)...)
		}
		return state, losses, p.Memory().Values
	}
	want, wantLosses, most := train(plain, 1, false)
	for workers := 1; workers <= 4; workers++ {
		for _, single := range []bool{false, true} {
			state, losses, _ := train(Recompute, workers, single)
			if !slices.Equal(state, want) {
				t.Errorf("%d workers, call by call %v: the weights are not the same", workers, single)
			}
			if !slices.Equal(losses, wantLosses) {
				t.Errorf("%d workers, call by call %v: the losses are %v, want %v", workers, single, losses, wantLosses)
			}
			if state, _, _ := train(plain, workers, single); !slices.Equal(state, want) {
				t.Errorf("%d workers, call by call %v: the weights without recomputing are not the same", workers, single)
			}
		}
	}
	if _, _, memory := train(Recompute, 1, false); memory >= most {
		t.Errorf("recomputing takes %d bytes, not recomputing %d", memory, most)
	}
}

// TestBackwardTwice checks that the gradients of a batch can be added several times.
func TestBackwardTwice(t *testing.T) {
	gradients := func(backwards int) [][]float32 {
		p, err := CompileTrain(newRecomputedNet(Recompute), CrossEntropy{}, newSGD(), 6, 2, 6, 6)
		if err != nil {
			t.Fatal(err)
		}
		images, labels := randomBatch(rand.New(rand.NewPCG(7, 7)), 6, 72, 5)
		p.Forward(images)
		clear(images) // they have been taken
		for range backwards {
			p.Backward(labels)
		}
		var all [][]float32
		for _, e := range p.Gradients() {
			all = append(all, values(e))
		}
		return all
	}
	once, twice := gradients(1), gradients(2)
	for i := range once {
		for k, g := range once[i] {
			if twice[i][k] != 2*g {
				t.Fatalf("gradient %d, element %d is %v after two Backward, %v after one", i, k, twice[i][k], g)
			}
		}
	}
}

// blocksNet is linear layers in blocks, which widen and narrow.
type blocksNet struct {
	Wide, Narrow [8]Linear
	recompute    bool
}

func (n *blocksNet) Forward(x *Value) *Value {
	for i := range n.Wide {
		block := func(x *Value) *Value { return n.Narrow[i].Forward(ReLU(n.Wide[i].Forward(x))) }
		if n.recompute {
			x = Recompute(x, block)
		} else {
			x = block(x)
		}
	}
	return x
}

// TestRecomputeLinear has the inputs of linear layers that are made again be in memory
// one block at a time.
func TestRecomputeLinear(t *testing.T) {
	const batch, narrow, wide = 64, 8, 256
	var values [2]int
	for i, recompute := range []bool{false, true} {
		n := &blocksNet{recompute: recompute}
		for k := range n.Wide {
			n.Wide[k], n.Narrow[k] = Linear{In: narrow, Out: wide}, Linear{In: wide, Out: narrow}
		}
		Init(n, rand.New(rand.NewPCG(1, 1)))
		p, err := CompileTrain(n, CrossEntropy{}, newSGD(), batch, narrow)
		if err != nil {
			t.Fatal(err)
		}
		p.SetWorkers(1)
		values[i] = p.Memory().Values
	}
	// A block's wide values, with their gradients, take 4*batch*wide*2 bytes.
	if saved := values[0] - values[1]; saved < 5*4*batch*wide {
		t.Errorf("recomputing takes %d bytes, and without it are %d, want at least five of the eight blocks' %d less", values[1], values[0], 4*batch*wide)
	}
}
