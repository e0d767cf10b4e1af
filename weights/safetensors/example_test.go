package safetensors_test

import (
	"bytes"
	"fmt"

	"inkling/weights/safetensors"
)

func Example() {
	var file bytes.Buffer
	tensors := []safetensors.Tensor{safetensors.New("fc.weight", []int{1, 2}, []float32{0.5, -1})}
	if err := safetensors.Write(&file, tensors, map[string]string{"dataset": "mnist"}); err != nil {
		panic(err)
	}
	read, err := safetensors.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		panic(err)
	}
	t := read.Tensors[0]
	fmt.Println(t.Name, t.Shape, t.DType, t.Float32s(), read.Metadata)

	_, err = safetensors.Read(bytes.NewReader(file.Bytes()), int64(file.Len()-1))
	fmt.Println(err)
	// Output:
	// fc.weight [1 2] float32 [0.5 -1] map[dataset:mnist]
	// byte 110: tensor fc.weight is said to lie at bytes 0 to 8 of the data, which has 7; the file was cut short or is damaged
}
