package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path"
	"strings"

	"inkling/sketch"
)

// addDrawings adds pictures of the drawings that the flags name.
func (o *options) addDrawings(r *rand.Rand, to *collection) error {
	if o.strokes == "" {
		return nil
	}
	drawings, err := o.readDrawings()
	if err != nil {
		return fmt.Errorf("%s: %w", o.strokes, err)
	}
	for range o.copies {
		for _, d := range drawings {
			result, err := sketch.FromStrokes(sketch.Drawing{Strokes: rewrite(r, d.Strokes)}, sketch.EMNIST)
			if err != nil {
				return fmt.Errorf("%s: line %d: %w", o.strokes, d.Line, err)
			}
			lying := make([]byte, size)
			for i, v := range result.Pixels {
				lying[i%sketch.Size*sketch.Size+i/sketch.Size] = v
			}
			to.add(lying, d.Label[0]-'0')
		}
	}
	return nil
}

// readDrawings reads what the chosen writers drew.
func (o *options) readDrawings() ([]sketch.Labelled, error) {
	file, err := os.Open(o.strokes)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []sketch.Labelled
	lines := sketch.NewLines(file)
	for lines.Next() {
		d := lines.Drawing()
		if len(d.Label) != 1 || !strings.Contains("0123456789", d.Label) {
			return nil, fmt.Errorf("line %d: the label is %q, want a digit", d.Line, d.Label)
		}
		for _, pattern := range o.writers {
			matched, err := path.Match(pattern, d.Writer)
			if err != nil {
				return nil, fmt.Errorf("-writers %q is no pattern: %w", pattern, err)
			}
			if matched {
				all = append(all, d)
				break
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there are no drawings by %s", strings.Join(o.writers, " or "))
	}
	return all, nil
}

// rewrite returns strokes as another hand and another tablet would have them: turned
// by up to 12 degrees, slanted by up to 0.25, up to a quarter narrower or wider, every
// point a little astray, and only each second to sixth of them or all.
func rewrite(r *rand.Rand, strokes []sketch.Stroke) []sketch.Stroke {
	between := func(low, high float64) float64 { return low + r.Float64()*(high-low) }
	sin, cos := math.Sincos(between(-12, 12) * math.Pi / 180)
	slant, stretch := between(-0.25, 0.25), math.Exp(between(-0.22, 0.22))
	stray, each := between(0, 0.012)*side(strokes), 1+r.IntN(6)
	rewritten := make([]sketch.Stroke, len(strokes))
	for i, s := range strokes {
		for j, p := range s {
			if j%each != 0 && j != len(s)-1 {
				continue
			}
			x, y := p.X+stray*r.NormFloat64(), p.Y+stray*r.NormFloat64()
			x = stretch * (x + slant*y)
			rewritten[i] = append(rewritten[i], sketch.Point{X: cos*x - sin*y, Y: sin*x + cos*y})
		}
	}
	return rewritten
}

// side is the longer side of a box round the strokes.
func side(strokes []sketch.Stroke) float64 {
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range strokes {
		for _, p := range s {
			left, right, top, bottom = min(left, p.X), max(right, p.X), min(top, p.Y), max(bottom, p.Y)
		}
	}
	return max(right-left, bottom-top, 0)
}
