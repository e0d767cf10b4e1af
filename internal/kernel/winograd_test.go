package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestWinogradMatrices looks at the matrices' numbers for the tiles of two outputs, which
// are well known, and at what the algorithm makes of a tile for both, in float64.
func TestWinogradMatrices(t *testing.T) {
	w := Winograd2
	for _, test := range []struct {
		name string
		m    *WinogradMatrix
		want []float32
	}{
		{"B", w.Input, []float32{-1, 0, 1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, -1, 0, 1}},
		{"G", w.Filter, []float32{-1, 0, 0, .5, .5, .5, .5, -.5, .5, 0, 0, 1}},
		{"A", w.Output, []float32{1, 1, 1, 0, 0, 1, -1, 1}},
	} {
		if !slices.Equal(test.m.Elements, test.want) {
			t.Errorf("%s is %v, want %v", test.name, test.m.Elements, test.want)
		}
	}
	for _, w := range []*Winograd{Winograd2, Winograd4} {
		r := rand.New(rand.NewPCG(1, 1))
		normals := func(n int) []float64 {
			x := make([]float64, n)
			for i := range x {
				x[i] = r.NormFloat64()
			}
			return x
		}
		n, m := w.Size, w.Outputs
		d, g := normals(n*n), normals(9)
		products := both(w.Input, d)
		for i, v := range both(w.Filter, g) {
			products[i] *= v
		}
		y := both(w.Output, products)
		slopes := normals(m * m)
		products = both(w.Slopes, slopes)
		for i, v := range both(w.Input, d) {
			products[i] *= v
		}
		dg := both(w.FilterGradient, products)
		want := make([]float64, 9)
		for i := range m * m {
			sum := 0.
			for k := range 9 {
				at := (i/m+k/3)*n + i%m + k%3
				sum += d[at] * g[k]
				want[k] += d[at] * slopes[i]
			}
			if math.Abs(y[i]-sum) > 1e-5 {
				t.Errorf("F(%d,3): output %d is %v, want %v", m, i, y[i], sum)
			}
		}
		for k := range dg {
			if math.Abs(dg[k]-want[k]) > 1e-5 {
				t.Errorf("F(%d,3): the gradient of element %d of the filter is %v, want %v", m, k, dg[k], want[k])
			}
		}
	}
}

// both returns m x mᵀ.
func both(m *WinogradMatrix, x []float64) []float64 {
	y := make([]float64, m.Rows*m.Rows)
	for i := range y {
		for k := range m.Columns * m.Columns {
			y[i] += float64(m.Elements[i/m.Rows*m.Columns+k/m.Columns]) * x[k] * float64(m.Elements[i%m.Rows*m.Columns+k%m.Columns])
		}
	}
	return y
}

// TestWinogradGather compares the transforms with their plain twins.
func TestWinogradGather(t *testing.T) { eachTwin(t, testWinogradGather) }

func testWinogradGather(t *testing.T) {
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 20))
		w := []*Winograd{Winograd2, Winograd4}[r.IntN(2)]
		m := []*WinogradMatrix{w.Input, w.Filter, w.Slopes, w.FilterGradient}[seed%4]
		const pixels = 50
		blocks := 1 + r.IntN(3)
		step := blocks * TileColumns
		in := newGuarded(pixels*step, normal(r))
		zeros := make([]float32, step)
		if r.IntN(8) == 0 {
			in.data[r.IntN(len(in.data))] = float32(math.NaN())
		}
		table := make([]int32, m.Columns*m.Columns)
		for i := range table {
			if table[i] = -1; r.IntN(4) > 0 {
				table[i] = int32(r.IntN(pixels) * step)
			}
		}
		outStep := TileColumns * (1 + r.IntN(3))
		blockStep := m.Rows * m.Rows * outStep
		got := newGuarded((blocks-1)*blockStep+(m.Rows*m.Rows-1)*outStep+TileColumns, normal(r))
		want := got.clone()
		WinogradGather(m, got.data, in.data, zeros, make([]float32, WinogradScratch), table, blocks, outStep, blockStep)
		winogradGatherPlain(m, want.data, in.data, zeros, make([]float32, WinogradScratch), table, blocks, outStep, blockStep)
		what := fmt.Sprintf("%d: %d rows of %d, %d blocks", seed, m.Rows, m.Columns, blocks)
		got.check(t, what)
		near(t, what, got.data, want.data, 100)
	}
}

// TestWinogradScatter compares the transform back to pixels with its plain twin.
func TestWinogradScatter(t *testing.T) { eachTwin(t, testWinogradScatter) }

func testWinogradScatter(t *testing.T) {
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 21))
		m := []*WinogradMatrix{Winograd2.Output, Winograd4.Output}[seed%2]
		inStep, adds := TileColumns*(1+r.IntN(3)), r.IntN(2) == 0
		limits := []*Limits{nil, {0, float32(math.Inf(1))}, {-1, 6}}[r.IntN(3)]
		in := newGuarded((m.Columns*m.Columns-1)*inStep+TileColumns, normal(r))
		if r.IntN(8) == 0 {
			in.data[r.IntN(len(in.data))] = float32(math.NaN())
		}
		bias := newGuarded(TileColumns, normal(r))
		const places = 20
		got := newGuarded(places*TileColumns, normal(r))
		table := make([]int32, m.Rows*m.Rows)
		for i, place := range r.Perm(places)[:len(table)] {
			if table[i] = -1; r.IntN(4) > 0 {
				table[i] = int32(place * TileColumns)
			}
		}
		want := got.clone()
		var base, basePlain []float32
		if adds {
			base, basePlain = got.data, want.data
		}
		WinogradScatter(m, got.data, in.data, bias.data, base, make([]float32, WinogradScratch), table, inStep, limits)
		winogradScatterPlain(m, want.data, in.data, bias.data, basePlain, make([]float32, WinogradScratch), table, inStep, limits)
		what := fmt.Sprintf("%d: %d rows, adds %v, limits %v", seed, m.Rows, adds, limits)
		got.check(t, what)
		near(t, what, got.data, want.data, 400)
	}
}

// TestPanelProduct compares products of matrices with their plain twin.
func TestPanelProduct(t *testing.T) { eachTwin(t, testPanelProduct) }

func testPanelProduct(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 22))
		rows, depth, blocks := 1+r.IntN(40), 1+r.IntN(70), 1+r.IntN(4)
		outStep, blockStep := rows*TileColumns+r.IntN(9), depth*TileColumns+r.IntN(9)
		panel := (rows + r.IntN(3)) * TileColumns
		in, weights := newGuarded((depth+TileColumns-1)/TileColumns*panel, normal(r)), newGuarded((blocks-1)*blockStep+depth*TileColumns, normal(r))
		got := newGuarded((blocks-1)*outStep+rows*TileColumns, normal(r))
		want := got.clone()
		PanelProduct(got.data, in.data, weights.data, rows, depth, panel, blocks, outStep, blockStep)
		panelProductPlain(want.data, in.data, weights.data, rows, depth, panel, blocks, outStep, blockStep)
		what := fmt.Sprintf("%d: %d rows of %d by %d blocks", seed, rows, depth, blocks)
		got.check(t, what)
		near(t, what, got.data, want.data, float64(depth))
	}
}

// BenchmarkWinograd measures the parts of Winograd's convolution of pictures of 64
// channels: nanoseconds a tile and a block of channels, and GFLOP/s of the products.
func BenchmarkWinograd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	random := func(n int) []float32 {
		list := make([]float32, n)
		for i := range list {
			list[i] = float32(r.NormFloat64())
		}
		return list
	}
	const channels, side, tiles = 64, 32, 24
	picture, scratch, zeros := random(side*side*channels), make([]float32, WinogradScratch), make([]float32, channels)
	for _, w := range []*Winograd{Winograd2, Winograd4} {
		table := make([]int32, w.Size*w.Size)
		for i := range table {
			table[i] = int32((i/w.Size*side + i%w.Size) * channels)
		}
		const step = channels*tiles + TileColumns // an odd number of cache lines
		panels := random(w.Size * w.Size * step)
		each := func(name string, do func(), perCall int) {
			b.Run(fmt.Sprintf("%dx%d/%s", w.Outputs, w.Outputs, name), func(b *testing.B) {
				for b.Loop() {
					do()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*perCall), "ns/block")
			})
		}
		const blocks = channels / TileColumns
		each("input", func() {
			for t := range tiles {
				WinogradGather(w.Input, panels[t*TileColumns:], picture[t*channels:], zeros, scratch, table, blocks, step, tiles*TileColumns)
			}
		}, blocks*tiles)
		out := make([]float32, side*side*channels)
		outTable := make([]int32, w.Outputs*w.Outputs)
		for i := range outTable {
			outTable[i] = int32((i/w.Outputs*side + i%w.Outputs) * channels)
		}
		each("output", func() {
			for t := range tiles {
				WinogradScatter(w.Output, out[t*channels:], panels[t*TileColumns:], zeros, nil, scratch, outTable, tiles*TileColumns+TileColumns, nil)
			}
		}, tiles)
		together := PanelBlocks()
		weights := random(together * channels * TileColumns)
		products := make([]float32, together*tiles*TileColumns)
		b.Run(fmt.Sprintf("%dx%d/product", w.Outputs, w.Outputs), func(b *testing.B) {
			peak := MeasurePeak(1)
			for b.Loop() {
				for p := range w.Size * w.Size {
					PanelProduct(products, panels[p*step:], weights, tiles, channels, tiles*TileColumns, together, tiles*TileColumns, channels*TileColumns)
				}
			}
			flops := float64(b.N) * float64(w.Size*w.Size*tiles*channels*together*TileColumns) * 2 / b.Elapsed().Seconds()
			b.ReportMetric(flops/1e9, "GFLOP/s")
			b.ReportMetric(100*flops/peak, "%peak")
		})
	}
}
