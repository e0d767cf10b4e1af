package sketch

import (
	"math"
	"slices"
	"testing"

	"inkling/data"
	"inkling/data/emnist"
	"inkling/data/mnist/embedded"
	"inkling/internal/realdata"
)

// likeness is what pictures have in common: medians of the mean level, of the
// thickness of the lines, of the longer side of the ink and of the share of inked
// pixels that are saturated.
type likeness struct{ level, thickness, longer, saturated float64 }

func measure(pictures [][]byte) likeness {
	var levels, thicknesses, longer, saturated []float64
	for _, pixels := range pictures {
		r := Result{Pixels: [Size * Size]byte(pixels)}
		sum, inked, full := 0.0, 0, 0
		for _, v := range pixels {
			sum += float64(v)
			if v > 0 {
				inked++
			}
			if v >= 250 {
				full++
			}
		}
		img := r.Image()
		ink := boundsAbove(img.Pix, 64)
		levels = append(levels, sum/Size/Size)
		thicknesses = append(thicknesses, thickness(img))
		longer = append(longer, ink)
		saturated = append(saturated, float64(full)/float64(inked))
	}
	return likeness{median(levels), median(thicknesses), median(longer), median(saturated)}
}

func boundsAbove(pix []byte, least byte) float64 {
	left, top, right, bottom := Size, Size, 0, 0
	for i, v := range pix {
		if v >= least {
			left, right = min(left, i%Size), max(right, i%Size+1)
			top, bottom = min(top, i/Size), max(bottom, i/Size+1)
		}
	}
	return float64(max(right-left, bottom-top))
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// Drawings look like the pictures of the data set.
func TestLikeness(t *testing.T) {
	f, err := realdata.PenDigits()
	if err != nil {
		t.Fatal(err)
	}
	files, err := realdata.EMNISTTest()
	if err != nil {
		t.Fatal(err)
	}
	sets := map[Procedure]data.Dataset{}
	if sets[MNIST], err = embedded.Test(); err != nil {
		t.Fatal(err)
	}
	if sets[EMNIST], err = emnist.Open(files, "mnist", false, emnist.Upright); err != nil {
		t.Fatal(err)
	}
	var drawings []Drawing
	for lines := NewLines(f); lines.Next() && len(drawings) < 1000; {
		drawings = append(drawings, lines.Drawing().Drawing)
	}
	for p, d := range sets {
		var drawn, real [][]byte
		for i, drawing := range drawings {
			drawn = append(drawn, slices.Clone(mustDraw(t, drawing, p).Pixels[:]))
			pixels, _, err := d.Example(i * 10)
			if err != nil {
				t.Fatal(err)
			}
			real = append(real, pixels)
		}
		got, want := measure(drawn), measure(real)
		t.Logf("%s: drawn %.2f, real %.2f", p, got, want)
		for _, c := range []struct {
			name            string
			got, want, most float64
		}{
			{"mean level", got.level, want.level, 4}, {"thickness", got.thickness, want.thickness, 0.2},
			{"longer side", got.longer, want.longer, 1}, {"share of saturated pixels", got.saturated, want.saturated, 0.05},
		} {
			if math.Abs(c.got-c.want) > c.most {
				t.Errorf("%s: the %s of drawings is %.2f, want that of the data, %.2f, within %v", p, c.name, c.got, c.want, c.most)
			}
		}
	}
}
