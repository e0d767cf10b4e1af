//go:build unix

package kernel

import (
	"math/rand/v2"
	"os"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"
)

// brink is memory that ends where reading is a fault.
type brink struct {
	floats []float32
	bytes  []byte // the same memory
}

func newBrink(t *testing.T, size int) brink {
	t.Helper()
	page := os.Getpagesize()
	size = (4*size + page - 1) / page * page
	whole, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(whole) })
	if err := syscall.Mprotect(whole[size:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	b := brink{bytes: whole[:size:size]}
	b.floats = unsafe.Slice((*float32)(unsafe.Pointer(&whole[0])), size/4)
	return b
}

// last returns the last n floats, set to random ones.
func (b brink) last(n int, r *rand.Rand) []float32 {
	list := b.floats[len(b.floats)-n:]
	for i := range list {
		list[i] = float32(r.NormFloat64())
	}
	return list
}

// TestNothingLiesBeyond gives every kernel arrays behind which there is no memory:
// of what lies beyond, not even reading is allowed, but where the contract says so.
func TestNothingLiesBeyond(t *testing.T) {
	eachTwin(t, func(t *testing.T) {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		var brinks [4]brink
		for i := range brinks {
			brinks[i] = newBrink(t, 1<<17)
		}
		r := rand.New(rand.NewPCG(11, 11))
		try := func(name string, run func(take func(n int) []float32)) {
			defer func() {
				if fault := recover(); fault != nil {
					t.Errorf("%s goes beyond its arrays: %v", name, fault)
				}
			}()
			used := 0
			run(func(n int) []float32 {
				used++
				return brinks[used-1].last(n, r)
			})
		}
		for range 200 {
			n := 1 + r.IntN(70)
			try("Add", func(take func(int) []float32) { Add(take(n), take(n)) })
			try("MaskPositive", func(take func(int) []float32) { MaskPositive(take(n), take(n)) })
			try("Rectify", func(take func(int) []float32) { Rectify(take(n)) })
			for _, nesterov := range []bool{false, true} {
				s := SGD{LearningRate: 0.1, Momentum: 0.9, Damped: 1, Nesterov: nesterov}
				try("SGD.Update", func(take func(int) []float32) { s.Update(take(n), take(n), take(n)) })
			}
			rows, columns, depth := 1+r.IntN(9), 8*(1+r.IntN(9)), 1+r.IntN(20)
			try("MatMul", func(take func(int) []float32) {
				MatMul(take(rows*columns), take(rows*depth), take(depth*columns), rows, columns, depth, columns, depth, 1, columns, r.IntN(2) == 0)
			})
			try("LinearForward", func(take func(int) []float32) {
				LinearForward(take(rows*columns), take(rows*8*depth), take(columns*8*depth), take(columns), rows, columns, 8*depth, columns, 8*depth, true)
			})

			c, picture := randomConv(r)
			pixels := c.OutHeight * c.OutWidth
			try("Conv.Pack", func(take func(int) []float32) { c.Pack(take(c.PackedWeights()), take(c.Channels*c.Filter())) })
			bytes := brinks[3].bytes[len(brinks[3].bytes)-pixels*c.OutPixel-Slack:]
			try("Conv.Forward", func(take func(int) []float32) {
				bias := make([]float32, c.Blocks()*Lanes(c.Channels))
				c.Forward(take(picture), take(c.PackedWeights()), bias, take(pixels*c.OutPixel+Slack), bytes)
			})
			clear(bytes)
			offsets := c.offsets()
			try("Collect and Conv.WeightGradient", func(take func(int) []float32) {
				pairs, out, slopes := make([]Pair, pixels+1), take(pixels*c.OutPixel), take(pixels*c.OutPixel)
				n := Collect(pairs, pixels, true, out[c.Channels-1:], bytes[c.Channels-1:], c.OutPixel, slopes[c.Channels-1:], c.OutPixel, offsets)
				filter := make([]float32, c.Filter())
				c.WeightGradient(filter, take(picture+Slack), pairs[:n])
			})
			try("Conv.InputGradient", func(take func(int) []float32) {
				gradient, filters, out := take(picture+Slack), take(c.Channels*c.Filter()), take(pixels*c.OutPixel+Slack)
				c.InputGradient(gradient, filters, out, bytes, make([]float32, pixels*c.OutPixel), c.OutPixel, 1, offsets)
			})

			rows, segments, blocks := 1+r.IntN(TileRows), 1+r.IntN(9), 1+r.IntN(5)
			table := make([]int32, TileEntry*(segments+1))
			for i := range rows {
				table[i] = int32(i * blocks * TileColumns)
			}
			for s := range segments {
				e := table[TileEntry*(s+1):]
				for i := range rows {
					e[i] = int32(r.IntN(3) - 1)
				}
				e[6] = int32(r.IntN(2))
			}
			try("IndirectTile", func(take func(int) []float32) {
				IndirectTile(take(rows*TileColumns*blocks), take(depth+1), make([]float32, depth), take(blocks*depth*TileColumns+1), take(blocks*TileColumns), nil, table, rows, segments, depth, blocks, depth*TileColumns, &Limits{0, 6})
			})
			try("DepthwiseTile", func(take func(int) []float32) {
				DepthwiseTile(take(rows*TileColumns*blocks), take(TileColumns+1), make([]float32, TileColumns), take(TileColumns+1), take(TileColumns), nil, table, rows, segments, 1, &Limits{0, 6})
			})
			try("PointTiles", func(take func(int) []float32) {
				PointTiles(take(2*rows*TileColumns*blocks), take(2*rows*depth), take(blocks*depth*TileColumns), take(blocks*TileColumns), nil, rows, 2, depth, depth, blocks*TileColumns, blocks, depth*TileColumns, &Limits{0, 6})
			})
			try("OuterTile", func(take func(int) []float32) {
				OuterTile(take(blocks*rows*TileColumns), take(rows), take(blocks*TileColumns), make([]int32, 2*n), rows, blocks, rows*TileColumns, TileColumns)
			})
			try("ProductTile", func(take func(int) []float32) {
				ProductTile(take(TileColumns), take(TileColumns), take(TileColumns), make([]int32, 2*n))
			})
			try("CopyRows", func(take func(int) []float32) {
				width := 8 << r.IntN(2)
				CopyRows(take(n*width), take(n*width), n, width, width, width)
			})
			ones := make([]float64, TileColumns)
			size := (n-1)*20 + TileColumns
			try("the kernels of normalisations", func(take func(int) []float32) {
				x, y, slopes, dx := take(size), take(size), take(size), take(size)
				ChannelSums(make([]float64, TileColumns), x, n, 20)
				ChannelSquares(make([]float64, TileColumns), ones, x, n, 20)
				ScaleChannels(y, x, ones, ones, n, 20, 0, 1)
				ChannelProducts(make([]float64, TileColumns), make([]float64, TileColumns), ones, slopes, x, y, n, 20, 0, 1)
				CombineChannels(dx, slopes, x, y, ones, ones, ones, n, 20, 0, 1, true)
			})
		}
	})
}
