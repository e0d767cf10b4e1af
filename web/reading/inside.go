package reading

import (
	"encoding/binary"
	"math"
	"strings"

	"inkling/models"
	"inkling/nn"
	"inkling/sketch"
	"inkling/weights"
)

// What is shown whole has one operation after the other, and no more than these: the
// page asks for all of it with each stroke.
const (
	mostStages     = 32
	mostValues     = 1 << 16
	mostParameters = 1 << 20
)

// Looked is what a network computed of a picture on its way.
type Looked struct {
	Input    []float32
	Values   [][]float32 // of each operation
	Saliency []float32
}

// A ShownInside is Looked for people.
type ShownInside struct {
	Input    []byte   `json:"input" doc:"the picture as the network is shown it, as little-endian float32 in base64"`
	Values   [][]byte `json:"values" nullable:"false" doc:"what each stage of /api/network computed, in row-major order, likewise"`
	Saliency []byte   `json:"saliency" doc:"how much the answer's number before the softmax grows per unit of ink in each of the 28x28 pixels, upright, likewise"`
}

// A Stage is an operation of the network.
type Stage struct {
	Name       string           `json:"name" doc:"the layer's, by the state dict, or else the operation's" example:"conv1"`
	Operation  string           `json:"operation" doc:"what is done: conv2d, relu, maxpool2d, flatten, linear, ..."`
	Shape      nn.Shape         `json:"shape" nullable:"false" doc:"of what it computes: of maps their number, height and width"`
	Settings   map[string]any   `json:"settings" doc:"such as kernel, stride and padding"`
	Parameters []StageParameter `json:"parameters,omitempty" nullable:"false" doc:"its weights, and what is added"`
}

// A StageParameter is a parameter of a stage, by its name in the state dict.
type StageParameter struct {
	Name   string   `json:"name" example:"conv1.weight"`
	Shape  nn.Shape `json:"shape" nullable:"false"`
	Values []byte   `json:"values" doc:"in row-major order, as little-endian float32 in base64"`
}

// Stages is what GET /api/network answers.
type Stages struct {
	Input  nn.Shape `json:"input" nullable:"false" doc:"channels, height and width"`
	Ground float32  `json:"ground" doc:"what the network is shown for a pixel without ink"`
	Ink    float32  `json:"ink" doc:"what it is shown for one that is all ink"`
	Stages []Stage  `json:"stages" nullable:"false" doc:"the operations, each of which reads what the one before it computed, the first one the picture"`
}

// stagesOf describes a network of drawings stage by stage; it is nil if that is more than
// is shown.
func (n *Network) stagesOf(network models.Network) (*Stages, error) {
	if !n.Draws() || n.Parameters > mostParameters {
		return nil, nil
	}
	operations, err := nn.Trace(network, append([]int{1}, n.Input...)...)
	if err != nil || len(operations) == 0 || len(operations) > mostStages {
		return nil, err
	}
	parameters := map[string]nn.Entry{}
	for _, e := range nn.State(network) {
		parameters[e.Name()] = e
	}
	all := &Stages{Input: n.Input}
	values := 0
	for i, op := range operations {
		values += op.Shape.Elements()
		if len(op.Inputs) != 1 || op.Inputs[0] != i-1 || op.Type != nn.Float32 || values > mostValues {
			return nil, nil
		}
		one := Stage{Name: op.Name, Operation: op.Name, Shape: op.Shape[1:], Settings: op.Settings}
		for _, name := range op.Params {
			e, known := parameters[name]
			if !known {
				return nil, nil
			}
			numbers := make([]float32, nn.Shape(e.Shape()).Elements())
			e.Read(numbers)
			one.Parameters = append(one.Parameters, StageParameter{name, e.Shape(), FloatBytes(numbers)})
		}
		if len(op.Params) > 0 {
			one.Name, _ = strings.CutSuffix(op.Params[0], ".weight")
		}
		all.Stages = append(all.Stages, one)
	}
	if out := operations[len(operations)-1].Shape; len(out) != 2 {
		return nil, nil
	}
	return all, nil
}

// showInside tells what a network computed. How the answer depends on the picture is
// told of the ink on the upright one.
func (n *Network) showInside(l *Looked) *ShownInside {
	shown := &ShownInside{Input: FloatBytes(l.Input)}
	for _, values := range l.Values {
		shown.Values = append(shown.Values, FloatBytes(values))
	}
	upright := make([]float32, len(l.Saliency))
	by := n.Ink - n.Ground
	for i, v := range l.Saliency {
		to := i
		if n.About.Orientation == weights.Transposed {
			to = i%sketch.Size*sketch.Size + i/sketch.Size
		}
		upright[to] = v * by
	}
	shown.Saliency = FloatBytes(upright)
	return shown
}

// FloatBytes are numbers as little-endian float32.
func FloatBytes(values []float32) []byte {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
