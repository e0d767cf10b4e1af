package transform

import (
	"fmt"
	"math"
)

// maxSide is the longest side that a step makes: a picture beyond it is a slip in
// a parameter, and would want gigabytes.
const maxSide = 1 << 15

// wantBytes returns an error when the picture is no longer one of bytes.
func wantBytes(step string, in Format) error {
	if in.Float {
		return fmt.Errorf("the step %s wants a picture of bytes, but gets %v: put it before ToTensor", step, in)
	}
	return nil
}

// resized returns in with another height and width, if they are sides of a
// picture.
func (f Format) resized(step string, height, width int) (Format, error) {
	if height < 1 || width < 1 || height > maxSide || width > maxSide {
		return Format{}, fmt.Errorf("%s would make a picture %d high and %d wide from %v: each side must be from 1 to %d", step, height, width, f, maxSide)
	}
	f.Height, f.Width = height, width
	return f, nil
}

// checkFill returns an error unless there is no fill, one, or one a channel.
func checkFill(step, field string, fill []float32, in Format) error {
	if n := len(fill); n > 1 && n != in.Channels {
		return fmt.Errorf("the %s of %s has %d values for a picture of %d channels: give one for each channel, or one for all", field, step, n, in.Channels)
	}
	for c, v := range fill {
		if math.IsNaN(float64(v)) || !in.Float && (v < 0 || v > 255) {
			return fmt.Errorf("the %s of channel %d in %s is %v: give a number from 0 to 255, or any number after ToTensor", field, c, step, v)
		}
	}
	return nil
}

// fillOf returns the fill of a channel, which is 0 when there is none.
func fillOf(fill []float32, channel int) float32 {
	if len(fill) == 0 {
		return 0
	}
	return ofChannel(fill, channel)
}

// checkFinite returns an error when a number of a step is none.
func checkFinite(step, field string, values ...float64) error {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("the %s of %s is %v: give a finite number", field, step, v)
		}
	}
	return nil
}

// checkWithin returns an error unless least <= v <= most.
func checkWithin(step, field string, v, least, most float64) error {
	if !(v >= least && v <= most) {
		return fmt.Errorf("the %s of %s is %v: give a number from %v to %v", field, step, v, least, most)
	}
	return nil
}
