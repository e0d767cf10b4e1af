//go:build !purego

package kernel

import "unsafe"

// The functions here drive the kernels of AVX-512.

// The kernels of tiles, by rows and blocks. One block is left to AVX2: it has too little
// to multiply for what a wide register loads.
var indirectTilesWide = [TileRows + 1][5]func(out, in, zeros, weights, bias, base *float32, table *int32, segments, depth, blockStep uint64, limits *float32){
	1: {2: indirectTile1x2Wide, 3: indirectTile1x3Wide, 4: indirectTile1x4Wide},
	2: {2: indirectTile2x2Wide, 3: indirectTile2x3Wide, 4: indirectTile2x4Wide},
	3: {2: indirectTile3x2Wide, 3: indirectTile3x3Wide, 4: indirectTile3x4Wide},
	4: {2: indirectTile4x2Wide, 3: indirectTile4x3Wide, 4: indirectTile4x4Wide},
	5: {2: indirectTile5x2Wide, 3: indirectTile5x3Wide, 4: indirectTile5x4Wide},
	6: {2: indirectTile6x2Wide, 3: indirectTile6x3Wide, 4: indirectTile6x4Wide},
}

var pointTilesWide = [TileRows + 1][5]func(out, in, weights, bias, base *float32, depth, tiles, inStep, outStep, blockStep uint64, limits *float32){
	1: {2: pointTile1x2Wide, 3: pointTile1x3Wide, 4: pointTile1x4Wide},
	2: {2: pointTile2x2Wide, 3: pointTile2x3Wide, 4: pointTile2x4Wide},
	3: {2: pointTile3x2Wide, 3: pointTile3x3Wide, 4: pointTile3x4Wide},
	4: {2: pointTile4x2Wide, 3: pointTile4x3Wide, 4: pointTile4x4Wide},
	5: {2: pointTile5x2Wide, 3: pointTile5x3Wide, 4: pointTile5x4Wide},
	6: {2: pointTile6x2Wide, 3: pointTile6x3Wide, 4: pointTile6x4Wide},
}

var depthwiseTilesWide = [TileRows + 1]func(out, in, zeros, weights, bias, base *float32, table *int32, segments, blocks uint64, limits *float32){
	nil, depthwiseTile1Wide, depthwiseTile2Wide, depthwiseTile3Wide, depthwiseTile4Wide, depthwiseTile5Wide, depthwiseTile6Wide,
}

var outerTilesWide = [TileRows + 1][5]func(sums, a, b *float32, pairs *int32, count, sumsStep, bStep uint64){
	1: {1: outerTile1x1Wide, 2: outerTile1x2Wide, 3: outerTile1x3Wide, 4: outerTile1x4Wide},
	2: {1: outerTile2x1Wide, 2: outerTile2x2Wide, 3: outerTile2x3Wide, 4: outerTile2x4Wide},
	3: {1: outerTile3x1Wide, 2: outerTile3x2Wide, 3: outerTile3x3Wide, 4: outerTile3x4Wide},
	4: {1: outerTile4x1Wide, 2: outerTile4x2Wide, 3: outerTile4x3Wide, 4: outerTile4x4Wide},
	5: {1: outerTile5x1Wide, 2: outerTile5x2Wide, 3: outerTile5x3Wide, 4: outerTile5x4Wide},
	6: {1: outerTile6x1Wide, 2: outerTile6x2Wide, 3: outerTile6x3Wide, 4: outerTile6x4Wide},
}

// widePanelRows is the rows of the largest tile of products of panels; what is left has
// tiles of TileRows at most.
const widePanelRows = 12

var panelProductsWide = [TileRows + 1]func(out, in, weights *float32, tiles, depth, panel, outStep, blockStep uint64){
	nil, panelProduct1x2Wide, panelProduct2x2Wide, panelProduct3x2Wide, panelProduct4x2Wide, panelProduct5x2Wide, panelProduct6x2Wide,
}

// The kernels of products, by rows and vectors.
var matMulsWide = [TileRows + 1][5]func(c, a, b *float32, tiles, depth, cStep, aRow, aColumn, bStep, accumulate, mask uint64){
	1: {1: matMul1x1Wide, 2: matMul1x2Wide, 3: matMul1x3Wide, 4: matMul1x4Wide},
	2: {1: matMul2x1Wide, 2: matMul2x2Wide, 3: matMul2x3Wide, 4: matMul2x4Wide},
	4: {1: matMul4x1Wide, 2: matMul4x2Wide, 3: matMul4x3Wide, 4: matMul4x4Wide},
	6: {1: matMul6x1Wide, 2: matMul6x2Wide, 3: matMul6x3Wide, 4: matMul6x4Wide},
}

func indirectTileAVX512(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments, depth, blocks, blockStep int, limits *Limits) {
	if blocks == 1 {
		indirectTileAssembly(out, in, zeros, weights, bias, base, table, rows, segments, depth, blocks, blockStep, limits)
		return
	}
	indirectTilesWide[rows][blocks](&out[0], &in[0], &zeros[0], &weights[0], &bias[0], unsafe.SliceData(base), &table[0], uint64(segments), uint64(depth), uint64(4*blockStep), limits.pointer())
}

func pointTilesAVX512(out, in, weights, bias, base []float32, rows, tiles, depth, inStep, outStep, blocks, blockStep int, limits *Limits) {
	if blocks == 1 {
		pointTilesAssembly(out, in, weights, bias, base, rows, tiles, depth, inStep, outStep, blocks, blockStep, limits)
		return
	}
	pointTilesWide[rows][blocks](&out[0], &in[0], &weights[0], &bias[0], unsafe.SliceData(base), uint64(depth), uint64(tiles), uint64(4*inStep), uint64(4*outStep), uint64(4*blockStep), limits.pointer())
}

func outerTileAVX512(sums, a, b []float32, pairs []int32, rows, blocks, sumsStep, bStep int) {
	outerTilesWide[rows][blocks](&sums[0], &a[0], &b[0], &pairs[0], uint64(len(pairs)/2), uint64(4*sumsStep), uint64(4*bStep))
}

func productTileAVX512(sums, a, b []float32, pairs []int32) {
	productTileWide(&sums[0], &a[0], &b[0], &pairs[0], uint64(len(pairs)/2))
}

func depthwiseTileAVX512(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments, blocks int, limits *Limits) {
	depthwiseTilesWide[rows](&out[0], &in[0], &zeros[0], &weights[0], &bias[0], unsafe.SliceData(base), &table[0], uint64(segments), uint64(blocks), limits.pointer())
}

func panelProductAVX512(out, in, weights []float32, rows, depth, panel, blocks, outStep, blockStep int) {
	if blocks == 1 {
		panelProductAssembly(out, in, weights, rows, depth, panel, blocks, outStep, blockStep)
		return
	}
	for r, left := 0, rows; left > 0; {
		do, size, tiles := panelProduct12x2Wide, widePanelRows, left/widePanelRows
		if tiles == 0 {
			size, tiles = min(left, TileRows), 1
			do = panelProductsWide[size]
		}
		do(&out[r*TileColumns], &in[r*TileColumns], &weights[0], uint64(tiles), uint64(depth), uint64(4*panel), uint64(4*outStep), uint64(4*blockStep))
		r, left = r+size*tiles, left-size*tiles
	}
}

func linearForwardAVX512(y, x, w, bias []float32, n, outputs, depth, yStride, xStride int, relu bool) {
	for b := 0; b < n; {
		examples, wide, do := 1, 8, linear1x8Wide
		if n-b >= 4 {
			examples, wide, do = 4, 4, linear4x4Wide
		} else if n-b >= 2 {
			examples, wide, do = 2, 8, linear2x8Wide
		}
		do(&y[b*yStride], &x[b*xStride], &w[0], &bias[0], uint64(outputs/wide), uint64(depth/16), uint64(depth%16), uint64(4*yStride), uint64(4*xStride), uint64(4*depth), flagsOf(relu))
		b += examples
	}
}

// matMulAVX512 takes tiles of four vectors of columns, and of two or three where one would be
// left over.
func matMulAVX512(c, a, b []float32, rows, columns, depth, cStride, aRow, aColumn, bStride int, accumulate bool) {
	if columns <= TileColumns {
		matMulAssembly(c, a, b, rows, columns, depth, cStride, aRow, aColumn, bStride, accumulate)
		return
	}
	vectors, flag := (columns+TileColumns-1)/TileColumns, uint64(0)
	if accumulate {
		flag = 1
	}
	tiles, rest := vectors/4, vectors%4
	if rest == 1 {
		tiles--
	}
	for m := 0; m < rows; {
		size := 6
		for size > rows-m {
			size = max(size-2, 1)
		}
		do := func(at, tiles, vectors int) {
			mask := uint64(1<<TileColumns - 1)
			if at+tiles*vectors*TileColumns > columns {
				mask >>= 8
			}
			matMulsWide[size][vectors](&c[m*cStride+at], &a[m*aRow], &b[at], uint64(tiles), uint64(depth), uint64(4*cStride), uint64(4*aRow), uint64(4*aColumn), uint64(4*bStride), flag, mask)
		}
		at := 0
		if whole := tiles; whole > 0 {
			// The mask is of every tile: the last one is alone where it is not whole.
			if rest == 0 && columns%TileColumns != 0 {
				whole--
			}
			if whole > 0 {
				do(0, whole, 4)
			}
			if whole < tiles {
				do(whole*4*TileColumns, 1, 4)
			}
			at = tiles * 4 * TileColumns
		}
		switch rest {
		case 1:
			do(at, 1, 3)
			do(at+3*TileColumns, 1, 2)
		case 2, 3:
			do(at, 1, rest)
		}
		m += size
	}
}

func channelSumsAVX512(sums []float64, x []float32, pixels, step int) {
	channelSumsWide(&sums[0], &x[0], uint64(pixels), uint64(4*step), uint64(len(sums)))
}

func channelSquaresAVX512(squares, means []float64, x []float32, pixels, step int) {
	channelSquaresWide(&squares[0], &means[0], &x[0], uint64(pixels), uint64(4*step), uint64(len(squares)))
}

func scaleChannelsAVX512(y, x []float32, scale, shift []float64, pixels, step int, low, high float32) {
	scaleChannelsWide(&y[0], &x[0], &scale[0], &shift[0], uint64(pixels), uint64(4*step), uint64(len(scale)), low, high)
}

func channelProductsAVX512(sums, products, means []float64, slopes, x, y []float32, pixels, step int, low, high float32) {
	channelProductsWide(&sums[0], &products[0], &means[0], &slopes[0], &x[0], &y[0], uint64(pixels), uint64(4*step), uint64(len(sums)), low, high)
}

func combineChannelsAVX512(dx, slopes, x, y []float32, a, b, c []float64, pixels, step int, low, high float32, adds bool) {
	combineChannelsWide(&dx[0], &slopes[0], &x[0], &y[0], &a[0], &b[0], &c[0], uint64(pixels), uint64(4*step), uint64(len(a)), low, high, flagsOf(adds))
}

func updateSGDAVX512(s SGD, weights, gradient, momentum []float32) {
	do := sgdMomentumWide
	if s.Nesterov {
		do = sgdNesterovWide
	}
	do(weights, gradient, momentum, s.LearningRate, s.Momentum, s.Damped, s.WeightDecay)
}

func updateAdamAVX512(a *Adam, parameter, gradient, means, squares []float32) {
	updateAdamWide(parameter, gradient, means, squares, a.Shrink, a.GradientDecay, a.Keep1, a.Add1, a.Keep2, a.Add2, a.Step, a.Correction, a.Eps)
}

// poolRow is the signature of the kernels for a row of pooled outputs.
type poolRow func(in, weights, bias, out *float32, chosen *uint8, tiles, rows, run, rowSkip, stepX, second, tileStep, outStep, relu uint64)

// poolTile is such a kernel, and how many outputs it computes at a time.
type poolTile struct {
	windows int
	row     poolRow
}

// The kernels of pooled convolutions: for blocks of 16 channels, and for up to 2, 4, 6 and 8
// channels of a picture that has one.
var (
	poolRowsWide   = []poolTile{{4, convPoolRow16x4Wide}, {2, convPoolRow16x2Wide}}
	poolPlanesWide = [...][]poolTile{
		{{12, convPoolPlane2x12Wide}, {8, convPoolPlane2x8Wide}},
		{{12, convPoolPlane4x12Wide}, {8, convPoolPlane4x8Wide}},
		{{12, convPoolPlane6x12Wide}, {8, convPoolPlane6x8Wide}},
		{{12, convPoolPlane8x12Wide}, {8, convPoolPlane8x8Wide}},
	}
)

// forwardAVX512 leaves to AVX2 what is not pooled, up to 8 channels of pictures with more
// than one and rows that are shorter than a tile.
func forwardAVX512(c *Conv, in, packed, bias, out []float32, chosen []uint8) {
	lanes := Lanes(c.Channels)
	tiles := poolRowsWide
	if lanes == 8 {
		tiles = poolPlanesWide[(c.Channels-1)/2]
	}
	if !c.Pool || lanes == 8 && c.StepX != 1 || c.OutWidth < tiles[len(tiles)-1].windows {
		forwardAssembly(c, in, packed, bias, out, chosen)
		return
	}
	block := lanes * c.KernelRows * c.Run
	for y := range c.OutHeight {
		for b := range c.Blocks() {
			do := func(row poolRow, windows, x, tiles int) {
				at := (y*c.OutWidth+x)*c.OutPixel + b*lanes
				var which *uint8
				if chosen != nil {
					which = &chosen[at]
				}
				row(&in[2*y*c.StepY+2*x*c.StepX], &packed[b*block], &bias[b*lanes], &out[at], which, uint64(tiles), uint64(c.KernelRows), uint64(c.Run),
					uint64(4*(c.InRow-c.Run)), uint64(4*c.StepX), uint64(4*c.StepY), uint64(8*windows*c.StepX), uint64(4*c.OutPixel), flagsOf(c.ReLU))
			}
			x := 0
			for _, t := range tiles {
				if count := (c.OutWidth - x) / t.windows; count > 0 {
					do(t.row, t.windows, x, count)
					x += count * t.windows
				}
			}
			if x < c.OutWidth {
				// The last tile overlaps the one before: the same numbers again.
				t := tiles[len(tiles)-1]
				do(t.row, t.windows, c.OutWidth-t.windows, 1)
			}
		}
	}
}

var gradientsWide = gradientKernels{
	lanes:    16,
	mostRows: [5]int{1: 5, 2: 5},
	weights: [5][6]func(filter, in *float32, pairs *uint64, count, inRow, filterRow uint64) float32{
		1: {1: weightGradient1x1Wide, 2: weightGradient2x1Wide, 3: weightGradient3x1Wide, 4: weightGradient4x1Wide, 5: weightGradient5x1Wide},
		2: {1: weightGradient1x2Wide, 2: weightGradient2x2Wide, 3: weightGradient3x2Wide, 4: weightGradient4x2Wide, 5: weightGradient5x2Wide},
	},
	inputs: [5][6]func(gradient, filters, out *float32, chosen *uint8, slopes *float32, offsets *int32, pixels, positions, alive, relu, outStep, pixelStep, channelStep, filterStep, inRow, filterRow uint64){
		1: {1: inputGradient1x1Wide, 2: inputGradient2x1Wide, 3: inputGradient3x1Wide, 4: inputGradient4x1Wide, 5: inputGradient5x1Wide},
		2: {1: inputGradient1x2Wide, 2: inputGradient2x2Wide, 3: inputGradient3x2Wide, 4: inputGradient4x2Wide, 5: inputGradient5x2Wide},
	},
}

// gradientsFor leaves filters to AVX2 whose rows have no whole wide vectors.
func gradientsFor(c *Conv) *gradientKernels {
	if c.FilterRow()%gradientsWide.lanes != 0 {
		return &gradients
	}
	return &gradientsWide
}

func weightGradientAVX512(c *Conv, filter, in []float32, pairs []Pair) (bias float32) {
	return gradientsFor(c).ofWeights(c, filter, in, pairs)
}

func inputGradientAVX512(c *Conv, gradient, filters, out []float32, chosen []uint8, slopes []float32, pixelStep, channelStep int, offsets []int32) {
	gradientsFor(c).ofInputs(c, gradient, filters, out, chosen, slopes, pixelStep, channelStep, offsets)
}
