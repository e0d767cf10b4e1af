package main

import (
	"bytes"
	"inkling"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

func mustConvert(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(append([]string{"convert"}, args...), nil, &stdout, &stderr); status != statusOK {
		t.Fatalf("convert %v ended with status %d: %s", args, status, stderr.String())
	}
	return stdout.String()
}

// TestConvertRoundTrip takes a model through every format and back: tensors bit
// for bit and metadata are those of the beginning, and so is the file.
func TestConvertRoundTrip(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	about := weights.Metadata{
		Inkling: "v0.1.0", Architecture: inkling.Architecture, Dataset: "emnist", Split: "mnist", Classes: strings.Fields("null eins <2> 3 4 5 6 7 8 \"9\""),
		Mean: []float32{0.1307}, Std: []float32{0.3081}, Orientation: weights.Transposed, Input: []int{1, 28, 28},
		Extra: map[string]string{"epochs": "2", "note": "é\n\"中"},
	}
	network := models.NewLeNet(10, 1)
	if err := weights.Load(filepath.Join("..", "..", "weights", "testdata", "trained", "model.pth"), nn.State(network)); err != nil {
		t.Fatal(err)
	}
	if err := weights.Save(at("0.pth"), nn.State(network), about); err != nil {
		t.Fatal(err)
	}
	want, err := weights.Read(at("0.pth"))
	if err != nil {
		t.Fatal(err)
	}
	from := at("0.pth")
	for _, name := range []string{"1.safetensors", "2.npz", "3.pth", "4.npz", "5.safetensors", "6.pt"} {
		if said := mustConvert(t, from, at(name)); !strings.Contains(said, "What it says about itself was kept.") || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: %s", name, said)
		}
		from = at(name)
		got, err := weights.Read(from)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Others) > 0 {
			t.Errorf("%s holds tensors outside the state dict", name)
		}
		got.Format, got.Others = want.Format, want.Others
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s differs; it says of itself %+v", name, got.Metadata)
		}
	}
	first, err := os.ReadFile(at("0.pth"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"3.pth", "6.pt"} {
		if last, err := os.ReadFile(at(name)); err != nil || !bytes.Equal(first, last) {
			t.Errorf("%s differs from 0.pth, %v", name, err)
		}
	}
	said := mustConvert(t, from, at("7.onnx"), "--pixels")
	if strings.Contains(said, "assumed") {
		t.Errorf("something was assumed though the file says it: %s", said)
	}
}

// TestConvertSaysWhatIsLost converts a checkpoint of PyTorch.
func TestConvertSaysWhatIsLost(t *testing.T) {
	to := filepath.Join(t.TempDir(), "model.npz")
	said := mustConvert(t, filepath.Join("..", "..", "weights", "pth", "testdata", "checkpoint.pth"), to)
	for _, want := range []string{"\nBecame float32: ", "of int64", "\nLeft out: ", "outside the state dict, such as "} {
		if !strings.Contains(said, want) {
			t.Errorf("%q lacks %q", said, want)
		}
	}
	var stdout, stderr bytes.Buffer
	nested := filepath.Join("..", "..", "weights", "pth", "testdata", "nested.pth")
	if status := run([]string{"convert", nested, to, "--force"}, nil, &stdout, &stderr); status != statusFailed || !strings.Contains(stderr.String(), "holds no state dict") {
		t.Errorf("no state dict: status %d, %s", status, stderr.String())
	}
}
