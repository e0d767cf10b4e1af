package weights_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"inkling/data"
	"inkling/data/emnist"
	"inkling/data/mnist/embedded"
	"inkling/internal/realdata"
	"inkling/models"
	"inkling/nn"
	"inkling/train"
	"inkling/weights"
)

// TestTrained loads networks that PyTorch trained in the tutorial's two epochs,
// and computes what PyTorch computes of the test pictures: the outputs for the
// first 1,000, and the digits that are read in all 10,000.
func TestTrained(t *testing.T) {
	t.Run("MNIST", func(t *testing.T) {
		pictures, err := embedded.Test()
		if err != nil {
			t.Fatal(err)
		}
		checkTrained(t, filepath.Join("testdata", "trained"), pictures)
	})
	t.Run("EMNIST", func(t *testing.T) {
		files, err := realdata.EMNISTTest()
		if err != nil {
			t.Fatal(err)
		}
		pictures, err := emnist.Open(files, "mnist", false, emnist.Raw)
		if err != nil {
			t.Fatal(err)
		}
		checkTrained(t, filepath.Join("testdata", "trained_emnist"), pictures)
	})
}

func checkTrained(t *testing.T, folder string, pictures data.Dataset) {
	t.Helper()
	net := models.NewLeNet(10, 1)
	if err := weights.Load(filepath.Join(folder, "model.pth"), nn.State(net)); err != nil {
		t.Fatal(err)
	}
	const batch, size = 100, 28 * 28
	program, err := nn.Compile(net, batch, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	if pictures.Len() != 10_000 {
		t.Fatalf("%d pictures", pictures.Len())
	}
	var logits []float32
	for first := 0; first < pictures.Len(); first += batch {
		input := make([]float32, 0, batch*size)
		for i := first; i < first+batch; i++ {
			pixels, _, err := pictures.Example(i)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range pixels {
				input = append(input, (float32(b)/255-0.5)/0.5)
			}
		}
		logits = append(logits, program.Forward(input)...)
	}
	read := func(name string) []float32 {
		file, err := weights.Read(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return file.Tensors[0].Float32s()
	}
	const most = 1e-4
	worst := 0.0
	want := read("logits_test1000.npy")
	if len(want) != 1000*10 {
		t.Fatalf("%d outputs", len(want))
	}
	for i, w := range want {
		worst = max(worst, math.Abs(float64(logits[i]-w)))
	}
	t.Logf("outputs: at most %.2g apart", worst)
	if !(worst <= most) {
		t.Errorf("the outputs are up to %g from PyTorch's, at most %g allowed", worst, most)
	}
	var digits []float32
	for output := range slices.Chunk(logits, 10) {
		digits = append(digits, float32(train.Argmax(output)))
	}
	if want := read("pred_test_u8.npy"); !slices.Equal(digits, want) {
		different := 0
		for i := range digits {
			if digits[i] != want[i] {
				different++
			}
		}
		t.Errorf("%d of 10,000 digits are read as others than by PyTorch", different)
	}
}
