package nn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestNaNStays has a NaN in one pixel of one example, and wants NaN wherever the
// definitions have it, in any of the fused forms: a ReLU that made a zero of it would hide
// that a training has failed.
func TestNaNStays(t *testing.T) {
	conv := func(in, out, kernel int) Module {
		return &Conv2d{In: in, Out: out, Kernel: kernel, Padding: kernel / 2}
	}
	act := func(f func(x *Value) *Value) Module { return Func(f) }
	for name, layers := range map[string][]Module{
		"convolution of few channels, ReLU, pooling": {&Conv2d{In: 1, Out: 6, Kernel: 5}, act(ReLU), &MaxPool2d{Kernel: 2}, &Conv2d{In: 6, Out: 16, Kernel: 5}, act(ReLU), &MaxPool2d{Kernel: 2}},
		"convolution, ReLU":                          {conv(1, 16, 3), act(ReLU), conv(16, 24, 3), act(ReLU)},
		"convolution, ReLU6":                         {conv(1, 16, 3), act(ReLU6), conv(16, 24, 1), act(ReLU6)},
		"convolution, BatchNorm, ReLU":               {conv(1, 16, 3), &BatchNorm2d{Features: 16}, act(ReLU), conv(16, 16, 3), &BatchNorm2d{Features: 16}, act(ReLU6)},
		"BatchNorm, ReLU, pooling":                   {&BatchNorm2d{Features: 1}, act(ReLU), conv(1, 16, 3), act(ReLU), &MaxPool2d{Kernel: 3}},
		"depthwise":                                  {conv(1, 16, 3), &Conv2d{In: 16, Out: 16, Kernel: 3, Groups: 16, Padding: 1}, act(ReLU6)},
		"linear, ReLU":                               {act((*Value).Flatten), &Linear{In: 28 * 28, Out: 30}, act(ReLU), &Linear{In: 30, Out: 17}, act(ReLU)},
		"elementwise":                                {act(ReLU), act(ReLU6), act(func(x *Value) *Value { return LeakyReLU(x, 0.1) }), act(Hardswish), act(Hardsigmoid)},
		"sum, ReLU":                                  {act(func(x *Value) *Value { return ReLU(Add(ReLU(x), x)) }), act(func(x *Value) *Value { return Add(x, Tanh(x)) })},
	} {
		module := Sequential(layers)
		if err := Init(&module, rand.New(rand.NewPCG(1, 2))); err != nil {
			t.Fatal(name, err)
		}
		const batch, size = 3, 28 * 28
		x, r := make([]float32, batch*size), rand.New(rand.NewPCG(3, 4))
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		x[size+14*28+13] = float32(math.NaN())
		inference, err := Compile(&module, batch, 1, 28, 28)
		if err != nil {
			t.Fatal(name, err)
		}
		programs := map[bool]func(images []float32) []float32{false: inference.Forward}
		if training, err := CompileTrain(&module, givenGradient{}, newSGD(), batch, 1, 28, 28); err == nil { // else nothing is trained
			programs[true] = training.Forward
		}
		for training, forward := range programs {
			g, err := trace(&module, Shape{batch, 1, 28, 28}, training)
			if err != nil {
				t.Fatal(name, err)
			}
			ref := newReference[float32](g, 0, 1)
			copy(ref.values[g.input().index].Data, x)
			want, got, n := ref.forward().Data, forward(x), 0
			for i := range want {
				if isNaN(want[i]) {
					n++
				}
				if isNaN(want[i]) != isNaN(got[i]) {
					t.Errorf("%s, training %v: element %d is %v, by the definitions %v", name, training, i, got[i], want[i])
					break
				}
			}
			if n == 0 {
				t.Errorf("%s: the definitions have no NaN", name)
			}
		}
	}
}
