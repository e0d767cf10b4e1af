package transform

import "fmt"

// Resize makes a picture larger or smaller, as torchvision.transforms.Resize
// does through Pillow: each side by itself, the rows first, with a filter that
// covers all of the source when the picture shrinks (antialiased), and with
// fixed point weights, so that the bytes are Pillow's. A picture of float32 is
// resized in the same way, which for Bilinear and Bicubic is what torchvision
// does to a tensor with antialias=True.
//
// Give Height and Width, or Edge.
type Resize struct {
	Height, Width int

	// Edge is the length of the shorter side; the longer keeps the proportion.
	Edge int

	// MaxEdge bounds the longer side if it is not 0: Edge then gives way.
	MaxEdge int

	// Interpolation is Bilinear if it is not set.
	Interpolation Interpolation
}

// Format takes every picture and promises the new size, 1 to 32,768 a side. One
// of bytes with 2 channels or 4 has alpha in the last: its colours count as much
// as they are seen.
func (t Resize) Format(in Format) (Format, error) {
	if err := t.Interpolation.check("Resize", Lanczos); err != nil {
		return Format{}, err
	}
	height, width := t.Height, t.Width
	if t.Edge == 0 && t.MaxEdge != 0 {
		return Format{}, fmt.Errorf("the MaxEdge of Resize is %d, but it has no Edge: set Edge, or Height and Width alone", t.MaxEdge)
	}
	if t.Edge != 0 {
		if height != 0 || width != 0 {
			return Format{}, fmt.Errorf("Resize has an Edge of %d and a size of %dx%d: set one of them", t.Edge, height, width)
		}
		if t.Edge < 0 || t.Edge > maxSide {
			return Format{}, fmt.Errorf("the Edge of Resize is %d: give 1 to %d", t.Edge, maxSide)
		}
		if t.MaxEdge != 0 && t.MaxEdge <= t.Edge {
			return Format{}, fmt.Errorf("the MaxEdge of Resize is %d and its Edge %d: the longer side must be allowed more", t.MaxEdge, t.Edge)
		}
		height, width = t.byEdge(in)
	}
	return in.resized("Resize", height, width)
}

// byEdge returns the size that Edge and MaxEdge ask for, with torchvision's
// rounding: towards 0.
func (t Resize) byEdge(in Format) (height, width int) {
	short := t.Edge
	long := int(float64(t.Edge*max(in.Height, in.Width)) / float64(min(in.Height, in.Width)))
	if t.MaxEdge != 0 && long > t.MaxEdge {
		short, long = int(float64(t.MaxEdge*short)/float64(long)), t.MaxEdge
	}
	if in.Width <= in.Height {
		return long, short
	}
	return short, long
}

// Apply resizes every channel.
func (t Resize) Apply(dst, src *Picture) { applyAll(t.expand(src.Format), dst, src) }

func (t Resize) expand(in Format) []Transform {
	out, err := t.Format(in)
	if err != nil {
		panic("transform: " + err.Error())
	}
	if out == in {
		return nil
	}
	interpolation := t.Interpolation.or(Bilinear)
	if interpolation == Nearest {
		return []Transform{gather{rows: nearest(in.Height, out.Height), columns: nearest(in.Width, out.Width)}}
	}
	f := filters[interpolation]
	var steps []Transform
	if in.Width != out.Width {
		steps = append(steps, across{newTaps(in.Width, out.Width, f)})
	}
	if in.Height != out.Height {
		steps = append(steps, down{newTaps(in.Height, out.Height, f)})
	}
	return weighAlpha(in, steps)
}

// nearest returns which of in samples lies at the middle of each of out ones. The
// place is summed up, and not multiplied, because Pillow does so.
func nearest(in, out int) []int {
	from := make([]int, out)
	step := float64(in) / float64(out)
	at := step * 0.5
	for i := range from {
		from[i] = min(int(at), in-1)
		at += step
	}
	return from
}

// String names the step with its size.
func (t Resize) String() string {
	if t.Edge != 0 {
		return fmt.Sprintf("Resize(shorter side %d)", t.Edge)
	}
	return fmt.Sprintf("Resize(%dx%d)", t.Height, t.Width)
}

// weighAlpha puts steps between two that multiply the colours by alpha and divide
// them again, when the picture has alpha: what cannot be seen must not bleed
// into its neighbours.
func weighAlpha(in Format, steps []Transform) []Transform {
	if in.Float || in.Channels != 2 && in.Channels != 4 {
		return steps
	}
	steps = append([]Transform{premultiply{}}, steps...)
	return append(steps, unmultiply{})
}

// premultiply multiplies colours by alpha, rounded to the nearest.
type premultiply struct{}

func (premultiply) Format(in Format) (Format, error) { return in, nil }

func (premultiply) Apply(dst, src *Picture) {
	colours := (src.Channels - 1) * src.Height * src.Width
	alpha := src.Bytes[colours:]
	copy(dst.Bytes[colours:], alpha)
	for i, v := range src.Bytes[:colours] {
		dst.Bytes[i] = divide255(uint32(v) * uint32(alpha[i%len(alpha)]))
	}
}

// unmultiply divides colours by alpha, towards 0, as Pillow does.
type unmultiply struct{}

func (unmultiply) Format(in Format) (Format, error) { return in, nil }

func (unmultiply) Apply(dst, src *Picture) {
	colours := (src.Channels - 1) * src.Height * src.Width
	alpha := src.Bytes[colours:]
	copy(dst.Bytes, src.Bytes)
	for i, v := range src.Bytes[:colours] {
		if a := int32(alpha[i%len(alpha)]); a != 0 && a != 255 {
			dst.Bytes[i] = clip(255 * int32(v) / a)
		}
	}
}
