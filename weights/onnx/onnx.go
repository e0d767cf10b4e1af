// Package onnx writes networks in the Open Neural Network Exchange format
// (.onnx, https://onnx.ai), which ONNX Runtime and many others run: the
// operations, the weights under their state-dict keys and, if wanted, what
// must be done to a picture before the network and to its output after.
// Files have IR version 8 and operator set 17, those of ONNX 1.12.
//
// It reads such files, too: their weights, and what their networks compute where that
// is a chain of layers. Importing it makes package weights know the format.
package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"inkling/internal/atomicfile"
	"inkling/nn"
	"inkling/weights"
	"inkling/weights/onnx/internal/pb"
)

const (
	irVersion    = 8
	operatorSet  = 17
	producerName = "inkling"

	// batchName is what the first dimension of input and output is called. It
	// has no size: a file takes batches of any.
	batchName = "N"
)

// The names of a file's input and output.
const (
	Input         = "input"
	Logits        = "logits"
	Probabilities = "probabilities" // the output's name with Softmax
	// LogProbabilities is the output's name with LogSoftmax.
	LogProbabilities = "log_probabilities"
)

// How the names of the constants that Pixels needs begin.
const (
	toTensorPrefix  = "to_tensor."
	normalizePrefix = "normalize."
)

// Model is a network to be written.
type Model struct {
	// Network is made of the layers and functions of package nn, and has
	// weights.
	Network nn.Module
	// Shape is that of one example without the batch: channels, height, width.
	Shape []int
	// Metadata, unless nil, becomes the file's metadata_props.
	Metadata *weights.Metadata
	// Pixels makes the input a batch of pictures as they are, upright, of bytes
	// from 0 to 255 (N x C x H x W, uint8). The file then divides by 255,
	// subtracts the metadata's Mean, divides by its Std, and transposes if the
	// metadata's Orientation says that the network wants that. Without Pixels
	// the input is what Network takes, float32.
	Pixels bool
	// ChannelsLast makes Pixels take pictures as decoders give them, with the
	// channels of a pixel side by side (N x H x W x C).
	ChannelsLast bool
	// Softmax makes the output, N x classes, probabilities that add up to 1.
	Softmax bool
	// LogSoftmax makes it their natural logarithms. Softmax overrides it.
	LogSoftmax bool
}

// Save writes the model to the file at path, whole or not at all.
func (m *Model) Save(path string) error {
	return atomicfile.Write(path, m.Write)
}

// Write writes the model. It is an error if the network has an operation or
// parameter that ONNX has no equivalent for, or if the metadata lacks what
// Pixels needs. The same model gives the same bytes.
func (m *Model) Write(w io.Writer) error {
	if m.Network == nil {
		return errors.New("there is no network to write")
	}
	operations, err := nn.Trace(m.Network, append([]int{1}, m.Shape...)...)
	if err != nil {
		return err
	}
	b := &builder{graph: &pb.GraphProto{Name: proto.String("network")}, taken: map[string]bool{Input: true, Logits: true, Probabilities: true, LogProbabilities: true}}
	if err := b.addWeights(m.Network, operations); err != nil {
		return err
	}
	first, err := m.addInput(b)
	if err != nil {
		return err
	}
	last, shape, err := b.addOperations(operations, first, nn.Shape(append([]int{1}, m.Shape...)))
	if err != nil {
		return err
	}
	output := Logits
	switch {
	case (m.Softmax || m.LogSoftmax) && len(shape) != 2:
		return fmt.Errorf("softmax wants an output of N x classes, the network's is %v; leave softmax out", shape)
	case m.Softmax:
		output = b.node("Softmax", Probabilities, []string{last}, integer("axis", 1))
	case m.LogSoftmax:
		output = b.node("LogSoftmax", LogProbabilities, []string{last}, integer("axis", 1))
	default:
		b.rename(last, output)
	}
	b.graph.Output = []*pb.ValueInfoProto{valueInfo(output, pb.TensorProto_FLOAT, shape)}

	file := &pb.ModelProto{
		IrVersion:    proto.Int64(irVersion),
		ProducerName: proto.String(producerName),
		OpsetImport:  []*pb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(operatorSet)}},
		Graph:        b.graph,
	}
	if err := m.addMetadata(file); err != nil {
		return err
	}
	// A protobuf message of 2 GiB or more cannot be read anywhere.
	if size := proto.Size(file); size > math.MaxInt32 {
		return fmt.Errorf("the file would have %d bytes, but ONNX allows less than 2 GiB", size)
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(file)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

func (m *Model) addMetadata(file *pb.ModelProto) error {
	if m.Metadata == nil {
		return nil
	}
	pairs, err := m.Metadata.Pairs()
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		file.MetadataProps = append(file.MetadataProps, &pb.StringStringEntryProto{Key: proto.String(key), Value: proto.String(pairs[key])})
	}
	if v := m.Metadata.Inkling; v != "" {
		file.ProducerVersion = proto.String(v)
	}
	if a := m.Metadata.Architecture; a != "" {
		file.Graph.Name = proto.String(a)
	}
	return nil
}

// addInput declares the file's input and, with Pixels, what makes the network's
// input of it, in the order of transform.ToTensor and transform.Normalize. It
// returns the name of the network's input.
func (m *Model) addInput(b *builder) (string, error) {
	shape := append([]int{1}, m.Shape...)
	if !m.Pixels && m.ChannelsLast {
		return "", errors.New("channels can come last in pictures of bytes alone; set Pixels, too")
	}
	if !m.Pixels {
		b.graph.Input = []*pb.ValueInfoProto{valueInfo(Input, pb.TensorProto_FLOAT, shape)}
		return Input, nil
	}
	about := m.Metadata
	if about == nil || len(about.Mean) == 0 {
		return "", errors.New("the metadata does not say how pixels are normalised; set its Mean and Std")
	}
	if len(shape) != 4 || len(about.Mean) != len(about.Std) || len(about.Mean) != 1 && len(about.Mean) != shape[1] {
		return "", fmt.Errorf("pictures of %v cannot be normalised with %d means and %d standard deviations; wanted channels x height x width, and one of each or one for each channel", m.Shape, len(about.Mean), len(about.Std))
	}
	name := Input
	// order holds, for each dimension of the network's input, which one of the
	// file's input it is.
	order := []int{0, 1, 2, 3}
	if m.ChannelsLast {
		order = []int{0, 3, 1, 2}
	}
	if about.Orientation == weights.Transposed {
		order[2], order[3] = order[3], order[2]
	}
	pictures := make([]int, len(order))
	for i, from := range order {
		pictures[from] = shape[i]
	}
	b.graph.Input = []*pb.ValueInfoProto{valueInfo(Input, pb.TensorProto_UINT8, pictures)}
	if !slices.IsSorted(order) {
		name = b.node("Transpose", b.name("transposed"), []string{name}, integers("perm", order...))
	}
	name = b.node("Cast", b.name("pixels"), []string{name}, integer("to", int(pb.TensorProto_FLOAT)))
	perChannel := []int{len(about.Mean), 1, 1}
	name = b.node("Div", b.name("to_tensor"), []string{name, b.constant(toTensorPrefix+"max", nil, []float32{255})})
	name = b.node("Sub", b.name("centred"), []string{name, b.constant(normalizePrefix+"mean", perChannel, about.Mean)})
	return b.node("Div", b.name("normalize"), []string{name, b.constant(normalizePrefix+"std", perChannel, about.Std)}), nil
}

// valueInfo declares a value; its first dimension is the batch.
func valueInfo(name string, kind pb.TensorProto_DataType, shape []int) *pb.ValueInfoProto {
	dims := []*pb.TensorShapeProto_Dimension{{Value: &pb.TensorShapeProto_Dimension_DimParam{DimParam: batchName}}}
	for _, n := range shape[1:] {
		dims = append(dims, &pb.TensorShapeProto_Dimension{Value: &pb.TensorShapeProto_Dimension_DimValue{DimValue: int64(n)}})
	}
	return &pb.ValueInfoProto{Name: proto.String(name), Type: &pb.TypeProto{Value: &pb.TypeProto_TensorType{
		TensorType: &pb.TypeProto_Tensor{ElemType: proto.Int32(int32(kind)), Shape: &pb.TensorShapeProto{Dim: dims}},
	}}}
}

// tensorProto is a tensor of float32.
func tensorProto(name string, shape []int, values []float32) *pb.TensorProto {
	t := &pb.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(pb.TensorProto_FLOAT))}
	for _, n := range shape {
		t.Dims = append(t.Dims, int64(n))
	}
	t.RawData = make([]byte, 0, 4*len(values))
	for _, v := range values {
		t.RawData = binary.LittleEndian.AppendUint32(t.RawData, math.Float32bits(v))
	}
	return t
}
