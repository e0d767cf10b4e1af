package npy_test

import (
	"bytes"
	"fmt"

	"inkling/weights/npy"
)

func Example() {
	var file bytes.Buffer
	a := npy.New("", []int{2, 2}, []float32{1, 2, 3, 4})
	if err := npy.Write(&file, &a); err != nil {
		panic(err)
	}
	read, err := npy.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	fmt.Println(read.Name, read.Shape, read.DType, read.Float32s(), err)
	// Output: arr_0 [2 2] float32 [1 2 3 4] <nil>
}
