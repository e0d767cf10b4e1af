package nn

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("inkling/nn.(*team).serve"))
}

// randomNet is a network of random layers, so that every way in which steps
// can follow each other is met: padding, strides, groups, pools of other
// sizes, ReLUs that are shared, residual connections, no biases.
type randomNet struct {
	Convs   []*Conv2d
	Pools   []int // window after each convolution, 0 for none
	Choices []int
	FCs     []*Linear
}

func newRandomNet(r *rand.Rand, in Shape) *randomNet {
	n := &randomNet{}
	channels, size := in[0], in[1]
	for range 1 + r.IntN(3) {
		kernel := 1 + r.IntN(min(size, 4))
		c := &Conv2d{In: channels, Out: 1 + r.IntN(24), Kernel: kernel, Stride: 1 + r.IntN(2), Padding: r.IntN(2), NoBias: r.IntN(5) == 0}
		if r.IntN(6) == 0 && channels%2 == 0 {
			c.Groups, c.Out = 2, 2*(1+r.IntN(5))
		}
		size = (size+2*c.Padding-kernel)/c.Stride + 1
		pool := []int{0, 2, 2, 3}[r.IntN(4)]
		if pool > size {
			pool = 0
		}
		if pool > 0 {
			size = (size-pool)/pool + 1
		}
		channels = c.Out
		n.Convs, n.Pools, n.Choices = append(n.Convs, c), append(n.Pools, pool), append(n.Choices, r.IntN(4))
	}
	features := channels * size * size
	for range r.IntN(3) {
		l := &Linear{In: features, Out: 1 + r.IntN(30), NoBias: r.IntN(5) == 0}
		n.FCs = append(n.FCs, l)
		features = l.Out
	}
	n.FCs = append(n.FCs, &Linear{In: features, Out: 2 + r.IntN(12)})
	Init(n, r)
	// Whole numbers, so that all sums are exact: then any order of summation
	// gives the same outputs, and maxima the same ties.
	for _, e := range State(n) {
		whole := make([]float32, Shape(e.Shape()).Elements())
		for i := range whole {
			whole[i] = float32(r.IntN(3) - 1)
			if strings.HasPrefix(e.Name(), fmt.Sprintf("fcs.%d.", len(n.FCs)-1)) {
				whole[i] /= 1 << 10 // keeps the softmax from saturating
			}
		}
		e.Write(whole)
	}
	return n
}

func (n *randomNet) Forward(x *Value) *Value {
	for i, c := range n.Convs {
		x = c.Forward(x)
		switch n.Choices[i] {
		case 1, 2:
			x = ReLU(x)
		case 3:
			x = Add(x, ReLU(x))
		}
		if k := n.Pools[i]; k > 0 {
			x = (&MaxPool2d{Kernel: k}).Forward(x)
		}
	}
	x = x.Flatten()
	for i, l := range n.FCs {
		x = l.Forward(x)
		if i < len(n.FCs)-1 {
			x = ReLU(x)
		}
	}
	return x
}

func randomBatch(r *rand.Rand, n, elements, classes int) ([]float32, []int) {
	images, labels := make([]float32, n*elements), make([]int, n)
	for i := range images {
		images[i] = float32(r.IntN(5) - 2)
	}
	for i := range labels {
		labels[i] = r.IntN(classes)
	}
	return images, labels
}

// TestFusedEqualsUnfused compares compiled programs with the plain operations
// run one by one.
func TestFusedEqualsUnfused(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 5))
		batch := 1 + r.IntN(9)
		shape := []int{batch, 1 + r.IntN(4), 6 + r.IntN(8), 0}
		shape[3] = shape[2]
		net := newRandomNet(r, shape[1:])
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			p, err := CompileTrain(net, CrossEntropy{}, newSGD(), shape...)
			if err != nil {
				t.Fatal(err)
			}
			classes := p.classes
			images, labels := randomBatch(r, batch, p.plan.graph.input().shape[1:].Elements(), classes)
			n := NewNetwork(net, shape...)
			g, err := traceAll(n.Module, n.Inputs, n.Forward, true, CrossEntropy{})
			if err != nil {
				t.Fatal(err)
			}
			ref := newReference[float32](g, 0, 1)
			copy(ref.values[g.input().index].Data, images)
			for i, label := range labels {
				ref.values[g.targets[0].index].Ints[i] = int32(label)
			}
			logits := ref.forward().Data
			compare(t, "training logits", p.Forward(images), logits, 0)

			inference, err := Compile(net, shape...)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, "inference logits", inference.Forward(images), logits, 0)
			for i := range batch {
				one := inference.Clone().Forward(images[i*p.plan.graph.input().shape[1:].Elements():][:p.plan.graph.input().shape[1:].Elements()])
				compare(t, "logits of one example", one, logits[i*classes:][:classes], 0)
			}

			ref.backwardLoss()
			got := p.Backward(labels)
			compare(t, "loss", []float32{float32(got)}, []float32{float32(ref.loss())}, 1e-5)
			names := paramNames(net)
			entries := map[string]Entry{}
			for _, e := range p.Gradients() {
				entries[e.Name()] = e
			}
			if len(entries) != len(ref.paramGrads) {
				t.Fatalf("%d gradients, want %d", len(entries), len(ref.paramGrads))
			}
			for param, want := range ref.paramGrads {
				compare(t, "gradient of "+names[param], values(entries[names[param]]), want.Data, 1e-5)
			}
		})
	}
}

// TestCallByCallEqualsStep trains two equal networks, one by Step, the other
// by the single calls, with batches of different sizes.
func TestCallByCallEqualsStep(t *testing.T) {
	a, b := newLeNet(3), newLeNet(3)
	pa, err := CompileTrain(a, CrossEntropy{}, newSGD(), 8, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	pb, err := CompileTrain(b, CrossEntropy{}, newSGD(), 8, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	images, labels := goldenImages(t, 80)
	for _, n := range []int{8, 8, 3, 1, 8, 5} {
		la := pa.Step(images[:n*784], labels[:n])
		pb.ZeroGrad()
		pb.Forward(images[:n*784])
		lossOnly := pb.Loss(labels[:n])
		lb := pb.Backward(labels[:n])
		pb.Update()
		if la != lb || la != lossOnly {
			t.Fatalf("losses %v from Step, %v from Backward, %v from Loss", la, lb, lossOnly)
		}
		images, labels = images[n*784:], labels[n:]
	}
	if digest(a) != digest(b) {
		t.Error("the weights differ")
	}
}

// TestStepSoft checks that probabilities that name one class are as good as its
// label, that others are not, and that neither workers nor the batch matter.
func TestStepSoft(t *testing.T) {
	images, labels := goldenImages(t, 400)
	sure, even := make([]float32, 400*10), make([]float32, 400*10)
	for i, label := range labels {
		sure[i*10+label] = 1
		even[i*10+label] += 0.5
		even[i*10+labels[(i+1)%400]] += 0.5
	}
	run := func(batch, workers int, soft bool, step func(p *TrainProgram, at, n int) float64) (string, float64) {
		net := newLeNet(7)
		p, err := CompileTrain(net, CrossEntropy{Soft: soft}, newSGD(), batch, 1, 28, 28)
		if err != nil {
			t.Fatal(err)
		}
		p.SetWorkers(workers)
		defer p.team.close()
		var loss float64
		for at := 0; at < 400; at += batch {
			loss += step(p, at, min(batch, 400-at))
		}
		return digest(net), loss
	}
	soft := func(targets []float32) func(p *TrainProgram, at, n int) float64 {
		return func(p *TrainProgram, at, n int) float64 {
			return p.StepSoft(images[at*784:(at+n)*784], targets[at*10:(at+n)*10])
		}
	}
	for _, batch := range []int{4, 33} {
		byLabels := func(p *TrainProgram, at, n int) float64 {
			return p.Step(images[at*784:(at+n)*784], labels[at:at+n])
		}
		want, wantLoss := run(batch, 1, false, byLabels)
		for what, step := range map[string]func(p *TrainProgram, at, n int) float64{"probabilities of 0 and 1": soft(sure), "labels as probabilities": byLabels} {
			if got, loss := run(batch, 1, true, step); got != want || loss != wantLoss {
				t.Errorf("batch %d: %s give the loss %v and other weights than labels, which give %v", batch, what, loss, wantLoss)
			}
		}
		mixed, _ := run(batch, 1, true, soft(even))
		if mixed == want {
			t.Errorf("batch %d: mixed targets change nothing", batch)
		}
		for _, workers := range []int{2, 4} {
			if got, _ := run(batch, workers, true, soft(even)); got != mixed {
				t.Errorf("batch %d: %d workers give other weights than one", batch, workers)
			}
		}
	}
}

func TestStepSoftPanics(t *testing.T) {
	images, _ := goldenImages(t, 2)
	for _, test := range []struct {
		loss    Loss
		targets int
		want    string
	}{
		{CrossEntropy{Soft: true}, 19, "got 19 numbers as targets of 2 examples with 10 each"},
		{CrossEntropy{}, 20, "not numbers (nn.CrossEntropy takes probabilities with Soft set)"},
	} {
		p, err := CompileTrain(newLeNet(0), test.loss, newSGD(), 4, 1, 28, 28)
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, test.want) {
					t.Errorf("%T with %d probabilities: panic %q, want %q", test.loss, test.targets, got, test.want)
				}
			}()
			p.StepSoft(images, make([]float32, test.targets))
		}()
	}
}

func digest(module any) string {
	h := sha256.New()
	for _, e := range State(module) {
		binary.Write(h, binary.LittleEndian, values(e))
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestBackwardAdds(t *testing.T) {
	p, err := CompileTrain(newLeNet(1), CrossEntropy{}, newSGD(), 4, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	images, labels := goldenImages(t, 4)
	p.Forward(images)
	p.Backward(labels)
	var once [][]float32
	for _, e := range p.Gradients() {
		once = append(once, values(e))
	}
	p.Backward(labels)
	for i, e := range p.Gradients() {
		for j, v := range values(e) {
			if v != 2*once[i][j] {
				t.Fatalf("%s: element %d is %v after two Backwards, %v after one", e.Name(), j, v, once[i][j])
			}
		}
	}
}

// TestDeterminism trains with different numbers of workers and processors:
// same bits.
func TestDeterminism(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	images, labels := goldenImages(t, 400)
	run := func(batch, workers int) string {
		net := newLeNet(7)
		p, err := CompileTrain(net, CrossEntropy{}, newSGD(), batch, 1, 28, 28)
		if err != nil {
			t.Fatal(err)
		}
		p.SetWorkers(workers)
		defer p.team.close()
		for at := 0; at < 400; at += batch {
			n := min(batch, 400-at)
			p.Step(images[at*784:(at+n)*784], labels[at:at+n])
		}
		return digest(net)
	}
	allProcs, allWorkers := []int{1, 2, 3, 4}, []int{1, 2, 4, 8}
	if testing.Short() {
		allProcs, allWorkers = []int{1, 3}, []int{2, 8}
	}
	for _, batch := range []int{4, 64, 33} {
		want := run(batch, 1)
		for _, procs := range allProcs {
			runtime.GOMAXPROCS(procs)
			for _, workers := range allWorkers {
				if got := run(batch, workers); got != want {
					t.Errorf("batch %d, %d workers, GOMAXPROCS %d: weights have SHA-256 %s, with one worker %s", batch, workers, procs, got, want)
				}
			}
		}
	}
}

func TestInferenceDoesNotDependOnWorkers(t *testing.T) {
	images, _ := repeatImages(t, 100)
	p, err := Compile(newLeNet(2), 100, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	p.SetWorkers(1)
	want := append([]float32(nil), p.Forward(images)...)
	for _, workers := range []int{2, 3, 8} {
		p.SetWorkers(workers)
		for i, v := range p.Forward(images) {
			if v != want[i] {
				t.Fatalf("%d workers: output %d is %v, with one worker %v", workers, i, v, want[i])
			}
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	images, labels := goldenImages(t, 64)
	for _, workers := range []int{1, 2} {
		for _, soft := range []bool{false, true} {
			train, err := CompileTrain(newLeNet(1), CrossEntropy{Soft: soft}, newSGD(), 64, 1, 28, 28)
			if err != nil {
				t.Fatal(err)
			}
			train.SetWorkers(workers)
			if n := testing.AllocsPerRun(20, func() { train.Step(images, labels) }); n != 0 {
				t.Errorf("%d workers: a step allocates %v times", workers, n)
			}
			targets := make([]float32, 64*10)
			if !soft {
				continue
			}
			if n := testing.AllocsPerRun(20, func() { train.StepSoft(images, targets) }); n != 0 {
				t.Errorf("%d workers: a step with probabilities allocates %v times", workers, n)
			}
		}
		infer, err := Compile(newLeNet(1), 64, 1, 28, 28)
		if err != nil {
			t.Fatal(err)
		}
		infer.SetWorkers(workers)
		if n := testing.AllocsPerRun(20, func() { infer.Forward(images) }); n != 0 {
			t.Errorf("%d workers: a prediction allocates %v times", workers, n)
		}
	}
}

// TestWeightsAreShared checks that inference follows training.
func TestWeightsAreShared(t *testing.T) {
	net := newLeNet(1)
	train, err := CompileTrain(net, CrossEntropy{}, newSGD(), 4, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	infer, err := Compile(net, 4, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	images, labels := goldenImages(t, 4)
	clone := infer.Clone()
	infer.Forward(images)
	for range 20 {
		train.Step(images, labels)
	}
	want := train.Forward(images)
	compare(t, "logits after training", infer.Forward(images), want, 1e-6)
	compare(t, "logits of a clone", clone.Forward(images), want, 1e-6)
	for _, e := range State(net) {
		e.Write(make([]float32, Shape(e.Shape()).Elements()))
	}
	for i, v := range infer.Forward(images) {
		if v != 0 {
			t.Fatalf("output %d is %v with all weights zero", i, v)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	bad := func(change func(n *lenet)) *lenet {
		n := newLeNet(0)
		change(n)
		return n
	}
	shape := []int{4, 1, 28, 28}
	for _, c := range []struct {
		name   string
		module Module
		shape  []int
		want   string
	}{
		{"channels", bad(func(n *lenet) { n.Conv2.In = 7 }), shape, "conv2d conv2: wants 7 input channels, got 6 (input 4x6x12x12)"},
		{"features", bad(func(n *lenet) { n.FC1.In = 100 }), shape, "linear fc1: wants 100 input features, got 256"},
		{"small picture", newLeNet(0), []int{4, 1, 12, 12}, "conv2d conv2: its window of 5x5 does not fit into the input 4x6x4x4"},
		{"pool", bad(func(n *lenet) { n.Pool.Kernel = 0 }), shape, "maxpool2d after relu after conv2d conv1: wants a kernel, stride and dilation of at least 1"},
		{"dimension", newLeNet(0), []int{4, 0, 28, 28}, "input shape 4x0x28x28 has a dimension below 1"},
		{"rank", newLeNet(0), []int{4}, "no dimension after the batch"},
		{"no Init", &Linear{In: 784, Out: 10}, []int{4, 784}, "call nn.Init"},
		{"nil", function(func(x *Value) *Value { return nil }), shape, "not computed from its input"},
		{"custom", function(func(x *Value) *Value { return Apply(scaleOp{}, nil, x.Flatten()) }), shape, "scale after flatten at the input: wants 4 features, got 784"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile(c.module, c.shape...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
	noLoss := function(func(x *Value) *Value { return ReLU(x) })
	if _, err := CompileTrain(noLoss, CrossEntropy{}, newSGD(), 4, 1, 28, 28); err == nil || !strings.Contains(err.Error(), "cross-entropy wants logits of shape N x classes, got 4x1x28x28") {
		t.Errorf("training a picture: %v", err)
	}
	if _, err := CompileTrain(newLeNet(0), CrossEntropy{LabelSmoothing: 1.5}, newSGD(), shape...); err == nil || !strings.Contains(err.Error(), "LabelSmoothing from 0 to 1, got 1.5") {
		t.Errorf("smoothing labels by 1.5: %v", err)
	}
	noParams := function(func(x *Value) *Value { return x.Flatten() })
	if _, err := CompileTrain(noParams, CrossEntropy{}, newSGD(), 4, 1, 28, 28); err == nil || !strings.Contains(err.Error(), "no parameters") {
		t.Errorf("training nothing: %v", err)
	}
}

// TestSeveralInputs trains and runs a network of pictures, tokens and a mask, with
// several outputs.
func TestSeveralInputs(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	m := &struct {
		Tokens Embedding
		FC     Linear
	}{Embedding{Count: 7, Dim: 5}, Linear{In: 11, Out: 3}}
	if err := Init(m, r); err != nil {
		t.Fatal(err)
	}
	n := Network{Module: m, Inputs: []Spec{{Shape: Shape{9, 6}}, {Shape{9}, Int32}, {Shape{9, 3}, Bool}}, Forward: func(x []*Value) []*Value {
		y := m.FC.Forward(Concat(1, x[0], m.Tokens.Forward(x[1])))
		y = Mul(y, Cast(x[2], Float32))
		return []*Value{y, ArgMax(y, 1, false)}
	}}
	p, err := n.Compile()
	if err != nil {
		t.Fatal(err)
	}
	train, err := n.CompileTrain(CrossEntropy{}, sgdRule{lr: 0.5, momentum: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	in := []Tensor[float32]{{Data: make([]float32, 9*6)}, {Ints: make([]int32, 9)}, {Ints: make([]int32, 27)}}
	labels := make([]int, 9)
	for i := range 9 {
		labels[i] = i % 3
		in[1].Ints[i] = int32(i % 3)
		for k := range 6 {
			in[0].Data[6*i+k] = float32(r.NormFloat64())
		}
	}
	for i := range in[2].Ints {
		in[2].Ints[i] = 1
	}
	step := func(count int, inputs []Tensor[float32]) float64 {
		classes := make([]int32, count)
		for i := range classes {
			classes[i] = int32(labels[i])
		}
		return train.StepOn([]Tensor[float32]{{Ints: classes}}, inputs...)
	}
	for _, count := range []int{9, 4} {
		cut := []Tensor[float32]{{Data: in[0].Data[:6*count]}, {Ints: in[1].Ints[:count]}, {Ints: in[2].Ints[:3*count]}}
		first := step(count, cut)
		for range 60 {
			step(count, cut)
		}
		if last := step(count, cut); count == 9 && !(last < first/2) {
			t.Errorf("%d examples: the loss goes from %v to %v", count, first, last)
		}
		out := p.ForwardAll(cut...)
		if !out[0].Shape.Equal(Shape{count, 3}) || !out[1].Shape.Equal(Shape{count}) {
			t.Fatalf("outputs of shapes %v and %v", out[0].Shape, out[1].Shape)
		}
		for i, class := range out[1].Ints {
			if int(class) != labels[i] {
				t.Errorf("example %d is taken for %d, want %d", i, class, labels[i])
			}
		}
	}
	for _, bad := range [][]Tensor[float32]{in[:2], {in[0], in[1], {Ints: in[2].Ints[:6]}}, {in[0], in[2], in[2]}, {in[0], {Data: make([]float32, 9)}, in[2]}} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "nn: ") {
					t.Errorf("panic %q", got)
				}
			}()
			p.ForwardAll(bad...)
		}()
	}
}

// TestSharedParameters compares a network whose parameters are used by several
// operations, with other parts of the storage in each, with the definitions.
func TestSharedParameters(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	n := &struct {
		function
		Conv    Conv2d
		Norm    BatchNorm2d
		FC, Out Linear
	}{Conv: Conv2d{In: 3, Out: 3, Kernel: 3, Padding: 1}, Norm: BatchNorm2d{Features: 3}, FC: Linear{In: 48, Out: 48}, Out: Linear{In: 48, Out: 5}}
	n.function = func(x *Value) *Value {
		x = n.Conv.Forward(n.Norm.Forward(ReLU(n.Conv.Forward(x))))
		x = n.FC.Forward(ReLU(n.FC.Forward(x.Flatten())))
		x = Apply(gainOp{}, []*Param{&n.FC.Bias}, x)
		return Apply(gainOp{}, []*Param{&n.Out.Bias}, n.Out.Forward(x))
	}
	Init(n, r)
	if err := checkPrograms(exampleOf(n, 4, 3, 4, 4), r); err != nil {
		t.Error(err)
	}
}

func TestWrongSettings(t *testing.T) {
	shape := []int{2, 4, 8, 8}
	for want, module := range map[string]Module{
		"stride -2":     &Conv2d{In: 4, Out: 4, Kernel: 3, Stride: -2},
		"dilation -1":   &Conv2d{In: 4, Out: 4, Kernel: 3, Dilation: -1},
		"groups -1":     &Conv2d{In: 4, Out: 4, Kernel: 3, Groups: -1},
		"padding -1":    &Conv2d{In: 4, Out: 4, Kernel: 3, Padding: -1},
		"kernel 0":      &Conv2d{In: 4, Out: 4},
		"3 groups of 4": &Conv2d{In: 4, Out: 6, Kernel: 3, Groups: 3},
		"features 0":    &BatchNorm2d{},
		"eps -1":        &BatchNorm2d{Features: 4, Eps: -1},
		"momentum 2":    &BatchNorm2d{Features: 4, Momentum: 2},
	} {
		if err := Init(module, rand.New(rand.NewPCG(0, 0))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Init of %+v: %v, want %q", module, err, want)
		}
		if _, err := Compile(module, shape...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Compile of %+v: %v, want %q", module, err, want)
		}
	}
	flat := &Linear{In: -4, Out: 4}
	if err := Init(flat, rand.New(rand.NewPCG(0, 0))); err == nil || !strings.Contains(err.Error(), "in -4") {
		t.Errorf("Init of Linear{In: -4}: %v", err)
	}
	for want, pool := range map[string]*MaxPool2d{"kernel -1": {Kernel: -1}, "stride -1": {Kernel: 2, Stride: -1}, "padding 2": {Kernel: 2, Padding: 2}} {
		if _, err := Compile(pool, shape...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Compile of %+v: %v", pool, err)
		}
	}
}

// refusing is an optimizer and a loss whose settings are wrong.
type refusing struct {
	fastSGD
	CrossEntropy
}

func (refusing) Check() error { return fmt.Errorf("lr -1 is below 0") }

func TestCompileTrainChecksSettings(t *testing.T) {
	shape := []int{4, 1, 28, 28}
	var noSGD *sgdPointer
	for want, c := range map[string]struct {
		loss      Loss
		optimizer Optimizer
	}{
		"got no loss":      {nil, newSGD()},
		"got no optimizer": {CrossEntropy{}, nil},
		"no optimizer":     {CrossEntropy{}, noSGD},
		"lr -1 is below 0": {CrossEntropy{}, refusing{}},
		"lr -1 is below":   {refusing{}, newSGD()},
	} {
		if _, err := CompileTrain(newLeNet(1), c.loss, c.optimizer, shape...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}

type sgdPointer struct{ fastSGD }

// TestHiddenParameters checks what is said about layers where they cannot be
// found.
func TestHiddenParameters(t *testing.T) {
	r := rand.New(rand.NewPCG(0, 0))
	type inner struct{ fc Linear }
	type unexported struct {
		function
		Part *inner
	}
	a := &unexported{Part: &inner{Linear{In: 4, Out: 2}}}
	a.function = func(x *Value) *Value { return a.Part.fc.Forward(x) }
	type inMap struct {
		function
		Heads map[string]*Linear
	}
	b := &inMap{Heads: map[string]*Linear{"x": {In: 4, Out: 2}}}
	b.function = func(x *Value) *Value { return b.Heads["x"].Forward(x) }
	type buffered struct {
		function
		norm BatchNorm2d
	}
	c := &buffered{norm: BatchNorm2d{Features: 1, NoAffine: true}}
	c.function = func(x *Value) *Value { return c.norm.Forward(x) }
	for want, module := range map[string]Module{
		"parameter 0 of linear at the input has no values, as nn.Init, nn.State and files do not reach it: the field fc of nn.inner is not exported": a,
		"it is in a map, a map[string]*nn.Linear":       b,
		"the field norm of nn.buffered is not exported": c,
	} {
		Init(module, r)
		shape := []int{2, 4}
		if module == Module(c) {
			shape = []int{2, 1, 2, 2}
		}
		if _, err := Compile(module, shape...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
	type byValue struct{ FC Linear }
	type holds struct{ Any any }
	for _, f := range []func(){
		func() { Init(byValue{}, r) },
		func() { State(byValue{}) },
		func() { State(&holds{byValue{}}) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, "use a pointer, &nn.byValue{...}") {
					t.Errorf("panic %q", got)
				}
			}()
			f()
		}()
	}
}

func TestCustomOperationTrains(t *testing.T) {
	type net struct {
		function
		Scale *scale
		FC    Linear
	}
	r := rand.New(rand.NewPCG(1, 2))
	n := &net{Scale: newScale(r), FC: Linear{In: 4, Out: 3}}
	n.function = func(x *Value) *Value { return n.FC.Forward(n.Scale.Forward(x)) }
	Init(n, r)
	p, err := CompileTrain(n, CrossEntropy{}, sgdRule{lr: 0.1, momentum: 0.9}, 8, 4)
	if err != nil {
		t.Fatal(err)
	}
	images, labels := randomBatch(r, 8, 4, 3)
	before := digest(n.Scale)
	first := p.Step(images, labels)
	var last float64
	for range 300 {
		last = p.Step(images, labels)
	}
	if last > first/2 {
		t.Errorf("the loss went from %.3f to %.3f in 300 steps", first, last)
	}
	if digest(n.Scale) == before {
		t.Error("the custom operation's parameter did not change")
	}
}

func TestStateNames(t *testing.T) {
	type block struct {
		BatchNorm Conv2d `nn:"bn"`
		LastConv  Conv2d
	}
	type net struct {
		Layers []block
		FC1    Linear
		hidden Linear
	}
	n := &net{Layers: make([]block, 2), FC1: Linear{In: 1, Out: 1, NoBias: true}}
	for i := range n.Layers {
		n.Layers[i] = block{Conv2d{In: 1, Out: 1, Kernel: 1, NoBias: true}, Conv2d{In: 1, Out: 1, Kernel: 1}}
	}
	_ = n.hidden
	Init(n, rand.New(rand.NewPCG(0, 0)))
	var got []string
	for _, e := range State(n) {
		got = append(got, e.Name())
	}
	want := "layers.0.bn.weight layers.0.last_conv.weight layers.0.last_conv.bias layers.1.bn.weight layers.1.last_conv.weight layers.1.last_conv.bias fc1.weight"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("names are %s\nwant %s", s, want)
	}
}

func TestStateOfAModuleThatPointsToItself(t *testing.T) {
	type part struct {
		FC     Linear
		Parent any
	}
	n := &part{FC: Linear{In: 2, Out: 2}}
	n.Parent = &part{FC: Linear{In: 2, Out: 2}, Parent: n}
	Init(n, rand.New(rand.NewPCG(0, 0)))
	var got []string
	for _, e := range State(n) {
		got = append(got, e.Name())
	}
	if s := strings.Join(got, " "); s != "fc.weight fc.bias parent.fc.weight parent.fc.bias" {
		t.Errorf("names are %s", s)
	}
}

func TestParamReadWrite(t *testing.T) {
	for _, c := range []*Conv2d{{In: 6, Out: 16, Kernel: 5}, {In: 20, Out: 3, Kernel: 3}, {In: 4, Out: 4, Kernel: 2, Groups: 2}} {
		Init(c, rand.New(rand.NewPCG(0, 0)))
		want := make([]float32, c.Weight.Shape().Elements())
		for i := range want {
			want[i] = float32(i + 1)
		}
		c.Weight.Write(want)
		got := make([]float32, len(want))
		c.Weight.Read(got)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%+v: element %d is %v, want %v", c.op(), i, got[i], want[i])
			}
		}
	}
}
