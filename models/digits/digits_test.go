package digits_test

import (
	"context"
	"image"
	"os"
	"strings"
	"testing"

	"inkling/data"
	"inkling/data/emnist"
	"inkling/data/mnist/embedded"
	"inkling/models/digits"
	"inkling/nn"
	"inkling/sketch"
	"inkling/train"
	"inkling/transform"
	"inkling/weights"
)

func TestLoad(t *testing.T) {
	network, about, err := digits.Load()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(about.Classes, ""); got != "0123456789" {
		t.Errorf("the classes are %q", got)
	}
	if about.Orientation != weights.Upright || len(about.Mean) != 1 || sketch.ForModel(about.Dataset, about.Split) != sketch.EMNIST {
		t.Errorf("metadata is %+v", about)
	}
	// Who changes one network does not change the other.
	other, _, err := digits.Load()
	if err != nil {
		t.Fatal(err)
	}
	state := nn.State(network)[0]
	state.Write(make([]float32, nn.Shape(state.Shape()).Elements()))
	values := make([]float32, nn.Shape(state.Shape()).Elements())
	if nn.State(other)[0].Read(values); values[0] == 0 {
		t.Error("two networks share their weights")
	}
	info, err := os.Stat("digits.pth")
	if err != nil || info.Size() > 200_000 {
		t.Errorf("digits.pth: %v, %v, want less than 200 kB", info, err)
	}
}

func evaluate(t *testing.T, d data.Dataset) float64 {
	t.Helper()
	network, about, err := digits.Load()
	if err != nil {
		t.Fatal(err)
	}
	steps := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: about.Mean, Std: about.Std}}
	e, err := train.Evaluate(context.Background(), network, d, steps, 1)
	if err != nil {
		t.Fatal(err)
	}
	return e.Accuracy()
}

func TestAccuracyOnEMNIST(t *testing.T) {
	d, err := emnist.Open(os.DirFS("../../../shared/data/emnist-mnist"), "mnist", false, emnist.Upright)
	if err != nil {
		t.Skip("EMNIST's test pictures are not there")
	}
	if got := evaluate(t, d); got < 0.995 {
		t.Errorf("the network reads %.2f%% of EMNIST's test pictures, want what README.md says, 99.56%%", 100*got)
	}
}

// MNIST was not trained on: its pictures are read after they were prepared as any
// picture is.
func TestAccuracyOnMNIST(t *testing.T) {
	d, err := embedded.Test()
	if err != nil {
		t.Fatal(err)
	}
	const pictures = 1000
	var pixels, labels []byte
	for i := range pictures {
		p, label, err := d.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		r, err := sketch.FromPicture(&image.Gray{Pix: p, Stride: sketch.Size, Rect: image.Rect(0, 0, sketch.Size, sketch.Size)}, sketch.EMNIST)
		if err != nil {
			t.Fatal(err)
		}
		pixels, labels = append(pixels, r.Pixels[:]...), append(labels, byte(label))
	}
	prepared, err := data.NewMemory(pixels, labels, d.Classes(), 1, sketch.Size, sketch.Size)
	if err != nil {
		t.Fatal(err)
	}
	if got := evaluate(t, prepared); got < 0.97 {
		t.Errorf("the network reads %.2f%% of MNIST's test pictures, want 97%% or more", 100*got)
	} else {
		t.Logf("%.2f%%", 100*got)
	}
}
