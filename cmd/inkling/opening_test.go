package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// runJSON runs a command that must succeed and reads the JSON that it prints.
func runJSON(t *testing.T, into any, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(append(args, "--json"), nil, &stdout, &stderr); status != statusOK {
		t.Fatalf("%v ended with status %d: %s", args, status, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), into); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
}

// tested is what inkling test prints.
type tested struct {
	Correct        int
	Loss           float64
	Assumed, Notes []string
}

// fails runs a command that must fail, and returns what it says.
func fails(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(args, nil, &stdout, &stderr); status == statusOK {
		t.Errorf("%v succeeded: %s", args, stdout.String())
	}
	return stderr.String()
}

// TestOpening holds files of PyTorch to the number of MNIST's 10,000 test pictures
// that PyTorch reads with them, and what is assumed of them to what they leave open.
// What is made of them by convert is held to the same.
func TestOpening(t *testing.T) {
	const lenet, size, padded, classes, pixels = "the network is LeNet", "pictures have 1 channel and 28x28 pixels",
		"pictures have 1 channel and 28x28 pixels, and the first convolution has a padding of 2, as those of MNIST",
		"the classes are called 0 to 9", "pixels are normalised"
	for i, test := range []struct {
		file    string
		options []string
		correct int
		assumed []string // how each begins
		notes   []string // what each holds
	}{
		{"numpy_scalar.pth", nil, 9533, []string{lenet, size, classes, pixels, "pictures lie"}, nil},
		{"quantised.pth", nil, 9533, // 9,536 in PyTorch, which also quantises what the layers read
			[]string{lenet, size, classes, pixels, "pictures lie"}, nil},
		{"external.onnx", nil, 9533, []string{classes, pixels, "pictures lie"}, nil},
		{"lightning.ckpt", nil, 9533, []string{lenet, size, classes, pixels, "pictures lie"}, []string{"begin with model., which was taken off"}},
		{"lightning.ckpt", []string{"--rename", "model.="}, 9533, []string{lenet, size, classes, pixels, "pictures lie"}, nil},
		{"sequential_state_dict.pth", nil, 9533, []string{lenet, size, classes, pixels, "pictures lie"}, []string{"called 0, 3, 7, 9, 11; by their order and shapes they were taken for conv1, conv2, fc1, fc2, fc3"}},
		{"sequential_state_dict.pth", []string{"--rename", "0=conv1", "--rename", "3=conv2", "--rename", "7=fc1", "--rename", "9=fc2", "--rename", "11=fc3"}, 9533,
			[]string{lenet, size, classes, pixels, "pictures lie"}, nil},
		{"sequential_whole.pth", nil, 9533, []string{size, classes, pixels, "pictures lie"}, nil},
		{"normalisation_unsaid.pth", []string{"--mean", "0", "--std", "0.00392156862745098"}, 9305, []string{lenet, size, classes, "pictures lie"}, nil},
		{"normalisation_unsaid.pth", []string{"--mean", "0", "--std", "1/255", "--orientation", "upright", "--size", "28", "--classes", "0,1,2,3,4,5,6,7,8,9"}, 9305, []string{lenet}, nil},
		{"padding_state_dict.pth", nil, 9542, []string{lenet, padded, classes, pixels, "pictures lie"}, nil},
		{"padding_state_dict.pth", []string{"--padding", "2"}, 9542, []string{lenet, size, classes, pixels, "pictures lie"}, nil},
		{"padding_state_dict.pth", []string{"--size", "28"}, 9542, []string{lenet, "the first convolution has a padding of 2, for otherwise", classes, pixels, "pictures lie"}, nil},
		{"padding_whole.pth", nil, 9542, []string{"__main__.LeNet, whose code is not in the file, computes its layers as LeNet does", size, classes, pixels, "pictures lie"}, nil},
		{"padding_model.onnx", nil, 9542, []string{classes, pixels, "pictures lie"}, nil},
		{"tanh_avgpool.onnx", nil, 9297, []string{classes, pixels, "pictures lie"}, nil},
	} {
		if testing.Short() && i > 1 {
			break
		}
		name := test.file + " " + strings.Join(test.options, " ")
		path := filepath.Join("testdata", "cases", test.file)
		var got tested
		runJSON(t, &got, append([]string{"test", path, "--data", "mnist"}, test.options...)...)
		if got.Correct != test.correct {
			t.Errorf("%s: %d of 10000 pictures are read, PyTorch reads %d", name, got.Correct, test.correct)
		}
		if !slices.EqualFunc(got.Assumed, test.assumed, strings.HasPrefix) {
			t.Errorf("%s: assumed is %q, want %q", name, got.Assumed, test.assumed)
		}
		if !slices.EqualFunc(got.Notes, test.notes, strings.Contains) {
			t.Errorf("%s: the notes are %q, want %q", name, got.Notes, test.notes)
		}
		const some = "500" // pictures
		var before tested
		runJSON(t, &before, append([]string{"test", path, "--data", "mnist", "--limit", some}, test.options...)...)
		for _, ending := range []string{".onnx", ".pth", ".safetensors"} {
			to := filepath.Join(t.TempDir(), "converted"+ending)
			options := test.options
			if strings.HasPrefix(test.file, "padding_state") && len(options) == 0 {
				options = []string{"--size", "28"} // which nothing else tells convert
			}
			said := mustConvert(t, append([]string{path, to}, options...)...)
			if ending == ".onnx" && len(test.assumed) > 3 && !strings.Contains(said, test.assumed[0]) {
				t.Errorf("%s to %s: %q does not say %q", name, ending, said, test.assumed[0])
			}
			var again tested
			if runJSON(t, &again, "test", to, "--data", "mnist", "--limit", some); again.Correct != before.Correct || math.Abs(again.Loss-before.Loss) > 1e-6 {
				t.Errorf("%s converted to %s: %d pictures are read with a loss of %v, want %d and %v", name, ending, again.Correct, again.Loss, before.Correct, before.Loss)
			}
			if len(again.Assumed) > len(got.Assumed) || slices.ContainsFunc(again.Notes, func(note string) bool { return strings.Contains(note, "but") }) {
				t.Errorf("%s converted to %s: assumed is %q, notes are %q", name, ending, again.Assumed, again.Notes)
			}
		}
	}
}

// TestOpeningRefuses holds what options cannot make of a file to a sentence.
func TestOpeningRefuses(t *testing.T) {
	names := filepath.Join(t.TempDir(), "names.txt")
	if err := os.WriteFile(names, []byte("\ufeffzero\r\none\r\ntwo\r\n\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		file    string
		options []string
		says    string
	}{
		{"padding_state_dict.pth", []string{"--size", "60"}, "its fc1.weight, 120x400, is not that of a LeNet for pictures of 60x60 pixels; it suits 32x32 with a padding of 0 and 0, 28x28 with a padding of 2 and 0"},
		{"padding_state_dict.pth", []string{"--size", "32"}, "the network reads 1x32x32"},
		{"padding_state_dict.pth", []string{"--padding", "two"}, `--padding: "two" is no padding`},
		{"padding_state_dict.pth", []string{"--padding", "9"}, "cannot have a padding of 9"},
		{"padding_model.onnx", []string{"--padding", "0"}, "its network says that convolution 1 (node 1 of 12, /conv1/Conv) has a padding of 2, so it cannot be 0"},
		{"padding_model.onnx", []string{"--padding", "2,0,1"}, "its network has 2 convolutions, but the padding of 3 was given"},
		{"padding_whole.pth", []string{"--padding", "1"}, "convolution 1 (module conv1) has a padding of 2, so it cannot be 1"},
		{"padding_model.onnx", []string{"--size", "32"}, "its network reads pictures of 28x28 pixels, not 32x32"},
		{"lightning.ckpt", []string{"--rename", "nothing=x"}, `no tensor is called "nothing" or begins with it`},
		{"lightning.ckpt", []string{"--rename", "model"}, `--rename: "model" does not say what becomes what, want OLD=NEW`},
		{"lightning.ckpt", []string{"--rename", "model.conv1=model.conv2"}, `two tensors would be called "model.conv2.weight"`},
		{"lightning.ckpt", []string{"--mean", "grey", "--std", "1"}, `--mean: "grey" is no number`},
		{"lightning.ckpt", []string{"--mean", "0.5"}, "not their standard deviation; --std says it"},
		{"lightning.ckpt", []string{"--mean", "0.5", "--std", "0"}, "--std is 0, want numbers above 0"},
		{"lightning.ckpt", []string{"--mean", "0,0,0", "--std", "1"}, "3 means and standard deviations, but its pictures have 1 channel"},
		{"lightning.ckpt", []string{"--classes", names}, "there are names for 3 classes, but the network tells 10 apart"},
		{"lightning.ckpt", []string{"--classes", "nowhere.txt"}, `there is no file "nowhere.txt"`},
		{"lightning.ckpt", []string{"--classes", "a,b,,d"}, "class 2 has no name"},
		{"lightning.ckpt", []string{"--label-offset", "10"}, "the label offset is 10, but the network has only 10 outputs"},
		{"lightning.ckpt", []string{"--label-offset", "-1"}, "--label-offset is -1"},
		{"lightning.ckpt", []string{"--label-offset", "1"}, "has 11 outputs, but this one has 10"},
		{"lightning.ckpt", []string{"--size", "big"}, `--size: "big" is no size`},
	} {
		path := filepath.Join("testdata", "cases", test.file)
		said := fails(t, append([]string{"test", path, "--data", "mnist"}, test.options...)...)
		if !strings.Contains(said, test.says) || strings.Contains(said, "strconv") {
			t.Errorf("%s %v: %q, want %q", test.file, test.options, said, test.says)
		}
	}
}

// A network of which nothing tells the size reads pictures of the size that the first
// one has, or drawings', as on the page.
func TestPredictFitsThePictures(t *testing.T) {
	folder := t.TempDir()
	for _, side := range []int{28, 32, 50} {
		img := image.NewGray(image.Rect(0, 0, side, side))
		for y := side / 4; y < side*3/4; y++ {
			img.SetGray(side/2, y, color.Gray{Y: 255})
			img.SetGray(side/2+1, y, color.Gray{Y: 255})
		}
		path := filepath.Join(folder, strconv.Itoa(side)+".png")
		if err := writeWith(path, func(w io.Writer) error { return png.Encode(w, img) }); err != nil {
			t.Fatal(err)
		}
		want := map[int]string{28: "28x28 pixels, and the first convolution has a padding of 2, as that of " + path, 32: "32x32 pixels", 50: "28x28 pixels, and the first convolution has a padding of 2, as drawings become"}[side]
		if text := said(t, "predict", filepath.Join("testdata", "cases", "padding_state_dict.pth"), path); !strings.Contains(text, want) {
			t.Errorf("%d pixels: %q lacks %q", side, text, want)
		}
	}
}
