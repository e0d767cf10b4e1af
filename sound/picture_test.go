package sound

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestFit(t *testing.T) {
	p := &Picture{2, 3, []float32{1, 2, 3, 4, 5, 6}}
	for columns, want := range map[int][]float32{
		3: {1, 2, 3, 4, 5, 6},
		6: {-1, 1, 2, 3, -1, -1, -1, 4, 5, 6, -1, -1},
		2: {1, 2, 4, 5},
		1: {2, 5},
	} {
		if got := p.Fit(columns, -1); got.Rows != 2 || got.Columns != columns || !slices.Equal(got.Values, want) {
			t.Errorf("%d columns: %v, want %v", columns, got, want)
		}
	}
}

func TestNormalize(t *testing.T) {
	p := (&Picture{1, 4, []float32{1, 1, 3, 3}}).Normalize()
	if !slices.Equal(p.Values, []float32{-1, -1, 1, 1}) {
		t.Errorf("got %v", p.Values)
	}
	if p := (&Picture{1, 2, []float32{7, 7}}).Normalize(); !slices.Equal(p.Values, []float32{0, 0}) {
		t.Errorf("all the same give %v", p.Values)
	}
}

func TestStack(t *testing.T) {
	p := &Picture{1, 3, []float32{0, 1, 2}}
	if got := Stack(p, p.Deltas(3)); got.Rows != 2 || !slices.Equal(got.Values, []float32{0, 1, 2, 0.5, 1, 0.5}) {
		t.Errorf("got %v", got)
	}
}

func TestTrim(t *testing.T) {
	samples := make([]float32, 16000)
	for i := 6000; i < 9000; i++ {
		samples[i] = float32(math.Sin(float64(i)))
	}
	got := Trim(samples, 60)
	// Frames reach 1,024 samples to each side, and begin every 512.
	if len(got) < 3000 || len(got) > 3000+2*1024+512 || cap(samples)-cap(got) > 6000 || cap(samples)-cap(got) < 6000-1024-512 {
		t.Errorf("%d samples from %d on", len(got), cap(samples)-cap(got))
	}
	if got := Trim(make([]float32, 5000), 60); len(got) != 0 {
		t.Errorf("silence has %d samples", len(got))
	}
	if got := Trim(samples[6000:9000], 60); len(got) != 3000 {
		t.Errorf("sound without silence has %d samples, want 3000", len(got))
	}
}

func TestAugment(t *testing.T) {
	samples := make([]float32, 4000)
	for i := range samples {
		samples[i] = float32(math.Sin(float64(i) / 5))
	}
	shifts := map[float32]bool{}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		shifted := Shift(r, samples, 3)
		shifts[shifted[2000]] = true
		if !slices.Contains(samples[1997:2004], shifted[2000]) {
			t.Fatalf("sample 2000 is %v", shifted[2000])
		}
		var power, noise float64
		for i, v := range Noise(r, samples, 20) {
			power += float64(samples[i]) * float64(samples[i])
			noise += float64(v-samples[i]) * float64(v-samples[i])
		}
		if db := 10 * math.Log10(power/noise); math.Abs(db-20) > 0.5 {
			t.Errorf("noise is %.2f decibels lower, want 20", db)
		}
		if n := len(Speed(r, samples, 0.1)); n < 3636 || n > 4445 {
			t.Errorf("another speed has %d samples", n)
		}
		p := &Picture{20, 30, slices.Repeat([]float32{1}, 600)}
		p.MaskRows(r, 4, 0)
		p.MaskColumns(r, 6, 0)
		rows, columns := 0, 0
		for i := range p.Rows {
			if !slices.Contains(p.Values[i*30:][:30], 1) {
				rows++
			}
		}
		for i := range p.Columns {
			covered := true
			for r := range p.Rows {
				covered = covered && p.Values[r*30+i] == 0
			}
			if covered {
				columns++
			}
		}
		if rows > 4 || columns > 6 {
			t.Errorf("%d rows and %d columns are masked", rows, columns)
		}
	}
	if len(shifts) != 7 {
		t.Errorf("there are %d shifts, want 7", len(shifts))
	}
}

// A stretched picture is what there was, farther apart: a line keeps its value, and its place
// from the lowest row, or from the middle.
func TestStretch(t *testing.T) {
	const rows, columns = 20, 31
	p := newPicture(rows, columns)
	for row := range rows {
		for column := range columns {
			p.Values[row*columns+column] = float32(row) + 100*float32(column)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	different := map[float32]bool{}
	for range 20 {
		got := p.Stretch(r, 0.25, 0.25)
		at := func(row, column int) float64 { return float64(got.Values[row*columns+column]) }
		if math.Abs(at(0, columns/2)-100*(columns/2)) > 1e-2 {
			t.Errorf("the lowest value of the middle is %v, want %d", at(0, columns/2), 100*(columns/2))
		}
		byRow, byColumn := 1/(at(1, columns/2)-at(0, columns/2)), 100/(at(0, columns/2+1)-at(0, columns/2))
		if byRow < 0.74 || byRow > 1.26 || byColumn < 0.74 || byColumn > 1.26 {
			t.Errorf("it is stretched by %.3f and %.3f", byRow, byColumn)
		}
		if want := 8/byRow + 100*(columns/2) - 100*6/byColumn; math.Abs(at(8, columns/2-6)-want) > 0.1 {
			t.Errorf("a value is %v, want %v", at(8, columns/2-6), want)
		}
		if last := at(rows-1, columns-1); last > rows-1+100*(columns-1)+1e-2 {
			t.Errorf("beyond the rim is %v", last)
		}
		different[got.Values[columns]] = true
	}
	if len(different) < 15 {
		t.Errorf("only %d of 20 differ", len(different))
	}
	if same := p.Stretch(r, 0, 0); !slices.Equal(same.Values, p.Values) {
		t.Error("stretched by nothing it is another")
	}
}
