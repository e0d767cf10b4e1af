package sound

import (
	"math"
	"slices"
)

// A Picture is what a network reads of a recording: a row for every frequency, mel or
// coefficient, from low to high, and a column for every frame. As a network's input its
// shape is 1xRowsxColumns.
type Picture struct {
	Rows, Columns int
	Values        []float32 // row by row
}

func newPicture(rows, columns int) *Picture {
	return &Picture{rows, columns, make([]float32, rows*columns)}
}

// Decibels returns ten times the logarithm of power, as
// torchaudio.transforms.AmplitudeToDB("power", top_db) does: power below 1e-10 counts as
// that, and what is more than top below the largest as top below it. A top of 0 or less
// cuts nothing.
func (p *Picture) Decibels(top float64) *Picture {
	const least = 1e-10
	out, largest := newPicture(p.Rows, p.Columns), math.Inf(-1)
	for i, v := range p.Values {
		db := 10 * math.Log10(max(float64(v), least))
		largest = max(largest, db)
		out.Values[i] = float32(db)
	}
	if top > 0 {
		for i, v := range out.Values {
			out.Values[i] = max(v, float32(largest-top))
		}
	}
	return out
}

// Normalize returns the picture with mean 0 and deviation 1 over all values, or with all
// 0 if they are the same.
func (p *Picture) Normalize() *Picture {
	var sum, squares float64
	for _, v := range p.Values {
		sum += float64(v)
	}
	mean := sum / float64(max(len(p.Values), 1))
	for _, v := range p.Values {
		squares += (float64(v) - mean) * (float64(v) - mean)
	}
	out := newPicture(p.Rows, p.Columns)
	deviation := math.Sqrt(squares / float64(max(len(p.Values), 1)))
	if deviation < 1e-12*max(1, math.Abs(mean)) {
		return out
	}
	for i, v := range p.Values {
		out.Values[i] = float32((float64(v) - mean) / deviation)
	}
	return out
}

// Fit returns the picture with so many columns: the middle of it if it has more, with
// the value to both sides if it has fewer. An odd column more is on the right.
func (p *Picture) Fit(columns int, value float32) *Picture {
	out := newPicture(p.Rows, columns)
	from, to := max((p.Columns-columns)/2, 0), max((columns-p.Columns)/2, 0)
	for r := range p.Rows {
		row := out.Values[r*columns:][:columns]
		for i := range row {
			row[i] = value
		}
		copy(row[to:], p.Values[r*p.Columns:][from:min(from+columns, p.Columns)])
	}
	return out
}

// Deltas returns how fast the rows change, by the regression over length columns (odd, at
// least 3) that HTK has and torchaudio.functional.compute_deltas; the first and the last
// column stand for those beyond.
func (p *Picture) Deltas(length int) *Picture {
	reach := max((length-1)/2, 1)
	divisor := float64(reach*(reach+1)*(2*reach+1)) / 3
	out := newPicture(p.Rows, p.Columns)
	for r := range p.Rows {
		row := p.Values[r*p.Columns:][:p.Columns]
		for c := range row {
			var sum float64
			for k := 1; k <= reach; k++ {
				sum += float64(k) * (float64(row[min(c+k, len(row)-1)]) - float64(row[max(c-k, 0)]))
			}
			out.Values[r*p.Columns+c] = float32(sum / divisor)
		}
	}
	return out
}

// Stack returns a picture with the rows of all, which have as many columns: MFCCs with
// their deltas under them.
func Stack(all ...*Picture) *Picture {
	out := &Picture{Columns: all[0].Columns}
	for _, p := range all {
		if p.Columns != out.Columns {
			panic("sound: Stack of pictures with other numbers of columns")
		}
		out.Rows += p.Rows
		out.Values = slices.Concat(out.Values, p.Values)
	}
	return out
}
