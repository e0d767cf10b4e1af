package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Upsample makes pictures larger, or smaller, N x C x H x W to N x C x Ho x Wo, as
// torch.nn.Upsample: to a Size, or by a Scale, Ho = floor(H*Scale).
type Upsample struct {
	Size    [2]int     // height and width; if 0, Scale counts
	Scale   float64    // of height and width
	ScaleHW [2]float64 // where they differ
	// Bilinear takes the mean of the four nearest pixels, each by its nearness;
	// else the nearest pixel is taken.
	Bilinear bool
	// AlignCorners has the centres of the corner pixels fall together, and not
	// the corners of the pictures; for Bilinear only.
	AlignCorners bool
}

// Forward adds the layer to the network.
func (l *Upsample) Forward(x *Value) *Value {
	u := upsample{size: l.Size, scale: l.ScaleHW, bilinear: l.Bilinear, corners: l.AlignCorners}
	if u.scale == [2]float64{} {
		u.scale = [2]float64{l.Scale, l.Scale}
	}
	return Apply(u, nil, x)
}

type upsample struct {
	size              [2]int // 0 if scale counts
	scale             [2]float64
	bilinear, corners bool
}

func (upsample) Name() string                          { return "upsample" }
func (upsample) BackwardReads() (inputs, outputs bool) { return false, false }

func (u upsample) OutputShape(inputs []Shape) (Shape, error) {
	in, err := wantRank(inputs, 4, "N x C x H x W")
	if err != nil {
		return nil, err
	}
	out := in.clone()
	for d := range 2 {
		if u.corners && !u.bilinear {
			return nil, fmt.Errorf("aligns corners only if it is bilinear")
		}
		if u.size != [2]int{} {
			out[2+d] = u.size[d]
		} else if u.scale[d] > 0 && u.scale[d] < 1e6 {
			out[2+d] = int(float64(in[2+d]) * u.scale[d])
		}
		if out[2+d] < 1 || u.size == [2]int{} && !(u.scale[d] > 0 && u.scale[d] < 1e6) {
			return nil, fmt.Errorf("wants a size of at least 1 or a scale above 0, got size %v and scale %v for the input %v", either(u.size), u.scale, in)
		}
	}
	return out, nil
}

// step returns how far the source moves for a pixel of the output.
func (u upsample) step(d, in, out int) float64 {
	switch {
	case u.corners:
		return float64(in-1) / float64(max(out-1, 1))
	case u.size != [2]int{}:
		return float64(in) / float64(out)
	}
	return 1 / u.scale[d]
}

// sources returns the two pixels that an output is made of along a direction, and
// the share of the second.
func (u upsample) sources(d, place, in, out int) (first, second int, share float64) {
	step := u.step(d, in, out)
	if !u.bilinear {
		first = min(int(float64(place)*step), in-1)
		return first, first, 0
	}
	at := float64(place) * step
	if !u.corners {
		at = max((float64(place)+0.5)*step-0.5, 0)
	}
	first = min(int(at), in-1)
	return first, min(first+1, in-1), at - math.Floor(at)
}

// each calls visit with every element o of the output, the four elements of the
// input that it is made of, and their shares.
func (u upsample) each(in, out Shape, visit func(o, i int, share float64)) {
	for y := range out[2] {
		top, bottom, down := u.sources(0, y, in[2], out[2])
		for x := range out[3] {
			left, right, across := u.sources(1, x, in[3], out[3])
			for plane := range out[0] * out[1] {
				o, base := (plane*out[2]+y)*out[3]+x, plane*in[2]*in[3]
				visit(o, base+top*in[3]+left, (1-down)*(1-across))
				if u.bilinear {
					visit(o, base+top*in[3]+right, (1-down)*across)
					visit(o, base+bottom*in[3]+left, down*(1-across))
					visit(o, base+bottom*in[3]+right, down*across)
				}
			}
		}
	}
}

func (u upsample) Forward(c *Call[float32])    { upsampleForward(u, c) }
func (u upsample) Backward(c *Call[float32])   { upsampleBackward(u, c) }
func (u upsample) Forward64(c *Call[float64])  { upsampleForward(u, c) }
func (u upsample) Backward64(c *Call[float64]) { upsampleBackward(u, c) }

func upsampleForward[T Float](u upsample, c *Call[T]) {
	x, y := c.Inputs[0].Data, c.Output.Data
	clear(y)
	u.each(c.Inputs[0].Shape, c.Output.Shape, func(o, i int, share float64) { y[o] += x[i] * T(share) })
}

func upsampleBackward[T Float](u upsample, c *Call[T]) {
	dx, dy := c.InputGrads[0].Data, c.OutputGrad.Data
	if dx != nil {
		u.each(c.Inputs[0].Shape, c.Output.Shape, func(o, i int, share float64) { dx[i] += dy[o] * T(share) })
	}
}

// PixelShuffle makes pictures Factor times as high and wide out of Factor² times
// as many channels, N x C*Factor² x H x W to N x C x H*Factor x W*Factor, as
// torch.nn.PixelShuffle (Shi et al. 2016, arXiv:1609.05158).
type PixelShuffle struct{ Factor int }

// Forward adds the layer to the network.
func (l *PixelShuffle) Forward(x *Value) *Value {
	if f := l.Factor; f >= 1 && len(x.shape) == 4 && x.shape[1]%(f*f) == 0 {
		channels, height, width := x.shape[1]/(f*f), x.shape[2], x.shape[3]
		parts := Reshape(x, channels, f, f, height, width)
		return Reshape(Permute(parts, 0, 1, 4, 2, 5, 3), channels, height*f, width*f)
	}
	return refuse("pixelshuffle", fmt.Sprintf("wants a factor of at least 1 and N x C x H x W with channels that its square divides, got factor %d and the input %v", l.Factor, x.shape), x)
}

func upsampleExample(r *rand.Rand) Example {
	u := &Upsample{Bilinear: r.IntN(2) == 0}
	u.AlignCorners = u.Bilinear && r.IntN(2) == 0
	switch r.IntN(3) {
	case 0:
		u.Size = [2]int{1 + r.IntN(6), 1 + r.IntN(6)}
	case 1:
		u.Scale = 0.6 + 2*r.Float64()
	case 2:
		u.ScaleHW = [2]float64{0.6 + 2*r.Float64(), 2}
	}
	return exampleOf(u, pictureShape(r, 1+r.IntN(2), 2)...)
}
