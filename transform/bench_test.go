package transform

import (
	"image"
	"testing"
)

// The transform of the tutorial's training.
func BenchmarkPipeline(b *testing.B) {
	run(b, Compose{ToTensor{}, Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}}, counted(1, 28, 28))
}

// run measures a chain on one picture, as the loader runs it: seeded anew for
// every picture.
func run(b *testing.B, t Transform, src *Picture) {
	b.Helper()
	p, err := Compile(t, src.Channels, src.Height, src.Width)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, p.out.Len())
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		p.Seed(1, 0, i)
		p.Apply(dst, src.Bytes)
		i++
	}
}

// The usual augmentation of CIFAR.
func BenchmarkCropAndFlip(b *testing.B) {
	run(b, Compose{
		RandomCrop{Height: 32, Width: 32, Padding: 4},
		RandomHorizontalFlip{},
		ToTensor{},
		Normalize{Mean: []float32{0.4914, 0.4822, 0.4465}, Std: []float32{0.2470, 0.2435, 0.2616}},
	}, counted(3, 32, 32))
}

// An augmentation of characters.
func BenchmarkAffineOfDigits(b *testing.B) {
	run(b, Compose{
		RandomAffine{Degrees: Range{-10, 10}, Translate: [2]float64{0.1, 0.1}, Scale: Range{0.9, 1.1}, ShearX: Range{-5, 5}, Interpolation: Bilinear},
		ToTensor{},
	}, counted(1, 28, 28))
}

// The tutorial's preprocessing of a drawing of 500 by 333.
func BenchmarkPreprocessing(b *testing.B) {
	run(b, preprocessing, pillow(b, "three_500x333_0_input.png"))
}

func BenchmarkSteps(b *testing.B) {
	for _, step := range []Transform{
		Resize{Height: 28, Width: 28},
		Resize{Height: 64, Width: 64, Interpolation: Bicubic},
		Rotate{Angle: 30},
		Rotate{Angle: 30, Interpolation: Bilinear},
		GaussianBlur{KernelWidth: 5, KernelHeight: 5, Sigma: 1},
		RandomPerspective{P: 1},
		ElasticTransform{},
		ColorJitter{Brightness: 0.2, Contrast: 0.2, Saturation: 0.2, Hue: 0.1},
	} {
		b.Run(name(step), func(b *testing.B) { run(b, Compose{step, ToTensor{}}, counted(3, 32, 32)) })
	}
}

func BenchmarkFromImage(b *testing.B) {
	img := image.NewYCbCr(image.Rect(0, 0, 32, 32), image.YCbCrSubsampleRatio420)
	b.ReportAllocs()
	for b.Loop() {
		FromImage(img)
	}
}
