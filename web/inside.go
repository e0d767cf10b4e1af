package web

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
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

// looked is what a network computed of a picture on its way.
type looked struct {
	input    []float32
	values   [][]float32 // of each operation
	saliency []float32
}

// A shownInside is looked for people.
type shownInside struct {
	Input    []byte   `json:"input" doc:"the picture as the network is shown it, as little-endian float32 in base64"`
	Values   [][]byte `json:"values" nullable:"false" doc:"what each stage of /api/network computed, in row-major order, likewise"`
	Saliency []byte   `json:"saliency" doc:"how much the answer's number before the softmax grows per unit of ink in each of the 28x28 pixels, upright, likewise"`
}

// A stage is an operation of the network.
type stage struct {
	Name       string           `json:"name" doc:"the layer's, by the state dict, or else the operation's" example:"conv1"`
	Operation  string           `json:"operation" doc:"what is done: conv2d, relu, maxpool2d, flatten, linear, ..."`
	Shape      nn.Shape         `json:"shape" nullable:"false" doc:"of what it computes: of maps their number, height and width"`
	Settings   map[string]any   `json:"settings" doc:"such as kernel, stride and padding"`
	Parameters []stageParameter `json:"parameters,omitempty" nullable:"false" doc:"its weights, and what is added"`
}

type stageParameter struct {
	Name   string   `json:"name" example:"conv1.weight"`
	Shape  nn.Shape `json:"shape" nullable:"false"`
	Values []byte   `json:"values" doc:"in row-major order, as little-endian float32 in base64"`
}

// stages is what GET /api/network answers.
type stages struct {
	Input  nn.Shape `json:"input" nullable:"false" doc:"channels, height and width"`
	Ground float32  `json:"ground" doc:"what the network is shown for a pixel without ink"`
	Ink    float32  `json:"ink" doc:"what it is shown for one that is all ink"`
	Stages []stage  `json:"stages" nullable:"false" doc:"the operations, each of which reads what the one before it computed, the first one the picture"`
}

// stagesOf describes a network of drawings stage by stage; it is nil if that is more than
// is shown.
func (s *Server) stagesOf(network models.Network) (*stages, error) {
	if !s.draws() || s.parameters > mostParameters {
		return nil, nil
	}
	operations, err := nn.Trace(network, append([]int{1}, s.input...)...)
	if err != nil || len(operations) == 0 || len(operations) > mostStages {
		return nil, err
	}
	parameters := map[string]nn.Entry{}
	for _, e := range nn.State(network) {
		parameters[e.Name()] = e
	}
	all := &stages{Input: s.input}
	values := 0
	for i, op := range operations {
		values += op.Shape.Elements()
		if len(op.Inputs) != 1 || op.Inputs[0] != i-1 || op.Type != nn.Float32 || values > mostValues {
			return nil, nil
		}
		one := stage{Name: op.Name, Operation: op.Name, Shape: op.Shape[1:], Settings: op.Settings}
		for _, name := range op.Params {
			e, known := parameters[name]
			if !known {
				return nil, nil
			}
			numbers := make([]float32, nn.Shape(e.Shape()).Elements())
			e.Read(numbers)
			one.Parameters = append(one.Parameters, stageParameter{name, e.Shape(), floatBytes(numbers)})
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

// handler serves the description.
func (all *stages) handler() (http.Handler, error) {
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return staticFile("network.json", text), nil
}

// describeNetwork serves GET /api/network.
func (s *Server) describeNetwork(w http.ResponseWriter, r *http.Request) error {
	if s.network == nil {
		return problemf(http.StatusNotFound, "this network is not shown stage by stage: that is for small ones of drawings, whose operations follow one after the other")
	}
	s.network.ServeHTTP(w, r)
	return nil
}

// showInside tells what a network computed. How the answer depends on the picture is
// told of the ink on the upright one.
func (s *Server) showInside(l *looked) *shownInside {
	shown := &shownInside{Input: floatBytes(l.input)}
	for _, values := range l.values {
		shown.Values = append(shown.Values, floatBytes(values))
	}
	upright := make([]float32, len(l.saliency))
	by := s.predictor.ink - s.predictor.ground
	for i, v := range l.saliency {
		to := i
		if s.about.Orientation == weights.Transposed {
			to = i%sketch.Size*sketch.Size + i/sketch.Size
		}
		upright[to] = v * by
	}
	shown.Saliency = floatBytes(upright)
	return shown
}

// floatBytes is numbers as little-endian float32.
func floatBytes(values []float32) []byte {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
