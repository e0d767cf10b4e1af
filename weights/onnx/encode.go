package onnx

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"inkling/weights"
	"inkling/weights/graph"
	"inkling/weights/onnx/internal/pb"
)

// Encode returns a graph as a file, as Read reads it, with the metadata as its
// metadata_props. Of an initializer that without names only name, type and shape are
// written, as those of an input: [Complete] brings it together with its numbers again.
// Functions are put where they are called. The same graph gives the same bytes.
func Encode(g *graph.Graph, metadata map[string]string, without func(initializer string) bool) ([]byte, error) {
	if g.Obstacle != "" {
		return nil, fmt.Errorf("the graph was not read to its end: %s", g.Obstacle)
	}
	file := &pb.ModelProto{
		IrVersion:    proto.Int64(irVersion),
		ProducerName: proto.String(producerName),
		OpsetImport:  []*pb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(int64(g.Version))}},
	}
	g, err := g.Inlined()
	if err != nil {
		return nil, err
	}
	if file.Graph, err = encodeGraph(g, g.Version, without); err != nil {
		return nil, err
	}
	domains := map[string]bool{}
	for _, n := range g.Nodes {
		domains[n.Domain] = true
	}
	delete(domains, "")
	for _, domain := range slices.Sorted(maps.Keys(domains)) {
		version := int64(1)
		if domain == "ai.onnx" {
			version = int64(g.Version)
		}
		file.OpsetImport = append(file.OpsetImport, &pb.OperatorSetIdProto{Domain: proto.String(domain), Version: proto.Int64(version)})
	}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		file.MetadataProps = append(file.MetadataProps, &pb.StringStringEntryProto{Key: proto.String(key), Value: proto.String(metadata[key])})
	}
	if size := proto.Size(file); size > math.MaxInt32 {
		return nil, fmt.Errorf("the file would have %d bytes, but ONNX allows less than 2 GiB", size)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(file)
}

func encodeGraph(g *graph.Graph, version int, without func(initializer string) bool) (*pb.GraphProto, error) {
	out := &pb.GraphProto{Name: proto.String("network")}
	for _, p := range g.Inputs {
		out.Input = append(out.Input, encodePort(p))
	}
	for _, p := range g.Outputs {
		out.Output = append(out.Output, encodePort(p))
	}
	for _, name := range slices.Sorted(maps.Keys(g.Initializers)) {
		init := g.Initializers[name]
		if without != nil && without(name) {
			out.Input = append(out.Input, encodePort(graph.Port{Name: name, Type: init.Type, Shape: init.Shape, Ranked: true}))
			continue
		}
		t, err := init.Load()
		if err != nil {
			return nil, fmt.Errorf("the weight %q cannot be read: %w", name, err)
		}
		encoded, err := encodeTensor(name, t)
		if err != nil {
			return nil, err
		}
		out.Initializer = append(out.Initializer, encoded)
	}
	var err error
	out.Node, err = encodeNodes(g.Nodes, version)
	return out, err
}

func encodePort(p graph.Port) *pb.ValueInfoProto {
	kind := &pb.TypeProto_Tensor{ElemType: proto.Int32(int32(kindNumber(p.Type)))}
	if p.Ranked {
		kind.Shape = &pb.TensorShapeProto{}
		for d, size := range p.Shape {
			dim := &pb.TensorShapeProto_Dimension{}
			switch {
			case size >= 0:
				dim.Value = &pb.TensorShapeProto_Dimension_DimValue{DimValue: int64(size)}
			case d < len(p.Names) && p.Names[d] != "":
				dim.Value = &pb.TensorShapeProto_Dimension_DimParam{DimParam: p.Names[d]}
			}
			kind.Shape.Dim = append(kind.Shape.Dim, dim)
		}
	}
	return &pb.ValueInfoProto{Name: proto.String(p.Name), Type: &pb.TypeProto{Value: &pb.TypeProto_TensorType{TensorType: kind}}}
}

// kindNumber is ONNX's number of a type, 0 for none.
func kindNumber(t graph.Type) pb.TensorProto_DataType {
	for number, name := range dtypes {
		if name == string(t) {
			return pb.TensorProto_DataType(number)
		}
	}
	return pb.TensorProto_UNDEFINED
}

func encodeTensor(name string, t *graph.Tensor) (*pb.TensorProto, error) {
	dtype, data := t.Bytes()
	if t.Type.Float() && t.Type != graph.Float32 {
		converted, _, err := weights.NewTensor(name, t.Shape, t.Floats).Convert(string(t.Type))
		if err != nil {
			return nil, err
		}
		dtype, data = converted.DType, converted.Data
	}
	out := &pb.TensorProto{DataType: proto.Int32(int32(kindNumber(graph.Type(dtype)))), RawData: data}
	if name != "" {
		out.Name = proto.String(name)
	}
	for _, d := range t.Shape {
		out.Dims = append(out.Dims, int64(d))
	}
	return out, nil
}

func encodeNodes(nodes []*graph.Node, version int) (list []*pb.NodeProto, err error) {
	for _, n := range nodes {
		if n.Version > 0 && n.Version != version {
			return nil, fmt.Errorf("node %d (%s) is of operator set %d and the graph of %d, which cannot stand in one graph", n.Place, n.Kind, n.Version, version)
		}
		out := &pb.NodeProto{OpType: proto.String(n.Kind), Input: n.Inputs, Output: n.Outputs}
		if n.Name != "" {
			out.Name = proto.String(n.Name)
		}
		if n.Domain != "" {
			out.Domain = proto.String(n.Domain)
		}
		for _, name := range slices.Sorted(maps.Keys(n.Attributes)) {
			a, err := encodeAttribute(name, n.Attributes[name], version)
			if err != nil {
				return nil, fmt.Errorf("node %d (%s): %w", n.Place, n.Kind, err)
			}
			out.Attribute = append(out.Attribute, a)
		}
		list = append(list, out)
	}
	return list, nil
}

func encodeAttribute(name string, a graph.Attribute, version int) (out *pb.AttributeProto, err error) {
	if a.Obstacle != "" {
		return nil, fmt.Errorf("the attribute %q was not read: %s", name, a.Obstacle)
	}
	kind := pb.AttributeProto_AttributeType(a.Kind)
	out = &pb.AttributeProto{Name: proto.String(name), Type: &kind}
	switch {
	case a.Refers != "":
		out.RefAttrName = proto.String(a.Refers)
	case a.Kind == graph.FloatAttribute:
		out.F = proto.Float32(a.Float)
	case a.Kind == graph.IntAttribute:
		out.I = proto.Int64(a.Int)
	case a.Kind == graph.TextAttribute:
		out.S = []byte(a.Text)
	case a.Kind == graph.TensorAttribute && a.Tensor != nil:
		out.T, err = encodeTensor("", a.Tensor)
	case a.Kind == graph.GraphAttribute && a.Graph != nil:
		out.G, err = encodeGraph(a.Graph, version, nil)
	case a.Kind == graph.FloatsAttribute:
		out.Floats = a.Floats
	case a.Kind == graph.IntsAttribute:
		out.Ints = a.Ints
	default:
		return nil, fmt.Errorf("the attribute %q is of a kind (%d) that is not written", name, a.Kind)
	}
	return out, err
}

// Complete makes initializers, of the types that the graph says, of those inputs that
// have the name of a tensor: what [Encode] left out. It is an error if a tensor has
// another shape.
func Complete(g *graph.Graph, tensors []weights.Tensor) error {
	named := map[string]*weights.Tensor{}
	for i := range tensors {
		named[tensors[i].Name] = &tensors[i]
	}
	var inputs []graph.Port
	for _, p := range g.Inputs {
		t := named[p.Name]
		if t == nil {
			inputs = append(inputs, p)
			continue
		}
		if !slices.Equal(t.Shape, p.Shape) {
			return fmt.Errorf("the tensor %q has the shape %v, but the network's graph wants %v", p.Name, t.Shape, p.Shape)
		}
		g.Room += int64(len(t.Data))
		g.Initializers[p.Name] = graph.Initializer{Type: p.Type, Shape: t.Shape, Load: func() (*graph.Tensor, error) {
			converted, _, err := t.Convert(string(p.Type))
			if err != nil {
				return nil, err
			}
			return numbersOf(&converted)
		}}
	}
	g.Inputs = inputs
	return nil
}
