package transform

import (
	"fmt"
	"math"
)

// Crop cuts Height rows and Width columns out of a picture, from row Top and
// column Left on. What lies outside of the picture is 0, as in
// torchvision.transforms.functional.crop.
type Crop struct {
	Top, Left, Height, Width int
}

// Format takes every picture and gives it the size of the crop, 1 to 32,768 a
// side.
func (t Crop) Format(in Format) (Format, error) { return in.resized("Crop", t.Height, t.Width) }

// Apply cuts every channel.
func (t Crop) Apply(dst, src *Picture) { applyAll(t.expand(src.Format), dst, src) }

func (t Crop) expand(in Format) []Transform {
	return []Transform{gather{rows: window(t.Top, t.Height, in.Height), columns: window(t.Left, t.Width, in.Width)}}
}

// String names the step with its values.
func (t Crop) String() string {
	return fmt.Sprintf("Crop(%dx%d at row %d, column %d)", t.Height, t.Width, t.Top, t.Left)
}

// CenterCrop cuts the middle Height rows and Width columns out of a picture. One
// that is smaller is first padded with 0 on all sides.
type CenterCrop struct {
	Height, Width int
}

// Format takes every picture and gives it the size of the crop, 1 to 32,768 a
// side.
func (t CenterCrop) Format(in Format) (Format, error) {
	return in.resized("CenterCrop", t.Height, t.Width)
}

// Apply cuts every channel.
func (t CenterCrop) Apply(dst, src *Picture) { applyAll(t.expand(src.Format), dst, src) }

func (t CenterCrop) expand(in Format) []Transform {
	return Crop{middle(t.Height, in.Height), middle(t.Width, in.Width), t.Height, t.Width}.expand(in)
}

// String names the step with its size.
func (t CenterCrop) String() string { return fmt.Sprintf("CenterCrop(%dx%d)", t.Height, t.Width) }

// middle returns where n samples out of the middle of size begin. torchvision
// rounds half a sample to the even side when it cuts, and up when it pads.
func middle(n, size int) int {
	if n > size {
		return -((n - size) / 2)
	}
	return int(math.RoundToEven(float64(size-n) / 2))
}

// PadMode says what a padded border shows.
type PadMode int

// The names are those of torchvision's padding_mode: Constant shows Fill, Edge
// repeats the outermost sample, Reflect mirrors the picture without repeating
// that sample, and Symmetric mirrors it with it.
const (
	Constant PadMode = iota
	Edge
	Reflect
	Symmetric
)

// Pad puts a border around a picture, as torchvision.transforms.Pad.
type Pad struct {
	Left, Top, Right, Bottom int // the width of the border on each side, 0 or more

	// Fill is what a Constant border shows: one value for each channel, one for
	// all, or none for 0. It is from 0 to 255 before ToTensor.
	Fill []float32
	Mode PadMode
}

// Format takes every picture and adds the borders to its sides. Reflect can show
// no more than the picture has besides its outermost sample, and Symmetric no
// more than the picture.
func (t Pad) Format(in Format) (Format, error) {
	if min(t.Left, t.Top, t.Right, t.Bottom) < 0 {
		return Format{}, fmt.Errorf("the border of Pad is %d, %d, %d and %d wide (left, top, right, bottom): give 0 or more; Crop cuts", t.Left, t.Top, t.Right, t.Bottom)
	}
	if max(t.Left, t.Top, t.Right, t.Bottom) > maxSide {
		return in.resized("Pad", maxSide+1, maxSide+1)
	}
	if err := checkFill("Pad", "Fill", t.Fill, in); err != nil {
		return Format{}, err
	}
	across, down := max(t.Left, t.Right), max(t.Top, t.Bottom)
	switch t.Mode {
	case Constant, Edge:
	case Reflect, Symmetric:
		if t.Mode == Reflect {
			across, down = across+1, down+1
		}
		if across > in.Width || down > in.Height {
			return Format{}, fmt.Errorf("the border of Pad (%d, %d, %d, %d) is too wide to be mirrored from %v: make it narrower, or choose Constant or Edge",
				t.Left, t.Top, t.Right, t.Bottom, in)
		}
	default:
		return Format{}, fmt.Errorf("the Mode of Pad is %d: choose Constant, Edge, Reflect or Symmetric", t.Mode)
	}
	return in.resized("Pad", in.Height+t.Top+t.Bottom, in.Width+t.Left+t.Right)
}

// Apply pads every channel.
func (t Pad) Apply(dst, src *Picture) { applyAll(t.expand(src.Format), dst, src) }

func (t Pad) expand(in Format) []Transform {
	return []Transform{gather{
		rows:    t.border(t.Top, t.Bottom, in.Height),
		columns: t.border(t.Left, t.Right, in.Width),
		fill:    t.Fill,
	}}
}

// border returns which of size samples each one shows when before and after are
// put around them.
func (t Pad) border(before, after, size int) []int {
	out := make([]int, before+size+after)
	for i := range out {
		at := i - before
		switch {
		case at >= 0 && at < size:
		case t.Mode == Constant:
			at = -1
		case t.Mode == Edge:
			at = min(max(at, 0), size-1)
		case t.Mode == Reflect:
			at = mirror(at, size)
		case at < 0:
			at = -1 - at
		default:
			at = 2*size - 1 - at
		}
		out[i] = at
	}
	return out
}

// String names the step with its borders.
func (t Pad) String() string {
	return fmt.Sprintf("Pad(%d, %d, %d, %d)", t.Left, t.Top, t.Right, t.Bottom)
}
