package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestStrips compares the tiles of planar pictures with their plain twins.
func TestStrips(t *testing.T) {
	eachTwin(t, func(t *testing.T) {
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 10))
			rows, tiles, segments := 1+r.IntN(TileRows), 1+r.IntN(4), 1+r.IntN(30)
			inStep, outStep := 1+r.IntN(3), TileColumns+r.IntN(20)
			pixels := rows * tiles
			offsets := make([]int32, segments)
			for i := range offsets {
				offsets[i] = int32(r.IntN(50))
			}
			in := newGuarded(50+(pixels-1)*inStep, normal(r))
			if r.IntN(8) == 0 {
				in.data[r.IntN(len(in.data))] = float32(math.NaN())
			}
			w, bias := newGuarded(segments*TileColumns, normal(r)), newGuarded(TileColumns, normal(r))
			got := newGuarded((pixels-1)*outStep+TileColumns, normal(r))
			want := got.clone()
			var base, wantedBase []float32
			if r.IntN(2) == 0 {
				base, wantedBase = got.data, want.data
			}
			limits := []*Limits{nil, {0, float32(math.Inf(1))}, {-0.5, 2}}[r.IntN(3)]
			StripTiles(got.data, in.data, w.data, bias.data, base, offsets, rows, tiles, inStep, outStep, limits)
			stripTilesPlain(want.data, in.data, w.data, bias.data, wantedBase, offsets, rows, tiles, inStep, outStep, limits)
			what := fmt.Sprintf("%d: %d tiles of %d rows, %d segments", seed, tiles, rows, segments)
			got.check(t, what)
			near(t, what, got.data, want.data, float64(segments))

			height, width := 1+r.IntN(4), 1+r.IntN(9)
			inRow, slopeRow := r.IntN(40), width*outStep+r.IntN(9)
			in = newGuarded(50+(height-1)*inRow+(width-1)*inStep, normal(r))
			slopes := newGuarded((height-1)*slopeRow+(width-1)*outStep+TileColumns, normal(r))
			offsets = offsets[:min(segments, TileRows)]
			got = newGuarded(len(offsets)*TileColumns, normal(r))
			want = got.clone()
			StripSums(got.data, in.data, slopes.data, offsets, height, width, inRow, inStep, slopeRow, outStep)
			stripSumsPlain(want.data, in.data, slopes.data, offsets, height, width, inRow, inStep, slopeRow, outStep)
			got.check(t, what+", sums")
			near(t, what+", sums", got.data, want.data, float64(height*width))
		}
	})
}
