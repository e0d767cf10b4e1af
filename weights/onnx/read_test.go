package onnx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
	"inkling/weights/internal/hostile"
)

func readAll(data []byte) error {
	_, err := Read(bytes.NewReader(data), int64(len(data)))
	return err
}

// TestReadsOwn takes the weights from what Write wrote.
func TestReadsOwn(t *testing.T) {
	net := models.NewLeNet(10, 1)
	about := weights.Metadata{Architecture: "LeNet", Inkling: "v1", Mean: []float32{0.5}, Std: []float32{0.25}, Orientation: weights.Transposed}
	for _, pixels := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "model.onnx")
		if err := (&Model{Network: net, Shape: []int{1, 28, 28}, Metadata: &about, Pixels: pixels, Softmax: pixels}).Save(path); err != nil {
			t.Fatal(err)
		}
		file, err := weights.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if others := len(file.Others); file.Format != "onnx" || others > 0 != pixels || file.Metadata.Architecture != "LeNet" || file.Metadata.Orientation != weights.Transposed {
			t.Errorf("format %s, %d others, metadata %+v", file.Format, others, file.Metadata)
		}
		other := models.NewLeNet(10, 2)
		if err := weights.Load(path, nn.State(other)); err != nil {
			t.Fatal(err)
		}
		want := nn.State(net)
		for i, e := range nn.State(other) {
			if !reflect.DeepEqual(weights.TensorOf(e), weights.TensorOf(want[i])) {
				t.Errorf("%s has changed", e.Name())
			}
		}
		c, err := ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		input, output := Port{Input, "float32", []string{"N", "1", "28", "28"}}, Port{Logits, "float32", []string{"N", "10"}}
		if pixels {
			input.DType, output.Name = "uint8", Probabilities
		}
		if !reflect.DeepEqual(c.Inputs, []Port{input}) || !reflect.DeepEqual(c.Outputs, []Port{output}) || c.OperatorSet != 17 || c.Producer != "inkling v1" || c.Operators["Conv"] != 2 {
			t.Errorf("got %+v", c)
		}
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := weights.Save(path, nn.State(net)); err == nil || !strings.Contains(err.Error(), "tensors alone make no file of the format onnx") {
		t.Errorf("saving tensors: %v", err)
	}
}

// TestReadsPyTorch takes the weights from a network that PyTorch exported.
func TestReadsPyTorch(t *testing.T) {
	got, err := weights.Read(filepath.Join("testdata", "torch.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := weights.Read(filepath.Join("testdata", "torch.pth"))
	if err != nil {
		t.Fatal(err)
	}
	// How many batches a normalisation has seen is of no use to a graph.
	want.Tensors = slices.DeleteFunc(want.Tensors, func(t weights.Tensor) bool { return strings.HasSuffix(t.Name, "num_batches_tracked") })
	if !reflect.DeepEqual(got.Tensors, want.Tensors) || got.Format != "onnx" {
		t.Errorf("got %+v", got.Tensors)
	}
	c, err := ReadFile(filepath.Join("testdata", "torch.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c.Inputs, []Port{{"image", "float32", []string{"batch", "1", "4", "4"}}}) || c.Outputs[0].Name != "scores" || !strings.HasPrefix(c.Producer, "pytorch 1.") {
		t.Errorf("got %+v", c)
	}
}

// bytesField and numberField are fields of a message.
func bytesField(number protowire.Number, content ...string) string {
	return string(protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), strings.Join(content, "")))
}

func numberField(number protowire.Number, value uint64) string {
	return string(protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), value))
}

// file is a model of one graph.
func file(graph ...string) []byte {
	return []byte(numberField(1, 8) + bytesField(modelProducerName, "test") + bytesField(modelGraph, graph...))
}

// weight is an initializer of two numbers, with fields before what is said.
func weight(name string, kind uint64, fields ...string) string {
	return bytesField(graphInitializer, bytesField(tensorName, name), numberField(tensorType, kind), numberField(tensorDims, 2), strings.Join(fields, ""))
}

func floats(values ...float32) string {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return string(b)
}

// TestEveryType has each type of elements as raw bytes and as a list.
func TestEveryType(t *testing.T) {
	for _, test := range []struct {
		kind   uint64
		name   string
		fields string
		want   []float32
	}{
		{1, "float32", bytesField(tensorRaw, floats(1, -2)), []float32{1, -2}},
		{1, "float32", bytesField(tensorFloats, floats(1, -2)), []float32{1, -2}},
		{1, "float32", "\x25" + floats(1) + "\x25" + floats(-2), []float32{1, -2}}, // alone
		{11, "float64", bytesField(tensorDoubles, "\x00\x00\x00\x00\x00\x00\xf8\xbf\x00\x00\x00\x00\x00\x00\xf0\x3f"), []float32{-1.5, 1}},
		{10, "float16", bytesField(tensorRaw, "\x00\xbe\x00\x3c"), []float32{-1.5, 1}},
		{10, "float16", bytesField(tensorInt32s, "\x80\xfc\x02\x80\x78"), []float32{-1.5, 1}},
		{16, "bfloat16", bytesField(tensorRaw, "\xc0\xbf\x80\x3f"), []float32{-1.5, 1}},
		{2, "uint8", bytesField(tensorInt32s, "\x01\xff\x01"), []float32{1, 255}},
		{3, "int8", bytesField(tensorRaw, "\x01\xff"), []float32{1, -1}},
		{6, "int32", numberField(tensorInt32s, 7) + numberField(tensorInt32s, 1<<64-1), []float32{7, -1}},
		{7, "int64", bytesField(tensorInt64s, "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), []float32{1, -1}},
		{12, "uint32", bytesField(tensorUint64s, "\x01\x02"), []float32{1, 2}},
		{9, "bool", bytesField(tensorInt32s, "\x00\x01"), []float32{0, 1}},
	} {
		data := file(weight("w", test.kind, test.fields))
		c, err := Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := c.Tensors[0]; got.DType != test.name || !slices.Equal(got.Float32s(), test.want) || !slices.Equal(got.Shape, []int{2}) {
			t.Errorf("%s: %+v, want %v", test.name, got, test.want)
		}
	}
}

func TestHostile(t *testing.T) {
	raw := bytesField(tensorRaw, floats(1, 2))
	good := weight("w", 1, raw)
	type test struct {
		name string
		data []byte
		says string
	}
	tests := []test{
		{"nothing", nil, "0 bytes"},
		{"a web page", []byte("<html>"), "this is no ONNX file"},
		{"a version alone", []byte("\x08\x08"), "this is no ONNX file"},
		{"no graph", []byte(numberField(1, 8) + bytesField(modelProducerName, "test")), "no graph"},
		{"two graphs", append(file(good), bytesField(modelGraph)...), "two graphs"},
		{"a graph that is a number", []byte(numberField(1, 8) + bytesField(2, "") + numberField(modelGraph, 1)), "wrong wire type"},
		{"a field of 2^63 bytes", []byte("\x08\x08\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), "said to hold 9223372036854775807 bytes"},
		{"an endless number", []byte("\x08\x08\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "damaged or cut short"},
		{"a group", append([]byte("\x08\x08\x12\x00"), "\x0b\x0c"...), "wire type 3"},
		{"field 0", append([]byte("\x08\x08\x12\x00"), "\x00\x00"...), "no field starts here"},
		{"a cut fixed number", append([]byte("\x08\x08\x12\x00"), "\x0d\x00"...), "damaged or cut short"},
		{"no name", file(weight("", 1, raw)), "without a name"},
		{"a name twice", file(good, good), `two tensors of the name "w"`},
		{"too few bytes", file(weight("w", 1, bytesField(tensorRaw, floats(1)))), "takes 8 bytes, and 4 are there"},
		{"too many bytes", file(weight("w", 1, bytesField(tensorRaw, floats(1, 2, 3)))), "takes 8 bytes, and 12 are there"},
		{"no elements", file(weight("w", 1)), "takes 8 bytes, and 0 are there"},
		{"elements in two places", file(weight("w", 1, raw, bytesField(tensorFloats, floats(1, 2)))), "in two places"},
		{"the list of another type", file(weight("w", 1, bytesField(tensorInt64s, "\x01\x02"))), "the list of another type"},
		{"a list with a cut number", file(weight("w", 7, bytesField(tensorInt64s, "\x01\xff"))), "a number is damaged"},
		{"a negative dimension", file(weight("w", 1, numberField(tensorDims, 1<<64-2), raw)), "dimension 1 of a tensor is -2"},
		{"an overflowing shape", file(weight("w", 1, numberField(tensorDims, 1<<40), numberField(tensorDims, 1<<40), raw)), "too large"},
		{"exabytes", file(weight("w", 1, numberField(tensorDims, 1<<38), raw)), "and 8 are there"},
		{"65 dimensions", file(weight("w", 1, bytesField(tensorDims, strings.Repeat("\x01", 64)), raw)), "at most 64 dimensions"},
		{"dimensions that are cut", file(weight("w", 1, bytesField(tensorDims, "\xff"), raw)), "a number is damaged"},
		{"an unknown type", file(weight("w", 99, raw)), "type 99"},
		{"texts", file(weight("w", 8, bytesField(tensorTexts, "a"))), "holds texts"},
		{"complex numbers", file(weight("w", 14, raw)), "type 14"},
		{"segments", file(weight("w", 1, bytesField(tensorSegment, ""), raw)), "segments"},
		{"another file above", file(weight("w", 1, bytesField(tensorExternal, bytesField(1, "location"), bytesField(2, "../../etc/passwd")), numberField(tensorLocation, 1))), "nothing but this one is at hand"},
		{"another file, not said so", file(weight("w", 1, bytesField(tensorExternal, bytesField(1, "location"), bytesField(2, "a")))), "both here and in another file, or in neither"},
		{"nowhere", file(weight("w", 1, numberField(tensorLocation, 1))), "both here and in another file, or in neither"},
		{"in two places", file(weight("w", 1, bytesField(tensorRaw, floats(1, 2)), bytesField(tensorExternal, bytesField(1, "location"), bytesField(2, "a")), numberField(tensorLocation, 1))), "both here and in another file, or in neither"},
		{"sparse weights", file(bytesField(graphSparse, "")), "sparse"},
		{"a weight that is a number", file(numberField(graphInitializer, 1)), "wrong wire type"},
		{"metadata twice", append(file(), strings.Repeat(bytesField(modelMetadata, bytesField(1, "a"), bytesField(2, "b")), 2)...), "the name a twice"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { hostile.Refused(t, readAll, test.data, test.says) })
	}
	for n := range len(file(good)) {
		hostile.Refused(t, readAll, file(good)[:n], "")
	}
	const n = 50_000
	for name, data := range map[string][]byte{
		"weights":    file(strings.Repeat(weight("w", 1, raw), n)),
		"empty":      file(strings.Repeat(bytesField(graphInitializer), n)),
		"inputs":     file(strings.Repeat(bytesField(graphInput), n)),
		"dimensions": file(bytesField(graphInput, bytesField(2, bytesField(1, bytesField(2, strings.Repeat(bytesField(1), n)))))),
		"operators":  file(strings.Repeat(bytesField(graphNode, bytesField(nodeKind, "Conv")), n)),
		"kinds": file(func() string {
			var b strings.Builder
			for i := range n {
				b.WriteString(bytesField(graphNode, bytesField(nodeKind, fmt.Sprint(i))))
			}
			return b.String()
		}()),
		"metadata": append(file(), strings.Repeat(bytesField(modelMetadata), n)...),
		"zeros":    file(weight("w", 7, bytesField(tensorInt64s, strings.Repeat("\x00", 1_000_000)))),
		"lists":    file(weight("w", 7, strings.Repeat(bytesField(tensorInt64s), n))),
		"shape":    file(weight("w", 1, strings.Repeat(bytesField(tensorDims), n))),
	} {
		t.Run(name, func(t *testing.T) { hostile.InMemory(t, readAll, data) })
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := (&Model{Network: identity{}, Shape: []int{3}}).Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(file(weight("w", 1, bytesField(tensorRaw, floats(1, 2)))))
	f.Add(file(weight("w", 7, bytesField(tensorInt64s, "\x01\x02"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		read := func(r io.ReaderAt, size int64) error { _, err := Read(r, size); return err }
		if err := hostile.Bounded(t, read, data); err != nil {
			hostile.Refused(t, readAll, data, "")
		}
	})
}
