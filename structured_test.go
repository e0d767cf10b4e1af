package inkling

import (
	"archive/zip"
	"encoding/json"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/nn"
	"inkling/weights"
	"inkling/weights/onnx"
)

// networks unpacks the networks that testdata/structures/make.py made, and what
// PyTorch computes with each.
func networks(t *testing.T) (folder string, expected map[string][]float64) {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join("testdata", "structures", "networks.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	folder = t.TempDir()
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, f.Name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &expected); err != nil {
		t.Fatal(err)
	}
	return folder, expected
}

// answer lets a model look at the picture that PyTorch was given.
func answer(t *testing.T, m *Classifier) []float64 {
	t.Helper()
	channels, height, width := m.Network.Input()
	reader, err := NewReader(m, m.Transform())
	if err != nil {
		t.Fatal(err)
	}
	pixels := make([]byte, channels*height*width)
	for i := range pixels {
		pixels[i] = byte(i * 37 % 256)
	}
	probabilities, err := reader.Read(pixels)
	if err != nil {
		t.Fatal(err)
	}
	var list []float64
	for _, p := range probabilities {
		list = append(list, float64(p))
	}
	return list
}

// probabilitiesOf makes probabilities of what PyTorch's network gave.
func probabilitiesOf(output []float64, m *Classifier) []float64 {
	if m.Output == "Softmax" {
		return output
	}
	sum := 0.0
	for _, v := range output {
		sum += math.Exp(v)
	}
	var list []float64
	for _, v := range output {
		list = append(list, math.Exp(v)/sum)
	}
	return list
}

func checkAnswer(t *testing.T, name string, m *Classifier, expected []float64) {
	t.Helper()
	got, want := answer(t, m), probabilitiesOf(expected, m)
	for i := range want {
		if len(got) != len(want) || math.Abs(got[i]-want[i]) > 2e-6 {
			t.Errorf("%s: the model says %v, PyTorch %v", name, got, want)
			return
		}
	}
}

// checkWhole holds the network with the end that the file's has to PyTorch's output.
func checkWhole(t *testing.T, name string, m *Classifier, expected []float64) {
	t.Helper()
	channels, height, width := m.Network.Input()
	p, err := nn.Compile(m.Whole(), 1, channels, height, width)
	if err != nil {
		t.Fatal(err)
	}
	pixels := make([]float32, channels*height*width)
	for i := range pixels {
		pixels[i] = (float32(i*37%256)/255 - m.About.Mean[0]) / m.About.Std[0]
	}
	for i, got := range p.Forward(pixels) {
		if math.Abs(float64(got)-expected[i]) > 1e-5*max(1, math.Abs(expected[i])) {
			t.Errorf("%s: output %d is %v, PyTorch's %v", name, i, got, expected[i])
		}
	}
}

// What is refused of the networks in testdata, and what the refusal must say. What
// stands here under a name without an ending is refused in both files.
var refusedNetworks = map[string]string{
	"celu.script.pt":      "CELU",
	"celu.trace.pt":       "CELU",
	"hooked.pth":          "Sequential with a hook (the whole) computes what is not in the file",
	"layernorm-plain.pth": "it has no weights to tell whether it normalises one dimension of 10 or several",
	"lppool.pth":          "LPPool2d(kernel_size=2, norm_type=2, stride=2) where LeNet has MaxPool2d(kernel_size=2, stride=2) (module 2)",
	"decides.pth":         "of the class __main__.Decides with Conv2d, Linear",
	"decides.script.pt":   "its program decides by the size of what an operation computed",
	"functions.pth":       "of the class __main__.Functions with Conv2d, BatchNorm2d, Linear",
	"repeats.pth":         "of the class __main__.Repeats with Conv2d, Linear",
	"repeats.script.pt":   "its program has a loop",
	"own-odd.script.pt":   "operation 2, torch.mul computes with 2 between layers",
	"own-odd.trace.pt":    "operation 2, torch.mul computes with the tensor constants.0 between layers",
	"own-odd.pth":         "__main__.Odd where LeNet has ReLU (module 1)",
	"residual.pth":        "of the class __main__.Residual with Conv2d, Conv2d, Linear, and what is computed between these is said by the class's code",
	"residual.script.pt":  "operation 5, torch.add, reads what an earlier operation computed, so that branches join",
	"residual.trace.pt":   "operation 5, torch.add, reads what an earlier operation computed, so that branches join",
	"softmax-batch.pth":   "Softmax(dim=0) (module 9) is not over the classes",
	"softmax-batch.onnx":  "depends on the other pictures",
}

// Of networks whose code is not in the file something is assumed, which may be wrong;
// here it is.
var mistakenNetworks = map[string]string{
	"net-tanh.pth": "__main__.Net, whose code is not in the file, computes its layers as LeNet does, with ReLU after every one but the last",
	"prepared.pth": "__main__.Prepared computes its layers in the order in which they were made",
}

// A file that says what its network computes is run as that, or refused with what
// cannot be run: never is another network run. What is exported from it again is the
// same network, and so are its tensors alone with the metadata that are kept.
func TestOpenRunsWhatTheFileSays(t *testing.T) {
	folder, expected := networks(t)
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		for _, ending := range []string{".pth", ".onnx", ".script.pt", ".trace.pt"} {
			file := name + ending
			path := filepath.Join(folder, file)
			if _, err := os.Stat(path); err != nil {
				continue
			}
			// A .pth does not say the size.
			options := &Options{Height: 12, Width: 12}
			if m := (&Options{Height: 16, Width: 16}); strings.HasPrefix(name, "lenet") || strings.HasPrefix(name, "net") || strings.HasPrefix(name, "modules") {
				options = m
			}
			m, err := options.Open(path)
			want := refusedNetworks[file] + refusedNetworks[name]
			if want != "" {
				if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
					t.Errorf("%s: error is %v, want %q", file, err, want)
				}
				checkTensorsAlone(t, path, options, nil)
				continue
			}
			if err != nil {
				t.Error(err)
				continue
			}
			if why := mistakenNetworks[file]; why != "" {
				if !slices.ContainsFunc(m.Assumed, func(text string) bool { return strings.Contains(text, why) }) {
					t.Errorf("%s: assumed is %q, want %q", file, m.Assumed, why)
				}
				continue
			}
			checkAnswer(t, file, m, expected[name])
			checkWhole(t, file, m, expected[name])
			checkTensorsAlone(t, path, options, expected[name])
			if m.Architecture() == graphName { // which is written as it is
				continue
			}
			about := m.Said()
			again := filepath.Join(t.TempDir(), "again.onnx")
			model := onnx.Model{Network: m.Network, Shape: m.Input(), Metadata: &about, Softmax: m.Output == "Softmax", LogSoftmax: m.Output == "LogSoftmax"}
			if err := model.Save(again); err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			exported, err := Open(again)
			if err != nil {
				t.Errorf("%s exported again: %v", file, err)
				continue
			}
			if exported.Output != m.Output {
				t.Errorf("%s ends with %q, exported again with %q", file, m.Output, exported.Output)
			}
			if got, want := answer(t, exported), answer(t, m); !slices.Equal(got, want) {
				t.Errorf("%s: the model says %v, exported again %v", file, want, got)
			}
		}
	}
}

// checkTensorsAlone writes the tensors of a file, as convert does, and looks whether
// they are opened as the same network, or refused if that was.
func checkTensorsAlone(t *testing.T, path string, options *Options, expected []float64) {
	t.Helper()
	file, err := weights.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	about, _, err := (&Options{}).MetadataFor(path, file)
	if err != nil {
		t.Fatal(err)
	}
	var list []weights.Metadata
	if about != nil {
		list = append(list, *about)
	}
	alone := filepath.Join(t.TempDir(), filepath.Base(path)+".safetensors")
	if err := weights.Write(alone, file.Tensors, list...); err != nil {
		t.Fatal(err)
	}
	m, err := options.Open(alone)
	if expected == nil {
		if err == nil {
			t.Errorf("%s is refused, but its tensors are opened as %s with %q", path, m.Architecture(), m.Assumed)
		}
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	checkAnswer(t, filepath.Base(path)+", the tensors alone", m, expected)
}

// A file that cannot be opened says what it holds in place of the weights, and names the
// file once.
func TestOpeningSaysWhatThereIs(t *testing.T) {
	lenet, err := NewClassifier("lenet", Options{Classes: []string{"a", "b"}, Height: 28, Width: 28, Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	var tensors []weights.Tensor
	for _, e := range nn.State(lenet.Network) {
		tensors = append(tensors, weights.NewTensor(e.Name(), e.Shape(), make([]float32, nn.Shape(e.Shape()).Elements())))
	}
	sparse := weights.LeftOut{Path: tensors[0].Name, What: "a sparse tensor", Tensor: true, InState: true}
	for says, f := range map[string]*weights.File{
		"holds 2 state dicts (a, b), and nothing tells which one is meant":                        {StatePaths: []string{"a", "b"}},
		"holds no tensors that can be read, only a sparse tensor":                                 {LeftOut: []weights.LeftOut{sparse}},
		"missing in the file: " + tensors[0].Name + " (it is a sparse tensor, which is not read)": {Tensors: tensors[1:], LeftOut: []weights.LeftOut{sparse}},
		"Its layers compute with quantised numbers (scale, zero_point), which is not run":         {Tensors: append(slices.Clone(tensors), weights.NewTensor("conv1.zero_point", nil, []float32{0}))},
	} {
		_, err := (&Options{}).Use("a.pth", f)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Count(err.Error(), "a.pth") != 1 {
			t.Errorf("error is %v, want %q and the file's name once", err, says)
		}
	}
}
