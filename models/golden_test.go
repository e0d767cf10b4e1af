package models_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/torchrand"
)

// The network for colour pictures learns as PyTorch's from the same weights on.
// testdata/colour.py says how the losses were made.
func TestColourTraining(t *testing.T) {
	content, err := os.ReadFile("testdata/colour.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []float64
	if err := json.Unmarshal(content, &want); err != nil {
		t.Fatal(err)
	}
	const pictures, size, batch = 40, 3 * 32 * 32, 4
	images, labels := make([]float32, pictures*size), make([]int, pictures)
	for i := range images {
		images[i] = (float32(uint32(i)*2654435761>>24)/255 - 0.5) / 0.5
	}
	for i := range labels {
		labels[i] = i * 7 % 10
	}
	network, err := models.NewLeNetFor(3, 32, 32, 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	nn.InitUniform(network, torchrand.New(0).Symmetric)
	program, err := nn.CompileTrain(network, nn.CrossEntropy{}, &optim.SGD{LR: 0.02, Momentum: 0.9}, batch, 3, 32, 32)
	if err != nil {
		t.Fatal(err)
	}
	var worst float64
	for step, want := range want {
		at := step * batch % pictures
		loss := program.Step(images[at*size:(at+batch)*size], labels[at:at+batch])
		worst = max(worst, math.Abs(loss/want-1))
		if !(math.Abs(loss/want-1) <= 1e-5) {
			t.Errorf("step %d: loss %.7f, PyTorch has %.7f", step+1, loss, want)
		}
	}
	t.Logf("largest relative difference %.2g", worst)
}
