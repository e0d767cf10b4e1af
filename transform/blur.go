package transform

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
)

// GaussianBlur blurs a picture with a bell of standard deviation Sigma, over as
// many samples as Kernel, as torchvision.transforms.functional.gaussian_blur. At
// the edges the picture is mirrored without repeating its outermost sample.
//
// torchvision sums in float32; where that falls on the other side of a half, which
// is one byte in some 60,000, it differs by 1.
type GaussianBlur struct {
	KernelWidth, KernelHeight int     // odd
	Sigma                     float64 // in samples
}

// Format takes bytes and keeps the format.
func (t GaussianBlur) Format(in Format) (Format, error) {
	if err := wantBytes("GaussianBlur", in); err != nil {
		return Format{}, err
	}
	for _, k := range []int{t.KernelWidth, t.KernelHeight} {
		if k < 1 || k > maxSide || k%2 == 0 {
			return Format{}, fmt.Errorf("the kernel of GaussianBlur is %dx%d: give odd numbers from 1 to %d", t.KernelWidth, t.KernelHeight, maxSide)
		}
	}
	if !(t.Sigma > 0) || math.IsInf(t.Sigma, 0) {
		return Format{}, fmt.Errorf("the Sigma of GaussianBlur is %v: give a positive number", t.Sigma)
	}
	return in, nil
}

// Apply blurs every channel.
func (t GaussianBlur) Apply(dst, src *Picture) {
	across, down := bell(t.KernelWidth, t.Sigma), bell(t.KernelHeight, t.Sigma)
	plane := make([]float64, src.Height*src.Width)
	for c := range src.Channels {
		at := c * len(plane)
		for i := range plane {
			plane[i] = float64(src.Bytes[at+i])
		}
		for i, v := range convolve(plane, src.Height, src.Width, across, down) {
			// A mean of bytes is one, so it needs no limits.
			dst.Bytes[at+i] = byte(math.RoundToEven(v))
		}
	}
}

// String names the step with its numbers.
func (t GaussianBlur) String() string {
	return fmt.Sprintf("GaussianBlur(%dx%d, sigma %v)", t.KernelWidth, t.KernelHeight, t.Sigma)
}

// RandomGaussianBlur blurs a picture with a random Sigma. With a kernel it is
// torchvision.transforms.GaussianBlur with a pair for sigma.
type RandomGaussianBlur struct {
	// KernelWidth and KernelHeight are odd. 0 means what holds three standard
	// deviations to each side.
	KernelWidth, KernelHeight int

	// Sigma is drawn from, in samples; the zero value means 0.1 to 2.
	Sigma Range
}

// blurSigma is torchvision's default.
var blurSigma = Range{0.1, 2}

// Format takes bytes and keeps the format.
func (t RandomGaussianBlur) Format(in Format) (Format, error) {
	sigma := t.Sigma.or(blurSigma)
	if err := sigma.check("RandomGaussianBlur", "Sigma", 1e-3, 1e3); err != nil {
		return Format{}, err
	}
	return t.blur(sigma.Max).Format(in)
}

func (t RandomGaussianBlur) blur(sigma float64) GaussianBlur {
	kernel := 2*int(math.Ceil(3*sigma)) + 1
	return GaussianBlur{cmp.Or(t.KernelWidth, kernel), cmp.Or(t.KernelHeight, kernel), sigma}
}

// Draw returns a GaussianBlur.
func (t RandomGaussianBlur) Draw(r *rand.Rand, _ Format) Transform {
	return t.blur(t.Sigma.or(blurSigma).draw(r))
}

// Apply panics: the step is random.
func (t RandomGaussianBlur) Apply(_, _ *Picture) { noChance(t) }

// bell returns n samples of a Gaussian, of the sum 1.
func bell(n int, sigma float64) []float64 {
	weights, sum := make([]float64, n), 0.0
	for i := range weights {
		x := (float64(i) - float64(n-1)/2) / sigma
		weights[i] = math.Exp(-0.5 * x * x)
		sum += weights[i]
	}
	for i := range weights {
		weights[i] /= sum
	}
	return weights
}

// convolve weighs the neighbours of every sample of a plane with bells, first
// along the rows and then along the columns, and mirrors it at its edges.
func convolve(plane []float64, height, width int, across, down []float64) []float64 {
	rows := convolveRows(plane, height, width, across)
	return convolveRows(rows, width, height, down)
}

// convolveRows weighs along the rows and returns the transposed plane, so that
// two of it make a convolution along both sides.
func convolveRows(plane []float64, height, width int, weights []float64) []float64 {
	out := make([]float64, len(plane))
	half := len(weights) / 2
	from := make([]int, width+2*half)
	for i := range from {
		from[i] = mirror(i-half, width)
	}
	mirrored, sums := make([]float64, len(from)), make([]float64, width)
	for y := range height {
		row := plane[y*width : (y+1)*width]
		for i, x := range from {
			mirrored[i] = row[x]
		}
		// Weight after weight, because one sum after another would wait for
		// itself; and both sides at once, because they weigh the same.
		middle := mirrored[half:][:len(sums)]
		for x, v := range middle {
			sums[x] = v * weights[half]
		}
		for k, w := range weights[:half] {
			left, right := mirrored[k:][:len(sums)], mirrored[2*half-k:][:len(sums)]
			for x := range sums {
				sums[x] += float64(w * (left[x] + right[x]))
			}
		}
		for x, v := range sums {
			out[x*height+y] = v
		}
	}
	return out
}

// mirror folds a place beyond 0 to n-1 back into it, as often as it takes.
func mirror(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i = (i%period + period) % period
	return min(i, period-i)
}
