package nn

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// tunedNet has what fine-tuning meets: BatchNorms, dropouts inside of the backbone and
// before the head, a shortcut, a part that is computed again.
type tunedNet struct {
	Stem, Left, Right *Conv2d
	Norm, Second      *BatchNorm2d
	Neck, Head        *Linear
}

func newTunedNet() *tunedNet {
	n := &tunedNet{Stem: &Conv2d{In: 3, Out: 16, Kernel: 3, Padding: 1}, Left: &Conv2d{In: 16, Out: 16, Kernel: 3, Padding: 1}, Right: &Conv2d{In: 16, Out: 16, Kernel: 1},
		Norm: &BatchNorm2d{Features: 16}, Second: &BatchNorm2d{Features: 16}, Neck: &Linear{In: 64, Out: 20}, Head: &Linear{In: 20, Out: 4}}
	if err := Init(n, rand.New(rand.NewPCG(8, 8))); err != nil {
		panic(err)
	}
	n.Norm.RunningMean.Write(slices.Repeat([]float32{0.25}, 16))
	return n
}

func (n *tunedNet) Forward(x *Value) *Value {
	x = ReLU(n.Norm.Forward(n.Stem.Forward(x)))
	x = (&MaxPool2d{Kernel: 2}).Forward((&Dropout2d{P: 0.3}).Forward(x))
	x = Recompute(x, func(x *Value) *Value {
		return ReLU(n.Second.Forward(Add(n.Left.Forward(x), (&StochasticDepth{P: 0.5}).Forward(n.Right.Forward(x)))))
	})
	x = ReLU(n.Neck.Forward((&MaxPool2d{Kernel: 2}).Forward(x).Flatten()))
	return n.Head.Forward((&Dropout{P: 0.5}).Forward(x))
}

// tunings are what of it may be frozen, and what is the last that is computed once.
var tunings = []struct {
	freeze []string
	shape  Shape // of the features of 6 examples
}{
	{[]string{"stem.*", "norm.*", "left.*", "right.*", "second.*", "neck.*"}, Shape{6, 20}},
	{[]string{"stem.*", "norm.*", "left.*", "right.*", "second.*"}, Shape{6, 64}},
	{[]string{"stem.*", "norm.*"}, nil},                      // the dropout behind is for what is trained, and the ReLU before it is the last
	{[]string{"stem.*", "norm.*", "left.*", "right.*"}, nil}, // a dropout in one of two ways: what is before both
}

func compileTuned(t *testing.T, net Module, freeze []string) *TrainProgram {
	t.Helper()
	p, err := Training{Network: NewNetwork(net, 6, 3, 8, 8), Loss: CrossEntropy{LabelSmoothing: 0.1}, Optimizer: newSGD(), Freeze: freeze, FrozenAsEval: true, ClipNorm: 0.5, Average: &Average{Decay: 0.9}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	p.SetSeed(5)
	return p
}

// TestFeatures trains the rest of a network on features that were computed once, then
// all of it: the weights must be those of the whole network in every step, to the bit.
func TestFeatures(t *testing.T) {
	const examples, size = 15, 3 * 8 * 8
	images, labels := randomBatch(rand.New(rand.NewPCG(3, 3)), examples, size, 4)
	for _, tuning := range tunings {
		whole, divided := newTunedNet(), newTunedNet()
		p, q := compileTuned(t, whole, tuning.freeze), compileTuned(t, divided, tuning.freeze)
		f, err := q.Features()
		if err != nil {
			t.Fatal(err)
		}
		if tuning.shape != nil && !f.Shape.Equal(tuning.shape) {
			t.Errorf("%v: the features are %v, want %v", tuning.freeze, f.Shape, tuning.shape)
		}
		width := f.Shape[1:].Elements()
		var kept []float32
		for i := 0; i < examples; i += 6 {
			kept = append(kept, f.Compute(images[i*size:min(i+6, examples)*size])...)
		}
		step := func(p, q *TrainProgram, head bool, list ...int) {
			t.Helper()
			var x, y []float32
			var classes []int
			for _, i := range list {
				x = append(x, images[i*size:(i+1)*size]...)
				y = append(y, kept[i*width:(i+1)*width]...)
				classes = append(classes, labels[i])
			}
			if !head {
				y = x
			}
			if a, b := p.Step(x, classes), q.Step(y, classes); a != b {
				t.Errorf("%v: the losses are %v and %v", tuning.freeze, a, b)
			}
			if digest(whole) != digest(divided) {
				t.Fatalf("%v: the weights differ after examples %v", tuning.freeze, list)
			}
		}
		for _, list := range [][]int{{0, 1, 2, 3, 4, 5}, {14, 2, 9, 7, 1, 11}, {13, 12}, {8, 6, 10, 3, 0, 5}} {
			step(p, f.Head, true, list...)
		}
		// Unfrozen, both go on.
		p, err1 := p.Freezing()
		q, err2 := q.Freezing()
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		step(p, q, false, 4, 9, 2, 1, 13, 0)
		for i, e := range p.Averaged() {
			if !slices.Equal(values(e), values(q.Averaged()[i])) {
				t.Errorf("%v: the averages of %s differ", tuning.freeze, e.Name())
			}
		}
	}
}

// TestNoFeatures checks what cannot be divided.
func TestNoFeatures(t *testing.T) {
	for want, freeze := range map[string][]string{
		"the first layer is trained":         {"neck.*"},
		"the first layer is trained, or ran": nil,
	} {
		if _, err := compileTuned(t, newTunedNet(), freeze).Features(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got error %v, want %q", freeze, err, want)
		}
	}
	net := newTunedNet()
	early := function(func(x *Value) *Value { return net.Forward((&Dropout{P: 0.1}).Forward(x)) })
	p := compileTuned(t, &struct {
		function
		Net *tunedNet
	}{early, net}, []string{"net.neck.*"})
	if _, err := p.Features(); err == nil || !strings.Contains(err.Error(), "random") {
		t.Errorf("got error %v of a network that begins with a dropout", err)
	}
}

// TestFrozenAsEval checks that BatchNorms and dropouts of what is frozen do what they do
// at eval, others what they do in training.
func TestFrozenAsEval(t *testing.T) {
	images, labels := randomBatch(rand.New(rand.NewPCG(4, 4)), 6, 3*8*8, 4)
	net := newTunedNet()
	backbone := []string{"stem.*", "norm.*", "left.*", "right.*", "second.*", "neck.*"}
	p := compileTuned(t, net, backbone)
	before := digest(net.Norm) + digest(net.Second)
	p.Step(images, labels)
	if digest(net.Norm)+digest(net.Second) != before {
		t.Error("the statistics of a frozen BatchNorm follow the batch")
	}
	// Only the head's dropout makes it differ from inference.
	f, err := p.Features()
	if err != nil {
		t.Fatal(err)
	}
	infer, err := Compile(function(func(x *Value) *Value {
		x = (&MaxPool2d{Kernel: 2}).Forward(ReLU(net.Norm.Forward(net.Stem.Forward(x))))
		x = ReLU(net.Second.Forward(Add(net.Left.Forward(x), net.Right.Forward(x))))
		return ReLU(net.Neck.Forward((&MaxPool2d{Kernel: 2}).Forward(x).Flatten()))
	}), 6, 3, 8, 8)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "frozen backbone", f.Compute(images), infer.Forward(images), 1e-5)
	logits := slices.Clone(p.Forward(images))
	p.Step(images, labels)
	whole, err := Compile(net, 6, 3, 8, 8)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(logits, whole.Forward(images)) {
		t.Error("the dropout before the head does nothing in training")
	}
	// A BatchNorm with something to train is not frozen.
	p = compileTuned(t, net, []string{"norm.weight"})
	p.Step(images, labels)
	if digest(net.Norm)+digest(net.Second) == before {
		t.Error("the statistics of a BatchNorm whose bias is trained stay")
	}
}
