package nn

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/sbinet/npyio/npy"
)

// operationCase is one of PyTorch's runs of a single operation, as listed in
// testdata/ops.json.
type operationCase struct {
	Name   string
	Params struct {
		Op                                string
		In                                int `json:"in_channels"`
		Out                               int `json:"out_channels"`
		InFeatures                        int `json:"in_features"`
		OutFeatures                       int `json:"out_features"`
		Kernel                            int `json:"kernel_size"`
		Stride, Padding, Dilation, Groups int
		Bias                              *bool
	}
	Files map[string]string
}

// array reads one of the case's arrays and its shape.
func (c *operationCase) array(t *testing.T, name string) (Shape, []float32) {
	t.Helper()
	f, err := os.Open("testdata/" + c.Files[name])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := npy.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var values []float32
	if err := r.Read(&values); err != nil {
		t.Fatal(c.Files[name], err)
	}
	return Shape(r.Header.Descr.Shape), values
}

// module returns the layer that the case is about, with its weights.
func (c *operationCase) module(t *testing.T) Module {
	p := c.Params
	noBias := p.Bias != nil && !*p.Bias
	var m Module
	switch p.Op {
	case "Conv2d":
		m = &Conv2d{In: p.In, Out: p.Out, Kernel: p.Kernel, Stride: p.Stride, Padding: p.Padding, Dilation: p.Dilation, Groups: p.Groups, NoBias: noBias}
	case "Linear":
		m = &Linear{In: p.InFeatures, Out: p.OutFeatures, NoBias: noBias}
	case "MaxPool2d":
		m = &MaxPool2d{Kernel: p.Kernel, Stride: p.Stride, Padding: p.Padding}
	case "relu":
		m = function(ReLU)
	default:
		t.Fatalf("no module for %q", p.Op)
	}
	Init(m, rand.New(rand.NewPCG(0, 0)))
	for _, e := range State(m) {
		_, values := c.array(t, e.Name())
		e.Write(values)
	}
	return m
}

// givenGradient is a loss whose gradient is given, for all examples in order:
// a program with one worker asks for them in order.
type givenGradient struct{ gradient []float32 }

func (*givenGradient) Name() string           { return "given gradient" }
func (*givenGradient) CheckShape(Shape) error { return nil }
func (g *givenGradient) Rows(_ []float32, classes, stride int, labels []int, _ float64, gradient []float32) float64 {
	for n := range labels {
		copy(gradient[n*stride:], g.gradient[:classes])
		g.gradient = g.gradient[classes:]
	}
	return 0
}

// same is compare for arrays with NaNs and infinities.
func same(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	var a, b []float32
	for i := range want {
		special := math.IsNaN(float64(want[i])) || math.IsInf(float64(want[i]), 0)
		if special && math.Float32bits(got[i]) != math.Float32bits(want[i]) && !(got[i] != got[i] && want[i] != want[i]) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
		if !special {
			a, b = append(a, got[i]), append(b, want[i])
		}
	}
	compare(t, what, a, b, tolerance)
}

// TestGoldenOperations compares single operations with PyTorch: the plain ones,
// and what programs make of them.
func TestGoldenOperations(t *testing.T) {
	data, err := os.ReadFile("testdata/ops.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []operationCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Params.Op == "CrossEntropyLoss" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			shape, x := c.array(t, "x")
			_, want := c.array(t, "y")
			if c.Params.Op == "Linear" {
				shape = Shape{len(x) / shape[len(shape)-1], shape[len(shape)-1]}
			} else if len(shape) == 1 {
				shape = append(Shape{1}, shape...)
			}
			m := c.module(t)
			g, err := trace(m, shape)
			if err != nil {
				t.Fatal(err)
			}
			ref := newReference[float32](g)
			copy(ref.values[g.input.index].Data, x)
			same(t, "plain output", ref.forward().Data, want, goldenTolerance)
			p, err := Compile(m, shape...)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "output", p.Forward(x), want, goldenTolerance)
			if c.Files["gy"] == "" {
				return
			}
			_, gy := c.array(t, "gy")
			_, gx := c.array(t, "gx")
			ref.backward(gy)
			same(t, "plain input gradient", ref.gradients[g.input.index].Data, gx, goldenTolerance)
			if len(State(m)) == 0 {
				return
			}
			train, err := CompileTrain(m, &givenGradient{gy}, newSGD(), shape...)
			if err != nil {
				t.Fatal(err)
			}
			train.SetWorkers(1)
			train.Forward(x)
			train.Backward(make([]int, shape[0]))
			names := paramNames(m)
			for param, sum := range ref.paramGrads {
				_, want := c.array(t, "grad_"+names[param])
				same(t, "plain gradient of "+names[param], sum.Data, want, goldenTolerance)
			}
			for _, e := range train.Gradients() {
				_, want := c.array(t, "grad_"+e.Name())
				same(t, "gradient of "+e.Name(), values(e), want, goldenTolerance)
			}
		})
	}
}

func TestGoldenCrossEntropy(t *testing.T) {
	for name, loss := range map[string]CrossEntropy{
		"ce_mean": {}, "ce_extreme": {}, "ce_ls01": {LabelSmoothing: 0.1}, "ce_prob": {}, "ce_prob_ls01": {LabelSmoothing: 0.1},
	} {
		c := operationCase{Files: map[string]string{}}
		for _, f := range strings.Fields("logits loss grad") {
			c.Files[f] = "loss/" + name + "/" + f + ".npy"
		}
		shape, logits := c.array(t, "logits")
		_, wantLoss := c.array(t, "loss")
		_, want := c.array(t, "grad")
		gradient := make([]float32, len(logits))
		scale := 1 / float64(shape[0])
		var got float64
		if strings.HasPrefix(name, "ce_prob") {
			got = loss.SoftRows(logits, shape[1], shape[1], readNPY[float32](t, "loss", name, "target.npy"), scale, gradient)
		} else {
			var labels []int
			for _, l := range readNPY[int64](t, "loss", name, "target.npy") {
				labels = append(labels, int(l))
			}
			got = loss.Rows(logits, shape[1], shape[1], labels, scale, gradient)
		}
		compare(t, name+" loss", []float32{float32(got)}, wantLoss, goldenTolerance)
		compare(t, name+" gradient", gradient, want, goldenTolerance)
	}
}

// TestInitialWeights compares their spread with PyTorch's bound, 1/sqrt(fan in).
func TestInitialWeights(t *testing.T) {
	for _, c := range []struct {
		name  string
		fanIn int
		make  func() (Module, []*Param)
	}{
		{"conv2", 150, func() (Module, []*Param) {
			l := &Conv2d{In: 6, Out: 16, Kernel: 5}
			return l, []*Param{&l.Weight, &l.Bias}
		}},
		{"fc1", 256, func() (Module, []*Param) {
			l := &Linear{In: 256, Out: 120}
			return l, []*Param{&l.Weight, &l.Bias}
		}},
	} {
		bound := 1 / math.Sqrt(float64(c.fanIn))
		r := rand.New(rand.NewPCG(1, 1))
		var n, sum, squares, largest [2]float64
		for range 200 {
			m, params := c.make()
			Init(m, r)
			for k, p := range params {
				v := make([]float32, p.Shape().Elements())
				p.Read(v)
				for _, x := range v {
					n[k]++
					sum[k] += float64(x)
					squares[k] += float64(x) * float64(x)
					largest[k] = max(largest[k], math.Abs(float64(x)))
				}
			}
		}
		for k, what := range []string{"weight", "bias"} {
			std := math.Sqrt(squares[k] / n[k])
			want := bound / math.Sqrt(3) // of a uniform distribution
			if largest[k] > bound || largest[k] < 0.99*bound || math.Abs(std-want) > 0.02*want || math.Abs(sum[k]/n[k]) > 0.03*bound {
				t.Errorf("%s.%s: mean %.5f, standard deviation %.5f, largest %.5f; want 0, %.5f and %.5f", c.name, what, sum[k]/n[k], std, largest[k], want, bound)
			}
		}
	}
}
