package inside_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"inkling/inside"
	"inkling/models"
	"inkling/nn"
)

// picture is some numbers from -1 to 1.
func picture(n int) []float32 {
	r := rand.New(rand.NewPCG(3, 4))
	list := make([]float32, n)
	for i := range list {
		list[i] = 2*r.Float32() - 1
	}
	return list
}

func near(a, b []float32, within float64) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) <= within*(1+math.Abs(float64(y))) })
}

// What each operation computes is what a program computes that ends there.
func TestValues(t *testing.T) {
	network := models.NewLeNet(10, 1)
	view, err := inside.New(network, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	in := picture(28 * 28)
	values := view.Values(in)
	if len(values) != len(view.Operations()) || len(values) != 12 {
		t.Fatalf("%d values of %d operations, want 12", len(values), len(view.Operations()))
	}
	for i, op := range view.Operations() {
		p, err := nn.Compile(nn.UpTo(network, i), 1, 1, 28, 28)
		if err != nil {
			t.Fatal(err)
		}
		if want := p.Forward(in); !near(values[i], want, 1e-5) {
			t.Errorf("operation %d, a %s, differs from a program that ends there", i, op.Name)
		}
	}
}

// A gradient is what the answer changes by when a pixel changes a little.
func TestSaliency(t *testing.T) {
	network := models.NewLeNet(10, 1)
	before := nn.State(network)[0]
	weights := make([]float32, nn.Shape(before.Shape()).Elements())
	before.Read(weights)
	view, err := inside.New(network, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	in := picture(28 * 28)
	for _, class := range []int{7, 2} {
		view.Values(in)
		gradient := slices.Clone(view.Saliency(class))
		for _, pixel := range []int{14*28 + 14, 9*28 + 17, 20*28 + 8} {
			const step = 1e-2
			answer := func(by float32) float32 {
				changed := slices.Clone(in)
				changed[pixel] += by
				values := view.Values(changed)
				return values[len(values)-1][class]
			}
			slope := float64(answer(step)-answer(-step)) / (2 * step)
			if diff := math.Abs(slope - float64(gradient[pixel])); diff > 2e-3 {
				t.Errorf("class %d, pixel %d: the gradient is %v, the slope %v", class, pixel, gradient[pixel], slope)
			}
		}
	}
	after := make([]float32, len(weights))
	before.Read(after)
	if !slices.Equal(weights, after) {
		t.Error("looking changes the weights")
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := inside.New(nn.Func(func(x *nn.Value) *nn.Value { return x }), 1, 28, 28); err == nil {
		t.Error("a network that computes nothing is looked into")
	}
	if _, err := inside.New(nn.Func(nn.ReLU), 1, 28, 28); err == nil {
		t.Error("a network that answers with a picture is looked into")
	}
}
