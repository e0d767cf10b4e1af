package transform

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// A BatchTransform mixes the pictures of a batch, after everything that was done
// to each of them.
type BatchTransform interface {
	// Apply changes a batch of float32 in place: len(labels) pictures, one after
	// the other. It returns the probabilities of their classes as a loss wants
	// them, len(labels) rows of so many classes; each row has the sum 1. It panics
	// when the pictures are not as many as the labels, or a label is no class.
	//
	// A transform that has a method Check() error is asked by it, before the first
	// batch, whether its settings make sense.
	Apply(r *rand.Rand, images []float32, labels []int, classes int) (targets []float32)
}

// checkAlpha refuses what no Beta distribution has.
func checkAlpha(step string, alpha float64) error {
	if !(alpha >= 0) || math.IsInf(alpha, 1) {
		return fmt.Errorf("the Alpha of %s is %v: give a positive number, or 0 for 1", step, alpha)
	}
	return nil
}

// RandomChoice mixes every batch with one of its transforms, each as likely as
// the others. It must have one.
type RandomChoice []BatchTransform

// Check wants a transform, and each of them as it must be.
func (t RandomChoice) Check() error {
	if len(t) == 0 {
		return errors.New("RandomChoice has no transforms: give one or more")
	}
	for i, transform := range t {
		if transform == nil {
			return fmt.Errorf("transform %d of RandomChoice is nil", i)
		}
		if c, ok := transform.(interface{ Check() error }); ok {
			if err := c.Check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Apply draws a transform and applies it.
func (t RandomChoice) Apply(r *rand.Rand, images []float32, labels []int, classes int) []float32 {
	return t[r.IntN(len(t))].Apply(r, images, labels, classes)
}

// MixUp lays over every picture of a batch the one before it (Zhang et al. 2017,
// arXiv:1710.09412), the last one over the first, as torchvision's v2.MixUp.
type MixUp struct {
	// Alpha is both parameters of the Beta distribution that the share of a
	// picture is drawn from. 0 means 1: every share is as likely.
	Alpha float64
}

// Check wants an Alpha of 0 or more.
func (t MixUp) Check() error { return checkAlpha("MixUp", t.Alpha) }

// Apply mixes all pictures of a batch with one share, and their classes too: see
// [BatchTransform].
func (t MixUp) Apply(r *rand.Rand, images []float32, labels []int, classes int) []float32 {
	size := pictureSize("MixUp", images, labels)
	share := float32(beta(r, t.Alpha))
	rolled(images, size, func(picture, before []float32) {
		for i, v := range before {
			picture[i] = float32(picture[i]*share) + float32(v*(1-share))
		}
	})
	return mixedTargets("MixUp", labels, classes, share)
}

// CutMix puts into every picture of a batch a rectangle of the one before it (Yun
// et al. 2019, arXiv:1905.04899), into the first one of the last, as torchvision's
// v2.CutMix.
type CutMix struct {
	// Height and Width are the sides of a picture.
	Height, Width int

	// Alpha is both parameters of the Beta distribution that the share which
	// stays is drawn from, before the rectangle is cut at the edges. 0 means 1.
	Alpha float64
}

// Check wants sides of 1 or more, and an Alpha of 0 or more.
func (t CutMix) Check() error {
	if t.Height < 1 || t.Width < 1 {
		return fmt.Errorf("CutMix is for pictures of %dx%d (height and width): give the sides of the pictures", t.Height, t.Width)
	}
	return checkAlpha("CutMix", t.Alpha)
}

// Apply puts the same rectangle into all pictures of a batch, and mixes their
// classes by area: see [BatchTransform]. It panics also when the pictures have
// another size.
func (t CutMix) Apply(r *rand.Rand, images []float32, labels []int, classes int) []float32 {
	size := pictureSize("CutMix", images, labels)
	if t.Height < 1 || t.Width < 1 || size%(t.Height*t.Width) != 0 {
		panic(fmt.Sprintf("transform: CutMix for pictures of %dx%d with %d samples", t.Height, t.Width, size))
	}
	middleX, middleY := r.IntN(t.Width), r.IntN(t.Height)
	half := 0.5 * math.Sqrt(1-beta(r, t.Alpha))
	halfWidth, halfHeight := int(half*float64(t.Width)), int(half*float64(t.Height))
	left, right := max(middleX-halfWidth, 0), min(middleX+halfWidth, t.Width)
	top, bottom := max(middleY-halfHeight, 0), min(middleY+halfHeight, t.Height)
	rolled(images, size, func(picture, before []float32) {
		for plane := 0; plane < size; plane += t.Height * t.Width {
			for y := top; y < bottom; y++ {
				row := plane + y*t.Width
				copy(picture[row+left:row+right], before[row+left:row+right])
			}
		}
	})
	cut := float64((right-left)*(bottom-top)) / float64(t.Height*t.Width)
	return mixedTargets("CutMix", labels, classes, float32(1-cut))
}

// pictureSize is the number of samples of a picture.
func pictureSize(step string, images []float32, labels []int) int {
	if len(labels) == 0 || len(images)%len(labels) != 0 {
		panic(fmt.Sprintf("transform: %s with %d samples for %d labels", step, len(images), len(labels)))
	}
	return len(images) / len(labels)
}

// rolled calls f for every picture and the one that was before it.
func rolled(images []float32, size int, f func(picture, before []float32)) {
	last := append([]float32(nil), images[len(images)-size:]...)
	for at := len(images) - size; at > 0; at -= size {
		f(images[at:at+size], images[at-size:at])
	}
	f(images[:size], last)
}

// mixedTargets gives each label its share, and the one before it the rest.
func mixedTargets(step string, labels []int, classes int, share float32) []float32 {
	targets := make([]float32, len(labels)*classes)
	before := labels[len(labels)-1]
	for i, label := range labels {
		if label < 0 || label >= classes {
			panic(fmt.Sprintf("transform: %s with label %d of %d classes", step, label, classes))
		}
		targets[i*classes+label] += share
		targets[i*classes+before] += 1 - share
		before = label
	}
	return targets
}

// beta draws from the Beta distribution with both parameters alpha; 0 means 1.
func beta(r *rand.Rand, alpha float64) float64 {
	if alpha == 0 || alpha == 1 {
		return r.Float64()
	}
	if !(alpha > 0) || math.IsInf(alpha, 0) {
		panic(fmt.Sprintf("transform: an Alpha of %v, want a positive number", alpha))
	}
	a, b := logGamma(r, alpha), logGamma(r, alpha)
	return 1 / (1 + math.Exp(b-a))
}

// logGamma draws the logarithm of a number from the Gamma distribution
// (Marsaglia and Tsang 2000), which small alphas would make 0.
func logGamma(r *rand.Rand, alpha float64) float64 {
	if alpha < 1 {
		return logGamma(r, alpha+1) + math.Log(1-r.Float64())/alpha
	}
	d := alpha - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + float64(c*x)
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float64()) < float64(x*x/2)+d-float64(d*v)+float64(d*math.Log(v)) {
			return math.Log(d) + math.Log(v)
		}
	}
}
