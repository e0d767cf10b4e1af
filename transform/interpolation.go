package transform

import "fmt"

// Interpolation says how samples between the samples of a picture are found. Its
// names are those of torchvision.transforms.InterpolationMode. The zero value
// stands for the default that torchvision gives a step.
type Interpolation int

// Nearest takes the closest sample. The others are weighted means: Bilinear over
// a triangle, Bicubic over a cubic with a = -0.5, and, for [Resize] alone, Box,
// Hamming and Lanczos.
const (
	Nearest Interpolation = iota + 1
	Bilinear
	Bicubic
	Box
	Hamming
	Lanczos
)

var interpolationNames = [...]string{"default", "nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"}

// String returns the name in lower case.
func (i Interpolation) String() string {
	if i < 0 || int(i) >= len(interpolationNames) {
		return fmt.Sprintf("Interpolation(%d)", int(i))
	}
	return interpolationNames[i]
}

// or returns i, or the given default when i is the zero value.
func (i Interpolation) or(standard Interpolation) Interpolation {
	if i == 0 {
		return standard
	}
	return i
}

// check returns an error unless i is the zero value or at most last.
func (i Interpolation) check(step string, last Interpolation) error {
	if i < 0 || i > last {
		return fmt.Errorf("the Interpolation of %s is %v: choose one of %v", step, i, interpolationNames[1:last+1])
	}
	return nil
}
