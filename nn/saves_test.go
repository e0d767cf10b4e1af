package nn

import (
	"slices"
	"testing"
)

// pictures makes four pictures of each example, or, if fixed, of the batch whatever it is.
type pictures struct{ fixed bool }

func (pictures) Name() string    { return "pictures" }
func (pictures) Batchwise() bool { return true }
func (p pictures) OutputShape(in []Shape) (Shape, error) {
	if p.fixed {
		return Shape{4, 2, 6, 6}, nil
	}
	return Shape{4 * in[0][0], 2, 6, 6}, nil
}
func (pictures) Forward(c *Call[float32])    { copy(c.Output.Data, c.Inputs[0].Data) }
func (pictures) Forward64(c *Call[float64])  { copy(c.Output.Data, c.Inputs[0].Data) }
func (pictures) Backward(c *Call[float32])   {}
func (pictures) Backward64(c *Call[float64]) {}
func (pictures) ForwardOnly()                {}

// What operations keep is enough where the first dimension is not the batch: several rows
// an example, or as many whatever the batch is.
func TestSavesOfRows(t *testing.T) {
	functions := map[string]func(x *Value) *Value{
		"max-pool":          (&MaxPool2d{Kernel: 3}).Forward,
		"adaptive max-pool": (&AdaptiveMaxPool2d{Size: 2}).Forward,
		"group norm":        (&GroupNorm{Groups: 2, Channels: 2, NoAffine: true}).Forward,
		"layer norm":        (&LayerNorm{Shape: []int{6}, NoAffine: true}).Forward,
		"max":               func(x *Value) *Value { return Max(x, false, 2, 3) },
	}
	data := make([]float32, 4*2*6*6)
	for i := range data {
		data[i] = float32(i*37%101) / 7
	}
	for name, f := range functions {
		run := func(shape Shape, forward func(x *Value) *Value) []float32 {
			p, err := Compile(Func(forward), shape...)
			if err != nil {
				t.Fatal(name, err)
			}
			return slices.Clone(p.Forward(data))
		}
		want := run(Shape{4, 2, 6, 6}, f)
		for _, fixed := range []bool{false, true} {
			got := run(Shape{1, 4 * 2 * 6 * 6}, func(x *Value) *Value { return f(Apply(pictures{fixed}, nil, x)) })
			if !slices.Equal(got, want) {
				t.Errorf("%s of four pictures an example, fixed %v: %v, want %v", name, fixed, got[:4], want[:4])
			}
		}
	}
}
