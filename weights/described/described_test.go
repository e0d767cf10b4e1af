package described

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/weights/graph"
)

// layersOf are lines that use every kind of layer: what is read and what they give.
var layersOf = map[string][]string{
	"Conv2d":            {"Conv2d(4, 6, (3, 5), stride=2, padding=(1, 2), groups=2, bias=False)", "6x4x3"},
	"Linear":            {"Flatten() Linear(192, 5)", "5"},
	"BatchNorm2d":       {"torch.nn.BatchNorm2d(4, eps=0.001)", "4x8x6"},
	"BatchNorm1d":       {"Flatten() BatchNorm1d(192)", "192"},
	"GroupNorm":         {"GroupNorm(2, 4)", "4x8x6"},
	"MaxPool2d":         {"MaxPool2d(3, 2, padding=1, ceil_mode=True)", "4x5x4"},
	"AvgPool2d":         {"AvgPool2d(kernel_size=2, padding=1, count_include_pad=False)", "4x5x4"},
	"AdaptiveAvgPool2d": {"AdaptiveAvgPool2d((4, 2))", "4x4x2"},
	"AdaptiveMaxPool2d": {"AdaptiveMaxPool2d(1)", "4x1x1"},
	"ReLU":              {"ReLU(True)", "4x8x6"},
	"ReLU6":             {"ReLU6()", "4x8x6"},
	"LeakyReLU":         {"LeakyReLU(0.2)", "4x8x6"},
	"ELU":               {"ELU()", "4x8x6"},
	"SELU":              {"SELU()", "4x8x6"},
	"GELU":              {`GELU(approximate="tanh")`, "4x8x6"},
	"SiLU":              {"SiLU()", "4x8x6"},
	"Mish":              {"Mish()", "4x8x6"},
	"Hardswish":         {"Hardswish()", "4x8x6"},
	"Hardsigmoid":       {"Hardsigmoid()", "4x8x6"},
	"Sigmoid":           {"Sigmoid", "4x8x6"},
	"Tanh":              {"Tanh()", "4x8x6"},
	"PReLU":             {"PReLU()", "4x8x6"},
	"Softmax":           {"Flatten() Softmax(dim=-1)", "192"},
	"LogSoftmax":        {"Flatten() LogSoftmax(dim=1)", "192"},
	"Dropout":           {"Dropout(0.2)", "4x8x6"},
	"Identity":          {"Identity()", "4x8x6"},
	"Flatten":           {"Flatten()", "192"},
	"ZeroPad2d":         {"ZeroPad2d((1, 2, 0, 3))", "4x11x9"},
	"Add":               {"Add() from input, input, input", "4x8x6"},
	"Mul":               {"Mul() from input, input", "4x8x6"},
	"Concat":            {"Concat() from input, input", "8x8x6"},
}

// description is a network of one line of layersOf.
func description(line string) string {
	text := "input: [4, 8, 6]\nlayers:\n"
	for i, part := range strings.SplitAfter(line, "() ") {
		what, from, joins := strings.Cut(strings.TrimSpace(part), " from ")
		text += fmt.Sprintf("  - l%d: %s\n", i, what)
		if joins || strings.HasPrefix(part, "from ") {
			text += "    from: [" + from + "]\n"
		}
	}
	return text
}

// TestEveryLayer runs every kind of layer, with the shape that it is said to give.
func TestEveryLayer(t *testing.T) {
	for _, name := range Kinds() {
		test := layersOf[name]
		if test == nil {
			t.Errorf("%s is not tried", name)
			continue
		}
		text := strings.ReplaceAll(test[0], "() from", " from")
		n, err := Parse("n.yaml", []byte(description(text)+"  - out: Flatten()\n"))
		if test[1] == "5" || test[1] == "192" {
			n, err = Parse("n.yaml", []byte(description(text)))
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		last := n.Layers[len(n.Layers)-1]
		if last.Name == "out" {
			last = n.Layers[len(n.Layers)-2]
		}
		if got := sizeText(last.Shape); got != test[1] {
			t.Errorf("%s gives %s, want %s", name, got, test[1])
		}
		g := *n.Graph
		g.Inputs = g.Inputs[:1]
		for _, p := range n.Parameters {
			values := &graph.Tensor{Type: graph.Float32, Shape: p.Shape, Floats: slices.Repeat([]float32{0.5}, elements(p.Shape))}
			g.Initializers[p.Name] = graph.Initializer{Type: graph.Float32, Shape: p.Shape, Load: func() (*graph.Tensor, error) { return values, nil }}
		}
		network, err := graph.NewNetwork(&g)
		if err != nil {
			t.Fatal(err)
		}
		out, err := network.Run(map[string]*graph.Tensor{inputName: {Type: graph.Float32, Shape: []int{2, 4, 8, 6}, Floats: make([]float32, 2*192)}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := out[g.Outputs[0].Name].Shape; got[0] != 2 || elements(got[1:]) != elements(last.Shape) {
			t.Errorf("%s gives %v for two pictures, want %s each", name, got, test[1])
		}
		if plain := network.Definitions(); len(plain) > 0 {
			t.Errorf("%s runs by the definitions of %v, and could not be trained", name, plain)
		}
	}
}

// TestWrongDescriptions wants what is wrong, and where.
func TestWrongDescriptions(t *testing.T) {
	const head = "input: [3, 8, 8]\nlayers:\n"
	for text, want := range map[string]string{
		"":                                  "input is missing",
		"input: [3, 8]\n":                   "n.yaml:1:8: input has 2 numbers",
		"input: [3, 0, 8]\n":                "n.yaml:1:12: 0 is no size",
		"input: [3, 8, 8]\n":                "layers is missing",
		"inputs: 3\n":                       `n.yaml:1:1: there is nothing called "inputs"`,
		"input: 3\ninput: 3\n":              "n.yaml:2:1: ",
		"input: [3, 8, 8]\nstd: 0\n":        "n.yaml:2:6: 0 is no number for std",
		"input: [3, 8, 8]\nweights: ../w\n": "n.yaml:2:10: weights is",
		"- a\n":                             "there must be lines of the form name: value",
		head + "  - a: Conv3d(3)\n":         "n.yaml:3:8: a: there is no layer Conv3d; there are Adaptive",
		head + "  - a: Conv2d(3, 4)\n":      "n.yaml:3:8: a: Conv2d lacks kernel_size",
		head + "  - a: Conv2d(4, 4, 3)\n":   "n.yaml:3:15: a: in_channels is 4, but input gives 3",
		head + "  - a: Conv2d(3, 4, 3, 1, 1, 1, 2)\n":      "n.yaml:3:33: a: 3 and 4 channels cannot be divided into 2 groups",
		head + "  - a: Conv2d(3, 4, 9)\n":                  "its window of 9x9 does not fit",
		head + "  - a: Conv2d(3, x, 9)\n":                  `n.yaml:3:18: a: "x" is no value`,
		head + "  - a: Conv2d(3, 4, 3\n":                   "n.yaml:3:22: a: here should stand a comma or )",
		head + "  - a: Conv2d(3, 4, kernel=3)\n":           "n.yaml:3:8: a: Conv2d lacks kernel_size",
		head + "  - a: ReLU(slope=3)\n":                    "n.yaml:3:13: a: ReLU has no slope",
		head + "  - a: ReLU(1, 2)\n":                       "n.yaml:3:16: a: ReLU has one argument too many",
		head + "  - a: ReLU()\n  - a: ReLU()\n":            `n.yaml:4:5: there is a layer "a" already`,
		head + "  - a: ReLU()\n    from: b\n":              `n.yaml:4:11: a reads "b", and no layer before it is called so`,
		head + "  - a: ReLU()\n    to: b\n":                `n.yaml:4:5: the layer a has "to" beside it`,
		head + "  - a: Add()\n":                            "it joins layers: say which",
		head + "  - a: Linear(192, 3)\n":                   "put a Flatten before it",
		head + "  - a: Flatten()\n  - b: Linear(64, 3)\n":  "n.yaml:4:15: b: in_features is 64, but a gives 192",
		head + "  - a: ReLU()\n":                           "n.yaml:3:5: the last layer gives 3x8x8",
		head + "  - a: Flatten()\nclasses: [x, y]\n":       "tells 192 classes apart, but classes names 2",
		head + "  - a: Conv2d(3, 1000000, 5, padding=2)\n": "which is too much",
		"input: [3, 8, 8\nlayers: x\n":                     "n.yaml:",
	} {
		_, err := Parse("n.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q", text, err, want)
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Path != "n.yaml" {
			t.Errorf("%q: the error is of the type %T", text, err)
		}
	}
}

// TestPage reads the networks that the documentation shows, in both languages.
func TestPage(t *testing.T) {
	for _, name := range []string{"network-yaml.md", "network-yaml.zh-CN.md"} {
		page, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		blocks := strings.Split(string(page), "```yaml\n")[1:]
		for _, block := range blocks {
			text, _, _ := strings.Cut(block, "```")
			if _, err := Parse("network.yaml", []byte(text)); err != nil {
				t.Errorf("%s: %v:\n%s", name, err, text)
			}
		}
		if len(blocks) == 0 {
			t.Errorf("%s shows none", name)
		}
		for _, kind := range Kinds() {
			if !strings.Contains(string(page), kind) {
				t.Errorf("%s does not tell of %s", name, kind)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range layersOf {
		f.Add([]byte(description(test[0])))
	}
	f.Add([]byte("input: [3, 8, 8]\nlayers:\n  - a: Conv2d(3, 4, (3, 3), padding='same')\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := Parse("n.yaml", text)
		if err == nil && len(n.Layers) == 0 {
			t.Error("there are no layers")
		}
	})
}
