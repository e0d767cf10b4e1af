package transform

import (
	"fmt"
	"math/rand/v2"
)

// Random is a [Transform] that does something else with every picture. It draws
// a step without chance for each one, from the generator it is given:
//
//	step := transform.RandomCrop{Height: 28, Width: 28, Padding: 2}.Draw(generator, picture.Format)
//
// A [Pipeline] draws from a generator of its own, which [Pipeline.Seed] sets
// anew for every picture: what comes of a picture then depends neither on the
// pictures before it nor on the goroutine that prepares it. Apply of a random
// step has no generator, and panics. A [Compose] of any steps is a Random too.
type Random interface {
	Transform

	// Draw returns the step for one picture of the format in, which Format has
	// accepted. The step makes of it what Format promised.
	Draw(r *rand.Rand, in Format) Transform
}

// Draw returns the chain with a drawn step in place of each random one.
func (c Compose) Draw(r *rand.Rand, in Format) Transform {
	drawn := make(Compose, len(c))
	for i, t := range c {
		drawn[i] = t
		if random, ok := t.(Random); ok {
			drawn[i] = random.Draw(r, in)
		}
		var err error
		if in, err = t.Format(in); err != nil {
			panic("transform: Draw for a picture that Format refuses: " + err.Error())
		}
	}
	return drawn
}

// noChance is what Apply of every random step does.
func noChance(t Random) {
	panic(fmt.Sprintf("transform: %s is random: draw a step from it, or seed the pipeline", name(t)))
}

// Seed gives the random steps a new state, which depends on the three numbers
// alone. Call it before every Apply with the seed of the training, the number of
// the epoch and the place of the picture in the epoch's order: then the same
// seed gives the same pictures whatever the batch size and the number of
// workers, and every epoch, and a picture that an epoch holds twice, gives new
// ones. It costs nothing when there is no random step.
func (p *Pipeline) Seed(seed uint64, epoch, place int) {
	if !p.random {
		return
	}
	if p.generator == nil {
		p.source = rand.NewPCG(0, 0)
		p.generator = rand.New(p.source)
	}
	p.source.Seed(state(seed, epoch, place))
	p.shown = shown{seed, epoch, place}
}

// Generator returns a generator in the state that [Pipeline.Seed] sets, for
// steps that are drawn one by one, or for a whole batch.
func Generator(seed uint64, epoch, place int) *rand.Rand {
	return rand.New(rand.NewPCG(state(seed, epoch, place)))
}

// state scrambles three numbers one into the other, because they are small and
// next to each other, and the first numbers of the generators should not be.
func state(seed uint64, epoch, place int) (high, low uint64) {
	high = scramble(scramble(seed) + uint64(epoch))
	return high, scramble(high + uint64(place))
}

// scramble is the finalizer of SplitMix64 (Steele, Lea and Flood 2014): every
// bit of v counts for every bit of the result, and no two v give the same.
func scramble(v uint64) uint64 {
	v += 0x9e3779b97f4a7c15
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}

// Range is an interval from which a number is drawn evenly.
type Range struct{ Min, Max float64 }

func (r Range) draw(g *rand.Rand) float64 { return r.Min + float64(g.Float64()*(r.Max-r.Min)) }

// around returns the numbers at most v away from middle.
func around(middle, v float64) Range { return Range{middle - v, middle + v} }

// check returns an error unless least <= Min <= Max <= most.
func (r Range) check(step, field string, least, most float64) error {
	if !(least <= r.Min && r.Min <= r.Max && r.Max <= most) {
		return fmt.Errorf("the %s of %s is from %v to %v: give a Min and a Max, in order, from %v to %v", field, step, r.Min, r.Max, least, most)
	}
	return nil
}

// or returns r, or the standard if r is the zero value.
func (r Range) or(standard Range) Range {
	if r == (Range{}) {
		return standard
	}
	return r
}

// happens draws whether a step with the probability p is done. torchvision's
// default, for which 0 stands, is every other time.
func happens(r *rand.Rand, p float64) bool {
	if p == 0 {
		p = 0.5
	}
	return r.Float64() < p
}

// RandomHorizontalFlip mirrors left and right with the probability P. 0 means 0.5.
type RandomHorizontalFlip struct{ P float64 }

// Format takes every picture and keeps its format.
func (t RandomHorizontalFlip) Format(in Format) (Format, error) {
	return in, checkWithin("RandomHorizontalFlip", "P", t.P, 0, 1)
}

// Draw returns a HorizontalFlip or a step that does nothing.
func (t RandomHorizontalFlip) Draw(r *rand.Rand, _ Format) Transform {
	if happens(r, t.P) {
		return HorizontalFlip{}
	}
	return Compose{}
}

// Apply panics: the step is random.
func (t RandomHorizontalFlip) Apply(_, _ *Picture) { noChance(t) }

// RandomVerticalFlip mirrors top and bottom with the probability P. 0 means 0.5.
type RandomVerticalFlip struct{ P float64 }

// Format takes every picture and keeps its format.
func (t RandomVerticalFlip) Format(in Format) (Format, error) {
	return in, checkWithin("RandomVerticalFlip", "P", t.P, 0, 1)
}

// Draw returns a VerticalFlip or a step that does nothing.
func (t RandomVerticalFlip) Draw(r *rand.Rand, _ Format) Transform {
	if happens(r, t.P) {
		return VerticalFlip{}
	}
	return Compose{}
}

// Apply panics: the step is random.
func (t RandomVerticalFlip) Apply(_, _ *Picture) { noChance(t) }

// RandomCrop cuts Height rows and Width columns out of a random place, each
// place as likely as the others, after putting a border around the picture.
type RandomCrop struct {
	Height, Width int

	Padding int       // the width of the border on all four sides
	Fill    []float32 // what a Constant border shows, as in Pad
	Mode    PadMode   // what the border shows
}

// Format takes every picture and promises the size of the crop, which may not be
// larger than the picture with its border.
func (t RandomCrop) Format(in Format) (Format, error) {
	padded, err := t.pad().Format(in)
	if err != nil {
		return Format{}, fmt.Errorf("RandomCrop: %w", err)
	}
	if t.Height > padded.Height || t.Width > padded.Width {
		return Format{}, fmt.Errorf("RandomCrop wants %dx%d out of a picture of %dx%d (height x width, with its border): give it a wider Padding, or make the crop smaller",
			t.Height, t.Width, padded.Height, padded.Width)
	}
	return in.resized("RandomCrop", t.Height, t.Width)
}

func (t RandomCrop) pad() Pad {
	return Pad{t.Padding, t.Padding, t.Padding, t.Padding, t.Fill, t.Mode}
}

// Draw returns the crop of one place.
func (t RandomCrop) Draw(r *rand.Rand, in Format) Transform {
	border := t.pad().expand(in)[0].(gather)
	top, left := r.IntN(len(border.rows)-t.Height+1), r.IntN(len(border.columns)-t.Width+1)
	border.rows, border.columns = border.rows[top:top+t.Height], border.columns[left:left+t.Width]
	return border
}

// Apply panics: the step is random.
func (t RandomCrop) Apply(_, _ *Picture) { noChance(t) }

// String names the step with its size.
func (t RandomCrop) String() string {
	return fmt.Sprintf("RandomCrop(%dx%d, padding %d)", t.Height, t.Width, t.Padding)
}
