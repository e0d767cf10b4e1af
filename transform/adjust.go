package transform

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
)

// AdjustBrightness mixes a picture with black: 0 is black, 1 the picture itself,
// and more is brighter. The bytes are those of Pillow's ImageEnhance.
type AdjustBrightness struct{ Factor float64 }

// Format takes bytes of 1 channel or 3 and keeps the format. Factor is 0 or more.
func (t AdjustBrightness) Format(in Format) (Format, error) {
	return in, checkAdjust("AdjustBrightness", t.Factor, 0, math.MaxFloat32, in)
}

// Apply mixes every sample.
func (t AdjustBrightness) Apply(dst, src *Picture) {
	for i, v := range src.Bytes {
		dst.Bytes[i] = blend(0, v, t.Factor)
	}
}

// AdjustContrast mixes a picture with its mean brightness: 0 is that gray, 1 the
// picture itself, and more has more contrast. The bytes are those of Pillow's
// ImageEnhance.
type AdjustContrast struct{ Factor float64 }

// Format takes bytes of 1 channel or 3 and keeps the format. Factor is 0 or more.
func (t AdjustContrast) Format(in Format) (Format, error) {
	return in, checkAdjust("AdjustContrast", t.Factor, 0, math.MaxFloat32, in)
}

// Apply mixes every sample.
func (t AdjustContrast) Apply(dst, src *Picture) {
	plane := src.Height * src.Width
	sum := 0
	for i := range plane {
		sum += int(brightness(src, i))
	}
	mean := byte(float64(sum)/float64(plane) + 0.5)
	for i, v := range src.Bytes {
		dst.Bytes[i] = blend(mean, v, t.Factor)
	}
}

// AdjustSaturation mixes a picture with its gray: 0 is gray, 1 the picture
// itself, and more is more colourful. The bytes are those of Pillow's
// ImageEnhance.
type AdjustSaturation struct{ Factor float64 }

// Format takes bytes of 1 channel, which stay as they are, or 3, and keeps the
// format. Factor is 0 or more.
func (t AdjustSaturation) Format(in Format) (Format, error) {
	return in, checkAdjust("AdjustSaturation", t.Factor, 0, math.MaxFloat32, in)
}

// Apply mixes every sample.
func (t AdjustSaturation) Apply(dst, src *Picture) {
	plane := src.Height * src.Width
	for i := range plane {
		gray := brightness(src, i)
		for at := i; at < len(src.Bytes); at += plane {
			dst.Bytes[at] = blend(gray, src.Bytes[at], t.Factor)
		}
	}
}

// AdjustHue turns the hues of a picture: by 0.5 to their opposites, either way.
// It goes through Pillow's HSV of one byte each, so a shift of 0 may change
// colours a little, as it does there.
type AdjustHue struct{ Shift float64 }

// Format takes bytes of 1 channel, which stay as they are, or 3, and keeps the
// format. Shift is from -0.5 to 0.5.
func (t AdjustHue) Format(in Format) (Format, error) {
	return in, checkAdjust("AdjustHue", t.Shift, -0.5, 0.5, in)
}

// Apply turns the hue of every colour.
func (t AdjustHue) Apply(dst, src *Picture) {
	if src.Channels == 1 {
		copy(dst.Bytes, src.Bytes)
		return
	}
	plane := src.Height * src.Width
	shift := byte(int(t.Shift * 255))
	for i := range plane {
		h, s, v := toHSV(src.Bytes[i], src.Bytes[plane+i], src.Bytes[2*plane+i])
		dst.Bytes[i], dst.Bytes[plane+i], dst.Bytes[2*plane+i] = fromHSV(h+shift, s, v)
	}
}

func checkAdjust(step string, v, least, most float64, in Format) error {
	if in.Channels != 1 && in.Channels != 3 {
		return fmt.Errorf("%s wants a picture of 1 channel (gray) or 3 (RGB), but gets %v: put PasteOver or Grayscale before it", step, in)
	}
	if !(v >= least && v <= most) {
		return fmt.Errorf("%s is to adjust by %v: give a number from %v to %v", step, v, least, most)
	}
	return wantBytes(step, in)
}

// brightness is the gray of a picture of 1 channel or 3 at i.
func brightness(p *Picture, i int) byte {
	if p.Channels == 1 {
		return p.Bytes[i]
	}
	plane := p.Height * p.Width
	return luma(p.Bytes[i], p.Bytes[plane+i], p.Bytes[2*plane+i])
}

// blend goes from a to b by a factor, and beyond b when that is above 1. Pillow
// computes in float32 and cuts off what is behind the point.
func blend(a, b byte, factor float64) byte {
	switch v := float32(a) + float32(float32(factor)*float32(int(b)-int(a))); {
	case v <= 0:
		return 0
	case v >= 255:
		return 255
	default:
		return byte(v)
	}
}

// toHSV returns hue, saturation and value as Pillow does, with its float32 and
// its cutting off.
func toHSV(r, g, b byte) (h, s, v byte) {
	high, low := max(r, g, b), min(r, g, b)
	if high == low {
		return 0, 0, high
	}
	spread := float32(high - low)
	rc, gc, bc := float32(high-r)/spread, float32(high-g)/spread, float32(high-b)/spread
	var hue float32
	switch high {
	case r:
		hue = bc - gc
	case g:
		hue = float32(2 + float64(rc) - float64(bc))
	default:
		hue = float32(4 + float64(gc) - float64(rc))
	}
	turn := float64(hue)/6 + 1 // from 5/6 to 11/6
	hue = float32(turn - math.Floor(turn))
	return byte(float64(hue) * 255), byte(float64(spread/float32(high)) * 255), high
}

// fromHSV returns the colour of a hue, a saturation and a value.
func fromHSV(h, s, v byte) (r, g, b byte) {
	if s == 0 {
		return v, v, v
	}
	turn := float64(h) * 6 / 255
	sector := math.Floor(turn)
	f := float64(float32(turn - sector))
	fs := float64(float32(float64(s) / 255))
	p := byte(math.Round(float64(v) * (1 - fs)))
	q := byte(math.Round(float64(v) * (1 - float64(fs*f))))
	t := byte(math.Round(float64(v) * (1 - float64(fs*(1-f)))))
	switch int(sector) % 6 {
	case 0:
		return v, t, p
	case 1:
		return q, v, p
	case 2:
		return p, v, t
	case 3:
		return p, q, v
	case 4:
		return t, p, v
	}
	return v, p, q
}

// ColorJitter changes brightness, contrast, saturation and hue at random, one
// after the other in a random order, as torchvision.transforms.ColorJitter.
type ColorJitter struct {
	// Brightness, Contrast and Saturation draw their factors from 1-v to 1+v, but
	// not below 0. What is 0 is left out.
	Brightness, Contrast, Saturation float64

	// Hue draws its shift from -Hue to Hue; it is at most 0.5.
	Hue float64
}

// Format takes bytes of 1 channel or 3 and keeps the format.
func (t ColorJitter) Format(in Format) (Format, error) {
	return in, cmp.Or(
		checkWithin("ColorJitter", "Brightness", t.Brightness, 0, math.MaxFloat32),
		checkWithin("ColorJitter", "Contrast", t.Contrast, 0, math.MaxFloat32),
		checkWithin("ColorJitter", "Saturation", t.Saturation, 0, math.MaxFloat32),
		checkWithin("ColorJitter", "Hue", t.Hue, 0, 0.5),
		checkAdjust("ColorJitter", 0, 0, 0, in),
	)
}

// Draw returns the adjustments in their order.
func (t ColorJitter) Draw(r *rand.Rand, _ Format) Transform {
	factor := func(v float64) float64 { return Range{max(1-v, 0), 1 + v}.draw(r) }
	var steps Compose
	for _, which := range r.Perm(4) {
		switch {
		case which == 0 && t.Brightness > 0:
			steps = append(steps, AdjustBrightness{factor(t.Brightness)})
		case which == 1 && t.Contrast > 0:
			steps = append(steps, AdjustContrast{factor(t.Contrast)})
		case which == 2 && t.Saturation > 0:
			steps = append(steps, AdjustSaturation{factor(t.Saturation)})
		case which == 3 && t.Hue > 0:
			steps = append(steps, AdjustHue{around(0, t.Hue).draw(r)})
		}
	}
	return steps
}

// Apply panics: the step is random.
func (t ColorJitter) Apply(_, _ *Picture) { noChance(t) }
