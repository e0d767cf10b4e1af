package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sbinet/npyio"

	"inkling/data"
	"inkling/models"
	"inkling/nn"
	"inkling/train"
	"inkling/transform"
	"inkling/weights"
)

func TestOpenModelRefuses(t *testing.T) {
	whole := weights.Metadata{Architecture: architecture, Input: []int{1, 28, 28}, Mean: []float32{0.5}, Std: []float32{0.5}}
	for name, test := range map[string]struct {
		change func(m *weights.Metadata)
		want   string
	}{
		"other network":  {func(m *weights.Metadata) { m.Architecture = "ResNet18" }, `holds the network "ResNet18", but only LeNet can be run`},
		"other pictures": {func(m *weights.Metadata) { m.Input = []int{3, 32, 32} }, "conv1.weight, wanted [6 3 5 5], got [6 1 5 5]"},
		"huge pictures":  {func(m *weights.Metadata) { m.Input = []int{1, 65536, 65536} }, "LeNet cannot read pictures of 65536x65536 pixels: their sides must be 16 to 256"},
		"colours": {func(m *weights.Metadata) {
			m.Input, m.Mean, m.Std = nil, []float32{0, 0, 0}, []float32{1, 1, 1}
		}, "3 means and standard deviations, but its pictures have 1 channel"},
		"more classes": {func(m *weights.Metadata) { m.Classes = []string{"a", "b", "c"} }, "fc3.weight, wanted [3 84], got [10 84]"},
	} {
		about := whole
		test.change(&about)
		path := filepath.Join(t.TempDir(), "model.pth")
		if err := weights.Save(path, nn.State(models.NewLeNet(10, 1)), about); err != nil {
			t.Fatal(err)
		}
		if _, err := openModel(path); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v, want %q", name, err, test.want)
		}
	}
}

// What a file does not say of its pictures, the weights tell.
func TestOpenModelInfersInput(t *testing.T) {
	for _, test := range []struct{ channels, height, width, side int }{{1, 28, 28, 28}, {3, 32, 32, 32}, {1, 31, 30, 28}, {4, 64, 64, 64}, {3, 28, 60, 0}} {
		network, err := models.NewLeNetFor(test.channels, test.height, test.width, 4, 1)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "model.pth")
		if err := weights.Save(path, nn.State(network)); err != nil {
			t.Fatal(err)
		}
		m, err := openModel(path)
		if test.side == 0 {
			if err == nil || !strings.Contains(err.Error(), "does not say what pictures its network reads, and its fc1.weight, 120x768, is not that of square ones") {
				t.Errorf("%+v: error %v", test, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		want := []int{test.channels, test.side, test.side}
		if got := m.input(); !slices.Equal(got, want) || !slices.Equal(m.about.Input, want) {
			t.Errorf("%+v: the network reads %v, want %v", test, got, want)
		}
		if note := fmt.Sprintf("pictures have %s and %dx%[2]d pixels", count(test.channels, "channel"), test.side); !slices.Contains(m.assumed, note) {
			t.Errorf("%+v: assumed is %q, want %q", test, m.assumed, note)
		}
	}
}

// A model of another shape is refused with everything that differs.
func TestOpenModelListsMismatches(t *testing.T) {
	type other struct {
		Conv1 nn.Conv2d
		FC3   nn.Linear
		Extra nn.Linear
	}
	net := &other{nn.Conv2d{In: 1, Out: 8, Kernel: 5}, nn.Linear{In: 84, Out: 7}, nn.Linear{In: 2, Out: 2}}
	nn.Init(net, rand.New(rand.NewPCG(1, 1)))
	path := filepath.Join(t.TempDir(), "model.pth")
	if err := weights.Save(path, nn.State(net)); err != nil {
		t.Fatal(err)
	}
	_, err := openModel(path)
	for _, want := range []string{"missing in the file: conv2.weight", "missing in the file: fc1.bias", "unexpected in the file: extra.weight", "wrong shape: conv1.weight, wanted [6 1 5 5], got [8 1 5 5]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func TestModelOrientation(t *testing.T) {
	for _, test := range []struct{ file, asked, otherwise, want string }{
		{"", "", weights.Transposed, weights.Transposed},
		{weights.Upright, "", weights.Transposed, weights.Upright},
		{weights.Transposed, "", weights.Upright, weights.Transposed},
		{weights.Upright, weights.Transposed, weights.Upright, weights.Transposed},
	} {
		m := &model{about: weights.Metadata{Orientation: test.file, Mean: []float32{0}, Std: []float32{1}}}
		m.orient(test.asked, test.otherwise, "as is usual")
		if m.about.Orientation != test.want {
			t.Errorf("%+v: pictures lie %s", test, m.about.Orientation)
		}
		if told := len(m.assumed) == 1; told != (test.file == "" && test.asked == "") {
			t.Errorf("%+v: assumptions are %q", test, m.assumed)
		}
		pipeline, err := transform.Compile(m.transform(), 1, 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		got, want := make([]float32, 4), []float32{0, 1, 0, 0}
		if test.want == weights.Transposed {
			want = []float32{0, 0, 1, 0}
		}
		if pipeline.Apply(got, []byte{0, 255, 0, 0}); !slices.Equal(got, want) {
			t.Errorf("%+v: the network sees %v, want %v", test, got, want)
		}
	}
}

// PyTorch's own model must read every test picture as PyTorch does.
func TestPyTorchModel(t *testing.T) {
	const shared = "../../../shared"
	for name, test := range map[string]struct {
		data    string
		correct int
	}{
		"trained":        {"mnist", 9857},
		"trained_emnist": {shared + "/data/emnist-mnist", 9878},
	} {
		folder := filepath.Join(shared, "golden", name)
		if _, err := os.Stat(folder); err != nil {
			t.Skipf("PyTorch's trained models are not beside the repository: %v", err)
		}
		m, err := openModel(filepath.Join(folder, "model.pth"))
		if err != nil {
			t.Fatal(err)
		}
		set, err := findPictures(test.data)
		if err != nil {
			t.Fatal(err)
		}
		m.orient("", set.stored, "as in the files")
		d, err := set.open(false)
		if err != nil {
			t.Fatal(err)
		}
		e, err := train.Evaluate(t.Context(), m.network, d, m.transform(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if e.Correct() != test.correct {
			t.Errorf("%s: %d of the 10000 are right, want %d as in PyTorch", name, e.Correct(), test.correct)
		}
		comparePredictions(t, m, d, filepath.Join(folder, "pred_test_u8.npy"))
	}
}

func comparePredictions(t *testing.T, m *model, d data.Dataset, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var want []uint8
	if err := npyio.Read(f, &want); err != nil {
		t.Fatal(err)
	}
	reader, err := newReader(m, m.transform())
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Len() {
		pixels, _, err := d.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		probabilities, err := reader.read(pixels)
		if err != nil {
			t.Fatal(err)
		}
		if got := train.Argmax(probabilities); got != int(want[i]) {
			t.Errorf("picture %d is read as %d, PyTorch reads %d", i, got, want[i])
		}
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{"conv1.weight": "conv1.weight", "é": "é", "a\x1b[2Jb": `"a\x1b[2Jb"`, "two\nlines": `"two\nlines"`} {
		if got := printable(text); got != want {
			t.Errorf("%q became %s, want %s", text, got, want)
		}
	}
}

func TestOutput(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 44426: "44,426", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %s, want %s", n, got, want)
		}
	}
	if got := count(1, "epoch") + ", " + count(2000, "epoch"); got != "1 epoch, 2,000 epochs" {
		t.Error(got)
	}
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("the median of three is %v, want 2", got)
	}
	if got := median([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Errorf("the median of four is %v, want 2.5", got)
	}
}

func TestExplainDiverged(t *testing.T) {
	o := trainOptions{out: "m.pth"}
	o.sgd.LR = 5
	diverged := &train.DivergedError{Epoch: 3, Batch: 7, Loss: math.Inf(1)}
	if got, want := o.explain(diverged, train.Result{}).Error(), "the loss became +Inf in epoch 3 at batch 7: training diverged, try a smaller learning rate than --lr 5; nothing was saved, and m.pth was not touched"; got != want {
		t.Errorf("before the first epoch was over: %q, want %q", got, want)
	}
	if got, want := o.explain(diverged, train.Result{Epochs: 2}).Error(), "; m.pth holds the model as it was after epoch 2"; !strings.HasSuffix(got, want) {
		t.Errorf("later: %q, want %q at the end", got, want)
	}
}

func TestMultiplyAdds(t *testing.T) {
	if forwardMultiplyAdds != 281640 || trainingMultiplyAdds != 758520 {
		t.Errorf("a picture takes %d multiply-adds forward and %d in training, want 281640 and 758520", forwardMultiplyAdds, trainingMultiplyAdds)
	}
}
