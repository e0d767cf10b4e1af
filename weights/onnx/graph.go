package onnx

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"inkling/nn"
	"inkling/weights/onnx/internal/pb"
)

// builder gathers a graph. Every value in it has a name of its own.
type builder struct {
	graph *pb.GraphProto
	taken map[string]bool
}

// name returns the wish, or something like it if that is taken.
func (b *builder) name(wish string) string {
	name := wish
	for i := 2; b.taken[name]; i++ {
		name = fmt.Sprintf("%s_%d", wish, i)
	}
	b.taken[name] = true
	return name
}

// node adds an operation, which gets the name of its output, and returns that.
func (b *builder) node(kind, output string, inputs []string, attributes ...*pb.AttributeProto) string {
	b.graph.Node = append(b.graph.Node, &pb.NodeProto{
		Name: proto.String(output), OpType: proto.String(kind), Input: inputs, Output: []string{output}, Attribute: attributes,
	})
	return output
}

// constant adds a tensor of constants and returns its name.
func (b *builder) constant(wish string, shape []int, values []float32) string {
	name := b.name(wish)
	b.graph.Initializer = append(b.graph.Initializer, tensorProto(name, shape, values))
	return name
}

// rename gives the last operation's output another name. Nobody reads it but
// whoever runs the file.
func (b *builder) rename(from, to string) {
	if i := len(b.graph.Node) - 1; i >= 0 && b.graph.Node[i].Output[0] == from {
		b.graph.Node[i].Name, b.graph.Node[i].Output = proto.String(to), []string{to}
		b.graph.ValueInfo = slices.DeleteFunc(b.graph.ValueInfo, func(v *pb.ValueInfoProto) bool { return v.GetName() == from })
		return
	}
	b.node("Identity", to, []string{from})
}

// addWeights adds the parameters of the operations under their state-dict keys.
func (b *builder) addWeights(network nn.Module, operations []nn.Operation) error {
	state := map[string]nn.Entry{}
	for _, e := range nn.State(network) {
		state[e.Name()] = e
	}
	for i, op := range operations {
		for _, key := range op.Params {
			entry, known := state[key]
			if !known {
				return fmt.Errorf("operation %d, %s, has a parameter that the state dict does not name; give the network's layer an exported field", i+1, op.Name)
			}
			if slices.ContainsFunc(b.graph.Initializer, func(t *pb.TensorProto) bool { return t.GetName() == key }) {
				continue // a layer that is used twice
			}
			values := make([]float32, nn.Shape(entry.Shape()).Elements())
			entry.Read(values)
			if b.taken[key] {
				return fmt.Errorf("the parameter %s has the name of the file's input or output; rename its field", key)
			}
			b.taken[key] = true
			b.graph.Initializer = append(b.graph.Initializer, tensorProto(key, entry.Shape(), values))
		}
	}
	return nil
}

// addOperations adds the network's operations and returns the name and the
// shape of its output.
func (b *builder) addOperations(operations []nn.Operation, input string, shape nn.Shape) (string, nn.Shape, error) {
	outputs := make([]string, 0, len(operations))
	last := input
	for i, op := range operations {
		var inputs []string
		for _, from := range op.Inputs {
			if from == nn.NetworkInput {
				inputs = append(inputs, input)
			} else {
				inputs = append(inputs, outputs[from])
			}
		}
		kind, attributes, err := equivalent(op)
		if err != nil {
			return "", nil, fmt.Errorf("operation %d: %w", i+1, err)
		}
		last = b.node(kind, b.name(wish(op)), append(inputs, op.Params...), attributes...)
		b.graph.ValueInfo = append(b.graph.ValueInfo, valueInfo(last, pb.TensorProto_FLOAT, op.Shape))
		outputs = append(outputs, last)
		shape = op.Shape
	}
	return last, shape, nil
}

// wish is what an operation's output would be called: after its layer if it has
// one with a name.
func wish(op nn.Operation) string {
	if len(op.Params) > 0 {
		if i := strings.LastIndexByte(op.Params[0], '.'); i > 0 {
			return op.Params[0][:i]
		}
	}
	return op.Name
}

// equivalent returns ONNX's operator for an operation, and its attributes.
func equivalent(op nn.Operation) (kind string, attributes []*pb.AttributeProto, err error) {
	a := op.Attributes
	if op.BuiltIn {
		switch op.Name {
		case "conv2d":
			return "Conv", append(window(a), dilations(a), integer("group", a["groups"])), nil
		case "maxpool2d":
			attributes = window(a)
			if a["dilation"] != 1 || a["dilation_width"] != 1 {
				attributes = append(attributes, dilations(a))
			}
			if a["ceil"] != 0 {
				attributes = append(attributes, integer("ceil_mode", 1))
			}
			return "MaxPool", attributes, nil
		case "linear":
			if len(op.Shape) != 2 {
				break // Gemm is of matrices
			}
			return "Gemm", []*pb.AttributeProto{integer("transB", 1)}, nil // the weights are Out x In
		case "avgpool2d":
			if a["divisor"] != 0 {
				break
			}
			return "AveragePool", append(window(a), integer("ceil_mode", a["ceil"]), integer("count_include_pad", 1-a["exclude_padding"])), nil
		case "adaptiveavgpool2d":
			if len(op.Shape) == 4 && op.Shape[2] == 1 && op.Shape[3] == 1 {
				return "GlobalAveragePool", nil, nil
			}
		case "adaptivemaxpool2d":
			if len(op.Shape) == 4 && op.Shape[2] == 1 && op.Shape[3] == 1 {
				return "GlobalMaxPool", nil, nil
			}
		case "flatten":
			return "Flatten", []*pb.AttributeProto{integer("axis", 1)}, nil
		}
	}
	if kind := plainOperators[op.Name]; kind != "" && op.BuiltIn {
		return kind, nil, nil
	}
	return "", nil, fmt.Errorf("%s has no equivalent in ONNX that is known here; known are conv2d, maxpool2d, avgpool2d, linear, flatten, %s", op.Name, strings.Join(slices.Sorted(maps.Keys(plainOperators)), ", "))
}

// plainOperators are ONNX's operators for operations without settings.
var plainOperators = map[string]string{
	"relu": "Relu", "add": "Add", "tanh": "Tanh", "sigmoid": "Sigmoid", "selu": "Selu", "hardswish": "HardSwish",
}

// window describes how a filter or a window of a pooling moves over pictures.
func window(a map[string]int) []*pb.AttributeProto {
	return []*pb.AttributeProto{
		integers("kernel_shape", a["kernel"], a["kernel_width"]),
		integers("strides", a["stride"], a["stride_width"]),
		integers("pads", a["padding"], a["padding_left"], a["padding_bottom"], a["padding_right"]),
	}
}

func dilations(a map[string]int) *pb.AttributeProto {
	return integers("dilations", a["dilation"], a["dilation_width"])
}

func integer(name string, value int) *pb.AttributeProto {
	return &pb.AttributeProto{Name: proto.String(name), Type: pb.AttributeProto_INT.Enum(), I: proto.Int64(int64(value))}
}

func integers(name string, values ...int) *pb.AttributeProto {
	a := &pb.AttributeProto{Name: proto.String(name), Type: pb.AttributeProto_INTS.Enum()}
	for _, v := range values {
		a.Ints = append(a.Ints, int64(v))
	}
	return a
}
