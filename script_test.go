package inkling

import (
	"strings"
	"testing"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

// What a TorchScript program computes is not read, and that is said.
func TestScriptIsAssumed(t *testing.T) {
	for _, script := range []bool{false, true} {
		file := &weights.File{Script: script}
		for _, e := range nn.State(models.NewLeNet(10, 1)) {
			file.Tensors = append(file.Tensors, weights.TensorOf(e))
		}
		m, err := (&Options{}).Use("lenet.pt", file)
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(strings.Join(m.Assumed, "\n"), "TorchScript program, whose code is not read"); said != script {
			t.Errorf("a program: %v, assumed: %q", script, m.Assumed)
		}
	}
}
