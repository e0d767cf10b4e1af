package onnx

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"inkling/weights/graph"
	"inkling/weights/internal/hostile"
)

// nodeField is a node of a graph.
func nodeField(kind, inputs, outputs string, attributes ...string) string {
	return bytesField(graphNode, nodeContent(kind, inputs, outputs, attributes...))
}

func nodeContent(kind, inputs, outputs string, attributes ...string) string {
	var parts []string
	for _, name := range strings.Fields(inputs) {
		parts = append(parts, bytesField(nodeInput, name))
	}
	for _, name := range strings.Fields(outputs) {
		parts = append(parts, bytesField(nodeOutput, name))
	}
	parts = append(parts, bytesField(nodeKind, kind))
	for _, a := range attributes {
		parts = append(parts, bytesField(nodeAttribute, a))
	}
	return strings.Join(parts, "")
}

// ask is a graph of nodes from x to y.
func ask(nodes ...string) []byte {
	port := func(number int, name string) string {
		return bytesField(protowire.Number(number), bytesField(1, name), bytesField(2, bytesField(1, numberField(1, 1), bytesField(2, bytesField(1, numberField(1, 2)), bytesField(1, numberField(1, 3))))))
	}
	return append(file(append(nodes, port(graphInput, "x"), port(graphOutput, "y"))...), bytesField(modelOperatorSet, bytesField(1, ""), numberField(2, 17))...)
}

// runAll reads a graph and runs it on a small input.
func runAll(data []byte) error {
	c, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	g, err := c.Graph()
	if err != nil {
		return err
	}
	n, err := graph.NewNetwork(g)
	if err != nil {
		return err
	}
	inputs := map[string]*graph.Tensor{}
	for _, p := range g.Inputs {
		inputs[p.Name] = &graph.Tensor{Type: graph.Float32, Shape: []int{2, 3}, Floats: make([]float32, 6)}
	}
	_, err = n.Run(inputs)
	return err
}

// refusedGraph checks that a graph is refused in one short line, within the memory that a
// file of its size may take.
func refusedGraph(t *testing.T, data []byte, says string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := runAll(data)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), says) || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\n\x00") {
		t.Errorf("error %v, want %q in one short line", err, says)
	}
	used, most := after.TotalAlloc-before.TotalAlloc, 8*uint64(len(data))+16<<20
	if used > most && !hostile.RaceEnabled {
		t.Errorf("%d bytes took %d bytes of memory, at most %d are allowed", len(data), used, most)
	}
}

func TestHostileGraphs(t *testing.T) {
	ints := func(name string, values ...uint64) string {
		parts := []string{bytesField(1, name)}
		for _, v := range values {
			parts = append(parts, numberField(attributeInts, v))
		}
		return strings.Join(parts, "")
	}
	number := func(name string, v uint64) string { return bytesField(1, name) + numberField(attributeInt, v) }
	list := func(output string, values ...uint64) string {
		return nodeField("Constant", "", output, ints("value_ints", values...))
	}
	branch := func(nodes ...string) string {
		return bytesField(1, "then_branch") + bytesField(attributeGraph, append(nodes, bytesField(graphOutput, bytesField(1, "y")))...)
	}
	deep := nodeField("Identity", "x", "y")
	for range 300 {
		deep = nodeField("If", "c", "y", branch(deep))
	}
	const big = 1 << 40
	for name, test := range map[string]struct {
		data []byte
		says string
	}{
		"a circle":             {ask(nodeField("Add", "x b", "a"), nodeField("Relu", "a", "b"), nodeField("Relu", "b", "y")), "no node before it"},
		"twice":                {ask(nodeField("Relu", "x", "y"), nodeField("Relu", "x", "y")), "there already"},
		"no output":            {ask(nodeField("Relu", "x", "z")), "computed by no node"},
		"unknown":              {ask(nodeField("Frobnicate", "x", "y")), "Frobnicate is an operator that is not run (1 of them"},
		"huge constant":        {ask(list("s", 1<<16, 1<<16), nodeField("ConstantOfShape", "s", "c"), nodeField("Add", "x c", "y")), "too large"},
		"large for a file":     {ask(list("s", 1<<13, 1<<13), nodeField("ConstantOfShape", "s", "c"), nodeField("Add", "x c", "y")), "too small"},
		"repeats":              {ask(list("s", big, 1), nodeField("Tile", "x s", "y")), "repeats"},
		"expanded":             {ask(list("s", big, 2, 3), nodeField("Expand", "x s", "y")), "too large"},
		"negative":             {ask(list("s", ^uint64(4)), nodeField("ConstantOfShape", "s", "y")), "shape"},
		"a wide window":        {ask(list("a", 0), nodeField("Unsqueeze", "x a", "u"), nodeField("MaxPool", "u", "y", ints("kernel_shape", 1<<19), ints("pads", 1<<20, 1<<20))), "steps"},
		"an open letter":       {ask(nodeField("Einsum", "x", "y", bytesField(1, "equation")+bytesField(attributeText, "ij->zz"))), "equation"},
		"an axis":              {ask(nodeField("Softmax", "x", "y", number("axis", 9))), "axis"},
		"deep":                 {ask(deep), "deep"},
		"many nodes":           {ask(strings.Repeat(nodeField("Relu", "x", "a"), 100_000)), "nodes"},
		"many branches":        {ask(nodeField("If", "x", "y", branch(strings.Repeat(nodeField("Relu", "x", "a"), 60_000)))), "nodes"},
		"many texts":           {ask(nodeField("Concat", strings.Repeat("x ", 400_000), "y")), "nodes"},
		"a range":              {ask(nodeField("Constant", "", "f", number("value_int", 0)), nodeField("Constant", "", "t", number("value_int", big)), nodeField("Constant", "", "d", number("value_int", 1)), nodeField("Range", "f t d", "y")), "goes from"},
		"division by zero":     {ask(nodeField("Constant", "", "f", number("value_int", 0)), nodeField("Div", "f f", "y")), "by zero"},
		"a place there is not": {ask(nodeField("Cast", "x", "i", number("to", 7)), nodeField("Constant", "", "o", number("value_int", 9)), nodeField("Add", "i o", "p"), nodeField("GatherElements", "x p", "y", number("axis", 1))), "place"},
		"a wrong wire type":    {ask(bytesField(graphNode, bytesField(nodeKind, "Elu"), bytesField(nodeAttribute, bytesField(1, "alpha"), numberField(attributeFloat, 1)))), "wire type"},
	} {
		t.Run(name, func(t *testing.T) {
			refusedGraph(t, test.data, test.says)
		})
	}
}

// FuzzGraph runs whatever can be read: nothing panics, hangs or takes much memory.
func FuzzGraph(f *testing.F) {
	paths, _ := filepath.Glob(filepath.Join(exam, "*", "test_*", "model.onnx"))
	for i, path := range paths {
		if data, err := os.ReadFile(path); err == nil && len(data) < 2000 && i%7 == 0 {
			f.Add(data)
		}
	}
	f.Add(ask(nodeField("Relu", "x", "y")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := runAll(data); err != nil && fmt.Sprint(err) == "" {
			t.Error("an error says nothing")
		}
	})
}
