package weights

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestObjects reads what PyTorch wrote of checkpoints with objects beside the
// weights, of quantised networks, of TorchScript programs and of tensors that
// cannot be read: the tensors are what PyTorch says they are, bit for bit.
func TestObjects(t *testing.T) {
	folder := filepath.Join("pth", "testdata")
	text, err := os.ReadFile(filepath.Join(folder, "objects.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]map[string]struct {
		Shape []int
		DType string
		Bits  []int32
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	if len(expected) < 12 {
		t.Fatalf("only %d files in objects.json", len(expected))
	}
	paths := map[string]string{"three_levels.pth": "run.last.weights_of_it"}
	for name, tensors := range expected {
		t.Run(name, func(t *testing.T) {
			file, err := Read(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			if len(file.Tensors) != len(tensors) {
				t.Errorf("%d tensors, want %d", len(file.Tensors), len(tensors))
			}
			for _, got := range file.Tensors {
				want, ok := tensors[got.Name]
				if !ok {
					t.Errorf("%s is no tensor of the file", got.Name)
					continue
				}
				if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || (got.Quantization != nil) != strings.HasPrefix(want.DType, "q") {
					t.Errorf("%s is %s %v %+v, want %s %v", got.Name, got.DType, got.Shape, got.Quantization, want.DType, want.Shape)
				}
				values := got.Float32s()
				if len(values) != len(want.Bits) {
					t.Errorf("%s has %d values, want %d", got.Name, len(values), len(want.Bits))
					continue
				}
				for i, v := range values {
					if math.Float32bits(v) != uint32(want.Bits[i]) {
						t.Errorf("%s[%d] is %v, want %v", got.Name, i, v, math.Float32frombits(uint32(want.Bits[i])))
					}
				}
			}
			path := paths[name]
			if strings.HasPrefix(name, "objects_") {
				path = "net"
			}
			if file.StatePath != path {
				t.Errorf("the state dict lies at %q, want %q", file.StatePath, path)
			}
			if script := strings.HasSuffix(name, ".pt"); file.Script != script {
				t.Errorf("a TorchScript program: %v, want %v", file.Script, script)
			}
		})
	}
}

// TestLeftOut lists what is beside the weights, numbers and texts with their
// values.
func TestLeftOut(t *testing.T) {
	for _, name := range []string{"objects_protocol2.pth", "objects_protocol4.pth", "objects_protocol5.pth", "objects_legacy.pth"} {
		file, err := Read(filepath.Join("pth", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, l := range file.LeftOut {
			found[l.Path] = strings.TrimSpace(l.What + " " + l.Value)
		}
		for path, want := range map[string]string{
			"acc": "a float 0.25", "step": "an int 7", "flag": "a bool True", "half": "a float 1.5", "epoch": "an int 3", "name": "a str résumé",
			"args": "an object of the class argparse.Namespace", "path": "an object of the class pathlib.PurePosixPath",
			"counts": "an object of the class collections.Counter", "pair": "an object of the class __main__.Pair",
			"meter": "an object of the class __main__.Meter", "reduced": "an object of the class __main__.Reduced", "stated": "an object of the class __main__.Stated",
			"slotted": "an object of the class __main__.Slotted", "class": "the name __main__.Net", "array": "a NumPy array", "big": "an int", "losses": "a list of 3",
		} {
			if found[path] != want {
				t.Errorf("%s: %s is %q, want %q", name, path, found[path], want)
			}
		}
		// Of the meter, a tensor is left.
		if len(file.Others) != 1 || file.Others[0].Name != "meter.best" {
			t.Errorf("%s: other tensors %v", name, file.Others)
		}
		for _, want := range []string{"argparse.Namespace", "__main__.Meter"} {
			if !slices.Contains(file.Names, want) {
				t.Errorf("%s: the names are %q", name, file.Names)
			}
		}
	}
	file, err := Read(filepath.Join("pth", "testdata", "unread.pth"))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, l := range file.LeftOut {
		if !l.Tensor {
			t.Errorf("%+v is no tensor", l)
		}
		kinds = append(kinds, l.Path+" "+l.What)
	}
	want := []string{"complex a tensor of complex numbers (complex64)", "sparse a sparse tensor", "csr a sparse tensor", "meta a tensor without data (of the device meta)",
		"conjugate a tensor of complex numbers (complex64)", "nested.a a tensor of complex numbers (complex64)"}
	if !slices.Equal(kinds, want) {
		t.Errorf("left out %q, want %q", kinds, want)
	}
	// The network that wants one is told why it is not there.
	e := &param{name: "complex", shape: []int{1}}
	if err := Restore("unread.pth", file, []*param{e}); err == nil || !strings.Contains(err.Error(), "missing in the file: complex (it is a tensor of complex numbers (complex64), which is not read)") {
		t.Errorf("error %v", err)
	}
}

// TestCheckState has files of which nothing tells what to load.
func TestCheckState(t *testing.T) {
	for says, f := range map[string]*File{
		`a.pth holds 2 state dicts (gan.gen, gan.0), and nothing tells which one is meant; in PyTorch save the one that is wanted: torch.save(torch.load(path)["gan"]["gen"], new_path)`: {StatePaths: []string{"gan.gen", "gan.0"}},
		"a.pth holds 6 state dicts (a, a, a, a, 2 more)":                           {StatePaths: slices.Repeat([]string{"a"}, 6)},
		"a.pth holds no state dict, only 1 tensor outside one, such as x":          {Others: []Tensor{NewTensor("x", nil, []float32{1})}},
		"a.pth holds no tensors that can be read, only an object of the class a.B": {LeftOut: []LeftOut{{What: "an object of the class a.B"}}},
		"a.pth holds no tensors": {},
	} {
		if err := f.CheckState("a.pth"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}
