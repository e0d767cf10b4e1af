package transform

import (
	"cmp"
	"math"
	"math/rand/v2"
)

// ElasticTransform pulls a picture about as if it were rubber (Simard, Steinkraus
// and Platt 2003): every sample comes from a place a little beside, by noise from
// -1 to 1 that is blurred with Sigma and stretched by Alpha/2 samples. For square
// pictures that is torchvision.transforms.ElasticTransform; for others it differs
// in taking both sides alike.
type ElasticTransform struct {
	Alpha float64 // how far; 0 means 50
	Sigma float64 // how smoothly, in samples; 0 means 5

	Interpolation Interpolation // Nearest or Bilinear (as it is when not set)
	Fill          []float32     // what is seen where the picture does not reach, as in Rotate
}

// Format takes bytes and keeps the format.
func (t ElasticTransform) Format(in Format) (Format, error) {
	return in, cmp.Or(
		wantBytes("ElasticTransform", in),
		checkFinite("ElasticTransform", "Alpha", t.Alpha),
		checkWithin("ElasticTransform", "Sigma", t.Sigma, 0, 1000),
		t.Interpolation.check("ElasticTransform", Bilinear),
		checkFill("ElasticTransform", "Fill", t.Fill, in),
	)
}

// Draw returns a step that moves every sample by noise of its own.
func (t ElasticTransform) Draw(r *rand.Rand, in Format) Transform {
	alpha, sigma := t.Alpha, t.Sigma
	if alpha == 0 {
		alpha = 50
	}
	if sigma == 0 {
		sigma = 5
	}
	weights := bell(int(8*sigma+1)|1, sigma)
	noise := func() []float64 {
		field := make([]float64, in.Height*in.Width)
		for i := range field {
			field[i] = alpha / 2 * around(0, 1).draw(r)
		}
		return convolve(field, in.Height, in.Width, weights, weights)
	}
	return &displace{noise(), noise(), t.Interpolation.or(Bilinear), t.Fill}
}

// Apply panics: the step is random.
func (t ElasticTransform) Apply(_, _ *Picture) { noChance(t) }

// A displace takes the sample at (x, y) from (x+dx, y+dy). It computes as
// torchvision.transforms.functional.elastic_transform.
type displace struct {
	dx, dy        []float64
	interpolation Interpolation
	fill          []float32
}

func (t *displace) Format(in Format) (Format, error) { return in, nil }

func (t *displace) Apply(dst, src *Picture) {
	size := src.Height * src.Width
	for c := range src.Channels {
		plane, fill := src.Bytes[c*size:(c+1)*size], float64(fillOf(t.fill, c))
		at := func(x, y float64) float64 {
			if x < 0 || y < 0 || x >= float64(src.Width) || y >= float64(src.Height) {
				return fill
			}
			return float64(plane[int(y)*src.Width+int(x)])
		}
		for i := range size {
			x, y := float64(i%src.Width)+t.dx[i], float64(i/src.Width)+t.dy[i]
			v := 0.0
			if t.interpolation == Nearest {
				v = at(math.RoundToEven(x), math.RoundToEven(y))
			} else {
				left, top := math.Floor(x), math.Floor(y)
				upper := between(at(left, top), at(left+1, top), x-left)
				lower := between(at(left, top+1), at(left+1, top+1), x-left)
				v = math.RoundToEven(between(upper, lower, y-top))
			}
			dst.Bytes[c*size+i] = byte(v)
		}
	}
}
