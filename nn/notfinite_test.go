package nn

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

type fragile struct {
	Conv Conv2d
	Norm BatchNorm2d
	FC1  Linear
	FC2  Linear

	shift float64
}

func (n *fragile) Forward(x *Value) *Value {
	x = ReLU(n.Norm.Forward(n.Conv.Forward(x))).Flatten()
	return n.FC2.Forward(Sqrt(Affine(ReLU(n.FC1.Forward(x)), 1, n.shift)))
}

// TestNotFinite has a number be infinite or NaN at different places of a network: it
// is found where it comes up, and the step changes nothing.
func TestNotFinite(t *testing.T) {
	nan, large := float32(math.NaN()), float32(1e30)
	scale := func(p *Param, by float32) {
		for i := range p.data {
			p.data[i] *= by
		}
	}
	for _, test := range []struct {
		want string
		with func(n *fragile, images []float32)
	}{
		{"input 0 of the network has NaN", func(_ *fragile, images []float32) { images[3] = nan }},
		{"the parameter fc1.weight has NaN", func(n *fragile, _ []float32) { n.FC1.Weight.data[2] = nan; n.FC2.Weight.data[0] = nan }},
		{"the output of linear fc2 is", func(n *fragile, _ []float32) {
			scale(&n.FC1.Weight, large)
			scale(&n.FC2.Weight, large)
		}},
	} {
		for _, training := range []Training{{}, {ClipNorm: 1}, {Accumulate: 2}} {
			net := &fragile{Conv: Conv2d{In: 1, Out: 3, Kernel: 3}, Norm: BatchNorm2d{Features: 3}, FC1: Linear{In: 48, Out: 8}, FC2: Linear{In: 8, Out: 4}, shift: 1}
			r := rand.New(rand.NewPCG(1, 1))
			if err := Init(net, r); err != nil {
				t.Fatal(err)
			}
			training.Network, training.Loss, training.Optimizer = NewNetwork(net, 8, 1, 6, 6), CrossEntropy{}, newSGD()
			p, err := training.Compile()
			if err != nil {
				t.Fatal(err)
			}
			p.SetHold(true)
			images, labels := make([]float32, 7*36), make([]int, 7)
			for i := range images {
				images[i] = r.Float32()
			}
			if loss := p.Step(images, labels); loss-loss != 0 {
				t.Fatalf("the first loss is %v", loss)
			}
			if text := p.NotFinite(); text != "" {
				t.Errorf("all is finite, but %s", text)
			}
			test.with(net, images)
			before := snapshot(struct{ FC1, FC2 *Linear }{&net.FC1, &net.FC2})
			steps := p.Steps()
			if loss := p.Step(images, labels); loss-loss == 0 {
				t.Fatalf("%s: the loss is %v", test.want, loss)
			}
			if text := p.NotFinite(); len(text) < len(test.want) || text[:len(test.want)] != test.want {
				t.Errorf("found that %s, want %s", text, test.want)
			}
			if now := snapshot(struct{ FC1, FC2 *Linear }{&net.FC1, &net.FC2}); !sameBits(before, now) || p.Steps() != steps {
				t.Errorf("%s: the step has changed the parameters", test.want)
			}
		}
	}
}

// TestNotFiniteGradient finds a gradient that is infinite where all outputs are finite.
func TestNotFiniteGradient(t *testing.T) {
	net := &fragile{Conv: Conv2d{In: 1, Out: 3, Kernel: 3}, Norm: BatchNorm2d{Features: 3}, FC1: Linear{In: 48, Out: 8}, FC2: Linear{In: 8, Out: 4}}
	if err := Init(net, rand.New(rand.NewPCG(1, 1))); err != nil {
		t.Fatal(err)
	}
	p, err := CompileTrain(net, CrossEntropy{}, newSGD(), 4, 1, 6, 6)
	if err != nil {
		t.Fatal(err)
	}
	clear(net.FC1.Weight.data)
	clear(net.FC1.Bias.data) // the square root of zero has no slope
	copyOf := net.FC2.Weight.Read
	weights := make([]float32, 32)
	copyOf(weights)
	p.SetHold(true)
	p.setImages(make([]float32, 4*36))
	p.setLabels(make([]int, 4))
	text := p.NotFinite()
	const want = "the gradient of the output of "
	if len(text) < len(want) || text[:len(want)] != want {
		t.Errorf("found %q, want %s", text, want)
	}
	now := make([]float32, 32)
	copyOf(now)
	if !reflect.DeepEqual(weights, now) {
		t.Error("looking has changed the parameters")
	}
}

func sameBits(a, b [][]float32) bool {
	for i := range a {
		for k := range a[i] {
			if math.Float32bits(a[i][k]) != math.Float32bits(b[i][k]) {
				return false
			}
		}
	}
	return true
}
