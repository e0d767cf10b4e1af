package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"inkling/weights"
)

// TestRunOfPictures lets a network of pictures run on an array: of the size that the array
// has, with what is assumed of the network alone, and without what is for pictures.
func TestRunOfPictures(t *testing.T) {
	var input string
	for _, test := range []struct {
		file  string
		size  int
		wants string
	}{
		{"padding_state_dict.pth", 28, "as the array has them"},
		{"padding_whole.pth", 28, "__main__.LeNet, whose code is not in the file, computes its layers as LeNet does"},
	} {
		input = filepath.Join(t.TempDir(), "input.npy")
		zeros := weights.NewTensor("input", []int{2, 1, test.size, test.size}, make([]float32, 2*test.size*test.size))
		if err := weights.Write(input, []weights.Tensor{zeros}); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		if status := run([]string{"run", filepath.Join("testdata", "cases", test.file), "--input", input}, nil, &stdout, &stderr); status != statusOK {
			t.Fatal(stderr.String())
		}
		said := stdout.String()
		for _, want := range []string{"output: float32 2x10", "does not say everything about its network", test.wants} {
			if !strings.Contains(said, want) {
				t.Errorf("run %s says %q, want %q in it", test.file, said, want)
			}
		}
		if strings.Contains(said, "classes") || strings.Contains(said, "normalised") {
			t.Errorf("run says %q, which is of pictures", said)
		}
	}
	padded := filepath.Join("testdata", "cases", "padding_whole.pth")
	for _, option := range []string{"--mean=0", "--std=1", "--classes=a,b", "--label-offset=1", "--orientation=upright"} {
		if text := fails(t, "run", padded, "--input", input, option); !strings.Contains(text, "run takes and writes arrays as they are") {
			t.Errorf("run %s says %q", option, text)
		}
	}
}
