package transform

import (
	"fmt"
	"math/rand/v2"
)

// A Pipeline is a transform made ready for pictures of one size: it allocates
// nothing when it is applied, but for what its random steps draw and what
// [GaussianBlur] needs. It has memory of its own between its steps, so it belongs
// to one goroutine; [Pipeline.Clone] makes one for another.
type Pipeline struct {
	in, out Format
	steps   []Transform
	between []*Picture // between[i] lies between step i and i+1

	first, last Picture // headers around the slices given to Apply

	random    bool       // whether any step is
	source    *rand.PCG  // the state of the generator
	generator *rand.Rand // nil before Seed
	shown     shown
}

// Compile prepares t for pictures of channels x height x width bytes. A nil t
// stands for [ToTensor]. It fails when a step cannot take what the step before
// it makes, or when the last one leaves bytes: a network reads float32.
func Compile(t Transform, channels, height, width int) (*Pipeline, error) {
	in := Format{Channels: channels, Height: height, Width: width}
	if channels < 1 || height < 1 || width < 1 {
		return nil, fmt.Errorf("a picture of %dx%dx%d (channels x height x width) has no samples: every side must be at least 1", channels, height, width)
	}
	if t == nil {
		t = ToTensor{}
	}
	out, err := t.Format(in)
	if err != nil {
		return nil, err
	}
	if !out.Float {
		return nil, fmt.Errorf("the transform %s leaves a picture of bytes, but a network reads float32: add ToTensor", name(t))
	}
	steps, _ := flatten(nil, t, in)
	if steps, err = mergePointwise(steps, in); err != nil {
		return nil, err
	}
	return newPipeline(steps, in, out)
}

// An expander is a step that becomes others, with its tables made, once the
// format of its input is known. Apply of such a step does the same anew for
// every picture.
type expander interface {
	expand(in Format) []Transform
}

// flatten appends the single steps of t, whose input has the format in, to steps.
// It returns the format of the output too. Format has accepted t before.
func flatten(steps []Transform, t Transform, in Format) ([]Transform, Format) {
	switch t := t.(type) {
	case Compose:
		for _, t := range t {
			steps, in = flatten(steps, t, in)
		}
		return steps, in
	case expander:
		steps = append(steps, t.expand(in)...)
	default:
		steps = append(steps, t)
	}
	out, err := t.Format(in)
	if err != nil {
		panic("transform: Format refuses what it accepted before: " + err.Error())
	}
	return steps, out
}

// applyAll applies the steps that a step expands to.
func applyAll(steps []Transform, dst, src *Picture) { Compose(steps).Apply(dst, src) }

// mergePointwise replaces every run of pointwise steps that begins with bytes
// and ends with floats by a table.
func mergePointwise(steps []Transform, in Format) ([]Transform, error) {
	var merged []Transform
	f := in
	for i := 0; i < len(steps); {
		before := f
		end := i
		for ; end < len(steps) && !before.Float; end++ {
			if _, ok := steps[end].(Pointwise); !ok {
				break
			}
			var err error
			if f, err = steps[end].Format(f); err != nil {
				return nil, err
			}
		}
		if f.Float && end > i {
			merged = append(merged, newTable(steps[i:end], f.Channels))
			i = end
			continue
		}
		var err error
		if f, err = steps[i].Format(before); err != nil {
			return nil, err
		}
		merged = append(merged, steps[i])
		i++
	}
	return merged, nil
}

func newPipeline(steps []Transform, in, out Format) (*Pipeline, error) {
	p := &Pipeline{in: in, out: out, steps: steps}
	p.first.Format, p.last.Format = in, out
	f := in
	for _, t := range steps {
		switch t.(type) {
		case Random, ByPicture:
			p.random = true
		}
	}
	for _, t := range steps[:len(steps)-1] {
		var err error
		if f, err = t.Format(f); err != nil {
			return nil, err
		}
		p.between = append(p.between, NewPicture(f))
	}
	return p, nil
}

// Clone returns a pipeline that does the same and may run at the same time. Its
// random steps need a Seed of their own.
func (p *Pipeline) Clone() *Pipeline {
	c := *p
	c.source, c.generator = nil, nil
	c.between = make([]*Picture, len(p.between))
	for i, b := range p.between {
		c.between[i] = NewPicture(b.Format)
	}
	return &c
}

// In returns the shape of the pictures that Apply takes.
func (p *Pipeline) In() (channels, height, width int) {
	return p.in.Channels, p.in.Height, p.in.Width
}

// Random reports whether a step is random, so that the same picture may become another
// one the next time.
func (p *Pipeline) Random() bool { return p.random }

// Out returns the shape of what Apply makes of them.
func (p *Pipeline) Out() (channels, height, width int) {
	return p.out.Channels, p.out.Height, p.out.Width
}

// Apply transforms the picture src, channel after channel and row by row, into
// dst. Their lengths must be those of In and Out, and a pipeline with a random
// step needs Seed before; it panics when that is not so.
func (p *Pipeline) Apply(dst []float32, src []byte) {
	if len(src) != p.in.Len() || len(dst) != p.out.Len() {
		panic(fmt.Sprintf("transform: Apply with %d samples from %d bytes, want %v from %v", len(dst), len(src), p.out, p.in))
	}
	if p.random && p.generator == nil {
		panic("transform: Apply with a random step before Seed")
	}
	p.first.Bytes, p.last.Floats = src, dst
	picture := &p.first
	for i, between := range p.between {
		p.step(i, picture.Format).Apply(between, picture)
		picture = between
	}
	p.step(len(p.between), picture.Format).Apply(&p.last, picture)
	p.first.Bytes, p.last.Floats = nil, nil
}

// step returns step i, drawn if it is random.
func (p *Pipeline) step(i int, in Format) Transform {
	if p.random {
		if random, ok := p.steps[i].(Random); ok {
			return random.Draw(p.generator, in)
		}
		if step, ok := p.steps[i].(ByPicture); ok {
			return p.shown.of(step, in)
		}
	}
	return p.steps[i]
}

// A table holds, for every channel, what becomes of each of the 256 bytes.
type table [][256]float32

// newTable puts every byte of every channel through the pointwise steps.
func newTable(steps []Transform, channels int) table {
	t := make(table, channels)
	for c := range t {
		for b := range t[c] {
			v := float32(b)
			for _, s := range steps {
				v = s.(Pointwise).Sample(c, v)
			}
			t[c][b] = v
		}
	}
	return t
}

// Format takes bytes and promises float32 of the same shape.
func (t table) Format(in Format) (Format, error) { return ToTensor{}.Format(in) }

// Apply looks every sample up.
func (t table) Apply(dst, src *Picture) {
	plane := src.Height * src.Width
	for c := range t {
		from, to := c*plane, (c+1)*plane
		lookUp(dst.Floats[from:to], src.Bytes[from:to], &t[c])
	}
}

func lookUp(dst []float32, src []byte, values *[256]float32) {
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = values[b]
	}
}
