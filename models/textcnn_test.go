package models

import (
	"fmt"
	"testing"

	"inkling/nn"
)

// TestApart compiles a network for training that leaves out phrases or tallies, and one for
// inference, in which both count.
func TestApart(t *testing.T) {
	config := Config{Channels: 1, Height: 1, Width: 4, Classes: 3, Tokens: 9}
	losses := map[string]float64{}
	for _, name := range []string{"textcnn tally=2", "textcnn tally=2 apart=0.5"} {
		m, err := FindModel(name)
		if err != nil {
			t.Fatal(err)
		}
		net, err := m.NewModel(config, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range nn.State(net) {
			e.Write(formulaValue(e.Name(), e.Shape()))
		}
		x, labels := []float32{1, 2, 3, 0, 4, 5, 6, 7, 8, 2, 0, 0}, []int{0, 1, 2}
		read, err := nn.Compile(net, 3, 1, 1, 4)
		if err != nil {
			t.Fatal(err)
		}
		losses[fmt.Sprint(read.Forward(x))]++
		p, err := nn.CompileTrain(net, nn.CrossEntropy{}, plainSGD{}, 3, 1, 1, 4)
		if err != nil {
			t.Fatal(err)
		}
		losses[fmt.Sprint(p.Step(x, labels))]++
	}
	if len(losses) != 3 {
		t.Errorf("answers and losses with and without apart, of which the answers are the same: %v", losses)
	}
}
