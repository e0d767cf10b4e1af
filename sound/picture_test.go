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
