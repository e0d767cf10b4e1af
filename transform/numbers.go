package transform

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// Numbers takes bytes four by four as a whole number of 32 bits, the lowest byte first, as
// the tokens of sentences are handed on: 1 x rows x 4n bytes become 1 x rows x n float32. Numbers below
// 2^24 lose nothing.
type Numbers struct{}

// Format takes rows of bytes.
func (Numbers) Format(in Format) (Format, error) {
	if in.Float || in.Channels != 1 || in.Width%4 != 0 {
		return Format{}, fmt.Errorf("Numbers wants rows of bytes, four for each number, but gets %v", in)
	}
	return Format{Channels: 1, Height: in.Height, Width: in.Width / 4, Float: true}, nil
}

// Apply converts all numbers.
func (Numbers) Apply(dst, src *Picture) {
	for i := range dst.Floats {
		dst.Floats[i] = float32(int32(binary.LittleEndian.Uint32(src.Bytes[4*i:])))
	}
}

// String returns "Numbers".
func (Numbers) String() string { return "Numbers" }

// RandomReplace puts a number in the place of others, each with the probability P, in a row
// of numbers as [Numbers] takes them; those that are Keep stay. In the rows below the first
// it is Keep that is put in their place. With the number that stands
// for unknown tokens, a network learns not to rely on single words (word dropout, Iyyer et
// al. 2015).
type RandomReplace struct {
	P        float64
	By, Keep int32
}

// Format takes rows of bytes and keeps them.
func (t RandomReplace) Format(in Format) (Format, error) {
	if _, err := (Numbers{}).Format(in); err != nil {
		return Format{}, fmt.Errorf("RandomReplace: %w", err)
	}
	return in, checkWithin("RandomReplace", "P", t.P, 0, 1)
}

// Draw returns the step that replaces those that the generator chooses.
func (t RandomReplace) Draw(r *rand.Rand, in Format) Transform {
	chosen := make([]bool, in.Height*in.Width/4)
	for i := range chosen {
		chosen[i] = r.Float64() < t.P
	}
	return replace{t, chosen}
}

// Apply panics: the step is random.
func (t RandomReplace) Apply(_, _ *Picture) { noChance(t) }

// String names the step.
func (t RandomReplace) String() string { return fmt.Sprintf("RandomReplace(p %v)", t.P) }

type replace struct {
	RandomReplace
	chosen []bool
}

func (t replace) Format(in Format) (Format, error) { return in, nil }

func (t replace) Apply(dst, src *Picture) {
	copy(dst.Bytes, src.Bytes)
	for i, chosen := range t.chosen {
		at, by := dst.Bytes[4*i:][:4], t.By
		if 4*i >= src.Width {
			by = t.Keep
		}
		if chosen && int32(binary.LittleEndian.Uint32(at)) != t.Keep {
			binary.LittleEndian.PutUint32(at, uint32(by))
		}
	}
}

// MaxNumber is the largest whole number that [Numbers] takes without loss.
const MaxNumber = 1<<24 - 1
