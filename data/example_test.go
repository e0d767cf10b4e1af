package data_test

import (
	"fmt"

	"inkling/data"
	"inkling/transform"
)

func ExampleLoader() {
	// Three pictures of 1x1x2 samples.
	pictures, err := data.NewMemory([]byte{0, 255, 51, 102, 255, 0}, []byte{1, 0, 1}, []string{"cat", "dog"}, 1, 1, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	loader := &data.Loader{
		Dataset:   pictures,
		BatchSize: 2,
		Transform: transform.Compose{
			transform.ToTensor{},
			transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}},
		},
	}
	for i, batch := range loader.Batches() {
		fmt.Println(i, batch.Images, batch.Labels)
	}
	if err := loader.Err(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 0 [-1 1 -0.6 -0.19999999] [1 0]
	// 1 [1 -1] [1]
}

// A part is held out to validate with, and in training rare classes come as
// often as frequent ones.
func ExampleWeightedRandomSampler() {
	labels := []byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 1} // 8 cats, 2 dogs
	pictures, err := data.NewMemory(make([]byte, len(labels)), labels, []string{"cat", "dog"}, 1, 1, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	train, validation, err := data.StratifiedSplit(pictures, 0.5, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	weights, err := data.BalancedWeights(train)
	if err != nil {
		fmt.Println(err)
		return
	}
	loader := &data.Loader{
		Dataset: train,
		Sampler: data.WeightedRandomSampler{Weights: weights, NumSamples: 1000},
	}
	dogs := 0
	for _, batch := range loader.Batches() {
		dogs += batch.Labels[0]
	}
	fmt.Println(train.Len(), validation.Len(), dogs > 450, dogs < 550)
	// Output:
	// 5 5 true true
}
