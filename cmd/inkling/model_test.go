package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbinet/npyio"

	"inkling"
	"inkling/data"
	"inkling/internal/realdata"
	"inkling/optim"
	"inkling/train"
)

// PyTorch's own model must read every test picture as PyTorch does.
func TestPyTorchModel(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 20,000 pictures")
	}
	published, err := realdata.EMNISTTest()
	if err != nil {
		t.Fatal(err)
	}
	emnistFiles := t.TempDir()
	if err := os.CopyFS(emnistFiles, published); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		data    string
		correct int
	}{
		"trained":        {"mnist", 9857},
		"trained_emnist": {emnistFiles, 9878},
	} {
		folder := filepath.Join("..", "..", "weights", "testdata", name)
		m, err := inkling.Open(filepath.Join(folder, "model.pth"))
		if err != nil {
			t.Fatal(err)
		}
		set, err := findPictures(test.data)
		if err != nil {
			t.Fatal(err)
		}
		m.Orient("", set.stored, "as in the files")
		d, err := set.open(false)
		if err != nil {
			t.Fatal(err)
		}
		e, err := train.Evaluate(t.Context(), m.Network, d, m.Transform(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if e.Correct() != test.correct {
			t.Errorf("%s: %d of the 10000 are right, want %d as in PyTorch", name, e.Correct(), test.correct)
		}
		comparePredictions(t, m, d, filepath.Join(folder, "pred_test_u8.npy"))
	}
}

func comparePredictions(t *testing.T, m *inkling.Classifier, d data.Dataset, path string) {
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
	reader, err := inkling.NewReader(m, m.Transform())
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Len() {
		pixels, _, err := d.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		probabilities, err := reader.Read(pixels)
		if err != nil {
			t.Fatal(err)
		}
		if got := train.Argmax(probabilities); got != int(want[i]) {
			t.Errorf("picture %d is read as %d, PyTorch reads %d", i, got, want[i])
		}
	}
}

func TestOutput(t *testing.T) {
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("the median of three is %v, want 2", got)
	}
	if got := median([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Errorf("the median of four is %v, want 2.5", got)
	}
}

func TestExplainDiverged(t *testing.T) {
	o := trainOptions{out: "m.pth"}
	o.optimizer = &optim.SGD{LR: 5}
	diverged := &train.DivergedError{Epoch: 3, Batch: 7, Loss: math.Inf(1)}
	if got, want := o.explain(diverged, &saver{}).Error(), "the loss became +Inf in epoch 3 at batch 7: training diverged, try a smaller learning rate than --lr 5; nothing was saved, and m.pth was not touched"; got != want {
		t.Errorf("before the first epoch was over: %q, want %q", got, want)
	}
	if got, want := o.explain(diverged, &saver{begun: true, epoch: 2}).Error(), "; m.pth holds the model as it was after epoch 2"; !strings.HasSuffix(got, want) {
		t.Errorf("later: %q, want %q at the end", got, want)
	}
}

// What inkling bench counts of LeNet is what PyTorch's counter counts: outputs x inputs
// of each, and in training three times as much less the gradient of the picture.
func TestMultiplyAdds(t *testing.T) {
	b, err := (&benchFlags{net: "LeNet", runs: 1}).bench(newBench())
	if err != nil {
		t.Fatal(err)
	}
	for job, want := range map[string]float64{"predict": 281640, "train": 758520} {
		if _, got, err := b.step(job, 3, 1); err != nil || got != want {
			t.Errorf("%s: %v multiply-adds of a picture (%v), want %v", job, got, err, want)
		}
	}
}
