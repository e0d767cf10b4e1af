package onnx_test

import (
	"bytes"
	"fmt"

	"inkling/models"
	"inkling/weights"
	"inkling/weights/onnx"
)

func Example() {
	model := onnx.Model{
		Network:  models.NewLeNet(10, 1),
		Shape:    []int{models.LeNetChannels, models.LeNetHeight, models.LeNetWidth},
		Metadata: &weights.Metadata{Mean: []float32{0.5}, Std: []float32{0.5}},
		Pixels:   true, // the input is a picture of bytes
		Softmax:  true, // the output is probabilities
	}
	var file bytes.Buffer // or model.Save("model.onnx")
	err := model.Write(&file)
	fmt.Println(err, file.Len() > 4*44_426)
	// Output: <nil> true
}
