package onnx

import (
	"fmt"
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

// addWeights adds the parameters and buffers of the operations under their state-dict
// keys, but for the counter of a BatchNorm's batches, which only training needs.
func (b *builder) addWeights(network nn.Module, operations []nn.Operation) error {
	state := map[string]nn.Entry{}
	for _, e := range nn.State(network) {
		state[e.Name()] = e
	}
	for i, op := range operations {
		for _, key := range append(op.Params[:len(op.Params):len(op.Params)], op.Buffers...) {
			entry, known := state[key]
			if known && entry.Integer() {
				continue
			}
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
	last, given := input, shape
	for i, op := range operations {
		w := &writer{builder: b, op: op, wish: wish(op)}
		for _, from := range op.Inputs {
			if from == nn.NetworkInput {
				w.inputs, w.shapes = append(w.inputs, input), append(w.shapes, given)
			} else {
				w.inputs, w.shapes = append(w.inputs, outputs[from]), append(w.shapes, operations[from].Shape)
			}
		}
		var err error
		if last, err = w.write(); err != nil {
			return "", nil, fmt.Errorf("operation %d: %w", i+1, err)
		}
		b.graph.ValueInfo = append(b.graph.ValueInfo, valueInfo(last, elementTypes[op.Type], op.Shape))
		outputs = append(outputs, last)
		shape = op.Shape
	}
	if n := len(operations); n > 0 && operations[n-1].Type != nn.Float32 {
		return "", nil, fmt.Errorf("the network's output is of the type %s, want float32", operations[n-1].Type)
	}
	return last, shape, nil
}

// wish is what an operation's output would be called: after its layer if it has
// one with a name.
func wish(op nn.Operation) string {
	for _, key := range append(op.Params[:len(op.Params):len(op.Params)], op.Buffers...) {
		if i := strings.LastIndexByte(key, '.'); i > 0 {
			return key[:i]
		}
	}
	return op.Name
}
