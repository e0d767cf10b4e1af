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
	Params settings
	Files  map[string]string
}

// settings are the arguments of PyTorch's operation.
type settings map[string]any

func (s settings) integer(name string, otherwise int) int {
	if v, ok := s[name].(float64); ok {
		return int(v)
	}
	return otherwise
}

func (s settings) number(name string, otherwise float64) float64 {
	if v, ok := s[name].(float64); ok {
		return v
	}
	return otherwise
}

func (s settings) truth(name string, otherwise bool) bool {
	if v, ok := s[name].(bool); ok {
		return v
	}
	return otherwise
}

func (s settings) text(name string) string {
	v, _ := s[name].(string)
	return v
}

// goldenModules makes the layer of PyTorch's settings: a line for each
// operation of ops.json.
var goldenModules = map[string]func(s settings) Module{
	"BatchNorm2d": func(s settings) Module {
		momentum, none := s["momentum"]
		return &BatchNorm2d{Features: s.integer("num_features", 0), Eps: s.number("eps", 0), Momentum: s.number("momentum", 0),
			CumulativeAverage: none && momentum == nil, NoAffine: !s.truth("affine", true), NoRunningStats: !s.truth("track_running_stats", true)}
	},
	"Conv2d": func(s settings) Module {
		return &Conv2d{In: s.integer("in_channels", 0), Out: s.integer("out_channels", 0), Kernel: s.integer("kernel_size", 0), Stride: s.integer("stride", 1),
			Padding: s.integer("padding", 0), Dilation: s.integer("dilation", 1), Groups: s.integer("groups", 1), NoBias: !s.truth("bias", true)}
	},
	"Linear": func(s settings) Module {
		return &Linear{In: s.integer("in_features", 0), Out: s.integer("out_features", 0), NoBias: !s.truth("bias", true)}
	},
	"MaxPool2d": func(s settings) Module {
		return &MaxPool2d{Kernel: s.integer("kernel_size", 0), Stride: s.integer("stride", 0), Padding: s.integer("padding", 0)}
	},
	"relu": func(settings) Module { return function(ReLU) },
}

// withoutGolden are operations that PyTorch has no function of its own for.
var withoutGolden = map[string]bool{"add": true, "cast": true, "flatten": true}

// array reads one of the case's arrays and its shape.
func (c *operationCase) array(t *testing.T, name string) (Shape, []float32) {
	t.Helper()
	f, err := os.Open("testdata/" + c.Files[name])
	if err != nil {
		t.Fatal(name, err)
	}
	defer f.Close()
	r, err := npy.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var values []float32
	if strings.HasSuffix(r.Header.Descr.Type, "i8") {
		var whole []int64
		err = r.Read(&whole)
		for _, v := range whole {
			values = append(values, float32(v))
		}
	} else {
		err = r.Read(&values)
	}
	if err != nil {
		t.Fatal(c.Files[name], err)
	}
	return Shape(r.Header.Descr.Shape), values
}

// module returns the layer that the case is about, with its weights. The state
// dict has PyTorch's keys, all of them and no others.
func (c *operationCase) module(t *testing.T) Module {
	build := goldenModules[c.Params.text("op")]
	if build == nil {
		t.Fatalf("no module for %v", c.Params["op"])
	}
	m := build(c.Params)
	Init(m, rand.New(rand.NewPCG(0, 0)))
	keys := map[string]bool{}
	for _, e := range State(m) {
		name := e.Name()
		keys[name] = true
		if c.Files["before_"+name] != "" {
			name = "before_" + name
		}
		_, values := c.array(t, name)
		e.Write(values)
	}
	for name := range c.Files {
		name = strings.TrimPrefix(name, "before_")
		if name != "x" && name != "y" && name != "gx" && name != "gy" && !strings.Contains(name, "grad_") && !strings.HasPrefix(name, "after_") && !keys[name] {
			t.Errorf("PyTorch's state dict has %s", name)
		}
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

func operationCases(t *testing.T) []operationCase {
	data, err := os.ReadFile("testdata/ops.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []operationCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestGoldenOperations compares single operations with PyTorch: the plain ones,
// and what programs make of them.
func TestGoldenOperations(t *testing.T) {
	held := map[string]bool{}
	for _, c := range operationCases(t) {
		if c.Params["op"] == "CrossEntropyLoss" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			shape, x := c.array(t, "x")
			_, want := c.array(t, "y")
			if c.Params["op"] == "Linear" {
				shape = Shape{len(x) / shape[len(shape)-1], shape[len(shape)-1]}
			} else if len(shape) == 1 {
				shape = append(Shape{1}, shape...)
			}
			training := c.Params["mode"] == "train"
			layer := c.module(t)
			m := layer
			if c.Params["mode"] == "eval" {
				m = function(func(x *Value) *Value { return AsEval(x, layer.Forward) })
			}
			g, err := trace(m, shape, training)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range g.nodes {
				held[n.op.Name()] = true
			}
			ref := newReference[float32](g, 0, 1)
			ref.updateBuffers = true
			copy(ref.values[g.input().index].Data, x)
			same(t, "plain output", ref.forward().Data, want, goldenTolerance)
			if !training {
				p, err := Compile(m, shape...)
				if err != nil {
					t.Fatal(err)
				}
				same(t, "output", p.Forward(x), want, goldenTolerance)
			}
			names := map[*Param]string{}
			walkState(layer, func(name string, p *Param, b *Buffer) {
				if p != nil {
					names[p] = name
				} else if c.Files["after_"+name] != "" {
					_, want := c.array(t, "after_"+name)
					same(t, "plain "+name, ref.buffers[b].Data, want, goldenTolerance)
				}
			})
			if c.Files["gy"] == "" {
				return
			}
			_, gy := c.array(t, "gy")
			_, gx := c.array(t, "gx")
			ref.backward(gy)
			same(t, "plain input gradient", ref.gradients[g.input().index].Data, gx, goldenTolerance)
			for param, sum := range ref.paramGrads {
				_, want := c.array(t, "grad_"+names[param])
				same(t, "plain gradient of "+names[param], sum.Data, want, goldenTolerance)
			}
			if len(ref.paramGrads) == 0 {
				return
			}
			train, err := CompileTrain(m, &givenGradient{gy}, newSGD(), shape...)
			if err != nil {
				t.Fatal(err)
			}
			train.SetWorkers(1)
			same(t, "training output", train.Forward(x), want, goldenTolerance)
			train.Backward(make([]int, shape[0]))
			for i, e := range train.Gradients() {
				name := names[train.trained[i].param]
				_, want := c.array(t, "grad_"+name)
				same(t, "gradient of "+name, values(e), want, goldenTolerance)
			}
			for _, e := range State(layer) {
				if e.IsBuffer() && c.Files["after_"+e.Name()] != "" {
					_, want := c.array(t, "after_"+e.Name())
					same(t, e.Name(), values(e), want, goldenTolerance)
				}
			}
		})
	}
	for _, d := range operations {
		if name := d.Op.Name(); held[name] == withoutGolden[name] {
			t.Errorf("%s: PyTorch's numbers: %v, listed as without: %v", name, held[name], withoutGolden[name])
		}
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
