package transform

import "fmt"

// ByPicture is a [Transform] that does something else with a picture in every epoch, and
// knows which picture of its data set it is, unlike a [Random] one. A [Pipeline] asks it
// for the step of each picture. Apply of such a step knows neither, and panics.
type ByPicture interface {
	Transform

	// Of returns the step for a picture, given by its number in the data set.
	Of(seed uint64, epoch, picture int) Transform
}

// AlternateHorizontalFlip mirrors a picture left and right in every other epoch: half of
// the pictures, which the seed chooses, in the first one, the others in the second. Two
// epochs show every picture both ways, where [RandomHorizontalFlip] shows half of them
// twice the same. Source: Jordan 2024, arXiv:2404.00498.
type AlternateHorizontalFlip struct{}

// Format takes every picture and keeps its format.
func (AlternateHorizontalFlip) Format(in Format) (Format, error) { return in, nil }

// Of returns a HorizontalFlip or a step that does nothing.
func (AlternateHorizontalFlip) Of(seed uint64, epoch, picture int) Transform {
	if scramble(scramble(seed)+uint64(picture))&1 == uint64(epoch&1) {
		return HorizontalFlip{}
	}
	return Compose{}
}

// Apply panics: the step depends on the epoch and the picture.
func (AlternateHorizontalFlip) Apply(_, _ *Picture) {
	panic("transform: AlternateHorizontalFlip wants to know epoch and picture: use a pipeline")
}

// String returns "AlternateHorizontalFlip".
func (AlternateHorizontalFlip) String() string { return "AlternateHorizontalFlip" }

// SeedPicture is [Pipeline.Seed] for a picture of which the number in its data set is
// known, not only the place in the epoch, as [ByPicture] steps want it.
func (p *Pipeline) SeedPicture(seed uint64, epoch, place, picture int) {
	p.Seed(seed, epoch, place)
	p.shown = shown{seed, epoch, picture}
}

// shown is what a ByPicture step depends on.
type shown struct {
	seed           uint64
	epoch, picture int
}

// of returns the step for the picture at hand.
func (s shown) of(step ByPicture, in Format) Transform {
	t := step.Of(s.seed, s.epoch, s.picture)
	if out, err := t.Format(in); err != nil || out != in {
		panic(fmt.Sprintf("transform: %s changes the format of a picture in some epochs", name(step)))
	}
	return t
}
