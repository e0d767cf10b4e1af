package audit

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"inkling/data"
)

const (
	sketchSize  = 96 // sums that are kept
	sumSize     = 6  // bytes of each
	sketchStart = "1:"
)

// A Sketch remembers enough of the pictures that a network was trained on to notice
// later when it is tested on them: the smallest of the sums of their samples (the
// bottom-k sketch of Cohen and Kaplan, "Summarizing data using bottom-k sketches",
// PODC 2007), which are a random sample of them. From the sums no picture can be made.
type Sketch struct {
	sums  []uint64 // in their order, of sumSize bytes
	whole bool     // there are no other pictures
}

// Sketch returns the sketch of the pictures.
func (s *Sums) Sketch() *Sketch {
	sums := s.short()
	slices.Sort(sums)
	sums = slices.Compact(sums)
	n := min(len(sums), sketchSize)
	return &Sketch{slices.Clone(sums[:n]), n == len(sums)}
}

// String returns the sketch as a text of some 800 letters.
func (s *Sketch) String() string {
	var b []byte
	for _, sum := range s.sums {
		b = append(b, binary.BigEndian.AppendUint64(nil, sum)[8-sumSize:]...)
	}
	kind := "part:"
	if s.whole {
		kind = "whole:"
	}
	return sketchStart + kind + base64.RawStdEncoding.EncodeToString(b)
}

// ParseSketch reads what String has written.
func ParseSketch(text string) (*Sketch, error) {
	rest, ok := strings.CutPrefix(text, sketchStart)
	kind, digits, found := strings.Cut(rest, ":")
	const most = 2 * sumSize * sketchSize
	if !ok || !found || kind != "part" && kind != "whole" || len(digits) > most {
		return nil, fmt.Errorf("%.20q is no sketch of pictures", text)
	}
	b, err := base64.RawStdEncoding.DecodeString(digits)
	if err != nil || len(b)%sumSize != 0 {
		return nil, fmt.Errorf("%.20q is no sketch of pictures: it is damaged", text)
	}
	s := &Sketch{whole: kind == "whole"}
	for ; len(b) > 0; b = b[sumSize:] {
		s.sums = append(s.sums, binary.BigEndian.Uint64(append(make([]byte, 8-sumSize, 8), b[:sumSize]...)))
	}
	if !slices.IsSorted(s.sums) {
		return nil, fmt.Errorf("%.20q is no sketch of pictures: it is damaged", text)
	}
	return s, nil
}

// Seen tells how many of the pictures are among those of the sketch: exactly if these
// were few, else by how it is with the pictures of which the sketch would know.
func (s *Sketch) Seen(ctx context.Context, d data.Dataset) (n int, exact bool, err error) {
	all, err := sumsOf(ctx, d)
	if err != nil || len(s.sums) == 0 {
		return 0, s.whole, err
	}
	hits, comparable := 0, 0
	last, sums := s.sums[len(s.sums)-1], all.short()
	for _, sum := range sums {
		if sum > last {
			continue
		}
		comparable++
		if _, found := slices.BinarySearch(s.sums, sum); found {
			hits++
		}
	}
	switch {
	case s.whole:
		return hits, true, nil
	case hits == 0:
		return 0, false, nil
	}
	return max(len(sums)*hits/comparable, hits), false, nil
}
