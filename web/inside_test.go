package web

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/http"
	"testing"

	"inkling/models"
	"inkling/nn"
	"inkling/sketch"
	"inkling/train"
	"inkling/web/reading"
)

func floatsOf(b []byte) []float32 {
	values := make([]float32, len(b)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return values
}

// What the page is told of a network is enough to compute it anew.
func TestInside(t *testing.T) {
	s := newTestServer(t, nil)
	network := decoded[reading.Stages](t, ask(s, "GET", "/api/network", "", nil))
	p := decoded[prediction](t, askJSON(s, "/api/predict", `{"details": true, `+seven+"}"))
	if p.Inside == nil || len(p.Inside.Values) != len(network.Stages) || len(network.Stages) != 12 {
		t.Fatalf("what is inside: %+v of %d stages, want 12", p.Inside, len(network.Stages))
	}
	values := make([][]float32, len(network.Stages))
	for i, stage := range network.Stages {
		values[i] = floatsOf(p.Inside.Values[i])
		if len(values[i]) != stage.Shape.Elements() {
			t.Errorf("stage %d, %s, has %d values, want %v", i, stage.Name, len(values[i]), stage.Shape)
		}
	}
	if best := train.Argmax(values[11]); best != p.Index {
		t.Errorf("the last stage says %d, the answer is %d", best, p.Index)
	}
	// One cell of the second convolution: map 5, row 3, column 4, of what pooling left.
	conv := network.Stages[3]
	weight, bias := floatsOf(conv.Parameters[0].Values), floatsOf(conv.Parameters[1].Values)
	sum := bias[5]
	for in := range 6 {
		for y := range 5 {
			for x := range 5 {
				sum += weight[((5*6+in)*5+y)*5+x] * values[2][(in*12+3+y)*12+4+x]
			}
		}
	}
	if got := values[3][(5*8+3)*8+4]; math.Abs(float64(got-sum)) > 1e-4 {
		t.Errorf("%s computed %v, by hand it is %v", conv.Name, got, sum)
	}
	saliency, largest := floatsOf(p.Inside.Saliency), float32(0)
	for _, v := range saliency {
		largest = max(largest, v)
	}
	if len(saliency) != sketch.Size*sketch.Size || largest <= 0 {
		t.Errorf("%d pixels matter, the largest by %v", len(saliency), largest)
	}
	if decoded[prediction](t, askJSON(s, "/api/predict", "{"+seven+"}")).Inside != nil {
		t.Error("what is inside is told to who does not ask for details")
	}
}

// A large network shows two convolutions only.
func TestInsideOfLarge(t *testing.T) {
	s := newTestServer(t, func(c *Config) {
		model, err := models.FindModel("mobilenet_v3_small")
		if err != nil {
			t.Fatal(err)
		}
		if c.Network, err = model.New(models.Config{Channels: 1, Height: 28, Width: 28, Classes: 10}, nn.From(rand.New(rand.NewPCG(1, 2)))); err != nil {
			t.Fatal(err)
		}
		c.Workers = 1
	})
	if w := ask(s, "GET", "/api/network", "", nil); w.Code != http.StatusNotFound {
		t.Errorf("/api/network: status %d, want 404", w.Code)
	}
	p := decoded[prediction](t, askJSON(s, "/api/predict", `{"details": true, `+seven+"}"))
	if p.Inside != nil || len(p.Features) != 2 {
		t.Errorf("inside: %v, %d features, want none and 2", p.Inside, len(p.Features))
	}
}
