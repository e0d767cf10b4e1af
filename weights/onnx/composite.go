package onnx

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"inkling/weights/structure"
)

// composites are the activations that files write as several nodes, by what these
// compute of x together, as product.String writes it.
var composites = map[string]structure.Layer{
	"0.5*(1+Erf(0.707107*x))*x":                    structure.New("GELU", nil),
	"0.5*(1+Tanh(0.797885*(0.044715*x*x*x+x)))*x":  structure.New("GELU", map[string]string{"approximate": "tanh"}),
	"Sigmoid(x)*x":                                 structure.New("SiLU", nil),
	"HardSigmoid(x,0.166667,0.5)*x":                structure.New("Hardswish", nil),
	"0.166667*Clip((3+x),0,6)*x":                   structure.New("Hardswish", nil),
	"0.166667*Clip((3+x),0,6)":                     structure.New("Hardsigmoid", nil),
	"Tanh(Softplus(x))*x":                          structure.New("Mish", nil),
	"0.5*(1+Tanh((0.0356774*x*x*x+0.797885*x)))*x": structure.New("GELU", map[string]string{"approximate": "tanh"}),
	"0.5*(1+Tanh(0.797885*(1+0.044715*x*x)*x))*x":  structure.New("GELU", map[string]string{"approximate": "tanh"}),
}

// composite returns the activation that a product is, if it is one.
func composite(p product) (structure.Layer, bool) {
	text := p.String()
	if l, ok := composites[text]; ok {
		return structure.New(l.Kind, l.Settings), true
	}
	// Softplus with another beta is Softplus(beta*x)/beta.
	if factor, rest, _ := strings.Cut(text, "*Softplus("); strings.HasSuffix(rest, "*x)") {
		inverse, err := strconv.ParseFloat(factor, 64)
		beta, err2 := strconv.ParseFloat(strings.TrimSuffix(rest, "*x)"), 64)
		if err == nil && err2 == nil && math.Abs(inverse*beta-1) < 1e-5 && strconv.FormatFloat(beta, 'g', digits-1, 64) == strconv.FormatFloat(beta, 'g', -1, 64) {
			return structure.New("Softplus", map[string]string{"beta": structure.Float(beta)}), true
		}
	}
	return structure.Layer{}, false
}

// digits is to how many of them constants are compared: files have them as float32.
const digits = 6

// A product is what a node computes of x, which is what the last layer gives: a number
// times factors, which are "x", functions of products, and sums of them in brackets.
type product struct {
	number  float64
	factors []string
}

// String writes the same product in the same way, whatever its order was.
func (p product) String() string {
	parts := slices.Sorted(slices.Values(p.factors))
	if number := strconv.FormatFloat(p.number, 'g', digits, 64); number != "1" || len(parts) == 0 {
		parts = slices.Insert(parts, 0, number)
	}
	return strings.Join(parts, "*")
}

func (p product) times(q product) product {
	return product{p.number * q.number, slices.Concat(p.factors, q.factors)}
}

func function(name string, arguments ...product) product {
	var texts []string
	for _, a := range arguments {
		texts = append(texts, a.String())
	}
	return product{1, []string{name + "(" + strings.Join(texts, ",") + ")"}}
}

func sum(p, q product) product {
	texts := []string{p.String(), q.String()}
	slices.Sort(texts)
	return product{1, []string{"(" + strings.Join(texts, "+") + ")"}}
}

func constant(n float64) product { return product{number: n} }

// mostText bounds a product, for one that is longer is no activation.
const mostText = 300

// expression returns what the node in hand computes of x, if it is a function of
// numbers that may be part of an activation.
func (d *describer) expression() (product, bool) {
	var inputs []product
	ofX := false
	for i, name := range d.node.Input {
		if p, ok := d.products[name]; ok {
			inputs, ofX = append(inputs, p), true
			continue
		}
		if name == "" {
			return product{}, false
		}
		numbers, _, err := d.numbers(i)
		if err != nil || len(numbers) != 1 {
			return product{}, false
		}
		inputs = append(inputs, constant(numbers[0]))
	}
	if !ofX {
		return product{}, false
	}
	p, ok := d.combine(inputs)
	return p, ok && len(p.String()) <= mostText
}

// combine is what the node in hand computes of its inputs.
func (d *describer) combine(in []product) (product, bool) {
	kind := d.node.GetOpType()
	switch len(in) {
	case 1:
		switch kind {
		case "Erf", "Tanh", "Sigmoid", "Softplus", "Relu", "Exp", "Log":
			return function(kind, in[0]), true
		case "HardSigmoid":
			return function(kind, in[0], constant(d.float("alpha", 0.2)), constant(d.float("beta", 0.5))), true
		case "Clip":
			if d.attribute("min") != nil && d.attribute("max") != nil {
				return function(kind, in[0], constant(d.float("min", 0)), constant(d.float("max", 0))), true
			}
		case "Neg":
			return in[0].times(constant(-1)), true
		}
	case 2:
		switch kind {
		case "Mul":
			return in[0].times(in[1]), true
		case "Div":
			if len(in[1].factors) == 0 && in[1].number != 0 {
				return in[0].times(constant(1 / in[1].number)), true
			}
		case "Add":
			return sum(in[0], in[1]), true
		case "Sub":
			return sum(in[0], in[1].times(constant(-1))), true
		case "Pow":
			if n := in[1].number; len(in[1].factors) == 0 && (n == 2 || n == 3) {
				power := in[0].times(in[0])
				if n == 3 {
					power = power.times(in[0])
				}
				return power, true
			}
		}
	case 3:
		if kind == "Clip" {
			return function(kind, in...), true
		}
	}
	return product{}, false
}

// begin notes that the chain goes on from a layer that is no part of an activation.
func (d *describer) begin() {
	d.base, d.baseLayers = d.chain, len(d.network.Layers)
	d.products = map[string]product{d.chain: {1, []string{"x"}}}
}

// take takes a node in: as the last of several that are an activation, or as a layer.
func (d *describer) take() error {
	p, partial := d.expression()
	if partial {
		if l, ok := composite(p); ok {
			d.network.Layers, d.inputs, d.chain = d.network.Layers[:d.baseLayers], d.inputs[:d.baseLayers], d.base
			d.add(l)
			d.begin()
			return nil
		}
	}
	chain, layers := d.chain, len(d.network.Layers)
	err := d.step()
	if partial && len(d.node.Output) > 0 {
		d.products[d.node.Output[0]] = p
		if err != nil {
			// It may be part of an activation; if not, nobody reads it as a layer.
			if d.pending == nil {
				d.pending = err
			}
			return nil
		}
	}
	if n := len(d.network.Layers); d.chain != chain && !(partial && n == layers+1 && d.network.Layers[n-1].IsActivation()) {
		d.begin()
	}
	return err
}
