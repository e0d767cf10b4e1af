package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"strings"

	"inkling/models/digits/internal/vary"
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
			result, err := sketch.FromStrokes(sketch.Drawing{Strokes: vary.Strokes(r, d.Strokes)}, sketch.EMNIST)
			if err != nil {
				return fmt.Errorf("%s: line %d: %w", o.strokes, d.Line, err)
			}
			layDown(result.Pixels[:])
			to.add(result.Pixels[:], d.Label[0]-'0')
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
