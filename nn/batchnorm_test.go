package nn

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestBatchNormFarFromZero compares float32 with float64 where the values are
// large and differ little.
func TestBatchNormFarFromZero(t *testing.T) {
	for _, mean := range []float64{0, 1, -30, 1000} {
		for _, deviation := range []float64{100, 1, 0.01} {
			l := &BatchNorm2d{Features: 3}
			r := rand.New(rand.NewPCG(1, 1))
			Init(l, r)
			g, err := trace(l, Shape{16, 3, 4, 4}, true)
			if err != nil {
				t.Fatal(err)
			}
			single, double := newReference[float32](g, 0, 1), newReference[float64](g, 0, 1)
			single.updateBuffers, double.updateBuffers = true, true
			drawInputs(single, r, func(r *rand.Rand, _ int) float64 { return mean + deviation*r.NormFloat64() })
			convert(double.values[0].Data, single.values[0].Data)
			dy := make([]float32, 16*3*16)
			dy64 := make([]float64, len(dy))
			for i := range dy {
				dy[i] = float32(r.NormFloat64())
				dy64[i] = float64(dy[i])
			}
			what := fmt.Sprintf("mean %v, deviation %v: ", mean, deviation)
			if err := closeTo(what+"output", single.forward().Data, double.forward().Data, 1e-5); err != nil {
				t.Error(err)
			}
			single.backward(dy)
			double.backward(dy64)
			scale := make([]float64, len(dy)) // gradients are as large as 1/deviation
			for i := range scale {
				scale[i] = double.gradients[0].Data[i] * deviation
			}
			got := make([]float64, len(dy))
			for i := range got {
				got[i] = float64(single.gradients[0].Data[i]) * deviation
			}
			if err := closeTo(what+"gradient", got, scale, 1e-5); err != nil {
				t.Error(err)
			}
			for b, want := range double.buffers {
				if err := closeTo(what+"statistics", single.buffers[b].Data, want.Data, 1e-6); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestBatchNormErrors(t *testing.T) {
	l := &BatchNorm2d{Features: 3}
	Init(l, rand.New(rand.NewPCG(1, 1)))
	flat := &Linear{In: 3, Out: 2}
	Init(flat, rand.New(rand.NewPCG(1, 1)))
	net := function(func(x *Value) *Value { return flat.Forward(l.Forward(x).Flatten()) })
	for want, shape := range map[string][]int{
		"wants more than one value a channel when training, got the input 1x3x1x1": {1, 3, 1, 1},
		"wants 3 features as second dimension, got the input 4x2x1x1":              {4, 2, 1, 1},
		"wants an input of shape N x C x H x W, got 4x3":                           {4, 3},
	} {
		if _, err := CompileTrain(net, CrossEntropy{}, newSGD(), shape...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got error %v, want %q", shape, err, want)
		}
	}
	if _, err := Compile(net, 1, 3, 1, 1); err != nil {
		t.Errorf("inference for one value a channel: %v", err)
	}
}

// TestAsEval checks that a frozen BatchNorm uses its running statistics in
// training, and leaves them alone.
func TestAsEval(t *testing.T) {
	l := &BatchNorm2d{Features: 2}
	r := rand.New(rand.NewPCG(1, 1))
	Init(l, r)
	l.RunningMean.Write([]float32{3, -1})
	before := digest(l)
	frozen := function(func(x *Value) *Value { return AsEval(x, l.Forward) })
	p, err := CompileTrain(&struct {
		function
		Norm *BatchNorm2d
	}{frozen, l}, givenGradient{}, newSGD(), 4, 2, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	infer, err := Compile(l, 4, 2, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := []float32{1, 2, 3, 4, 5, 6, 7, 8}
	compare(t, "frozen output", p.Forward(x), infer.Forward(x), 0)
	if digest(l) != before {
		t.Error("the running statistics of a frozen layer change")
	}
}
