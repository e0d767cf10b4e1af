// Package inside looks into a network while it reads a picture: at what each operation
// makes of it, and at how its answer depends on the picture's pixels.
package inside

import (
	"errors"
	"fmt"
	"slices"

	"inkling/nn"
)

// View is a network that tells what it computes on its way. It shares the network's
// weights, which must not be changed while it computes, and belongs to one goroutine at
// a time.
type View struct {
	operations []nn.Operation
	program    *nn.TrainProgram
	classes    int
	given      [1]nn.Tensor[float32]
	target     [1]nn.Tensor[float32]
	gradient   []float32
	values     [][]float32
}

// New compiles a network that reads one picture of a shape without a batch, such as
// 1, 28, 28, and answers with one number for each class. It runs as at eval.
func New(network nn.Module, shape ...int) (*View, error) {
	whole := append([]int{1}, shape...)
	operations, err := nn.Trace(network, whole...)
	if err != nil {
		return nil, err
	}
	if len(operations) == 0 {
		return nil, errors.New("inside: the network computes nothing")
	}
	out := operations[len(operations)-1].Shape
	if len(out) != 2 {
		return nil, fmt.Errorf("inside: the network's output is %v, want one number for each class", out)
	}
	v := &View{operations: operations, classes: out[1]}
	l := &lens{Change: nn.NewParam(whole...), Network: network}
	judge := func(outputs, targets []*nn.Value) *nn.Value {
		return nn.Sum(nn.Mul(outputs[len(outputs)-1], targets[0]), false, 1)
	}
	training := nn.Training{
		Network: nn.Network{Module: l, Inputs: []nn.Spec{{Shape: whole}}, Forward: l.forward},
		Loss:    nn.NewLoss([]nn.Spec{{Shape: nn.Shape{1, v.classes}}}, judge),
		// Nothing is ever updated, and only the picture's change has a gradient.
		Optimizer: still{},
	}
	if nn.ParameterCount(network) > 0 {
		training.Freeze = []string{"network.*"}
	}
	if v.program, err = training.Compile(); err != nil {
		return nil, err
	}
	v.program.SetWorkers(1)
	v.given[0].Shape = whole
	v.target[0] = nn.Tensor[float32]{Shape: nn.Shape{1, v.classes}, Data: make([]float32, v.classes)}
	v.gradient = make([]float32, nn.Shape(whole).Elements())
	v.values = make([][]float32, len(operations))
	return v, nil
}

// Operations are the network's, in the order in which they are computed.
func (v *View) Operations() []nn.Operation { return v.operations }

// Values shows the network a picture and returns what each of the Operations makes of
// it, in row-major order. What is returned is overwritten by the next call.
func (v *View) Values(picture []float32) [][]float32 {
	v.given[0].Data = picture
	for i, t := range v.program.ForwardAll(v.given[0]) {
		if t.Data == nil { // whole numbers
			t.Data = slices.Grow(v.values[i][:0], len(t.Ints))[:len(t.Ints)]
			for k, n := range t.Ints {
				t.Data[k] = float32(n)
			}
		}
		v.values[i] = t.Data
	}
	return v.values
}

// Saliency returns how much the answer for a class, before the softmax, grows with each
// number of the picture of the last Values: the gradient (Simonyan, Vedaldi and Zisserman
// 2013, "Deep inside convolutional networks"). It is overwritten by the next call.
func (v *View) Saliency(class int) []float32 {
	clear(v.target[0].Data)
	v.target[0].Data[class] = 1
	v.program.ZeroGrad()
	v.program.BackwardAll(v.target[0])
	v.program.Gradients()[0].Read(v.gradient)
	return v.gradient
}

// A lens stands before a network. What it adds to the picture is zero, and its gradient is
// the picture's.
type lens struct {
	Change  nn.Param
	Network nn.Module
}

func (l *lens) forward(x []*nn.Value) []*nn.Value {
	var values []*nn.Value
	nn.AsEval(nn.Apply(change{}, []*nn.Param{&l.Change}, x[0]), func(x *nn.Value) *nn.Value {
		values = nn.Values(l.Network, x)
		return values[len(values)-1]
	})
	return values
}

// change adds a parameter of the picture's shape.
type change struct{}

func (change) Name() string                          { return "change" }
func (change) BackwardReads() (inputs, outputs bool) { return false, false }

func (change) OutputShape(inputs []nn.Shape) (nn.Shape, error) { return inputs[0], nil }

func (change) Forward(c *nn.Call[float32]) {
	by := c.Params[0].Data
	for i, v := range c.Inputs[0].Data {
		c.Output.Data[i] = v + by[i%len(by)]
	}
}

func (change) Backward(c *nn.Call[float32]) {
	by := c.ParamGrads[0].Data
	for i, d := range c.OutputGrad.Data {
		by[i%len(by)] += d
		if to := c.InputGrads[0].Data; to != nil {
			to[i] += d
		}
	}
}

// still is an optimizer that changes nothing.
type still struct{}

func (still) Slots() int                           { return 0 }
func (still) Begin(int)                            {}
func (still) Update(_, _ []float32, _ [][]float32) {}
