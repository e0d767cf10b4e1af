package digits_test

import (
	"os"
	"strings"
	"testing"

	"inkling/data"
	"inkling/data/emnist"
	"inkling/data/mnist/embedded"
	"inkling/internal/realdata"
	"inkling/models"
	"inkling/models/digits"
	"inkling/nn"
	"inkling/sketch"
)

// DigitNet reads what the model card says.
func TestDigitNet(t *testing.T) {
	info, err := os.Stat("digitnet.pth")
	if err != nil || info.Size() > 2_000_000 {
		t.Errorf("digitnet.pth: %v, %v, want less than 2 MB", info, err)
	}
	if testing.Short() {
		t.Skip("reads thousands of digits")
	}
	for _, test := range []struct {
		name   string
		claims float64
		open   func(t *testing.T) (data.Dataset, error)
	}{
		{"EMNIST's test pictures", 0.9977, func(t *testing.T) (data.Dataset, error) {
			files, err := realdata.EMNISTTest()
			if err != nil {
				t.Fatal(err)
			}
			return emnist.Open(files, "mnist", false, emnist.Upright)
		}},
		{"MNIST's test pictures, as they are", 0.9972, func(*testing.T) (data.Dataset, error) { return embedded.Test() }},
		{"the strokes of writers not trained on", 0.9960, func(t *testing.T) (data.Dataset, error) {
			var pixels, labels []byte
			for _, d := range unseenDrawings(t) {
				result, err := sketch.FromStrokes(sketch.Drawing{Strokes: d.Strokes}, sketch.EMNIST)
				if err != nil {
					t.Fatal(err)
				}
				pixels, labels = append(pixels, result.Pixels[:]...), append(labels, d.Label[0]-'0')
			}
			return data.NewMemory(pixels, labels, strings.Split("0123456789", ""), 1, sketch.Size, sketch.Size)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := test.open(t)
			if err != nil {
				t.Fatal(err)
			}
			if got := evaluate(t, digits.DigitNet, d); rounded(got) < test.claims {
				t.Errorf("%.3f%% are read, want what README.md says, %v%%", 100*got, 100*test.claims)
			} else {
				t.Logf("%.3f%%", 100*got)
			}
		})
	}
}

// Every built-in network is there by its name, and no other.
func TestOpen(t *testing.T) {
	for _, name := range digits.Names() {
		network, about, err := digits.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(about.Classes, "") != "0123456789" || !strings.EqualFold(about.Architecture, name) {
			t.Errorf("%s: metadata is %+v", name, about)
		}
		if _, isLeNet := network.(*models.LeNet); isLeNet != (name == digits.LeNet) {
			t.Errorf("%s is a %T", name, network)
		}
	}
	if _, _, err := digits.Open("resnet18"); err == nil || !strings.Contains(err.Error(), `no built-in network "resnet18"; there are digitnet and lenet`) {
		t.Errorf("%v, want one that lists the names", err)
	}
}

// BenchmarkDigitNet reads one digit on one processor.
func BenchmarkDigitNet(b *testing.B) {
	network, _, err := digits.Open(digits.DigitNet)
	if err != nil {
		b.Fatal(err)
	}
	program, err := nn.Compile(network, 1, 1, sketch.Size, sketch.Size)
	if err != nil {
		b.Fatal(err)
	}
	program.SetWorkers(1)
	picture := make([]float32, sketch.Size*sketch.Size)
	for b.Loop() {
		program.Forward(picture)
	}
}
