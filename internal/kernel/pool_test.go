package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPools compares poolings with their plain twins, to the bit: all sizes of channels,
// ties, NaN, infinities, and windows of which parts are left out on the way back.
func TestPools(t *testing.T) {
	eachTwin(t, func(t *testing.T) {
		values := []float32{0, float32(math.Copysign(0, -1)), 1, 1, -1, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 9))
			channels, window, count := 1+r.IntN(40), 1+r.IntN(9), 1+r.IntN(9)
			step := channels + r.IntN(9)
			const pixels = 20
			any := func() float32 {
				if r.IntN(3) == 0 {
					return values[r.IntN(len(values))]
				}
				return float32(r.NormFloat64())
			}
			in := newGuarded((pixels-1)*step+channels, any)
			table := make([]int32, count*window)
			for i := range table {
				table[i] = int32(r.IntN(pixels) * step)
			}
			what := fmt.Sprintf("%d: %d channels, windows of %d", seed, channels, window)
			got := newGuarded((count-1)*step+channels, normal(r))
			want, alone := got.clone(), got.clone()
			chosen, wanted := make([]int32, count*channels), make([]int32, count*channels)
			MaxPool(got.data, in.data, chosen, table, window, channels, step)
			MaxPool(alone.data, in.data, nil, table, window, channels, step)
			maxPoolPlain(want.data, in.data, wanted, table, window, channels, step, channels)
			got.check(t, what)
			sameBits(t, what, got.data, want.data)
			sameBits(t, what+", without chosen", alone.data, want.data)
			if !slices.Equal(chosen, wanted) {
				t.Fatalf("%s: chose %v, the plain kernel %v", what, chosen, wanted)
			}

			for i := range table {
				if r.IntN(4) == 0 {
					table[i] = -1
				}
			}
			for _, adds := range []bool{false, true} {
				got := newGuarded(len(in.data), normal(r))
				want := got.clone()
				MaxPoolGradient(got.data, alone.data, chosen, table, window, channels, step, adds)
				maxPoolGradientPlain(want.data, alone.data, chosen, table, window, channels, step, channels, adds)
				got.check(t, what)
				sameBits(t, fmt.Sprintf("%s, back, adds %v", what, adds), got.data, want.data)
			}
		}
	})
}

// sameBits fails unless two arrays agree; a zero has no sign.
func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i, v := range got {
		if v != want[i] && (v == v || want[i] == want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, v, want[i])
		}
	}
}
