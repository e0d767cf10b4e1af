package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestNorms compares the kernels of normalisations with their plain twins.
func TestNorms(t *testing.T) { eachTwin(t, testNorms) }

func testNorms(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 10))
		pixels, channels := 1+r.IntN(20), TileColumns*(1+r.IntN(3))
		step := channels + r.IntN(9)
		size := (pixels-1)*step + channels
		low, high := float32(math.Inf(-1)), float32(math.Inf(1))
		if r.IntN(2) == 0 {
			low, high = 0, []float32{1, high}[r.IntN(2)]
		}
		floats := func() guarded { return newGuarded(size, normal(r)) }
		doubles := func() []float64 {
			list := make([]float64, channels)
			for i := range list {
				list[i] = r.NormFloat64()
			}
			return list
		}
		x, y, slopes := floats(), floats(), floats()
		if r.IntN(4) == 0 {
			x.data[r.IntN(size)], y.data[r.IntN(size)] = float32(math.NaN()), float32(math.NaN())
		}
		a, b, c := doubles(), doubles(), doubles()
		what := fmt.Sprintf("%d: %d pixels of %d channels, %d apart, %v to %v: ", seed, pixels, channels, step, low, high)
		compareSums := func(name string, run func(set Set, sums, more []float64)) {
			first := [2][]float64{doubles(), doubles()}
			var results [2][2][]float64
			for i, set := range []Set{active, plain} {
				for k := range first {
					results[i][k] = append([]float64(nil), first[k]...)
				}
				run(set, results[i][0], results[i][1])
			}
			for k := range first {
				for j, v := range results[0][k] {
					if want := results[1][k][j]; math.Abs(v-want) > 1e-12*float64(pixels) || (v != v) != (want != want) {
						t.Fatalf("%s%s: sum %d is %v, the plain kernel says %v", what, name, j, v, want)
					}
				}
			}
		}
		compareSums("sums", func(s Set, sums, _ []float64) { s.ChannelSums(sums, x.data, pixels, step) })
		compareSums("squares", func(s Set, sums, _ []float64) { s.ChannelSquares(sums, a, x.data, pixels, step) })
		compareSums("products", func(s Set, sums, more []float64) {
			s.ChannelProducts(sums, more, a, slopes.data, x.data, y.data, pixels, step, low, high)
		})
		compare := func(name string, run func(set Set, to []float32)) {
			got := floats()
			want := got.clone()
			run(active, got.data)
			run(plain, want.data)
			got.check(t, what+name)
			near(t, what+name, got.data, want.data, 10)
		}
		compare("scaled", func(s Set, to []float32) { s.ScaleChannels(to, x.data, a, b, pixels, step, low, high) })
		for _, adds := range []bool{false, true} {
			compare("combined", func(s Set, to []float32) {
				s.CombineChannels(to, slopes.data, x.data, y.data, a, b, c, pixels, step, low, high, adds)
			})
		}
	}
}
