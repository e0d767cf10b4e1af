package transform

import (
	"fmt"
	"math"
)

// Rotate turns a picture around its middle, as PIL.Image.rotate does. Go's sines
// may differ from C's in the last bit, which rounding almost always hides: one
// mixed byte in some 300,000 differs by 1.
type Rotate struct {
	// Angle is in degrees, counter-clockwise.
	Angle float64

	// Expand makes the picture large enough for all that is turned. Without it
	// the size stays and the corners are cut off.
	Expand bool

	// Interpolation is Nearest, Bilinear or Bicubic, and Nearest if it is not set.
	Interpolation Interpolation

	// Fill is what is seen where the picture does not reach: one value from 0 to
	// 255 for each channel, one for all, or none for 0.
	Fill []float32
}

// Format takes bytes; a quarter of a turn, with Expand or of a square, and half
// a turn take float32 too. The size changes only with Expand.
func (t Rotate) Format(in Format) (Format, error) {
	if err := checkFinite("Rotate", "Angle", t.Angle); err != nil {
		return Format{}, err
	}
	if err := t.Interpolation.check("Rotate", Bicubic); err != nil {
		return Format{}, err
	}
	if err := checkFill("Rotate", "Fill", t.Fill, in); err != nil {
		return Format{}, err
	}
	if turns, ok := t.quarters(in); ok {
		if turns%2 == 1 {
			in.Height, in.Width = in.Width, in.Height
		}
		return in, nil
	}
	if err := wantBytes("Rotate", in); err != nil {
		return Format{}, err
	}
	_, height, width := t.project(in)
	return in.resized("Rotate", height, width)
}

// Apply turns every channel.
func (t Rotate) Apply(dst, src *Picture) { applyAll(t.expand(src.Format), dst, src) }

func (t Rotate) expand(in Format) []Transform {
	if turns, ok := t.quarters(in); ok {
		return turn(in, turns)
	}
	p, height, width := t.project(in)
	return warpSteps(in, &warp{p, height, width, t.Interpolation.or(Nearest), t.Fill})
}

// warpSteps returns the steps of a warp. Pillow weighs alpha where it mixes.
func warpSteps(in Format, w *warp) []Transform {
	if w.interpolation == Nearest {
		return []Transform{w}
	}
	return weighAlpha(in, []Transform{w})
}

// degrees is the angle from 0 to less than 360.
func (t Rotate) degrees() float64 {
	a := math.Mod(t.Angle, 360)
	if a < 0 {
		a += 360
	}
	return a
}

// quarters returns the number of quarter turns, if the rotation is so many of
// them that no sample lies between others.
func (t Rotate) quarters(in Format) (turns int, ok bool) {
	switch a := t.degrees(); {
	case a == 0, a == 360:
		return 0, true
	case a == 180:
		return 2, true
	case (a == 90 || a == 270) && (t.Expand || in.Height == in.Width):
		return int(a / 90), true
	}
	return 0, false
}

// project returns where the samples of the result come from, and its size.
func (t Rotate) project(in Format) (p projection, height, width int) {
	sin, cos := math.Sincos(-t.degrees() * (math.Pi / 180))
	w, h := float64(in.Width), float64(in.Height)
	p = projection{round15(cos), round15(sin), 0, round15(-sin), round15(cos), 0}
	p[2], p[5] = p.at(-w/2, -h/2)
	p[2] += w / 2
	p[5] += h / 2
	if !t.Expand {
		return p, in.Height, in.Width
	}
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, corner := range [][2]float64{{0, 0}, {w, 0}, {w, h}, {0, h}} {
		x, y := p.at(corner[0], corner[1])
		left, right = min(left, x), max(right, x)
		top, bottom = min(top, y), max(bottom, y)
	}
	newW, newH := math.Ceil(right)-math.Floor(left), math.Ceil(bottom)-math.Floor(top)
	p[2], p[5] = p.at(-(newW-w)/2, -(newH-h)/2)
	return p, int(newH), int(newW)
}

// String names the step with its angle.
func (t Rotate) String() string {
	if t.Expand {
		return fmt.Sprintf("Rotate(%v, expand)", t.Angle)
	}
	return fmt.Sprintf("Rotate(%v)", t.Angle)
}

// turn returns the steps of so many quarter turns, counter-clockwise.
func turn(in Format, quarters int) []Transform {
	switch quarters {
	case 1:
		return []Transform{Transpose{}, gather{rows: backwards(in.Width), columns: window(0, in.Height, in.Height)}}
	case 2:
		return []Transform{gather{rows: backwards(in.Height), columns: backwards(in.Width)}}
	case 3:
		return []Transform{Transpose{}, gather{rows: window(0, in.Width, in.Width), columns: backwards(in.Height)}}
	}
	return nil
}
