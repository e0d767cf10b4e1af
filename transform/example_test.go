package transform_test

import (
	"fmt"

	"inkling/transform"
)

func ExampleCompile() {
	pipeline, err := transform.Compile(transform.Compose{
		transform.ToTensor{},
		transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}},
	}, 1, 1, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	samples := make([]float32, 3)
	pipeline.Apply(samples, []byte{0, 51, 255})
	fmt.Println(samples)
	// Output: [-1 -0.6 1]
}
