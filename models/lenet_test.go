package models

import (
	"fmt"
	"slices"
	"strings"
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

func TestLeNetShapes(t *testing.T) {
	for _, test := range []struct{ channels, height, width, features, parameters int }{
		{1, 28, 28, 256, 44426},
		{3, 32, 32, 400, 62006}, // the tutorial's own
		{1, 16, 16, 16, 15626},
		{3, 17, 23, 32, 17846},
		{64, 256, 16, 61 * 16, 140276},
	} {
		network, err := NewLeNetFor(test.channels, test.height, test.width, 10, 1)
		if err != nil {
			t.Fatal(err)
		}
		if channels, height, width := network.Input(); channels != test.channels || height != test.height || width != test.width {
			t.Errorf("%+v: the network reads %dx%dx%d", test, channels, height, width)
		}
		program, err := nn.Compile(network, 3, test.channels, test.height, test.width)
		if err != nil {
			t.Fatal(err)
		}
		if got := program.OutputShape(); !got.Equal(nn.Shape{3, 10}) {
			t.Errorf("%+v: output is %v, want 3x10", test, got)
		}
		parameters := 0
		for _, e := range nn.State(network) {
			parameters += nn.Shape(e.Shape()).Elements()
		}
		if network.FC1.In != test.features || parameters != test.parameters {
			t.Errorf("%+v: %d features, %d parameters", test, network.FC1.In, parameters)
		}
	}
}

func TestLeNetRefuses(t *testing.T) {
	for _, test := range []struct {
		channels, height, width, classes int
		want                             string
	}{
		{1, 15, 28, 10, "pictures of 15x28 pixels: their sides must be 16 to 256"},
		{1, 28, 257, 10, "pictures of 28x257 pixels"},
		{0, 28, 28, 10, "pictures of 0 channels: they must have 1 to 64"},
		{65, 28, 28, 10, "pictures of 65 channels"},
		{1, 28, 28, 0, "cannot tell 0 classes apart"},
	} {
		if _, err := NewLeNetFor(test.channels, test.height, test.width, test.classes, 1); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error %v", test, err)
		}
	}
}

func TestLeNetSide(t *testing.T) {
	for features, want := range map[int]int{16: 16, 64: 20, 256: 28, 400: 32, 16 * 61 * 61: 256, 16 * 62 * 62: 0, 0: 0, 255: 0, 512: 0} {
		if side, ok := LeNetSide(features); side != want || ok != (want > 0) {
			t.Errorf("%d features: side %d, %v, want %d", features, side, ok, want)
		}
	}
}
