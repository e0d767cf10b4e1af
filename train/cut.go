package train

import (
	"fmt"
	"slices"

	"inkling/nn"
)

// Cut has a batch of rows that end in zeros, as texts of different lengths do, trained
// without most of these: at the least of some widths that has room for its longest row.
// It costs a program for each width that is met; they share weights, optimizer and
// memory. A data.ByLength brings rows of like lengths into one batch.
//
// Where the network computes the same of a row and of a shorter one that still has
// Behind zeros at its end, the numbers are those that it would learn from without Cut; a
// BatchNorm counts fewer zeros among what it normalises.
type Cut struct {
	// Widths are numbers of columns, each from 1 to that of the loader's examples, of
	// which the last is meant anyway.
	Widths []int
	// Behind is how many zeros have to stay behind the longest row, 0 or more.
	Behind int
}

// check makes the widths those of a training on rows so wide, ascending.
func (c *Cut) check(width int) error {
	if c.Behind < 0 {
		return fmt.Errorf("train: Config.Cut.Behind is %d, want 0 or more", c.Behind)
	}
	widths := append(slices.Clone(c.Widths), width)
	slices.Sort(widths)
	if widths[0] < 1 || widths[len(widths)-1] > width {
		return fmt.Errorf("train: Config.Cut.Widths is %v, want numbers from 1 to %d, the width of the examples", c.Widths, width)
	}
	c.Widths = slices.Compact(widths)
	return nil
}

// widthOf is the width to train rows at that lie one behind the other, each so wide.
func (c *Cut) widthOf(rows []float32, width int) int {
	longest := 0
	for ; len(rows) > 0 && longest < width; rows = rows[width:] {
		for at := width; at > longest; at-- {
			if rows[at-1] != 0 {
				longest = at
			}
		}
	}
	for _, w := range c.Widths {
		if w >= longest+c.Behind {
			return w
		}
	}
	return width
}

// shorten makes rows narrower, in place.
func shorten(rows []float32, width, narrow int) []float32 {
	n := len(rows) / width
	for i := range n {
		copy(rows[i*narrow:][:narrow], rows[i*width:])
	}
	return rows[:n*narrow]
}

// cutter has the programs of a Cut. They belong to one that reads whole rows.
type cutter struct {
	whole    *nn.TrainProgram
	shape    nn.Shape // of a batch of whole rows
	programs map[int]*nn.TrainProgram
}

// fit returns the program for a batch, and the part of its rows that this reads.
func (t *training) fit(images []float32) (*nn.TrainProgram, []float32, error) {
	if t.cutter.whole != t.program {
		t.cutter.whole, t.cutter.programs = t.program, map[int]*nn.TrainProgram{}
	}
	full := t.cutter.shape[len(t.cutter.shape)-1]
	width := t.Cut.widthOf(images, full)
	if width == full {
		return t.program, images, nil
	}
	program := t.cutter.programs[width]
	if program == nil {
		shape := slices.Clone(t.cutter.shape)
		shape[len(shape)-1] = width
		var err error
		if program, err = t.program.ForShape(nn.Spec{Shape: shape}); err != nil {
			return nil, nil, fmt.Errorf("train: Config.Cut: the network cannot read %d columns: %w", width, err)
		}
		t.cutter.programs[width] = program
	}
	return program, shorten(images, full, width), nil
}
