package nn

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sbinet/npyio/npy"
)

// operationCase is one of PyTorch's runs of a single operation.
type operationCase struct {
	Kind, Name string
	Params     settings
	Files      map[string]string
	archive    *zip.ReadCloser
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

// pair reads a setting that is one number or two.
func (s settings) pair(name string, otherwise int) [2]int {
	if list, ok := s[name].([]any); ok {
		return [2]int{orNothing(list[0]), orNothing(list[1])}
	}
	n := s.integer(name, otherwise)
	return [2]int{n, n}
}

func orNothing(v any) int {
	n, _ := v.(float64)
	return int(n)
}

func (s settings) list(name string) (list []int) {
	if one, ok := s[name].(float64); ok {
		return []int{int(one)}
	}
	all, _ := s[name].([]any)
	for _, v := range all {
		list = append(list, int(v.(float64)))
	}
	return list
}

// goldenNet is the layer or function that a case is about.
type goldenNet struct {
	module  any // with its parameters, or nil
	forward func(x []*Value) []*Value
	types   []Type // of the inputs that are not Float32
}

func ofLayer(m Module) goldenNet {
	return goldenNet{module: m, forward: func(x []*Value) []*Value { return []*Value{m.Forward(x[0])} }}
}

func ofFunc(f func(x *Value) *Value) goldenNet {
	return goldenNet{forward: func(x []*Value) []*Value { return []*Value{f(x[0])} }}
}

func ofFuncs(f func(x []*Value) *Value, types ...Type) goldenNet {
	return goldenNet{forward: func(x []*Value) []*Value { return []*Value{f(x)} }, types: types}
}

func ofPair(f func(a, b *Value) *Value) func(settings) goldenNet {
	return func(settings) goldenNet { return ofFuncs(func(x []*Value) *Value { return f(x[0], x[1]) }) }
}

func plain(f func(x *Value) *Value) func(settings) goldenNet {
	return func(settings) goldenNet { return ofFunc(f) }
}

func reduced(f func(x *Value, keep bool, dims ...int) *Value) func(settings) goldenNet {
	return func(s settings) goldenNet {
		return ofFunc(func(x *Value) *Value { return f(x, s.truth("keepdim", false), s.list("dim")...) })
	}
}

func batchNormOf(s settings) *BatchNorm2d {
	momentum, none := s["momentum"]
	return &BatchNorm2d{Features: s.integer("num_features", 0), Eps: s.number("eps", 0), Momentum: s.number("momentum", 0),
		CumulativeAverage: none && momentum == nil, NoAffine: !s.truth("affine", true), NoRunningStats: !s.truth("track_running_stats", true)}
}

var padModes = map[string]PadMode{"": PadConstant, "zeros": PadConstant, "constant": PadConstant, "reflect": PadReflect, "replicate": PadReplicate, "circular": PadCircular}

// goldenNets makes the layer or function of PyTorch's settings: a line for each
// operation.
var goldenNets = map[string]func(s settings) goldenNet{
	"AdaptiveAvgPool2d": func(s settings) goldenNet { return ofLayer(&AdaptiveAvgPool2d{SizeHW: s.pair("output_size", 0)}) },
	"AdaptiveMaxPool2d": func(s settings) goldenNet { return ofLayer(&AdaptiveMaxPool2d{SizeHW: s.pair("output_size", 0)}) },
	"AvgPool2d": func(s settings) goldenNet {
		return ofLayer(&AvgPool2d{KernelHW: s.pair("kernel_size", 0), StrideHW: s.pair("stride", 0), PaddingHW: s.pair("padding", 0), Ceil: s.truth("ceil_mode", false),
			ExcludePadding: !s.truth("count_include_pad", true), Divisor: s.integer("divisor_override", 0)})
	},
	"BatchNorm1d": func(s settings) goldenNet { return ofLayer((*BatchNorm1d)(batchNormOf(s))) },
	"BatchNorm2d": func(s settings) goldenNet { return ofLayer(batchNormOf(s)) },
	"Conv1d": func(s settings) goldenNet {
		return ofLayer(&Conv1d{In: s.integer("in_channels", 0), Out: s.integer("out_channels", 0), Kernel: s.integer("kernel_size", 0), Stride: s.integer("stride", 1),
			Padding: s.integer("padding", 0), Same: s.text("padding") == "same", Dilation: s.integer("dilation", 1), Groups: s.integer("groups", 1), NoBias: !s.truth("bias", true)})
	},
	"Conv2d": func(s settings) goldenNet {
		return ofLayer(&Conv2d{In: s.integer("in_channels", 0), Out: s.integer("out_channels", 0), KernelHW: s.pair("kernel_size", 0), StrideHW: s.pair("stride", 1),
			PaddingHW: s.pair("padding", 0), Same: s.text("padding") == "same", DilationHW: s.pair("dilation", 1), Groups: s.integer("groups", 1), NoBias: !s.truth("bias", true),
			PadMode: padModes[s.text("padding_mode")]})
	},
	"ConvTranspose2d": func(s settings) goldenNet {
		return ofLayer(&ConvTranspose2d{In: s.integer("in_channels", 0), Out: s.integer("out_channels", 0), KernelHW: s.pair("kernel_size", 0), StrideHW: s.pair("stride", 1),
			PaddingHW: s.pair("padding", 0), OutputPaddingHW: s.pair("output_padding", 0), DilationHW: s.pair("dilation", 1), Groups: s.integer("groups", 1)})
	},
	"Dropout": func(s settings) goldenNet { return ofLayer(&Dropout{P: s.number("p", 0)}) },
	"Embedding": func(s settings) goldenNet {
		net := ofLayer(&Embedding{Count: s.integer("num_embeddings", 0), Dim: s.integer("embedding_dim", 0), Padding: s.integer("padding_idx", -1) + 1})
		net.types = []Type{Int32}
		return net
	},
	"GroupNorm": func(s settings) goldenNet {
		return ofLayer(&GroupNorm{Groups: s.integer("num_groups", 0), Channels: s.integer("num_channels", 0), Eps: s.number("eps", 0), NoAffine: !s.truth("affine", true)})
	},
	"InstanceNorm2d": func(s settings) goldenNet {
		return ofLayer(&InstanceNorm2d{Features: s.integer("num_features", 0), Eps: s.number("eps", 0), Affine: s.truth("affine", false)})
	},
	"LayerNorm": func(s settings) goldenNet {
		return ofLayer(&LayerNorm{Shape: s.list("normalized_shape"), Eps: s.number("eps", 0), NoAffine: !s.truth("elementwise_affine", true)})
	},
	"Linear": func(s settings) goldenNet {
		return ofLayer(&Linear{In: s.integer("in_features", 0), Out: s.integer("out_features", 0), NoBias: !s.truth("bias", true)})
	},
	"MaxPool1d": func(s settings) goldenNet {
		return ofLayer(&MaxPool1d{Kernel: s.integer("kernel_size", 0), Stride: s.integer("stride", 0), Padding: s.integer("padding", 0), Dilation: s.integer("dilation", 1), Ceil: s.truth("ceil_mode", false)})
	},
	"MaxPool2d": func(s settings) goldenNet {
		return ofLayer(&MaxPool2d{KernelHW: s.pair("kernel_size", 0), StrideHW: s.pair("stride", 0), PaddingHW: s.pair("padding", 0), DilationHW: s.pair("dilation", 1), Ceil: s.truth("ceil_mode", false)})
	},
	"PixelShuffle": func(s settings) goldenNet { return ofLayer(&PixelShuffle{s.integer("upscale_factor", 0)}) },
	"Upsample": func(s settings) goldenNet {
		u := &Upsample{Scale: s.number("scale_factor", 0), Size: s.pair("size", 0), Bilinear: s.text("mode") == "bilinear", AlignCorners: s.truth("align_corners", false)}
		if list, ok := s["scale_factor"].([]any); ok {
			u.ScaleHW = [2]float64{list[0].(float64), list[1].(float64)}
		}
		return ofLayer(u)
	},

	"elu": func(s settings) goldenNet {
		return ofFunc(func(x *Value) *Value { return ELU(x, s.number("alpha", 1)) })
	},
	"gelu":        plain(GELU),
	"gelu_tanh":   plain(GELUTanh),
	"hardsigmoid": plain(Hardsigmoid),
	"hardswish":   plain(Hardswish),
	"hardtanh":    plain(func(x *Value) *Value { return Hardtanh(x, -1, 1) }),
	"leaky_relu":  plain(func(x *Value) *Value { return LeakyReLU(x, 0.1) }),
	"log_softmax": func(s settings) goldenNet {
		return ofFunc(func(x *Value) *Value { return LogSoftmax(x, s.integer("dim", 1)) })
	},
	"mish":    plain(Mish),
	"prelu":   func(s settings) goldenNet { return ofLayer(&PReLU{Count: s.integer("num_parameters", 0)}) },
	"relu":    plain(ReLU),
	"relu6":   plain(ReLU6),
	"selu":    plain(SELU),
	"sigmoid": plain(Sigmoid),
	"silu":    plain(SiLU),
	"softmax": func(s settings) goldenNet {
		return ofFunc(func(x *Value) *Value { return Softmax(x, s.integer("dim", 1)) })
	},
	"softplus": func(s settings) goldenNet {
		return ofFunc(func(x *Value) *Value { return Softplus(x, s.number("beta", 1), s.number("threshold", 20)) })
	},
	"tanh": plain(Tanh),

	"add": ofPair(Add), "sub": ofPair(Sub), "mul": ofPair(Mul), "div": ofPair(Div), "matmul": ofPair(MatMul),
	"eq": ofPair(Equal), "ne": ofPair(NotEqual), "lt": ofPair(Less), "le": ofPair(LessEqual), "gt": ofPair(Greater), "ge": ofPair(GreaterEqual),
	"mean": reduced(Mean), "sum": reduced(Sum), "amax": reduced(Max),
	"argmax": func(s settings) goldenNet {
		return ofFunc(func(x *Value) *Value { return ArgMax(x, s.integer("dim", 0), s.truth("keepdim", false)) })
	},
	"cast": func(s settings) goldenNet {
		to := map[string]Type{"int32": Int32, "bool": Bool}[s.text("to")]
		return ofFunc(func(x *Value) *Value { return Cast(x, to) })
	},
	"concat": func(s settings) goldenNet {
		return ofFuncs(func(x []*Value) *Value { return Concat(s.integer("dim", 0), x...) })
	},
	"gather": func(s settings) goldenNet {
		return ofFuncs(func(x []*Value) *Value { return Gather(x[0], s.integer("dim", 0), x[1]) }, Float32, Int32)
	},
	"pad": func(s settings) goldenNet {
		return ofFunc(func(x *Value) *Value { return Pad(x, padModes[s.text("mode")], s.number("value", 0), s.list("pad")...) })
	},
	"reshape": func(s settings) goldenNet {
		return ofFunc(func(x *Value) *Value { return Reshape(x, s.list("shape")...) })
	},
	"slice": func(s settings) goldenNet {
		return ofFunc(func(x *Value) *Value {
			return Slice(x, s.integer("dim", 0), s.integer("start", 0), s.integer("end", 0), s.integer("step", 0))
		})
	},
	"topk": func(s settings) goldenNet {
		return ofFunc(func(x *Value) *Value {
			values, positions := TopK(x, s.integer("k", 0), s.integer("dim", 0), !s.truth("largest", true))
			if s.text("output") == "indices" {
				return positions
			}
			return values
		})
	},
	"transpose": func(s settings) goldenNet {
		return ofFunc(func(x *Value) *Value { return Permute(x, s.list("dims")...) })
	},
	"where": func(settings) goldenNet {
		return ofFuncs(func(x []*Value) *Value { return Where(x[0], x[1], x[2]) }, Bool)
	},
}

// leftOut are cases that no network here retraces.
var leftOut = map[string]string{
	"dropout_train_seed5":   "PyTorch's own random numbers",
	"dropout2d_train_seed5": "PyTorch's own random numbers",
	"max_dim1_ties":         "the case argmax has the same numbers",
	"add_4":                 "no batch is broadcast",
	"sub_4":                 "no batch is broadcast",
	"mul_4":                 "no batch is broadcast",
	"div_4":                 "no batch is broadcast",
}

// withoutGolden are operations that PyTorch has no function of its own for, or
// whose results are random.
// TestGoldenLosses holds the losses.
var withoutGolden = map[string]bool{"bce_with_logits": true, "cross_entropy": true, "huber": true, "loss_share": true, "mse": true,
	"affine": true, "abs": true, "dropout": true, "exp": true, "flatten": true, "log": true, "sqrt": true}

// array reads one of the case's arrays and its shape.
func (c *operationCase) array(t *testing.T, name string) (Shape, []float32) {
	t.Helper()
	f, err := c.archive.Open(c.Files[name])
	if err != nil {
		t.Fatal(name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	r, err := npy.NewReader(bytes.NewReader(data))
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

// load gives the layer of a case its weights. The state dict has PyTorch's keys,
// all of them and no others.
func (c *operationCase) load(t *testing.T, module any) {
	if err := Init(module, rand.New(rand.NewPCG(0, 0))); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, e := range State(module) {
		name := e.Name()
		keys[name] = true
		if c.Files["before_"+name] != "" {
			name = "before_" + name
		}
		if e.IsBuffer() && c.Files[name] == "" {
			continue // as it is at first
		}
		_, values := c.array(t, name)
		e.Write(values)
	}
	for name := range c.Files {
		name = strings.TrimPrefix(name, "before_")
		switch {
		case strings.HasPrefix(name, "x") || strings.HasPrefix(name, "y") || strings.HasPrefix(name, "gx") || strings.HasPrefix(name, "gy"):
		case strings.Contains(name, "grad_") || strings.HasPrefix(name, "after_") || name == "indices_i64" || keys[name]:
		default:
			t.Errorf("PyTorch's state dict has %s", name)
		}
	}
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

// operationCases reads the cases of a kind: "ops" or "loss".
func operationCases(t *testing.T, kind string) []operationCase {
	var all []operationCase
	for _, name := range []string{"testdata/ops.zip", "testdata/more_ops.zip"} {
		archive, err := zip.OpenReader(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { archive.Close() })
		f, err := archive.Open("index.json")
		if err != nil {
			t.Fatal(err)
		}
		var cases []operationCase
		if err := json.NewDecoder(f).Decode(&cases); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			if c.Kind != kind {
				continue
			}
			if c.archive = archive; c.Files["x"] != "" {
				c.Files["x0"], c.Files["gx0"] = c.Files["x"], c.Files["gx"]
				delete(c.Files, "x")
				delete(c.Files, "gx")
			}
			all = append(all, c)
		}
	}
	return all
}

// TestGoldenOperations compares single operations with PyTorch: the plain ones,
// and what programs make of them.
func TestGoldenOperations(t *testing.T) {
	held := map[string]bool{}
	for _, c := range operationCases(t, "ops") {
		if leftOut[c.Name] != "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			build := goldenNets[c.Params.text("op")]
			if build == nil {
				t.Fatalf("no network for %v", c.Params["op"])
			}
			net := build(c.Params)
			if net.module != nil {
				c.load(t, net.module)
			}
			for _, name := range c.run(t, net) {
				held[name] = true
			}
		})
	}
	for _, d := range operations {
		if name := d.Op.Name(); held[name] == withoutGolden[name] {
			t.Errorf("%s: PyTorch's numbers: %v, listed as without: %v", name, held[name], withoutGolden[name])
		}
	}
}

// run compares a network with the case, and returns the names of its operations.
func (c *operationCase) run(t *testing.T, net goldenNet) (names []string) {
	eval := c.Params["mode"] == "eval"
	training := !eval && c.Files["gy"] != ""
	var specs []Spec
	var inputs [][]float32
	for i := 0; c.Files[fmt.Sprintf("x%d", i)] != ""; i++ {
		shape, x := c.array(t, fmt.Sprintf("x%d", i))
		if len(shape) == 1 {
			shape = append(Shape{1}, shape...)
		}
		spec := Spec{Shape: shape}
		if i < len(net.types) {
			spec.Type = net.types[i]
		}
		specs, inputs = append(specs, spec), append(inputs, x)
	}
	_, want := c.array(t, "y")
	forward := net.forward
	if eval {
		forward = func(x []*Value) []*Value {
			return []*Value{AsEval(x[0], func(x *Value) *Value { return net.forward([]*Value{x})[0] })}
		}
	}
	g, err := traceAll(net.module, specs, forward, training, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range g.nodes {
		names = append(names, n.op.Name())
	}
	ref := newReference[float32](g, 0, 1)
	ref.updateBuffers = true
	for i, in := range g.inputs {
		value := ref.values[in.index]
		copy(value.Data, inputs[i])
		for k := range value.Ints {
			value.Ints[k] = int32(inputs[i][k])
		}
	}
	got := ref.forward()
	for _, v := range got.Ints {
		got.Data = append(got.Data, float32(v))
	}
	same(t, "plain output", got.Data, want, goldenTolerance)
	if c.Files["indices_i64"] != "" { // which of equal pixels a pooling chooses
		_, want := c.array(t, "indices_i64")
		for i, at := range ref.calls[len(ref.calls)-1].Saved {
			if float32(at) != want[i] {
				t.Errorf("output %d is pixel %d, want %v", i, at, want[i])
			}
		}
	}
	params := map[*Param]string{}
	if net.module != nil {
		walkState(net.module, func(name string, p *Param, b *Buffer) {
			if p != nil {
				params[p] = name
			} else if c.Files["after_"+name] != "" {
				_, want := c.array(t, "after_"+name)
				same(t, "plain "+name, ref.buffers[b].Data, want, goldenTolerance)
			}
		})
	}
	if c.Files["gy"] != "" {
		_, gy := c.array(t, "gy")
		ref.backward(gy)
		for i, in := range g.inputs {
			if in.kind == Float32 {
				_, gx := c.array(t, fmt.Sprintf("gx%d", i))
				same(t, fmt.Sprintf("plain gradient of input %d", i), ref.gradients[in.index].Data, gx, goldenTolerance)
			}
		}
		for param, sum := range ref.paramGrads {
			_, want := c.array(t, "grad_"+params[param])
			same(t, "plain gradient of "+params[param], sum.Data, want, goldenTolerance)
		}
	}
	if len(specs) == 1 && specs[0].Type == Float32 {
		c.runPrograms(t, net, specs[0].Shape, inputs[0], params, training)
	}
	return names
}

// runPrograms compares compiled programs with the case.
func (c *operationCase) runPrograms(t *testing.T, net goldenNet, shape Shape, x []float32, params map[*Param]string, training bool) {
	_, want := c.array(t, "y")
	m := &goldenModule{net.module, func(x *Value) *Value { return net.forward([]*Value{x})[0] }}
	if !training || !strings.HasPrefix(c.Params.text("op"), "BatchNorm") {
		p, err := Compile(m, shape...)
		if err != nil && strings.Contains(err.Error(), "cannot be part of a program") {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		same(t, "output", p.Forward(x), want, goldenTolerance)
	}
	if learns := slices.ContainsFunc(State(m), func(e Entry) bool { return !e.IsBuffer() }); !training || !learns {
		return
	}
	_, gy := c.array(t, "gy")
	train, err := CompileTrain(m, givenGradient{}, newSGD(), shape...)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "training output", train.Forward(x), want, goldenTolerance)
	train.setNumbers(gy)
	train.backward()
	for i, e := range train.Gradients() {
		name := params[train.plan.trained[i].param]
		_, want := c.array(t, "grad_"+name)
		same(t, "gradient of "+name, values(e), want, goldenTolerance)
	}
	for _, e := range State(net.module) {
		if e.IsBuffer() && c.Files["after_"+e.Name()] != "" {
			_, want := c.array(t, "after_"+e.Name())
			same(t, e.Name(), values(e), want, goldenTolerance)
		}
	}
}

// goldenModule is a module for programs.
type goldenModule struct {
	Layer   any
	forward func(x *Value) *Value
}

func (m *goldenModule) Forward(x *Value) *Value { return m.forward(x) }

// goldenLosses makes the loss of PyTorch's settings: a line for each.
var goldenLosses = map[string]func(s settings, r Reduction, weights, positive []float32) func(input, target *Value) *Value{
	"BCEWithLogitsLoss": func(s settings, r Reduction, weights, positive []float32) func(input, target *Value) *Value {
		return (&BCEWithLogitsLoss{weights, positive, r}).Forward
	},
	"CrossEntropyLoss": func(s settings, r Reduction, weights, _ []float32) func(input, target *Value) *Value {
		return (&CrossEntropyLoss{weights, s.ignore(), s.number("label_smoothing", 0), r}).Forward
	},
	"HuberLoss": func(s settings, r Reduction, _, _ []float32) func(input, target *Value) *Value {
		return (&HuberLoss{0.7, r}).Forward
	},
	"L1Loss": func(s settings, r Reduction, _, _ []float32) func(input, target *Value) *Value {
		return (&L1Loss{r}).Forward
	},
	"MSELoss": func(s settings, r Reduction, _, _ []float32) func(input, target *Value) *Value {
		return (&MSELoss{r}).Forward
	},
	"NLLLoss": func(s settings, r Reduction, weights, _ []float32) func(input, target *Value) *Value {
		return (&NLLLoss{weights, s.ignore(), r}).Forward
	},
	"SmoothL1Loss": func(s settings, r Reduction, _, _ []float32) func(input, target *Value) *Value {
		beta := 1.0
		if s["reduction"] == nil {
			beta = 0.7 // the one case of e_golden.py
		}
		return (&SmoothL1Loss{beta, r}).Forward
	},
}

func (s settings) ignore() *int {
	if s["ignore_index"] == nil {
		return nil
	}
	index := s.integer("ignore_index", 0)
	return &index
}

// TestGoldenLosses compares the losses with PyTorch: their values, and their
// gradients of the input.
func TestGoldenLosses(t *testing.T) {
	held := map[string]bool{}
	for _, c := range operationCases(t, "loss") {
		build := goldenLosses[c.Params.text("op")]
		if build == nil {
			if op := c.Params.text("op"); op != "BCELoss" && op != "KLDivLoss" { // there are none
				t.Errorf("no loss for %s", op)
			}
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			optional := func(name string) (values []float32) {
				if c.Files[name] != "" {
					_, values = c.array(t, name)
				}
				return values
			}
			input := "input"
			if c.Files["logits"] != "" {
				input = "logits"
			}
			shape, x := c.array(t, input)
			targetShape, target := c.array(t, "target")
			reduction := map[string]Reduction{"": ReduceMean, "mean": ReduceMean, "sum": ReduceSum, "none": ReduceNone}[c.Params.text("reduction")]
			loss := build(c.Params, reduction, optional("weight"), optional("pos_weight"))
			specs := []Spec{{Shape: shape}, {Shape: targetShape}}
			if op := c.Params.text("op"); (op == "CrossEntropyLoss" || op == "NLLLoss") && !targetShape.Equal(shape) {
				specs[1].Type = Int32
			}
			g, err := traceAll(nil, specs, func(x []*Value) []*Value { return []*Value{loss(x[0], x[1])} }, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			ref := newReference[float32](g, 0, 1)
			copy(ref.values[g.inputs[0].index].Data, x)
			copy(ref.values[g.inputs[1].index].Data, target)
			for i := range ref.values[g.inputs[1].index].Ints {
				ref.values[g.inputs[1].index].Ints[i] = int32(target[i])
			}
			got := ref.forward().Data
			weight := float32(1)
			if reduction != ReduceNone {
				weight = 1 / float32(len(got)) // the mean over the batch
				sum := float32(0)
				for _, v := range got {
					sum += v * weight
				}
				got = []float32{sum}
			}
			_, want := c.array(t, "loss")
			same(t, "loss", got, want, goldenTolerance)
			gradient := make([]float32, g.output().shape.Elements())
			for i := range gradient {
				gradient[i] = weight
			}
			ref.backward(gradient)
			_, want = c.array(t, "grad")
			same(t, "gradient", ref.gradients[g.inputs[0].index].Data, want, goldenTolerance)
			held[c.Params.text("op")] = true
		})
	}
	for op := range goldenLosses {
		if !held[op] {
			t.Errorf("no numbers of %s", op)
		}
	}
}

// TestGoldenCrossEntropy compares what programs compute, one example at a time, with
// PyTorch's losses and gradients of whole batches.
func TestGoldenCrossEntropy(t *testing.T) {
	for name, loss := range map[string]CrossEntropy{
		"ce_mean": {}, "ce_extreme": {}, "ce_ls01": {LabelSmoothing: 0.1}, "ce_prob": {Soft: true}, "ce_prob_ls01": {LabelSmoothing: 0.1, Soft: true},
	} {
		logits, wantLoss, want := readNPY[float32](t, "loss", name, "logits.npy"), readNPY[float32](t, "loss", name, "loss.npy"), readNPY[float32](t, "loss", name, "grad.npy")
		classes := map[bool]int{true: 3, false: 10}[name == "ce_extreme"]
		n := len(logits) / classes
		net := &Linear{In: classes, Out: classes} // the identity
		Init(net, rand.New(rand.NewPCG(1, 1)))
		identity := make([]float32, classes*classes)
		for i := range classes {
			identity[i*classes+i] = 1
		}
		net.Weight.Write(identity)
		net.Bias.Write(make([]float32, classes))
		p, err := CompileTrain(net, loss, newSGD(), 1, classes)
		if err != nil {
			t.Fatal(err)
		}
		var got float32
		gradient := make([]float32, len(logits))
		for i := range n {
			p.ZeroGrad()
			p.Forward(logits[i*classes:][:classes])
			if loss.Soft {
				p.setNumbers(readNPY[float32](t, "loss", name, "target.npy")[i*classes:][:classes])
				got += float32(p.backward() / float64(n))
			} else {
				got += float32(p.Backward([]int{int(readNPY[int64](t, "loss", name, "target.npy")[i])}) / float64(n))
			}
			for k, v := range values(p.Gradients()[1]) {
				gradient[i*classes+k] = v / float32(n)
			}
		}
		compare(t, name+" loss", []float32{got}, wantLoss, goldenTolerance)
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
