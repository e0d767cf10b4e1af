package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"inkling/nn"
	"inkling/weights/onnx/internal/pb"
)

// exporters says, for each operation of package nn, how it is written; each returns
// the name of the output. What ONNX cannot say is an error.
var exporters map[string]func(w *writer) (string, error)

func init() {
	exporters = map[string]func(w *writer) (string, error){
		"add":    operator("Add"),
		"sub":    operator("Sub"),
		"mul":    operator("Mul"),
		"div":    operator("Div"),
		"matmul": operator("MatMul"),
		"where":  operator("Where"),

		"relu":        operator("Relu"),
		"tanh":        operator("Tanh"),
		"sigmoid":     operator("Sigmoid"),
		"hardswish":   operator("HardSwish"),
		"exp":         operator("Exp"),
		"log":         operator("Log"),
		"sqrt":        operator("Sqrt"),
		"abs":         operator("Abs"),
		"affine":      (*writer).affine,
		"clamp":       (*writer).clamp,
		"elu":         (*writer).elu,
		"gelu":        (*writer).gelu,
		"gelu_tanh":   (*writer).geluTanh,
		"hardsigmoid": func(w *writer) (string, error) { return w.end("HardSigmoid", w.inputs, real("alpha", 1./6)) },
		"leaky_relu":  func(w *writer) (string, error) { return w.end("LeakyRelu", w.inputs, w.real("alpha", "negative")) },
		"mish":        (*writer).mish,
		"prelu":       (*writer).prelu,
		"silu":        func(w *writer) (string, error) { return w.end("Mul", []string{w.x(), w.step("Sigmoid", w.x())}) },
		"softplus":    (*writer).softplus,
		"softmax":     func(w *writer) (string, error) { return w.end("Softmax", w.inputs, w.integer("axis", "dim")) },
		"log_softmax": func(w *writer) (string, error) { return w.end("LogSoftmax", w.inputs, w.integer("axis", "dim")) },

		"conv2d":            func(w *writer) (string, error) { return w.conv(0) },
		"conv1d":            func(w *writer) (string, error) { return w.conv(1) },
		"convtranspose2d":   (*writer).convTranspose,
		"linear":            (*writer).linear,
		"embedding":         func(w *writer) (string, error) { return w.end("Gather", []string{w.op.Params[0], w.x()}) },
		"maxpool2d":         func(w *writer) (string, error) { return w.maxPool(0) },
		"maxpool1d":         func(w *writer) (string, error) { return w.maxPool(1) },
		"avgpool2d":         (*writer).averagePool,
		"adaptiveavgpool2d": func(w *writer) (string, error) { return w.adaptive("AveragePool") },
		"adaptivemaxpool2d": func(w *writer) (string, error) { return w.adaptive("MaxPool") },
		"upsample":          (*writer).upsample,

		"batchnorm":      (*writer).batchNorm,
		"groupnorm":      (*writer).groupNorm,
		"instancenorm2d": (*writer).instanceNorm,
		"layernorm":      (*writer).layerNorm,

		"flatten":   func(w *writer) (string, error) { return w.end("Flatten", w.inputs, integer("axis", 1)) },
		"reshape":   func(w *writer) (string, error) { return w.end("Reshape", []string{w.x(), w.sameBatch(w.op.Shape)}) },
		"transpose": (*writer).transpose,
		"concat":    func(w *writer) (string, error) { return w.end("Concat", w.inputs, w.integer("axis", "dim")) },
		"slice":     (*writer).slice,
		"pad":       (*writer).pad,
		"mean":      reduce("ReduceMean"),
		"amax":      reduce("ReduceMax"),
		"sum":       (*writer).sum,

		"cast": func(w *writer) (string, error) {
			return w.end("Cast", w.inputs, integer("to", int(elementTypes[w.op.Type])))
		},
		"compare": (*writer).compare,
		"argmax":  (*writer).argMax,
		"gather":  func(w *writer) (string, error) { return w.end("GatherElements", w.inputs, w.integer("axis", "dim")) },
	}
}

// elementTypes are ONNX's of those of values.
var elementTypes = map[nn.Type]pb.TensorProto_DataType{
	nn.Float32: pb.TensorProto_FLOAT, nn.Int32: pb.TensorProto_INT32, nn.Bool: pb.TensorProto_BOOL,
}

// A writer writes one operation as one or several nodes.
type writer struct {
	*builder
	op     nn.Operation
	inputs []string   // the names of what it reads
	shapes []nn.Shape // and the shapes
	wish   string     // what its output would be called
}

// write writes the operation.
func (w *writer) write() (string, error) {
	export := exporters[w.op.Name]
	if export == nil || !w.op.BuiltIn {
		return "", fmt.Errorf("%s has no equivalent in ONNX that is known here, as losses and a program's own operations have none", w.op.Name)
	}
	output, err := export(w)
	if err != nil {
		return "", fmt.Errorf("%s has no equivalent in ONNX: %w", w.op.Name, err)
	}
	return output, nil
}

// x is the name of the first input.
func (w *writer) x() string { return w.inputs[0] }

// end writes the node that computes the operation's output.
func (w *writer) end(kind string, inputs []string, attributes ...*pb.AttributeProto) (string, error) {
	return w.node(kind, w.name(w.wish), inputs, attributes...), nil
}

// step writes a node before it.
func (w *writer) step(kind string, inputs ...string) string {
	return w.node(kind, w.name(w.wish+"."+strings.ToLower(kind)), inputs)
}

// operator writes an operation that is one of ONNX's.
func operator(kind string) func(w *writer) (string, error) {
	return func(w *writer) (string, error) { return w.end(kind, append(w.inputs, w.op.Params...)) }
}

// setting returns a setting of the operation, which has it.
func setting[T any](w *writer, name string) T { return w.op.Settings[name].(T) }

// The attributes and constants of nodes.

func (w *writer) integer(name, from string) *pb.AttributeProto {
	return integer(name, setting[int](w, from))
}

func (w *writer) real(name, from string) *pb.AttributeProto {
	return real(name, setting[float64](w, from))
}

func integer(name string, value int) *pb.AttributeProto {
	return &pb.AttributeProto{Name: proto.String(name), Type: pb.AttributeProto_INT.Enum(), I: proto.Int64(int64(value))}
}

func truth(name string, value bool) *pb.AttributeProto {
	if value {
		return integer(name, 1)
	}
	return integer(name, 0)
}

func integers(name string, values ...int) *pb.AttributeProto {
	a := &pb.AttributeProto{Name: proto.String(name), Type: pb.AttributeProto_INTS.Enum()}
	for _, v := range values {
		a.Ints = append(a.Ints, int64(v))
	}
	return a
}

func real(name string, value float64) *pb.AttributeProto {
	return &pb.AttributeProto{Name: proto.String(name), Type: pb.AttributeProto_FLOAT.Enum(), F: proto.Float32(float32(value))}
}

func text(name, value string) *pb.AttributeProto {
	return &pb.AttributeProto{Name: proto.String(name), Type: pb.AttributeProto_STRING.Enum(), S: []byte(value)}
}

// given writes a constant, which is a node: initializers are weights.
func (w *writer) given(t *pb.TensorProto) string {
	name := w.name(w.wish + ".constant")
	t.Name = nil
	return w.node("Constant", name, nil, &pb.AttributeProto{Name: proto.String("value"), Type: pb.AttributeProto_TENSOR.Enum(), T: t})
}

// number writes a constant that is one number.
func (w *writer) number(value float64) string {
	return w.given(tensorProto("", nil, []float32{float32(value)}))
}

// list writes a constant of whole numbers.
func (w *writer) list(values ...int) string {
	t := &pb.TensorProto{DataType: proto.Int32(int32(pb.TensorProto_INT64)), Dims: []int64{int64(len(values))}}
	for _, v := range values {
		t.Int64Data = append(t.Int64Data, int64(v))
	}
	return w.given(t)
}

// sameBatch writes a shape for Reshape: that of any batch.
func (w *writer) sameBatch(shape nn.Shape) string {
	return w.list(append([]int{0}, shape[1:]...)...)
}

// filled writes weights that the operation has not: of one value.
func (w *writer) filled(role string, shape []int, value float32) string {
	values := make([]float32, nn.Shape(shape).Elements())
	for i := range values {
		values[i] = value
	}
	return w.constant(w.wish+"."+role, shape, values)
}

// affineParams are weight and bias, ones and zeros where the operation has none.
func (w *writer) affineParams(shape ...int) []string {
	params := slices.Clone(w.op.Params)
	if len(params) == 0 {
		params = append(params, w.filled("weight", shape, 1))
	}
	if len(params) == 1 {
		params = append(params, w.filled("bias", shape, 0))
	}
	return params
}

// perChannel writes a parameter with one number for each channel so that it is
// broadcast over what the output has of it.
func (w *writer) perChannel(param string) string {
	rank := len(w.op.Shape)
	if rank <= 2 {
		return param
	}
	shape := []int{-1}
	for range rank - 2 {
		shape = append(shape, 1)
	}
	return w.step("Reshape", param, w.list(shape...))
}

// window describes how a filter or a window of a pooling moves over pictures, or, if
// from is 1, over lines.
func (w *writer) window(from int) []*pb.AttributeProto {
	pair := func(name string) []int { return setting[[]int](w, name)[from:] }
	return []*pb.AttributeProto{
		integers("kernel_shape", pair("kernel")...),
		integers("strides", pair("stride")...),
		integers("pads", slices.Concat(pair("before"), pair("after"))...),
	}
}

func (w *writer) dilations(from int) *pb.AttributeProto {
	return integers("dilations", setting[[]int](w, "dilation")[from:]...)
}

func (w *writer) conv(from int) (string, error) {
	return w.end("Conv", append(w.inputs, w.op.Params...), append(w.window(from), w.dilations(from), w.integer("group", "groups"))...)
}

func (w *writer) convTranspose() (string, error) {
	extra, stride := setting[[]int](w, "extra"), setting[[]int](w, "stride")
	if extra[0] >= stride[0] || extra[1] >= stride[1] {
		return "", errors.New("its output padding is not below its stride")
	}
	return w.end("ConvTranspose", append(w.inputs, w.op.Params...), append(w.window(0), w.dilations(0), w.integer("group", "groups"), integers("output_padding", extra...))...)
}

func (w *writer) linear() (string, error) {
	if len(w.op.Shape) == 2 {
		return w.end("Gemm", append(w.inputs, w.op.Params...), integer("transB", 1)) // the weights are Out x In
	}
	// Gemm is of matrices.
	weight := w.node("Transpose", w.name(w.wish+".transpose"), w.op.Params[:1], integers("perm", 1, 0))
	if len(w.op.Params) == 1 {
		return w.end("MatMul", []string{w.x(), weight})
	}
	return w.end("Add", []string{w.step("MatMul", w.x(), weight), w.op.Params[1]})
}

// ceil returns whether a pooling's size is rounded up. PyTorch leaves a window out
// that begins in the padding behind the picture, runtimes do not.
func (w *writer) ceil(from int) (bool, error) {
	var down, up bool
	in, out := w.shapes[0][2:], w.op.Shape[2:]
	for d := range out {
		pair := func(name string) int { return setting[[]int](w, name)[from+d] }
		room := in[d] + pair("before") + pair("after") - pair("dilation")*(pair("kernel")-1) - 1
		switch stride := pair("stride"); {
		case room%stride == 0:
		case out[d] == room/stride+1:
			down = true
		default:
			up = true
		}
	}
	if up && down {
		return false, errors.New("its ceil_mode adds a window in one direction and not in the other")
	}
	return up, nil
}

func (w *writer) maxPool(from int) (string, error) {
	up, err := w.ceil(from)
	if err != nil {
		return "", err
	}
	attributes := w.window(from)
	if slices.Max(setting[[]int](w, "dilation")) > 1 {
		attributes = append(attributes, w.dilations(from))
	}
	if up {
		attributes = append(attributes, integer("ceil_mode", 1))
	}
	return w.end("MaxPool", w.inputs, attributes...)
}

func (w *writer) averagePool() (string, error) {
	if setting[int](w, "divisor") != 0 {
		return "", errors.New("it has a divisor of its own")
	}
	up, err := w.ceil(0)
	if err != nil {
		return "", err
	}
	include := !setting[bool](w, "exclude") && slices.Max(setting[[]int](w, "before")) > 0
	if up && include {
		return "", errors.New("its ceil_mode adds windows that reach beyond the padding, and the padding counts")
	}
	return w.end("AveragePool", w.inputs, append(w.window(0), truth("ceil_mode", up), truth("count_include_pad", include))...)
}

// adaptive writes an adaptive pooling, whose windows must be of one size.
func (w *writer) adaptive(kind string) (string, error) {
	in, out := w.shapes[0][2:], w.op.Shape[2:]
	if out[0] == 1 && out[1] == 1 {
		return w.end("Global"+kind, w.inputs)
	}
	if in[0]%out[0] != 0 || in[1]%out[1] != 0 {
		return "", fmt.Errorf("its windows overlap, for %dx%d cannot be divided into %dx%d", in[0], in[1], out[0], out[1])
	}
	window := []int{in[0] / out[0], in[1] / out[1]}
	return w.end(kind, w.inputs, integers("kernel_shape", window...), integers("strides", window...))
}

func (w *writer) upsample() (string, error) {
	mode := []*pb.AttributeProto{text("mode", "nearest"), text("coordinate_transformation_mode", "asymmetric"), text("nearest_mode", "floor")}
	if setting[bool](w, "bilinear") {
		mode = []*pb.AttributeProto{text("mode", "linear"), text("coordinate_transformation_mode", "half_pixel")}
		if setting[bool](w, "corners") {
			mode[1] = text("coordinate_transformation_mode", "align_corners")
		}
	}
	in, out := w.shapes[0][2:], w.op.Shape[2:]
	scale, bySize := setting[[]float64](w, "scale"), setting[[]int](w, "size")[0] > 0
	if !bySize && (float64(in[0])*scale[0] != float64(out[0]) || float64(in[1])*scale[1] != float64(out[1])) {
		// The pixels' distance is that of the scale, which the size does not tell.
		scales := w.given(tensorProto("", []int{4}, []float32{1, 1, float32(scale[0]), float32(scale[1])}))
		return w.end("Resize", []string{w.x(), "", scales}, mode...)
	}
	batch := w.step("Slice", w.step("Shape", w.x()), w.list(0), w.list(2))
	sizes := w.node("Concat", w.name(w.wish+".concat"), []string{batch, w.list(out...)}, integer("axis", 0))
	return w.end("Resize", []string{w.x(), "", "", sizes}, mode...)
}

func (w *writer) batchNorm() (string, error) {
	if !setting[bool](w, "running") {
		return "", errors.New("it has no running statistics, and normalises by the pictures that are looked at together")
	}
	inputs := slices.Concat(w.inputs, w.affineParams(setting[int](w, "features")), w.op.Buffers[:2])
	attributes := []*pb.AttributeProto{w.real("epsilon", "eps")}
	if momentum := setting[float64](w, "momentum"); momentum != 0.1 { // for who trains it
		attributes = append(attributes, real("momentum", 1-momentum))
	}
	return w.end("BatchNormalization", inputs, attributes...)
}

func (w *writer) groupNorm() (string, error) {
	groups := setting[int](w, "groups")
	lines := w.step("Reshape", w.x(), w.list(0, groups, -1))
	normal := w.node("InstanceNormalization", w.name(w.wish+".normal"), []string{lines, w.filled("ones", []int{groups}, 1), w.filled("zeros", []int{groups}, 0)}, w.real("epsilon", "eps"))
	if len(w.op.Params) == 0 {
		return w.end("Reshape", []string{normal, w.sameBatch(w.op.Shape)})
	}
	normal = w.step("Reshape", normal, w.sameBatch(w.op.Shape))
	scaled := w.step("Mul", normal, w.perChannel(w.op.Params[0]))
	return w.end("Add", []string{scaled, w.perChannel(w.op.Params[1])})
}

func (w *writer) instanceNorm() (string, error) {
	return w.end("InstanceNormalization", append(w.inputs, w.affineParams(w.op.Shape[1])...), w.real("epsilon", "eps"))
}

func (w *writer) layerNorm() (string, error) {
	shape := setting[[]int](w, "shape")
	return w.end("LayerNormalization", append(w.inputs, w.affineParams(shape...)...), integer("axis", -len(shape)), w.real("epsilon", "eps"))
}

func (w *writer) affine() (string, error) {
	scaled := w.step("Mul", w.x(), w.number(setting[float64](w, "scale")))
	return w.end("Add", []string{scaled, w.number(setting[float64](w, "shift"))})
}

func (w *writer) clamp() (string, error) {
	return w.end("Clip", []string{w.x(), w.number(setting[float64](w, "low")), w.number(setting[float64](w, "high"))})
}

func (w *writer) elu() (string, error) {
	alpha, scale := setting[float64](w, "alpha"), setting[float64](w, "scale")
	if scale == 1 {
		return w.end("Elu", w.inputs, real("alpha", alpha))
	}
	return w.end("Selu", w.inputs, real("alpha", alpha), real("gamma", scale))
}

// gelu writes 0.5*x*(1 + erf(x/√2)) as PyTorch does; ONNX has Gelu since operator set 20.
func (w *writer) gelu() (string, error) {
	share := w.step("Add", w.step("Erf", w.step("Div", w.x(), w.number(math.Sqrt2))), w.number(1))
	return w.end("Mul", []string{w.step("Mul", w.x(), share), w.number(0.5)})
}

func (w *writer) geluTanh() (string, error) {
	cube := w.step("Mul", w.x(), w.step("Mul", w.x(), w.x()))
	inner := w.step("Add", w.x(), w.step("Mul", cube, w.number(0.044715)))
	curve := w.step("Tanh", w.step("Mul", inner, w.number(math.Sqrt(2/math.Pi))))
	return w.end("Mul", []string{w.step("Mul", w.x(), w.step("Add", curve, w.number(1))), w.number(0.5)})
}

func (w *writer) mish() (string, error) {
	return w.end("Mul", []string{w.x(), w.step("Tanh", w.step("Softplus", w.x()))})
}

func (w *writer) prelu() (string, error) {
	slope := w.op.Params[0]
	if setting[int](w, "count") > 1 {
		slope = w.perChannel(slope)
	}
	return w.end("PRelu", []string{w.x(), slope})
}

func (w *writer) softplus() (string, error) {
	beta, threshold := setting[float64](w, "beta"), setting[float64](w, "threshold")
	if beta == 1 && threshold >= alike {
		return w.end("Softplus", w.inputs)
	}
	steep := w.step("Mul", w.x(), w.number(beta))
	soft := w.step("Softplus", steep)
	if threshold >= alike {
		return w.end("Div", []string{soft, w.number(beta)})
	}
	soft = w.step("Div", soft, w.number(beta))
	return w.end("Where", []string{w.step("Greater", steep, w.number(threshold)), w.x(), soft})
}

// alike is from which x on log(1+exp(x)) and x are one float32.
const alike = 17

func (w *writer) transpose() (string, error) {
	order := setting[[]int](w, "order")
	if order[0] != 0 {
		return "", errors.New("it moves the batch")
	}
	return w.end("Transpose", w.inputs, integers("perm", order...))
}

func (w *writer) slice() (string, error) {
	numbers := func(name string) string { return w.list(setting[int](w, name)) }
	return w.end("Slice", []string{w.x(), numbers("start"), numbers("end"), numbers("dim"), numbers("step")})
}

func (w *writer) pad() (string, error) {
	mode, known := map[string]string{"constant": "constant", "reflect": "reflect", "replicate": "edge"}[setting[string](w, "mode")]
	if !known {
		return "", fmt.Errorf("its mode is %s", setting[string](w, "mode"))
	}
	widths := setting[[]int](w, "widths") // before and after, of each dimension
	var before, after []int
	for d := range w.op.Shape {
		before, after = append(before, widths[2*d]), append(after, widths[2*d+1])
	}
	return w.end("Pad", []string{w.x(), w.list(append(before, after...)...), w.number(setting[float64](w, "value"))}, text("mode", mode))
}

// axes are the dimensions that a reduction goes over.
func (w *writer) axes() (list []int) {
	for d, over := range setting[[]bool](w, "over") {
		if over {
			list = append(list, d)
		}
	}
	return list
}

// reduce writes a reduction that has its axes as an attribute.
func reduce(kind string) func(w *writer) (string, error) {
	return func(w *writer) (string, error) {
		return w.end(kind, w.inputs, integers("axes", w.axes()...), truth("keepdims", setting[bool](w, "keep")))
	}
}

func (w *writer) sum() (string, error) {
	return w.end("ReduceSum", []string{w.x(), w.list(w.axes()...)}, truth("keepdims", setting[bool](w, "keep")))
}

func (w *writer) compare() (string, error) {
	switch relation := setting[int](w, "relation"); relation {
	case 0:
		return w.end("Equal", w.inputs)
	case 1:
		return w.end("Not", []string{w.step("Equal", w.inputs...)})
	case 2:
		return w.end("Less", w.inputs)
	case 3:
		return w.end("LessOrEqual", w.inputs)
	default:
		return "", fmt.Errorf("its relation is %d", relation)
	}
}

func (w *writer) argMax() (string, error) {
	position := w.node("ArgMax", w.name(w.wish+".argmax"), w.inputs, w.integer("axis", "dim"), truth("keepdims", setting[bool](w, "keep")))
	return w.end("Cast", []string{position}, integer("to", int(pb.TensorProto_INT32)))
}
