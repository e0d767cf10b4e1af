package onnx

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"inkling/weights/graph"
	"inkling/weights/internal/untrusted"
)

// number is one of JSON's, or a text for what is none there: Infinity and NaN.
type number float64

func (n *number) UnmarshalJSON(data []byte) error {
	v, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64)
	*n = number(v)
	return err
}

// numberList is a tensor as opsets.js writes it.
type numberList struct {
	Type  graph.Type
	Shape []int
	Data  []number
}

func (l *numberList) tensor() *graph.Tensor {
	t := &graph.Tensor{Type: l.Type, Shape: l.Shape}
	for _, v := range l.Data {
		switch {
		case l.Type == graph.Float16: // its bits
			bits := uint16(v)
			t.Floats = append(t.Floats, untrusted.Elements["float16"].Float32([]byte{byte(bits), byte(bits >> 8)}, binary.LittleEndian))
		case l.Type.Float():
			t.Floats = append(t.Floats, float32(v))
		default:
			t.Ints = append(t.Ints, int64(v))
		}
	}
	return t
}

// TestOperatorSets runs graphs of operator sets 18 to 22: they compute what ONNX Runtime
// does, or are refused with a sentence that names the operator.
func TestOperatorSets(t *testing.T) {
	packed, err := os.ReadFile(filepath.Join("testdata", "opsets.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Op      string
		Version int
		Model   []byte
		Inputs  map[string]*numberList
		Outputs []numberList
	}
	if err := json.NewDecoder(r).Decode(&cases); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i, test := range cases {
		inputs, name := map[string]*graph.Tensor{}, fmt.Sprintf("graph %d: %s of operator set %d", i, test.Op, test.Version)
		for input, l := range test.Inputs {
			inputs[input] = l.tensor()
		}
		got, err := runOn(test.Model, inputs)
		if err != nil {
			refused++
			if !strings.Contains(err.Error(), test.Op) {
				t.Errorf("%s: %v, which does not name it", name, err)
			} else {
				t.Logf("%s: %v", name, err)
			}
			continue
		}
		for j := range test.Outputs {
			want, own := test.Outputs[j].tensor(), got[fmt.Sprintf("y%d", j)]
			if own.Type != want.Type {
				t.Errorf("%s: output %d is %v, want %v", name, j, own, want)
				continue
			}
			largest := 0.0
			for _, v := range want.Floats {
				if a := math.Abs(float64(v)); a > largest && !math.IsInf(a, 1) {
					largest = a
				}
			}
			if d := graph.Compare(own, want, 1e-4, 1e-5*largest); d.Shapes || d.Beyond > 0 {
				t.Errorf("%s: output %d is %v, want %v: %+v", name, j, own, want, d)
			}
		}
	}
	const mustRun = 683
	if ran := len(cases) - refused; ran < mustRun {
		t.Errorf("%d of %d graphs run, and %d did before", ran, len(cases), mustRun)
	}
	t.Logf("%d graphs, %d of them refused", len(cases), refused)
}

// runOn reads a graph and runs it.
func runOn(model []byte, inputs map[string]*graph.Tensor) (map[string]*graph.Tensor, error) {
	c, err := Read(bytes.NewReader(model), int64(len(model)))
	if err != nil {
		return nil, err
	}
	g, err := c.Graph()
	if err != nil {
		return nil, err
	}
	n, err := graph.NewNetwork(g)
	if err != nil {
		return nil, err
	}
	return n.Run(inputs)
}
