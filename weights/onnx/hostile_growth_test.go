package onnx

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// grown is a graph of nodes of which each reads what the one before it gives.
func grown(times int, node func(in, out string) string) []byte {
	var nodes []string
	in := "x"
	for i := range times {
		out := fmt.Sprintf("v%d", i)
		if i == times-1 {
			out = "y"
		}
		nodes = append(nodes, node(in, out))
		in = out
	}
	return ask(nodes...)
}

// calling is a graph that calls the first of some functions, each of which has the nodes that
// are said.
func calling(functions map[string][]string) []byte {
	data := ask(bytesField(graphNode, nodeContent("f0", "x", "y")+bytesField(nodeDomain, "own")))
	for name, nodes := range functions {
		parts := []string{bytesField(functionName, name), bytesField(functionDomain, "own"), bytesField(functionInput, "a"), bytesField(functionOutput, "b"),
			bytesField(functionVersions, bytesField(1, ""), numberField(2, 17))}
		for _, node := range nodes {
			parts = append(parts, bytesField(functionNode, node))
		}
		data = append(data, bytesField(modelFunctions, parts...)...)
	}
	return data
}

// TestHostileGrowth has graphs that a small file makes large: by doubling, by repeating, by
// functions that call each other, and by shapes of gigabytes.
func TestHostileGrowth(t *testing.T) {
	const big = 1 << 40
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
	picture := list("four", 0, 1) + nodeField("Unsqueeze", "x four", "p") // 1 x 1 x 2 x 3
	call := func(name, in, out string) string { return nodeContent(name, in, out) + bytesField(nodeDomain, "own") }
	chain := map[string][]string{}
	for i := range 8 {
		var nodes []string
		for j := range 16 {
			in, out := fmt.Sprintf("t%d", j-1), fmt.Sprintf("t%d", j)
			if j == 0 {
				in = "a"
			} else if j == 15 {
				out = "b"
			}
			if nodes = append(nodes, call(fmt.Sprintf("f%d", i+1), in, out)); i == 7 {
				nodes[j] = nodeContent("Relu", in, out)
			}
		}
		chain[fmt.Sprintf("f%d", i)] = nodes
	}
	port := func(number int, name string, dims ...uint64) string {
		var sizes []string
		for _, d := range dims {
			sizes = append(sizes, bytesField(1, numberField(1, d)))
		}
		return bytesField(protowire.Number(number), bytesField(1, name), bytesField(2, bytesField(1, numberField(1, 1), bytesField(2, sizes...))))
	}
	huge := func(dims ...uint64) []byte {
		return append(file(nodeField("Relu", "x", "y"), port(graphInput, "x", dims...), port(graphOutput, "y", dims...)), bytesField(modelOperatorSet, bytesField(1, ""), numberField(2, 17))...)
	}
	for name, test := range map[string]struct {
		data []byte
		says string
	}{
		"doubled by Concat": {grown(40, func(in, out string) string { return nodeField("Concat", in+" "+in, out, number("axis", 0)) }), "which the file is too small"},
		"doubled by Tile":   {grown(40, func(in, out string) string { return list("r"+out, 2, 1) + nodeField("Tile", in+" r"+out, out) }), "which the file is too small"},
		"doubled by Add": {grown(30, func(in, out string) string {
			return list("r"+out, 0) + nodeField("Unsqueeze", in+" r"+out, "u"+out) + nodeField("Concat", "u"+out+" u"+out, "c"+out, number("axis", 0)) + list("s"+out, ^uint64(0), 3) + nodeField("Reshape", "c"+out+" s"+out, out)
		}), "more numbers than its inputs"},
		"doubled by MatMul": {grown(9, func(in, out string) string {
			return list("r"+out, ^uint64(0), 1) + nodeField("Reshape", in+" r"+out, "c"+out) + nodeField("Transpose", "c"+out, "t"+out) + nodeField("MatMul", "c"+out+" t"+out, out)
		}), "which the file is too small"},
		"expanded somewhat":          {ask(list("s", 1<<20, 2, 3), nodeField("Expand", "x s", "y")), "Expand"},
		"expanded to gigabytes":      {ask(list("s", 1<<27, 2, 3), nodeField("Expand", "x s", "y")), "Expand"},
		"padded":                     {ask(list("p", 0, 0, 1<<30, 0), nodeField("Pad", "x p", "y")), "node 2 (Pad) makes"},
		"padded beyond all":          {ask(list("p", big, big, big, big), nodeField("Pad", "x p", "y")), "node 2 (Pad) makes"},
		"resized":                    {ask(picture, list("s", 1, 1, 1<<20, 1<<20), bytesField(graphNode, nodeContent("Resize", "p", "")+bytesField(nodeInput, "")+bytesField(nodeInput, "")+bytesField(nodeInput, "s")+bytesField(nodeOutput, "y"))), "node 4 (Resize)"},
		"upsampled":                  {ask(picture, list("s", 1, 1, 1<<14, 1<<14), nodeField("Cast", "s", "f", number("to", 1)), nodeField("Upsample", "p f", "y")), "node 5 (Upsample)"},
		"one hot":                    {ask(nodeField("Cast", "x", "i", number("to", 7)), list("d", big), list("v", 0, 1), nodeField("OneHot", "i d v", "y")), "too large"},
		"transposed convolution":     {ask(picture, list("s", 1, 1, 1, 1), nodeField("ConstantOfShape", "s", "w"), nodeField("ConvTranspose", "p w", "y", ints("strides", 1<<30, 1<<30))), "too large"},
		"wide pads of a convolution": {ask(picture, list("s", 1, 1, 1, 1), nodeField("ConstantOfShape", "s", "w"), nodeField("Conv", "p w", "y", ints("pads", 1<<30, 1<<30, 1<<30, 1<<30))), "pads"},
		"a huge split":               {ask(nodeField("Split", "x", "y", number("num_outputs", big))), "parts"},
		"outer product":              {ask(list("s", 30_000, 1), nodeField("ConstantOfShape", "s", "c"), nodeField("Transpose", "c", "d"), nodeField("MatMul", "c d", "e"), nodeField("ReduceSum", "e", "f", number("keepdims", 0)), nodeField("Add", "x f", "y")), "too large"},
		"letters":                    {ask(nodeField("Einsum", "x x x x x x x x", "y", bytesField(1, "equation")+bytesField(attributeText, "ab,cd,ef,gh,ij,kl,mn,op->abcdefghijklmnop"))), "which the file is too small"},
		"a loop":                     {ask(nodeField("Loop", "x", "y")), "Loop"},
		"a scan":                     {ask(nodeField("Scan", "x", "y")), "Scan"},
		"a function calls itself":    {calling(map[string][]string{"f0": {call("f0", "a", "b")}}), "deeper"},
		"functions call each other":  {calling(map[string][]string{"f0": {call("f1", "a", "b")}, "f1": {call("f0", "a", "b")}}), "deeper"},
		"functions multiply":         {calling(chain), "nodes"},
		"an input of gigabytes":      {huge(1<<16, 1<<16), "shape"},
		"an input beyond all":        {huge(1<<62, 1<<62), "shape"},
		"a weight of gigabytes":      {ask(bytesField(graphInitializer, bytesField(tensorName, "w"), numberField(tensorType, 1), numberField(tensorDims, 1<<31)), nodeField("Add", "x w", "y")), "w"},
		"a long chain":               {grown(60_000, func(in, out string) string { return nodeField("Relu", in, out) }), "nodes"},
		"a long name":                {ask(nodeField(strings.Repeat("n", 1<<20), "x", "y")), "not run"},
		"outside, above": {ask(bytesField(graphInitializer, bytesField(tensorName, "w"), numberField(tensorType, 1), numberField(tensorDims, 2), numberField(tensorLocation, locationExternal),
			bytesField(tensorExternal, bytesField(1, "location"), bytesField(2, "../../etc/passwd"))), nodeField("Add", "x w", "y")), "another file"},
		"outside, absolute": {ask(bytesField(graphInitializer, bytesField(tensorName, "w"), numberField(tensorType, 1), numberField(tensorDims, 2), numberField(tensorLocation, locationExternal),
			bytesField(tensorExternal, bytesField(1, "location"), bytesField(2, "/etc/passwd"))), nodeField("Add", "x w", "y")), "another file"},
	} {
		t.Run(name, func(t *testing.T) { refusedGraph(t, test.data, test.says) })
	}
}
