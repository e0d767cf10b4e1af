package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// lossCase is a loss of a network with an output of 5 numbers and one of 2x3.
type lossCase struct {
	name string
	loss func(n int) Loss
}

func lossCases() []lossCase {
	classes := func(n int) Spec { return Spec{Shape{n}, Int32} }
	ignore := 2
	return []lossCase{
		{"cross-entropy", func(int) Loss { return CrossEntropy{} }},
		{"smoothed", func(int) Loss { return CrossEntropy{LabelSmoothing: 0.2} }},
		{"soft", func(int) Loss { return CrossEntropy{Soft: true, LabelSmoothing: 0.1} }},
		{"weighted", func(int) Loss { return &CrossEntropyLoss{ClassWeights: []float32{1, 2, 3, 0, 0.5}} }},
		{"ignoring", func(int) Loss { return &CrossEntropyLoss{IgnoreIndex: &ignore} }},
		{"summed", func(int) Loss { return &CrossEntropyLoss{Reduction: ReduceSum} }},
		{"nll", func(n int) Loss {
			return NewLoss([]Spec{classes(n)}, func(o, t []*Value) *Value {
				return (&NLLLoss{IgnoreIndex: &ignore}).Forward(LogSoftmax(o[0], 1), t[0])
			})
		}},
		{"mse", func(int) Loss { return &MSELoss{} }},
		{"l1", func(int) Loss { return &L1Loss{} }},
		{"smooth l1", func(int) Loss { return &SmoothL1Loss{Beta: 0.5} }},
		{"huber, summed", func(int) Loss { return &HuberLoss{Reduction: ReduceSum} }},
		{"bce", func(int) Loss { return &BCEWithLogitsLoss{PosWeights: []float32{1, 2, 3, 4, 5}} }},
		{"two heads", func(n int) Loss {
			return NewLoss([]Spec{classes(n), {Shape: Shape{n, 2, 3}}}, func(o, t []*Value) *Value {
				return Add((&CrossEntropyLoss{IgnoreIndex: &ignore}).Forward(o[0], t[0]), Affine((&MSELoss{}).Forward(o[1], t[1]), 0.25, 0))
			})
		}},
		{"two losses of one head", func(n int) Loss {
			return NewLoss([]Spec{classes(n), {Shape: Shape{n, 5}}}, func(o, t []*Value) *Value {
				return Add((&CrossEntropyLoss{}).Forward(o[0], t[0]), Add((&CrossEntropyLoss{}).Forward(o[0], t[1]), (&MSELoss{}).Forward(o[0], t[1])))
			})
		}},
		{"pixels", func(n int) Loss { // a class of two for each of three places
			return NewLoss([]Spec{{Shape{n, 3}, Int32}}, func(o, t []*Value) *Value {
				return (&CrossEntropyLoss{ClassWeights: []float32{0.3, 2}}).Forward(o[1], t[0])
			})
		}},
	}
}

type twoHeads struct{ Trunk, Class, Box Linear }

func (n *twoHeads) network(batch int) Network {
	return Network{Module: n, Inputs: []Spec{{Shape: Shape{batch, 7}}}, Forward: func(x []*Value) []*Value {
		y := ReLU(n.Trunk.Forward(x[0]))
		return []*Value{n.Class.Forward(y), Reshape(n.Box.Forward(y), 2, 3)}
	}}
}

// TestLossesInPrograms compares the losses of training programs, and the gradients,
// with the definitions, for short batches and several workers, bit for bit the same.
func TestLossesInPrograms(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for _, c := range lossCases() {
		net := &twoHeads{Linear{In: 7, Out: 9}, Linear{In: 9, Out: 5}, Linear{In: 9, Out: 6}}
		Init(net, r)
		start := snapshot(net)
		for _, n := range []int{21, 9, 2, 1} {
			small := net.network(n)
			g, err := traceAll(net, small.Inputs, small.Forward, true, c.loss(n))
			if err != nil {
				t.Fatal(c.name, err)
			}
			ref := newReference[float32](g, 0, 1)
			fill := func(v *Value) Tensor[float32] {
				x := ref.values[v.index]
				for i := range x.Data {
					x.Data[i] = float32(r.NormFloat64())
					if slices.Contains(g.targets, v) {
						x.Data[i] = r.Float32()
					}
				}
				for i := range x.Ints {
					if x.Ints[i] = int32(r.IntN(5)); len(v.shape) == 2 {
						x.Ints[i] %= 2
					}
				}
				return x
			}
			inputs := []Tensor[float32]{fill(g.inputs[0])}
			var targets []Tensor[float32]
			for _, v := range g.targets {
				targets = append(targets, fill(v))
			}
			if len(targets[0].Ints) > 0 {
				targets[0].Ints[0] = 1 // one that is not ignored
			}
			ref.forward()
			ref.backwardLoss()
			var bits []float32
			for _, workers := range []int{1, 2, 3, 4, 8} {
				p, err := net.network(21).CompileTrain(c.loss(21), newSGD())
				if err != nil {
					t.Fatal(c.name, err)
				}
				p.SetWorkers(workers)
				what := fmt.Sprintf("%s, %d of 21 examples, %d workers: ", c.name, n, workers)
				p.ForwardAll(inputs...)
				loss := p.BackwardAll(targets...)
				if other := p.LossAll(targets...); other != loss {
					t.Errorf("%sthe loss is %v, and alone %v", what, loss, other)
				}
				got := []float32{float32(loss)}
				compare(t, what+"loss", got, []float32{float32(ref.loss())}, 1e-5)
				names := paramNames(net)
				seen := 0
				for param, want := range ref.paramGrads {
					for _, e := range p.Gradients() {
						if e.Name() == names[param] {
							compare(t, what+"gradient of "+e.Name(), values(e), want.Data, 1e-5)
							seen++
						}
					}
				}
				if seen != len(p.Gradients()) || seen < 4 {
					t.Errorf("%sonly %d gradients", what, seen)
				}
				for _, e := range p.Gradients() {
					got = append(got, values(e)...)
				}
				if bits == nil {
					bits = got
				}
				if !slices.Equal(bits, got) {
					t.Errorf("%sother bits than with one worker", what)
				}
				if n := testing.AllocsPerRun(3, func() { p.StepOn(targets, inputs...); p.LossAll(targets...) }); n != 0 {
					t.Errorf("%sa step allocates %v times", what, n)
				}
				p.team.close()
				restore(net, start)
			}
		}
	}
}

// frozenNet has every way in which parameters are trained: small and large filters,
// a plain operation, a norm.
type frozenNet struct {
	Small, Large, Grouped *Conv2d
	Norm                  *BatchNorm2d
	FC, Out               *Linear
	Slope                 *PReLU
}

func newFrozenNet() *frozenNet {
	n := &frozenNet{Small: &Conv2d{In: 3, Out: 16, Kernel: 3, Padding: 1}, Large: &Conv2d{In: 16, Out: 512, Kernel: 3}, Grouped: &Conv2d{In: 512, Out: 8, Kernel: 1, Groups: 4},
		Norm: &BatchNorm2d{Features: 3}, FC: &Linear{In: 8, Out: 12}, Out: &Linear{In: 12, Out: 4}, Slope: &PReLU{}}
	if err := Init(n, rand.New(rand.NewPCG(8, 8))); err != nil {
		panic(err)
	}
	return n
}

func (n *frozenNet) Forward(x *Value) *Value {
	x = n.Grouped.Forward(n.Large.Forward(ReLU(n.Small.Forward(n.Norm.Forward(x)))))
	return n.Out.Forward(n.Slope.Forward(n.FC.Forward(x.Flatten())))
}

// TestFreeze checks for each parameter, frozen alone or with others, that it stays as
// it is, that the others learn as they do by the gradients of all, and that what
// nobody needs is not computed.
func TestFreeze(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	images, labels := randomBatch(r, 5, 27, 4)
	all, err := CompileTrain(newFrozenNet(), CrossEntropy{}, newSGD(), 5, 3, 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	all.Forward(images)
	all.Backward(labels)
	want := map[string][]float32{}
	for _, e := range all.Gradients() {
		want[e.Name()] = values(e)
	}
	patterns := [][]string{{"small.*"}, {"small.*", "large.*"}, {"*.weight"}, {"*.bias"}, {"small.*", "large.*", "grouped.*", "norm.*", "fc.*"}, {"large.weight", "small.bias"}}
	for name := range want {
		patterns = append(patterns, []string{name})
	}
	for _, freeze := range patterns {
		net := newFrozenNet()
		p, err := Training{Network: NewNetwork(net, 5, 3, 3, 3), Loss: CrossEntropy{}, Optimizer: newSGD(), Freeze: freeze}.Compile()
		if err != nil {
			t.Fatal(err)
		}
		frozen, _, _, err := p.training.assign(namedParams(net))
		if err != nil {
			t.Fatal(err)
		}
		for round := range 2 {
			p.ZeroGrad()
			p.Forward(images)
			p.Backward(labels)
			list := p.Gradients()
			if len(list)+len(frozen) != len(want) {
				t.Errorf("%v: %d gradients of %d, %d frozen", freeze, len(list), len(want), len(frozen))
			}
			for _, e := range list {
				compare(t, fmt.Sprintf("%v, round %d: gradient of %s", freeze, round, e.Name()), values(e), want[e.Name()], 1e-6)
			}
		}
		before := snapshot(net)
		p.Step(images, labels)
		for i, e := range State(net) {
			if e.param != nil && frozen[e.param] != slices.Equal(before[i], values(e)) {
				t.Errorf("%v: %s changed: %v", freeze, e.Name(), !frozen[e.param])
			}
		}
		p.team.close()
	}
	// Without anything to train before them, the first layers' values have no gradient.
	net := newFrozenNet()
	p, err := Training{Network: NewNetwork(net, 5, 3, 3, 3), Loss: CrossEntropy{}, Optimizer: newSGD(), Freeze: []string{"small.*", "large.*", "grouped.*", "norm.*", "fc.*"}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for v, at := range p.plan.places {
		if made := v.producer; at.gradient != nil && made != nil && (is[conv2d](made.op) || is[batchNorm](made.op) || is[linear](made.op) && made.params[0] == &net.FC.Weight) {
			t.Errorf("the output of %s has a gradient", made.op.Name())
		}
	}
	if len(p.plan.backward) >= len(all.plan.backward)/2 {
		t.Errorf("%d stages in the backward pass, %d where nothing is frozen", len(p.plan.backward), len(all.plan.backward))
	}
}

// TestAccumulate compares parts of a batch with the whole one: dropout draws the same,
// and the weights are equal within rounding.
func TestAccumulate(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	images, labels := randomBatch(r, 24, 12, 4)
	train := func(each, accumulate, steps int) (*TrainProgram, []float32, float64) {
		m := &struct {
			function
			FC, Out Linear
		}{FC: Linear{In: 12, Out: 40}, Out: Linear{In: 40, Out: 4}}
		m.function = func(x *Value) *Value { return m.Out.Forward((&Dropout{P: 0.4}).Forward(ReLU(m.FC.Forward(x)))) }
		Init(m, rand.New(rand.NewPCG(1, 1)))
		p, err := Training{Network: NewNetwork(m, each, 12), Loss: CrossEntropy{}, Optimizer: sgdRule{lr: 0.5, momentum: 0.9}, Accumulate: accumulate}.Compile()
		if err != nil {
			t.Fatal(err)
		}
		p.SetSeed(3)
		var loss float64
		for range steps {
			for at := 0; at < 24; at += each {
				loss += p.Step(images[at*12:(at+each)*12], labels[at:at+each]) * float64(each) / 24
			}
		}
		return p, slices.Concat(snapshot(m)...), loss
	}
	p, want, wantLoss := train(24, 1, 5)
	if p.Steps() != 5 {
		t.Errorf("%d steps, want 5", p.Steps())
	}
	for _, parts := range []int{2, 3, 8} {
		p, got, loss := train(24/parts, parts, 5)
		compare(t, fmt.Sprintf("weights of %d parts", parts), got, want, 1e-5)
		if p.Steps() != 5 || math.Abs(loss-wantLoss) > 1e-5 {
			t.Errorf("%d parts: %d steps, loss %v, want 5 and %v", parts, p.Steps(), loss, wantLoss)
		}
	}
	// What is left at the end can be taken in.
	p, before, _ := train(8, 4, 1)
	if p.Steps() != 0 {
		t.Errorf("an update after 3 of 4 steps")
	}
	p.Update()
	if p.Steps() != 1 || slices.Equal(before, slices.Concat(snapshot(p.training.Network.Module)...)) {
		t.Error("Update does not take in what was accumulated")
	}
}

// TestNaNGradient checks that a gradient that is not a number is not hidden: as in
// PyTorch it goes through clipping into the weights.
func TestNaNGradient(t *testing.T) {
	for _, training := range []Training{{}, {ClipNorm: 1}, {ClipValue: 1}, {Accumulate: 2}} {
		net := &Linear{In: 3, Out: 2}
		Init(net, rand.New(rand.NewPCG(1, 1)))
		training.Network, training.Loss, training.Optimizer = NewNetwork(net, 2, 3), &MSELoss{}, newSGD()
		p, err := training.Compile()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			p.StepSoft([]float32{1, 2, float32(math.NaN()), 1, 2, 3}, make([]float32, 4))
		}
		weights := values(State(net)[0])
		if v := weights[2]; v == v {
			t.Errorf("ClipNorm %v, ClipValue %v, Accumulate %d: the weight is %v, want NaN", training.ClipNorm, training.ClipValue, training.Accumulate, v)
		}
		if first := weights[0]; (first != first) == (training.ClipValue > 0) && training.ClipValue == 0 {
			t.Errorf("ClipNorm %v: the weight of another input is %v", training.ClipNorm, first)
		}
	}
}

// TestLabelsAreChecked has targets that name no class.
func TestLabelsAreChecked(t *testing.T) {
	net := &Linear{In: 2, Out: 3}
	Init(net, rand.New(rand.NewPCG(1, 1)))
	ignore := -1
	for _, c := range []struct {
		loss  Loss
		label int
		want  string
	}{
		{CrossEntropy{}, 3, "label 3 is not in 0..2"},
		{CrossEntropy{}, -100, "label -100 is not in 0..2"},
		{CrossEntropy{Soft: true}, 3, "label 3 is not in 0..2"},
		{&CrossEntropyLoss{}, -100, ""},
		{&CrossEntropyLoss{IgnoreIndex: &ignore}, -1, ""},
		{&CrossEntropyLoss{IgnoreIndex: &ignore}, -100, "label -100 is not in 0..2"},
		{&MSELoss{}, 1, "not one label for each example"},
	} {
		p, err := CompileTrain(net, c.loss, newSGD(), 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				got := recover()
				if (got == nil) != (c.want == "") || got != nil && !strings.Contains(fmt.Sprint(got), c.want) {
					t.Errorf("%+v, label %d: panic %v, want %q", c.loss, c.label, got, c.want)
				}
			}()
			p.Step([]float32{1, 2, 3, 4}, []int{0, c.label})
		}()
	}
}
