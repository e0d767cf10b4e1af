package transform

import "fmt"

// Grayscale turns colours into brightness, as torchvision.transforms.Grayscale:
// with the weights of ITU-R 601, in the fixed point numbers of Pillow for bytes,
// and as 0.2989 R + 0.587 G + 0.114 B for float32. An alpha channel is left out.
type Grayscale struct {
	// Channels is the number of equal channels of the result: 1 or 3. 0 means 1.
	Channels int
}

// Format takes 1 channel (gray), 2 (gray and alpha), 3 (red, green, blue) or 4
// (with alpha) and promises Channels of them.
func (t Grayscale) Format(in Format) (Format, error) {
	if t.Channels != 0 && t.Channels != 1 && t.Channels != 3 {
		return Format{}, fmt.Errorf("the Channels of Grayscale are %d: give 1 or 3", t.Channels)
	}
	if in.Channels > 4 {
		return Format{}, fmt.Errorf("Grayscale wants a picture of 1 to 4 channels (gray, gray and alpha, RGB, RGBA), but gets %v", in)
	}
	in.Channels = max(t.Channels, 1)
	return in, nil
}

// Apply computes the first channel and copies it to the others.
func (t Grayscale) Apply(dst, src *Picture) {
	plane := src.Height * src.Width
	switch {
	case src.Float && src.Channels < 3:
		copy(dst.Floats[:plane], src.Floats)
	case src.Float:
		r, g, b := src.Floats[:plane], src.Floats[plane:2*plane], src.Floats[2*plane:3*plane]
		for i := range plane {
			// Each product and sum is rounded to float32, as PyTorch does.
			dst.Floats[i] = float32(float32(0.2989*r[i])+float32(0.587*g[i])) + float32(0.114*b[i])
		}
	case src.Channels < 3:
		copy(dst.Bytes[:plane], src.Bytes)
	default:
		r, g, b := src.Bytes[:plane], src.Bytes[plane:2*plane], src.Bytes[2*plane:3*plane]
		for i := range plane {
			dst.Bytes[i] = luma(r[i], g[i], b[i])
		}
	}
	for c := 1; c < dst.Channels; c++ {
		if src.Float {
			copy(dst.Floats[c*plane:], dst.Floats[:plane])
		} else {
			copy(dst.Bytes[c*plane:], dst.Bytes[:plane])
		}
	}
}

// String returns "Grayscale", with the channels if they are 3.
func (t Grayscale) String() string {
	if t.Channels == 3 {
		return "Grayscale(3 channels)"
	}
	return "Grayscale"
}

// luma is the brightness that Pillow gives a colour: 0.299 R + 0.587 G + 0.114 B
// in 16 bit fixed point, rounded to the nearest.
func luma(r, g, b byte) byte {
	return byte((uint32(r)*19595 + uint32(g)*38470 + uint32(b)*7471 + 0x8000) >> 16)
}

// Invert makes black white and white black: 255-v of a byte, 1-v of a float32.
type Invert struct{}

// Format takes every picture and keeps its format.
func (Invert) Format(in Format) (Format, error) { return in, nil }

// Apply inverts every sample.
func (t Invert) Apply(dst, src *Picture) { applyAll(t.expand(src.Format), dst, src) }

func (Invert) expand(in Format) []Transform {
	if in.Float {
		return []Transform{invertFrom(1)}
	}
	return []Transform{invertFrom(255)}
}

// String returns "Invert".
func (Invert) String() string { return "Invert" }

// invertFrom subtracts every sample from white.
type invertFrom float32

func (invertFrom) Format(in Format) (Format, error)      { return in, nil }
func (white invertFrom) Sample(_ int, v float32) float32 { return float32(white) - v }
func (white invertFrom) Apply(dst, src *Picture) {
	for i, v := range src.Bytes {
		dst.Bytes[i] = byte(white) - v
	}
	for i, v := range src.Floats {
		dst.Floats[i] = float32(white) - v
	}
}

// PasteOver lays a picture with an alpha channel over a plain ground, as
// pasting with its alpha as the mask does in Pillow. The channel of alpha is
// gone afterwards.
type PasteOver struct {
	// Ground is the colour below: one byte for each channel but alpha, or one for
	// all. None means white.
	Ground []byte
}

// Format takes bytes with alpha, so 2 channels or 4, and promises 1 or 3. A
// picture of 1 channel or 3 stays as it is.
func (t PasteOver) Format(in Format) (Format, error) {
	if err := wantBytes("PasteOver", in); err != nil {
		return Format{}, err
	}
	if in.Channels > 4 {
		return Format{}, fmt.Errorf("PasteOver wants a picture of 1 to 4 channels (gray, gray and alpha, RGB, RGBA), but gets %v", in)
	}
	in.Channels -= 1 - in.Channels%2
	if n := len(t.Ground); n > 1 && n != in.Channels {
		return Format{}, fmt.Errorf("the Ground of PasteOver has %d values for a picture of %d colour channels: give one for each, or one for all", n, in.Channels)
	}
	return in, nil
}

// Apply mixes every sample with the ground.
func (t PasteOver) Apply(dst, src *Picture) {
	if src.Channels%2 == 1 {
		copy(dst.Bytes, src.Bytes)
		return
	}
	plane := src.Height * src.Width
	alpha := src.Bytes[dst.Channels*plane:]
	for c := range dst.Channels {
		ground := uint32(255)
		if len(t.Ground) > 0 {
			ground = uint32(t.Ground[c%len(t.Ground)])
		}
		out, in := dst.Bytes[c*plane:(c+1)*plane], src.Bytes[c*plane:(c+1)*plane]
		for i, v := range in {
			a := uint32(alpha[i])
			out[i] = divide255(ground*(255-a) + uint32(v)*a)
		}
	}
}

// String returns "PasteOver", with the ground if there is one.
func (t PasteOver) String() string {
	if len(t.Ground) == 0 {
		return "PasteOver"
	}
	return fmt.Sprintf("PasteOver(%v)", t.Ground)
}

// divide255 is v/255 rounded to the nearest, for v up to 255*255.
func divide255(v uint32) byte {
	v += 128
	return byte((v>>8 + v) >> 8)
}
