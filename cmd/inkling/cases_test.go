package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
	"inkling/weights/npy"
)

// said runs a command, which must succeed, and returns what it printed.
func said(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(args, nil, &stdout, &stderr); status != statusOK {
		t.Fatalf("%v ended with status %d: %s", args, status, stderr.String())
	}
	return stdout.String()
}

// TestFilesAsPeopleHaveThem has info and convert say what is in files that people
// have, see testdata/cases/README.md, and what convert leaves out.
func TestFilesAsPeopleHaveThem(t *testing.T) {
	objects := filepath.Join("..", "..", "weights", "pth", "testdata")
	for _, test := range []struct {
		path          string
		info, convert []string
	}{
		{filepath.Join("testdata", "cases", "numpy_scalar.pth"),
			[]string{"44,426 parameters in 10 tensors of 5 layers", "The state dict lies under net.\nBeside the tensors, and left out:\n  acc    a float, 97.38\n  epoch  an int, 31\n"},
			[]string{"10 tensors, 44,426 numbers", "\nLeft out, for it is no tensor:\n  acc    a float, 97.38\n  epoch  an int, 31\n"}},
		{filepath.Join("testdata", "cases", "quantised.pth"),
			[]string{"\nfc1.weight    120x256   qint8    30,720\n", "44,426 parameters in 10 tensors of 5 layers", "\n  fc1.weight  0.0022318316623568535 * (q - 0), qint8 from -128 to 105\n"},
			[]string{"\nBecame float32: 3 tensors, such as fc1.weight of qint8.\n"}},
		{filepath.Join("testdata", "cases", "lightning.ckpt"),
			[]string{"\nmodel.conv1.weight ", "The state dict lies under state_dict.", "\n  pytorch-lightning_version  a str, 2.1.0\n"},
			[]string{"\n  global_step                an int, 100\n"}},
		{filepath.Join("testdata", "cases", "external.onnx"),
			[]string{"44,426 parameters in 10 tensors of 5 layers (format onnx)", "\nconv1.weight  6x1x5x5   float32  150\n"},
			[]string{"10 tensors, 44,426 numbers"}},
		{filepath.Join(objects, "objects_protocol4.pth"),
			[]string{"Not trained: 5 numbers in 3 buffers, such as norm.running_mean.", "\n  args     an object of the class argparse.Namespace\n", "\n  and 20 more\n",
				"Python names in it, none of them looked up or called: argparse.Namespace, pathlib.PosixPath"},
			[]string{"\n  step     an int, 7\n"}},
		{filepath.Join(objects, "script.pt"),
			[]string{"It is a TorchScript program, of the class Net. Its tensors were read, and nothing of its code was run."},
			[]string{"It was a TorchScript program, of the class Net; its tensors were taken"}},
		{filepath.Join(objects, "three_levels.pth"), []string{"The state dict lies under run.last.weights_of_it."}, []string{"The state dict lies under run.last.weights_of_it."}},
		{filepath.Join(objects, "quantised_kinds.pth"),
			[]string{"\n  channel_qint8   scale * (q - zero point), one for each of 3 along dimension 0: scales 0.1 to 0.3333333333333333, zero points 1 to 3, qint8 from "},
			[]string{"Became float32: 6 tensors, such as tensor_qint8 of qint8."}},
	} {
		checks := map[string][]string{
			said(t, "info", test.path): test.info,
			said(t, "convert", test.path, filepath.Join(t.TempDir(), "out.npz")): test.convert,
		}
		for text, wanted := range checks {
			for _, want := range wanted {
				if !strings.Contains(text, want) {
					t.Errorf("%s lacks %q", text, want)
				}
			}
		}
		if !json.Valid([]byte(said(t, "info", test.path, "--json"))) {
			t.Errorf("%s: --json is none", test.path)
		}
	}
	// What lies beside a .onnx must be there.
	alone := filepath.Join(t.TempDir(), "alone.onnx")
	content, err := os.ReadFile(filepath.Join("testdata", "cases", "external.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(alone, content, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if status := run([]string{"info", alone}, nil, &stdout, &stderr); status != statusFailed || !strings.Contains(stderr.String(), "model.onnx.data is not beside the file; put both into one folder") {
		t.Errorf("status %d, %s", status, stderr.String())
	}
	stderr.Reset()
	out := filepath.Join(t.TempDir(), "out.npz")
	if status := run([]string{"convert", filepath.Join(objects, "unread.pth"), out}, nil, &stdout, &stderr); status != statusFailed ||
		!strings.Contains(stderr.String(), "complex in the state dict is a tensor of complex numbers (complex64), which is not read") {
		t.Errorf("status %d, %s", status, stderr.String())
	}
	if text := said(t, "info", filepath.Join(objects, "unread.pth")); !strings.Contains(text, "\n  sparse     a sparse tensor\n") {
		t.Errorf("%s says nothing of the sparse tensor", text)
	}
}

// TestQuantisedBecomesFloat has the numbers that the quantised weights stand for
// in a network.
func TestQuantisedBecomesFloat(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.pth")
	said(t, "convert", filepath.Join("testdata", "cases", "quantised.pth"), out)
	network := models.NewLeNet(10, 1)
	if err := weights.Load(out, nn.State(network)); err != nil {
		t.Fatal(err)
	}
	file, err := weights.Read(filepath.Join("testdata", "cases", "quantised.pth"))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range nn.State(network) {
		values := make([]float32, nn.Shape(e.Shape()).Elements())
		e.Read(values)
		tensor := file.Tensors[i]
		if !slices.Equal(values, tensor.Float32s()) {
			t.Errorf("%s differs", e.Name())
		}
		if q := tensor.Quantization; q != nil {
			for j, v := range values {
				if want := float32(q.Scales[0]) * float32(int8(tensor.Data[j])); v != want {
					t.Fatalf("%s[%d] is %v, want %v", e.Name(), j, v, want)
				}
			}
		}
	}
}

// TestArchiveWithMore has a .npz with members that are no arrays of numbers, the
// first of them no array at all.
func TestArchiveWithMore(t *testing.T) {
	folder := t.TempDir()
	var array bytes.Buffer
	a := npy.New("", []int{2}, []float32{1, 2})
	if err := npy.Write(&array, &a); err != nil {
		t.Fatal(err)
	}
	texts := bytes.Replace(array.Bytes(), []byte("'<f4'"), []byte("'<U1'"), 1)
	complexes := bytes.Replace(bytes.Replace(array.Bytes(), []byte("'<f4'"), []byte("'<c8'"), 1), []byte("(2,)"), []byte("(1,)"), 1)
	write := func(name string, members ...any) string {
		t.Helper()
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i := 0; i < len(members); i += 2 {
			w, err := z.Create(members[i].(string))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(members[i+1].([]byte)); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := write("more.npz", "README.txt", []byte("read me"), "w.npy", array.Bytes(), "labels.npy", texts)
	lines := "  README.txt  no array\n  labels.npy  an array of texts\n"
	if text := said(t, "info", path); !strings.Contains(text, "Beside the tensors, and left out:\n"+lines) || !strings.Contains(text, "2 parameters in 1 tensor") {
		t.Error(text)
	}
	if text := said(t, "convert", path, filepath.Join(folder, "out.pth")); !strings.Contains(text, "Left out, for it is no tensor:\n"+lines) {
		t.Error(text)
	}
	path = write("complex.npz", "w.npy", array.Bytes(), "c.npy", complexes)
	var stdout, stderr bytes.Buffer
	if status := run([]string{"convert", path, filepath.Join(folder, "no.pth")}, nil, &stdout, &stderr); status != statusFailed ||
		!strings.Contains(stderr.String(), "c.npy in the state dict is an array of complex numbers, which is not read") {
		t.Errorf("status %d, %s", status, stderr.String())
	}
}

// TestSeveralStateDicts has a file of two networks.
func TestSeveralStateDicts(t *testing.T) {
	path := filepath.Join("..", "..", "weights", "pth", "testdata", "two_networks.pth")
	text := said(t, "info", path)
	for _, want := range []string{"two_networks.pth: 2 state dicts, 12 numbers in 4 tensors (format pth).", "\nThe state dicts lie under gen, disc; nothing tells which one is meant.\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %q", text, want)
		}
	}
	var stdout, stderr bytes.Buffer
	if status := run([]string{"convert", path, filepath.Join(t.TempDir(), "no.npz")}, nil, &stdout, &stderr); status != statusFailed ||
		!strings.Contains(stderr.String(), `holds 2 state dicts (gen, disc), and nothing tells which one is meant; in PyTorch save the one that is wanted: torch.save(torch.load(path)["gen"], new_path)`) {
		t.Errorf("status %d, %s", status, stderr.String())
	}
}
