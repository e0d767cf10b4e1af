package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomTile is the table of a tile with outputs in random places that do not
// overlap, and segments in random places of input and weights.
func randomTile(r *rand.Rand, rows, segments, outputs, width, inputs, weights int) []int32 {
	table := make([]int32, TileEntry*(segments+1))
	for i, place := range r.Perm(outputs / width)[:rows] {
		table[i] = int32(place * width)
	}
	for s := range segments {
		e := table[TileEntry*(s+1):]
		for i := range rows {
			if e[i] = -1; r.IntN(3) > 0 {
				e[i] = int32(r.IntN(inputs))
			}
		}
		e[6] = int32(r.IntN(weights))
	}
	return table
}

// TestTiles compares the tiles of convolutions with their plain twins.
func TestTiles(t *testing.T) { eachTwin(t, testTiles) }

func testTiles(t *testing.T) {
	for seed := range uint64(250) {
		r := rand.New(rand.NewPCG(seed, 7))
		rows, segments, depth := 1+r.IntN(TileRows), 1+r.IntN(9), 1+r.IntN(40)
		depthwise, blocks := r.IntN(2) == 0, 1+r.IntN(5)
		if depthwise {
			depth = TileColumns
		}
		width := blocks * TileColumns
		blockStep := depth*TileColumns + r.IntN(9)
		outputs, inputs, weights := 16*width, 100, 200
		table := randomTile(r, rows, segments, outputs, width, inputs, weights)
		in, w, bias := newGuarded(inputs+max(depth, width), normal(r)), newGuarded(weights+(blocks-1)*blockStep+max(depth, blocks)*TileColumns, normal(r)), newGuarded(width, normal(r))
		if r.IntN(8) == 0 {
			in.data[r.IntN(inputs)] = float32(math.NaN())
		}
		zeros := make([]float32, depth)
		got := newGuarded(outputs, normal(r))
		want := got.clone()
		before := slices.Clone(got.data)
		var base, wantedBase []float32
		switch r.IntN(3) {
		case 0:
			base, wantedBase = got.data, want.data
		case 1:
			base = newGuarded(outputs, normal(r)).data
			wantedBase = base
		}
		limits := []*Limits{nil, {0, float32(math.Inf(1))}, {-0.5, 2}}[r.IntN(3)]
		if depthwise {
			DepthwiseTile(got.data, in.data, zeros, w.data, bias.data, base, table, rows, segments, blocks, limits)
			depthwiseTilePlain(want.data, in.data, zeros, w.data, bias.data, wantedBase, table, rows, segments, blocks, limits)
		} else {
			IndirectTile(got.data, in.data, zeros, w.data, bias.data, base, table, rows, segments, depth, blocks, blockStep, limits)
			indirectTilePlain(want.data, in.data, zeros, w.data, bias.data, wantedBase, table, rows, segments, depth, blocks, blockStep, limits)
		}
		what := fmt.Sprintf("%d: %d rows, %d segments of %d, depthwise %v, %d blocks", seed, rows, segments, depth, depthwise, blocks)
		got.check(t, what)
		near(t, what, got.data, want.data, float64(segments*depth))
		for place := range outputs / width {
			if at := place * width; !slices.Contains(table[:rows], int32(at)) && !slices.Equal(got.data[at:at+width], before[at:at+width]) {
				t.Fatalf("%s: wrote to an output that is not in the table", what)
			}
		}
	}
}

// TestPointTiles compares the tiles of convolutions of 1x1 with their plain twins.
func TestPointTiles(t *testing.T) {
	eachTwin(t, func(t *testing.T) {
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 12))
			rows, tiles, depth := 1+r.IntN(TileRows), 1+r.IntN(4), 1+r.IntN(40)
			blocks := 1 + r.IntN(5)
			width, blockStep := blocks*TileColumns, depth*TileColumns+r.IntN(9)
			inStep, outStep, pixels := 1+r.IntN(50), width+r.IntN(20), rows*tiles
			in, w, bias := newGuarded((pixels-1)*inStep+depth, normal(r)), newGuarded((blocks-1)*blockStep+depth*TileColumns, normal(r)), newGuarded(width, normal(r))
			if r.IntN(8) == 0 {
				in.data[r.IntN(len(in.data))] = float32(math.NaN())
			}
			got := newGuarded((pixels-1)*outStep+width, normal(r))
			want, before := got.clone(), slices.Clone(got.data)
			var base, wantedBase []float32
			switch r.IntN(3) {
			case 0:
				base, wantedBase = got.data, want.data
			case 1:
				base = newGuarded(len(got.data), normal(r)).data
				wantedBase = base
			}
			limits := []*Limits{nil, {0, float32(math.Inf(1))}, {-0.5, 2}}[r.IntN(3)]
			PointTiles(got.data, in.data, w.data, bias.data, base, rows, tiles, depth, inStep, outStep, blocks, blockStep, limits)
			pointTilesPlain(want.data, in.data, w.data, bias.data, wantedBase, rows, tiles, depth, inStep, outStep, blocks, blockStep, limits)
			what := fmt.Sprintf("%d: %d tiles of %d rows, depth %d, %d blocks", seed, tiles, rows, depth, blocks)
			got.check(t, what)
			near(t, what, got.data, want.data, float64(depth))
			for p := range pixels - 1 {
				if between := got.data[p*outStep:][width:outStep]; !slices.Equal(between, before[p*outStep:][width:outStep]) {
					t.Fatalf("%s: wrote between the outputs", what)
				}
			}
		}
	})
}

// TestProductTiles compares sums of products with their plain twins.
func TestProductTiles(t *testing.T) { eachTwin(t, testProductTiles) }

func testProductTiles(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 8))
		rows, count, blocks := 1+r.IntN(TileRows), r.IntN(30), 1+r.IntN(6)
		const places = 100
		sumsStep, bStep := rows*TileColumns+r.IntN(20), places+r.IntN(30)
		a, b := newGuarded(places+TileColumns, normal(r)), newGuarded((blocks-1)*bStep+places+TileColumns, normal(r))
		var pairs []int32
		for range count {
			pairs = append(pairs, int32(r.IntN(places)), int32(r.IntN(places)))
		}
		got := newGuarded((blocks-1)*sumsStep+rows*TileColumns, normal(r))
		want := got.clone()
		what := fmt.Sprintf("%d: outer products, %d rows, %d pairs, %d blocks", seed, rows, count, blocks)
		OuterTile(got.data, a.data, b.data, pairs, rows, blocks, sumsStep, bStep)
		outerTilePlain(want.data, a.data, b.data, pairs, rows, blocks, sumsStep, bStep)
		got.check(t, what)
		near(t, what, got.data, want.data, float64(count+1))

		got = newGuarded(TileColumns, normal(r))
		want = got.clone()
		what = fmt.Sprintf("%d: products, %d pairs", seed, count)
		ProductTile(got.data, a.data, b.data, pairs)
		productTilePlain(want.data, a.data, b.data, pairs)
		got.check(t, what)
		near(t, what, got.data, want.data, float64(count+1))
	}
}

func TestCopyRows(t *testing.T) { eachTwin(t, testCopyRows) }

func testCopyRows(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 9))
		count, width := r.IntN(20), 8<<r.IntN(2)
		toStep, fromStep := 1+r.IntN(20), 1+r.IntN(40)
		from := newGuarded(max(count-1, 0)*fromStep+width, normal(r))
		got := newGuarded(max(count-1, 0)*toStep+width, normal(r))
		want := got.clone()
		CopyRows(got.data, from.data, count, width, toStep, fromStep)
		copyRowsPlain(want.data, from.data, count, width, toStep, fromStep)
		what := fmt.Sprintf("%d: %d rows of %d", seed, count, width)
		got.check(t, what)
		if !slices.Equal(got.data, want.data) {
			t.Fatalf("%s: got %v, want %v", what, got.data, want.data)
		}
	}
}

// BenchmarkTiles measures tiles as the 3x3 convolutions of a ResNet use them, in
// GFLOP/s.
func BenchmarkTiles(b *testing.B) {
	peak := MeasurePeak(1)
	r := rand.New(rand.NewPCG(1, 1))
	random := func(n int) []float32 { // large arrays begin at a cache line
		list := make([]float32, n)
		for i := range list {
			list[i] = float32(r.NormFloat64())
		}
		return list
	}
	for _, l := range [][2]int{{64, 32}, {128, 16}, {256, 8}, {512, 4}} {
		channels, size, blocks := l[0], l[1], TileBlocks()
		picture := random(size * size * channels)
		weights, bias, zeros := random(blocks*9*channels*TileColumns), make([]float32, blocks*TileColumns), make([]float32, channels)
		out := make([]float32, size*size*channels)
		var tables [][]int32
		for p := 0; p+TileRows <= size*size; p += TileRows {
			table := make([]int32, TileEntry*10)
			for i := range TileRows {
				y, x := (p+i)/size, (p+i)%size
				table[i] = int32((p + i) * channels)
				for k := range 9 {
					e := table[TileEntry*(k+1):]
					iy, ix := y+k/3-1, x+k%3-1
					if e[i] = -1; iy >= 0 && ix >= 0 && iy < size && ix < size {
						e[i] = int32((iy*size + ix) * channels)
					}
					e[6] = int32(k * channels * TileColumns)
				}
			}
			tables = append(tables, table)
		}
		b.Run(fmt.Sprintf("indirect/%d@%dx%d", channels, size, size), func(b *testing.B) {
			for b.Loop() {
				for _, table := range tables {
					IndirectTile(out, picture, zeros, weights, bias, nil, table, TileRows, 9, channels, blocks, 9*channels*TileColumns, nil)
				}
			}
			flops := float64(b.N) * float64(len(tables)*TileRows*9*channels*blocks*TileColumns) * 2 / b.Elapsed().Seconds()
			b.ReportMetric(flops/1e9, "GFLOP/s")
			b.ReportMetric(100*flops/peak, "%peak")
		})
	}
	for _, rows := range []int{1, 2, 4, 6} {
		const count = 192
		blocks := OuterBlocks()
		a, y := random(count*TileRows+8), random(blocks*count*TileColumns)
		var pairs []int32
		for p := range count {
			pairs = append(pairs, int32(p*TileRows), int32(p*TileColumns))
		}
		sums := make([]float32, blocks*TileRows*TileColumns)
		b.Run(fmt.Sprintf("outer/%d", rows), func(b *testing.B) {
			for b.Loop() {
				OuterTile(sums, a, y, pairs, rows, blocks, rows*TileColumns, count*TileColumns)
			}
			flops := float64(b.N) * float64(blocks*count*rows*TileColumns) * 2 / b.Elapsed().Seconds()
			b.ReportMetric(flops/1e9, "GFLOP/s")
			b.ReportMetric(100*flops/peak, "%peak")
		})
	}
}
