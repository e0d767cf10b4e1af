package inkling_test

import (
	"fmt"

	"inkling"
	"inkling/weights/graph"
)

// A network that PyTorch has exported runs on arrays, whatever it is for.
func ExampleOpenNetwork() {
	n, err := inkling.OpenNetwork("weights/onnx/testdata/torch.onnx")
	if err != nil {
		fmt.Println(err)
		return
	}
	in, out := n.Inputs[0], n.Outputs[0]
	fmt.Println(in.Name, in.Type, in.ShapeText())
	fmt.Println(out.Name, out.Type, out.ShapeText())

	pictures := &graph.Tensor{Type: graph.Float32, Shape: []int{2, 1, 4, 4}, Floats: make([]float32, 2*16)}
	results, err := n.Run(map[string]*graph.Tensor{in.Name: pictures})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(results[out.Name].Shape, len(results[out.Name].Floats))
	// Output:
	// image float32 batchx1x4x4
	// scores float32 batchx3
	// [2 3] 6
}
