package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
	"inkling/weights/onnx/internal/pb"
)

func written(t *testing.T, m Model) (*pb.ModelProto, []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	file := &pb.ModelProto{}
	if err := proto.Unmarshal(b.Bytes(), file); err != nil {
		t.Fatal(err)
	}
	return file, b.Bytes()
}

// describe lists a graph's operations: kind, inputs, output, attributes.
func describe(g *pb.GraphProto) []string {
	var list []string
	for _, n := range g.Node {
		line := fmt.Sprintf("%s(%s) %s", n.GetOpType(), strings.Join(n.Input, " "), strings.Join(n.Output, " "))
		for _, a := range n.Attribute {
			if a.GetType() == pb.AttributeProto_INTS {
				line += fmt.Sprintf(" %s=%v", a.GetName(), a.Ints)
			} else {
				line += fmt.Sprintf(" %s=%d", a.GetName(), a.GetI())
			}
		}
		list = append(list, line)
	}
	return list
}

func dims(v *pb.ValueInfoProto) string {
	var list []string
	for _, d := range v.GetType().GetTensorType().GetShape().GetDim() {
		if d.GetDimParam() != "" {
			list = append(list, d.GetDimParam())
		} else {
			list = append(list, fmt.Sprint(d.GetDimValue()))
		}
	}
	return fmt.Sprintf("%s %s %s", v.GetName(), pb.TensorProto_DataType(v.GetType().GetTensorType().GetElemType()), strings.Join(list, "x"))
}

func TestLeNet(t *testing.T) {
	net := models.NewLeNet(10, 1)
	about := weights.Metadata{Architecture: "LeNet", Inkling: "v1.2.3", Classes: []string{"a", "b"}, Mean: []float32{0.5}, Std: []float32{0.25}, Extra: map[string]string{"seed": "1"}}
	file, data := written(t, Model{Network: net, Shape: []int{1, 28, 28}, Metadata: &about})
	g := file.Graph
	if file.GetIrVersion() != 8 || len(file.OpsetImport) != 1 || file.OpsetImport[0].GetVersion() != 17 || file.OpsetImport[0].GetDomain() != "" ||
		file.GetProducerName() != "inkling" || file.GetProducerVersion() != "v1.2.3" || g.GetName() != "LeNet" {
		t.Errorf("head %v %v %s %s %s", file.GetIrVersion(), file.OpsetImport, file.GetProducerName(), file.GetProducerVersion(), g.GetName())
	}
	want := []string{
		"Conv(input conv1.weight conv1.bias) conv1 kernel_shape=[5 5] strides=[1 1] pads=[0 0 0 0] dilations=[1 1] group=1",
		"Relu(conv1) relu",
		"MaxPool(relu) maxpool2d kernel_shape=[2 2] strides=[2 2] pads=[0 0 0 0]",
		"Conv(maxpool2d conv2.weight conv2.bias) conv2 kernel_shape=[5 5] strides=[1 1] pads=[0 0 0 0] dilations=[1 1] group=1",
		"Relu(conv2) relu_2",
		"MaxPool(relu_2) maxpool2d_2 kernel_shape=[2 2] strides=[2 2] pads=[0 0 0 0]",
		"Flatten(maxpool2d_2) flatten axis=1",
		"Gemm(flatten fc1.weight fc1.bias) fc1 transB=1",
		"Relu(fc1) relu_3",
		"Gemm(relu_3 fc2.weight fc2.bias) fc2 transB=1",
		"Relu(fc2) relu_4",
		"Gemm(relu_4 fc3.weight fc3.bias) logits transB=1",
	}
	if got := describe(g); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := dims(g.Input[0]) + ", " + dims(g.Output[0]); got != "input FLOAT Nx1x28x28, logits FLOAT Nx10" {
		t.Error(got)
	}
	if len(g.ValueInfo) != 11 || dims(g.ValueInfo[6]) != "flatten FLOAT Nx256" {
		t.Errorf("%d values, %s", len(g.ValueInfo), dims(g.ValueInfo[6]))
	}
	var pairs []string
	for _, p := range file.MetadataProps {
		pairs = append(pairs, p.GetKey()+"="+p.GetValue())
	}
	if got := strings.Join(pairs, " "); got != `architecture=LeNet classes=["a","b"] format_version=1 inkling=v1.2.3 mean=[0.5] seed=1 std=[0.25]` {
		t.Error(got)
	}
	state := nn.State(net)
	if len(g.Initializer) != len(state) {
		t.Fatalf("%d tensors, want %d", len(g.Initializer), len(state))
	}
	for i, e := range state {
		tensor := g.Initializer[i]
		values := make([]float32, nn.Shape(e.Shape()).Elements())
		e.Read(values)
		same := tensorProto(e.Name(), e.Shape(), values)
		if !proto.Equal(tensor, same) || len(tensor.RawData) != 4*len(values) {
			t.Errorf("%s differs", e.Name())
		}
	}
	if _, again := written(t, Model{Network: net, Shape: []int{1, 28, 28}, Metadata: &about}); !bytes.Equal(data, again) {
		t.Error("the same model gave different bytes")
	}
	if file, _ := written(t, Model{Network: net, Shape: []int{1, 28, 28}}); len(file.MetadataProps) > 0 || file.Graph.GetName() != "network" {
		t.Errorf("no metadata was given, the file has %v", file.MetadataProps)
	}
}

func TestPixelsAndSoftmax(t *testing.T) {
	about := weights.Metadata{Mean: []float32{0.2, 0.7}, Std: []float32{0.5, 3}, Orientation: weights.Transposed}
	file, _ := written(t, Model{Network: newOdd(), Shape: []int{2, 9, 13}, Metadata: &about, Pixels: true, Softmax: true})
	want := []string{
		"Transpose(input) transposed perm=[0 1 3 2]",
		"Cast(transposed) pixels to=1",
		"Div(pixels to_tensor.max) to_tensor",
		"Sub(to_tensor normalize.mean) centred",
		"Div(centred normalize.std) normalize",
		"Conv(normalize first.weight) first kernel_shape=[3 3] strides=[2 2] pads=[1 1 1 1] dilations=[1 1] group=1",
		"Relu(first) relu",
		"Conv(relu blocks.0.conv.weight blocks.0.conv.bias) blocks.0.conv kernel_shape=[3 3] strides=[1 1] pads=[2 2 2 2] dilations=[2 2] group=2",
		"Relu(blocks.0.conv) relu_2",
		"Conv(relu_2 blocks.0.conv.weight blocks.0.conv.bias) blocks.0.conv_2 kernel_shape=[3 3] strides=[1 1] pads=[2 2 2 2] dilations=[2 2] group=2",
		"Add(relu blocks.0.conv_2) add",
		"MaxPool(add) maxpool2d kernel_shape=[3 3] strides=[2 2] pads=[1 1 1 1]",
		"Flatten(maxpool2d) flatten axis=1",
		"Gemm(flatten fc.weight) fc transB=1",
		"Relu(fc) relu_3",
		"Gemm(relu_3 fc.weight) fc_2 transB=1",
	}
	got := describe(file.Graph)
	if len(got) != len(want)+2 || got[len(got)-2] != "Gemm(fc_2 input.weight input.bias) input_2 transB=1" || got[len(got)-1] != "Softmax(input_2) probabilities axis=1" {
		t.Errorf("the end is %q", got[len(got)-2:])
	}
	if !slices.Equal(got[:len(want)], want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := dims(file.Graph.Input[0]) + ", " + dims(file.Graph.Output[0]); got != "input UINT8 Nx2x13x9, probabilities FLOAT Nx5" {
		t.Error(got)
	}
	for _, tensor := range file.Graph.Initializer {
		if tensor.GetName() == "normalize.std" && fmt.Sprint(tensor.Dims) != "[2 1 1]" || tensor.GetName() == "to_tensor.max" && len(tensor.Dims) > 0 {
			t.Errorf("%s has the shape %v", tensor.GetName(), tensor.Dims)
		}
	}
}

// negate is an operation that ONNX export does not know.
type negate struct{}

func (negate) Name() string                                { return "relu" } // a false name
func (negate) OutputShape(in []nn.Shape) (nn.Shape, error) { return in[0], nil }
func (negate) Forward(*nn.Call[float32])                   {}
func (negate) Backward(*nn.Call[float32])                  {}

type own struct{}

func (own) Forward(x *nn.Value) *nn.Value { return nn.Apply(negate{}, nil, x) }

// hidden has a parameter that its state dict does not name.
type hidden struct{ scale nn.Param }

func (h *hidden) Forward(x *nn.Value) *nn.Value {
	return nn.Apply(negate{}, []*nn.Param{&h.scale}, x)
}

// taken has a parameter that is called as the output.
type taken struct {
	Scale nn.Param `nn:"logits"`
}

func (h *taken) Forward(x *nn.Value) *nn.Value { return nn.Apply(negate{}, []*nn.Param{&h.Scale}, x) }

func TestErrors(t *testing.T) {
	net := models.NewLeNet(10, 1)
	shape := []int{1, 28, 28}
	for _, test := range []struct {
		says  string
		model Model
	}{
		{"no network", Model{}},
		{"conv2d conv1", Model{Network: net, Shape: []int{3, 28, 28}}},
		{"no dimension after the batch", Model{Network: net}},
		{"operation 1: relu has no equivalent", Model{Network: own{}, Shape: []int{3}}},
		{"the state dict does not name", Model{Network: &hidden{nn.NewParam(1)}, Shape: []int{3}}},
		{"logits has the name of the file's input or output", Model{Network: &taken{nn.NewParam(1)}, Shape: []int{3}}},
		{"set its Mean and Std", Model{Network: net, Shape: shape, Pixels: true}},
		{"set Pixels, too", Model{Network: net, Shape: shape, ChannelsLast: true}},
		{"set its Mean and Std", Model{Network: net, Shape: shape, Pixels: true, Metadata: &weights.Metadata{}}},
		{"2 means", Model{Network: net, Shape: shape, Pixels: true, Metadata: &weights.Metadata{Mean: []float32{0, 0}, Std: []float32{1, 1}}}},
		{"1 means and 0", Model{Network: net, Shape: shape, Pixels: true, Metadata: &weights.Metadata{Mean: []float32{0}}}},
		{"orientation is sideways", Model{Network: net, Shape: shape, Metadata: &weights.Metadata{Orientation: "sideways"}}},
		{"std", Model{Network: net, Shape: shape, Metadata: &weights.Metadata{Mean: []float32{0}, Std: []float32{float32(math.NaN())}}}},
		{"softmax wants", Model{Network: identity{}, Shape: shape, Softmax: true}},
	} {
		var b bytes.Buffer
		if err := test.model.Write(&b); err == nil || !strings.Contains(err.Error(), test.says) || b.Len() > 0 {
			t.Errorf("error %v after %d bytes, want %q", err, b.Len(), test.says)
		}
	}
	full := errors.New("disk full")
	if err := (&Model{Network: net, Shape: shape}).Write(failing{full}); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := (&Model{Network: net}).Save(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Save: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a failed Save left a file")
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
