// Package transform prepares pictures for a network, with torchvision's names
// and torchvision's numbers.
//
// A chain of steps is written as in PyTorch,
//
//	transform.Compose{
//		transform.ToTensor{},
//		transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}},
//	}
//
// and [Compile] turns it into a [Pipeline] for pictures of one size. Steps that
// look at one sample at a time, as these two do, become a table with an entry
// for each of the 256 values a byte can have, so that they cost one look-up
// however many of them there are.
//
// Steps between a drawing and the network, such as [PasteOver], [Grayscale],
// [Resize] and [Rotate], work on bytes and give the bytes that Pillow gives. The
// few that may differ from torchvision say by how much.
//
// Steps whose names begin with Random, [ElasticTransform] and [ColorJitter] draw
// what they do: see [Random]. [MixUp] and [CutMix] mix the pictures of a batch.
package transform

import (
	"fmt"
	"strings"
)

// Format is what is known about a picture before its samples are seen.
type Format struct {
	Channels, Height, Width int

	// Float tells whether the samples are float32 (after [ToTensor]) or bytes
	// from 0 to 255 (before it).
	Float bool
}

// Len is the number of samples of a picture: channels x height x width.
func (f Format) Len() int { return f.Channels * f.Height * f.Width }

// String describes the format as an error message wants it: "1x28x28 bytes".
func (f Format) String() string {
	kind := "bytes"
	if f.Float {
		kind = "float32"
	}
	return fmt.Sprintf("%dx%dx%d %s", f.Channels, f.Height, f.Width, kind)
}

// A Picture is what one step hands to the next: Format.Len() samples, channel
// after channel, each row by row. They are in Floats when Format.Float is set,
// and in Bytes otherwise.
type Picture struct {
	Format
	Bytes  []byte
	Floats []float32
}

// NewPicture returns a black picture of the given format.
func NewPicture(f Format) *Picture {
	p := &Picture{Format: f}
	if f.Float {
		p.Floats = make([]float32, f.Len())
	} else {
		p.Bytes = make([]byte, f.Len())
	}
	return p
}

// A Transform is one step between a picture as it is stored and the numbers a
// network reads. One value may serve several goroutines at once.
type Transform interface {
	// Format returns what the step makes of a picture of format in, or an error
	// that says why it cannot take such a picture.
	Format(in Format) (Format, error)

	// Apply writes the transformed src to dst, whose format is the one that
	// Format promised. The two share no memory.
	Apply(dst, src *Picture)
}

// Pointwise is a [Transform] that keeps the shape and changes every sample by
// itself. [Compile] merges neighbouring pointwise steps into one table.
type Pointwise interface {
	Transform

	// Sample returns what becomes of the sample v of a channel. A byte is
	// passed as a float32 from 0 to 255.
	Sample(channel int, v float32) float32
}

// Compose applies its steps from first to last. The empty Compose copies.
type Compose []Transform

// Format returns the format after the last step.
func (c Compose) Format(in Format) (Format, error) {
	f := in
	for i, t := range c {
		if t == nil {
			return Format{}, fmt.Errorf("step %d of Compose is nil: remove it or put a transform there", i)
		}
		var err error
		if f, err = t.Format(f); err != nil {
			return Format{}, err
		}
	}
	return f, nil
}

// Apply runs the steps one by one, with a new picture between every two. It is
// the plain meaning of the chain; [Compile] makes the fast one.
func (c Compose) Apply(dst, src *Picture) {
	if len(c) == 0 {
		copy(dst.Bytes, src.Bytes)
		copy(dst.Floats, src.Floats)
		return
	}
	last := len(c) - 1
	for _, t := range c[:last] {
		f, err := t.Format(src.Format)
		if err != nil {
			panic("transform: Apply on a picture that Format refuses: " + err.Error())
		}
		next := NewPicture(f)
		t.Apply(next, src)
		src = next
	}
	c[last].Apply(dst, src)
}

// String names the steps: "Compose[ToTensor, Normalize(mean [0.5], std [0.5])]".
func (c Compose) String() string {
	names := make([]string, len(c))
	for i, t := range c {
		names[i] = name(t)
	}
	return "Compose[" + strings.Join(names, ", ") + "]"
}

// name is what a message calls a step.
func name(t Transform) string {
	if s, ok := t.(fmt.Stringer); ok {
		return s.String()
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", t), "transform.")
}
