package npy_test

import (
	"bytes"
	"fmt"

	"inkling/weights/npy"
)

func Example() {
	var file bytes.Buffer
	if err := npy.Write(&file, &npy.Array{Shape: []int{2, 2}, Values: []float32{1, 2, 3, 4}}); err != nil {
		panic(err)
	}
	a, err := npy.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	fmt.Println(a.Name, a.Shape, a.DType, a.Values, err)
	// Output: arr_0 [2 2] float32 [1 2 3 4] <nil>
}
