package transform_test

import (
	"fmt"
	"image"

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

// The picture of a digit as EMNIST's files hold it, out of a drawing.
func ExampleCompose() {
	preprocessing := transform.Compose{
		transform.PasteOver{},
		transform.Grayscale{},
		transform.Resize{Height: 28, Width: 28},
		transform.HorizontalFlip{},
		transform.Rotate{Angle: 90, Expand: true},
		transform.ToTensor{},
		transform.Invert{},
		transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}},
	}
	drawing := transform.FromImage(image.NewNRGBA(image.Rect(0, 0, 280, 140)))
	format, err := preprocessing.Format(drawing.Format)
	if err != nil {
		fmt.Println(err)
		return
	}
	picture := transform.NewPicture(format)
	preprocessing.Apply(picture, drawing)
	fmt.Println(drawing.Format, "becomes", picture.Format, "of", picture.Floats[0])
	// Output: 4x140x280 bytes becomes 1x28x28 float32 of -1
}

// Every picture is seeded by itself, so it does not matter who prepares it.
func ExamplePipeline_Seed() {
	pipeline, err := transform.Compile(transform.Compose{
		transform.RandomCrop{Height: 1, Width: 2},
		transform.ToTensor{},
	}, 1, 1, 6)
	if err != nil {
		fmt.Println(err)
		return
	}
	const seed, epoch = 1, 0
	samples := make([]float32, 2)
	for _, place := range []int{0, 1, 2, 0} {
		pipeline.Seed(seed, epoch, place)
		pipeline.Apply(samples, []byte{0, 51, 102, 153, 204, 255})
		fmt.Println(place, samples)
	}
	// Output:
	// 0 [0.6 0.8]
	// 1 [0.8 1]
	// 2 [0.6 0.8]
	// 0 [0.6 0.8]
}

// Two pictures of two classes, each with a share of the other.
func ExampleMixUp() {
	images := []float32{0, 0, 1, 1} // two pictures of two samples
	targets := transform.MixUp{Alpha: 0.2}.Apply(transform.Generator(1, 0, 0), images, []int{0, 1}, 2)
	fmt.Println(images[0] == targets[1], images[2] == targets[3])
	// Output: true true
}
