package nn

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSummary compares LeNet at batch 4 with what torchinfo 1.8 counts: 44,426
// parameters, and the multiply-adds of every layer by its rule.
func TestSummary(t *testing.T) {
	s, err := Summary(newLeNet(0), 4, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"conv1": 4 * 24 * 24 * 156, "conv2": 4 * 8 * 8 * 2416, "fc1": 4 * 30840, "fc2": 4 * 10164, "fc3": 4 * 850}
	total := 0
	for _, r := range s.Rows {
		if r.MultiplyAdds != want[r.Layer] {
			t.Errorf("%s has %d multiply-adds, want %d", r.Layer, r.MultiplyAdds, want[r.Layer])
		}
		total += r.MultiplyAdds
	}
	if s.Parameters != 44426 || s.MultiplyAdds != total || s.Buffers != 0 {
		t.Errorf("%d parameters, %d multiply-adds, %d buffers", s.Parameters, s.MultiplyAdds, s.Buffers)
	}
	text := s.String()
	for _, line := range []string{"conv2 (conv2d)", "4x16x8x8", "618,496", "Parameters: 44,426 (0.18 MB)"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}

// TestSummaryShared counts a layer that is used twice once, and its work twice.
func TestSummaryShared(t *testing.T) {
	m := &struct {
		Norm BatchNorm2d
		FC   Linear
		Func
	}{FC: Linear{In: 3, Out: 3}, Norm: BatchNorm2d{Features: 2}}
	m.Func = func(x *Value) *Value { return m.FC.Forward(m.FC.Forward(m.Norm.Forward(x))) }
	Init(m, rand.New(rand.NewPCG(0, 0)))
	s, err := Summary(m, 5, 2, 4, 3)
	if err != nil {
		t.Fatal(err)
	}
	if s.Parameters != 16 || s.Buffers != 5 || s.Rows[1].Parameters != 12 || s.Rows[2].Parameters != 0 || s.Rows[2].MultiplyAdds != 5*2*4*12 {
		t.Errorf("got %+v", s)
	}
}

func TestRefusals(t *testing.T) {
	for says, m := range map[string]Module{
		"sequential at the input: is empty": Sequential{},
		"pixelshuffle at the input: wants a factor of at least 1 and N x C x H x W with channels that its square divides, got factor 2 and the input 2x6x4x4": &PixelShuffle{2},
		"nn: groupnorm: wants a number of groups that divides the channels, got 4 groups of 6 channels":                                                       &GroupNorm{Groups: 4, Channels: 6},
		"nn: conv2d: wants groups that divide the channels, got 4 groups of 6 input and 8 output channels":                                                    &Conv2d{In: 6, Out: 8, Kernel: 1, Groups: 4},
		"dropout at the input: wants a probability from 0 to 1, got 2":                                                                                        &Dropout{P: 2},
		"nn: layernorm: wants an input that ends in the dimensions [5], after the batch, got 2x6x4x4":                                                         &LayerNorm{Shape: []int{5}},
		"concat at the input: wants inputs that agree but for dimension 1":                                                                                    Func(func(x *Value) *Value { return Concat(1, x, x.Flatten()) }),
		"add at the input: wants inputs of one number of dimensions":                                                                                          Func(func(x *Value) *Value { return Add(x, x.Flatten()) }),
		"softmax at the input: wants a dimension of 1 to 3, got 4":                                                                                            Func(func(x *Value) *Value { return Softmax(x, 4) }),
		"mean at the input: wants dimensions after the batch":                                                                                                 Func(func(x *Value) *Value { return Mean(x, false, 0) }),
		"reshape at the input: cannot make examples of 5x7":                                                                                                   Func(func(x *Value) *Value { return Reshape(x, 5, 7) }),
		"transpose at the input: wants an order of the 4 dimensions":                                                                                          Func(func(x *Value) *Value { return Permute(x, 0, 1, 1, 2) }),
		"nn: embedding: wants one int32 input, got [float32]":                                                                                                 &Embedding{Count: 3, Dim: 2},
		"maxpool2d at the input: wants a padding of 0 to kernel/2, got kernel 2 and padding 2":                                                                &MaxPool2d{Kernel: 2, Padding: 2},
	} {
		_, err := trace(m, []int{2, 6, 4, 4}, true)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got error %v, want one with %q", err, says)
		}
	}
}

// TestCeil has a window that is larger than the picture: with Ceil there is one
// place for it, as in PyTorch.
func TestCeil(t *testing.T) {
	p, err := Compile(&MaxPool2d{Kernel: 3, Stride: 2, Ceil: true}, 1, 1, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Forward([]float32{1, 4, 3, 2}); len(got) != 1 || got[0] != 4 {
		t.Errorf("got %v, want 4", got)
	}
	if _, err := Compile(&MaxPool2d{Kernel: 4, Stride: 2, Ceil: true}, 1, 1, 2, 2); err == nil {
		t.Error("a window of 4 with a stride of 2 fits into 2 pixels")
	}
}
