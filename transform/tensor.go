package transform

import (
	"fmt"
	"math"
)

// ToTensor turns bytes from 0 to 255 into float32 from 0 to 1 by dividing by
// 255, as torchvision.transforms.ToTensor does with a picture of bytes.
type ToTensor struct{}

// Format takes bytes and promises float32 of the same shape.
func (ToTensor) Format(in Format) (Format, error) {
	if in.Float {
		return Format{}, fmt.Errorf("ToTensor wants a picture of bytes, but gets %v: it can stand only once in a chain", in)
	}
	in.Float = true
	return in, nil
}

// Sample returns float32(v) / 255, rounded once.
func (ToTensor) Sample(_ int, v float32) float32 { return v / 255 }

// Apply divides every byte by 255.
func (t ToTensor) Apply(dst, src *Picture) {
	for i, b := range src.Bytes {
		dst.Floats[i] = t.Sample(0, float32(b))
	}
}

// String returns "ToTensor".
func (ToTensor) String() string { return "ToTensor" }

// Normalize subtracts the mean of each channel and divides by its standard
// deviation: (x - Mean[c]) / Std[c], as torchvision.transforms.Normalize does.
// One value of Mean or Std counts for all channels.
type Normalize struct {
	Mean, Std []float32
}

// Format takes float32 and keeps it. There must be a mean and a standard
// deviation for every channel, or one for all; a standard deviation may be
// neither zero nor, as all of them, infinite or not a number.
func (n Normalize) Format(in Format) (Format, error) {
	if !in.Float {
		return Format{}, fmt.Errorf("the step Normalize wants float32, but gets %v: put ToTensor before it", in)
	}
	for _, list := range []struct {
		name   string
		values []float32
	}{{"Mean", n.Mean}, {"Std", n.Std}} {
		if len(list.values) != 1 && len(list.values) != in.Channels {
			return Format{}, fmt.Errorf("the %s of Normalize has %d values for a picture of %d channels: give one for each channel, or one for all",
				list.name, len(list.values), in.Channels)
		}
		for c, v := range list.values {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return Format{}, fmt.Errorf("the %s of channel %d in Normalize is %v: give a finite number", list.name, c, v)
			}
		}
	}
	for c, v := range n.Std {
		if v == 0 {
			return Format{}, fmt.Errorf("the Std of channel %d in Normalize is 0, which would divide by zero: give the standard deviation of that channel", c)
		}
	}
	return in, nil
}

// Sample returns (v - mean) / std of the channel.
func (n Normalize) Sample(channel int, v float32) float32 {
	// PyTorch subtracts and then divides in place, so the difference is
	// rounded to float32 first: the conversion forbids the compiler to keep
	// more of it.
	difference := float32(v - ofChannel(n.Mean, channel))
	return difference / ofChannel(n.Std, channel)
}

// Apply normalizes every sample.
func (n Normalize) Apply(dst, src *Picture) {
	plane := src.Height * src.Width
	for i, v := range src.Floats {
		dst.Floats[i] = n.Sample(i/plane, v)
	}
}

// String returns "Normalize(mean [...], std [...])".
func (n Normalize) String() string {
	return fmt.Sprintf("Normalize(mean %v, std %v)", n.Mean, n.Std)
}

// ofChannel returns the value of a channel, or the one that counts for all.
func ofChannel(values []float32, channel int) float32 {
	if len(values) == 1 {
		return values[0]
	}
	return values[channel]
}
