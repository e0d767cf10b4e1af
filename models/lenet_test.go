package models

import (
	"fmt"
	"slices"
	"testing"

	"inkling/nn"
)

func TestLeNetState(t *testing.T) {
	want := []string{
		"conv1.weight [6 1 5 5]", "conv1.bias [6]",
		"conv2.weight [16 6 5 5]", "conv2.bias [16]",
		"fc1.weight [120 256]", "fc1.bias [120]",
		"fc2.weight [84 120]", "fc2.bias [84]",
		"fc3.weight [10 84]", "fc3.bias [10]",
	}
	var got []string
	parameters := 0
	for _, e := range nn.State(NewLeNet(10, 1)) {
		got = append(got, fmt.Sprint(e.Name(), " ", e.Shape()))
		parameters += nn.Shape(e.Shape()).Elements()
	}
	if !slices.Equal(got, want) {
		t.Errorf("state dict is %q, want %q", got, want)
	}
	if parameters != 44426 {
		t.Errorf("%d parameters, want 44426", parameters)
	}
}

func TestLeNetSeed(t *testing.T) {
	first := func(seed uint64) float32 {
		e := nn.State(NewLeNet(10, seed))[0]
		values := make([]float32, nn.Shape(e.Shape()).Elements())
		e.Read(values)
		return values[0]
	}
	if first(1) != first(1) {
		t.Error("the same seed gave different weights")
	}
	if first(1) == first(2) {
		t.Error("different seeds gave the same weights")
	}
}

func TestLeNetOutput(t *testing.T) {
	program, err := nn.Compile(NewLeNet(26, 1), 3, LeNetChannels, LeNetHeight, LeNetWidth)
	if err != nil {
		t.Fatal(err)
	}
	if got := program.OutputShape(); !got.Equal(nn.Shape{3, 26}) {
		t.Errorf("output is %v, want 3x26", got)
	}
}
