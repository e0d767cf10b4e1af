//go:build (amd64 || arm64) && !purego

package kernel

// The functions here drive the assembly that amd64 with AVX2 and arm64 with NEON have
// under the same names: a vector of eight floats is one register there and two
// here. What one of the two alone has, its own file adds.

import "unsafe"

var assembly = Set{
	Forward:         forwardAssembly,
	Pack:            packAssembly,
	Collect:         collectAssembly,
	WeightGradient:  weightGradientAssembly,
	InputGradient:   inputGradientAssembly,
	IndirectTile:    indirectTileAssembly,
	DepthwiseTile:   depthwiseTileAssembly,
	PointTiles:      pointTilesAssembly,
	OuterTile:       outerTileAssembly,
	ProductTile:     productTileAssembly,
	CopyRows:        copyRowsAssembly,
	StripTiles:      stripTilesAssembly,
	StripSums:       stripSumsAssembly,
	ChannelSums:     channelSumsAssembly,
	ChannelSquares:  channelSquaresAssembly,
	ScaleChannels:   scaleChannelsAssembly,
	ChannelProducts: channelProductsAssembly,
	CombineChannels: combineChannelsAssembly,
	MaxPool:         maxPoolAssembly,
	MaxPoolGradient: maxPoolGradientAssembly,
	LinearForward:   linearForwardAssembly,
	MatMul:          matMulAssembly,
	Transpose8:      transpose8Assembly,
	Add:             addVectors,
	MaskPositive:    maskVectors,
	Rectify:         rectifyVectors,
	UpdateSGD:       updateSGDAssembly,
	PeakLoop:        fmaLoop,
	PeakOperations:  12 * 8 * 2,
	LoadLoop:        loadLoop,
}

// forwardAssembly leaves rows that are shorter than a tile of outputs to plain Go.
func forwardAssembly(c *Conv, in, packed, bias, out []float32, chosen []uint8) {
	lanes := Lanes(c.Channels)
	row, tile := convRow16, 4
	switch {
	case lanes == 16 && c.Pool:
		row, tile = convPoolRow16, 1
	case lanes == 8 && c.Pool:
		row, tile = convPoolRow8, 2
	case lanes == 8:
		row, tile = convRow8, 8
	}
	if c.OutWidth < tile {
		forwardPlain(c, in, packed, bias, out, chosen)
		return
	}
	window, second := 1, 32/lanes*c.StepX
	if c.Pool {
		window, second = 2, c.StepY
	}
	relu := uint64(0)
	if c.ReLU {
		relu = 1
	}
	whole, block := c.OutWidth/tile, lanes*c.KernelRows*c.Run
	for y := range c.OutHeight {
		for b := range c.Blocks() {
			do := func(x, tiles int) {
				at := (y*c.OutWidth+x)*c.OutPixel + b*lanes
				var which *uint8
				if chosen != nil {
					which = &chosen[at]
				}
				row(&in[y*window*c.StepY+x*window*c.StepX], &packed[b*block], &bias[b*lanes], &out[at], which, uint64(tiles), uint64(c.KernelRows), uint64(c.Run),
					uint64(4*(c.InRow-c.Run)), uint64(4*c.StepX), uint64(4*second), uint64(4*tile*window*c.StepX), uint64(4*c.OutPixel), relu)
			}
			do(0, whole)
			if whole*tile < c.OutWidth {
				// The last tile overlaps the one before: the same numbers again.
				do(c.OutWidth-tile, 1)
			}
		}
	}
}

func collectAssembly(pairs []Pair, count int, relu bool, out []float32, chosen []uint8, outStep int, gradient []float32, gradientStep int, offsets []int32) int {
	if !relu {
		return collectPlain(pairs, count, relu, out, chosen, outStep, gradient, gradientStep, offsets)
	}
	return int(collectPositive((*uint64)(unsafe.Pointer(&pairs[0])), uint64(count), &out[0], &chosen[0], uint64(outStep), &gradient[0], uint64(gradientStep), &offsets[0]))
}

// gradientKernels are the kernels for blocks of filters, which have 32 floats a row at most.
type gradientKernels struct {
	lanes    int    // floats of a vector
	mostRows [5]int // of a block of weights, by vectors a row; blocks of inputs have five
	// By vectors a row and rows.
	weights [5][6]func(filter, in *float32, pairs *uint64, count, inRow, filterRow uint64) float32
	inputs  [5][6]func(gradient, filters, out *float32, chosen *uint8, slopes *float32, offsets *int32, pixels, positions, alive, relu, outStep, pixelStep, channelStep, filterStep, inRow, filterRow uint64)
}

var gradients = gradientKernels{
	lanes:    8,
	mostRows: [5]int{1: 5, 2: 5, 3: 3, 4: 3},
	weights: [5][6]func(filter, in *float32, pairs *uint64, count, inRow, filterRow uint64) float32{
		1: {1: weightGradient1x1, 2: weightGradient2x1, 3: weightGradient3x1, 4: weightGradient4x1, 5: weightGradient5x1},
		2: {1: weightGradient1x2, 2: weightGradient2x2, 3: weightGradient3x2, 4: weightGradient4x2, 5: weightGradient5x2},
		3: {1: weightGradient1x3, 2: weightGradient2x3, 3: weightGradient3x3},
		4: {1: weightGradient1x4, 2: weightGradient2x4, 3: weightGradient3x4},
	},
	inputs: [5][6]func(gradient, filters, out *float32, chosen *uint8, slopes *float32, offsets *int32, pixels, positions, alive, relu, outStep, pixelStep, channelStep, filterStep, inRow, filterRow uint64){
		1: {1: inputGradient1x1, 2: inputGradient2x1, 3: inputGradient3x1, 4: inputGradient4x1, 5: inputGradient5x1},
		2: {1: inputGradient1x2, 2: inputGradient2x2, 3: inputGradient3x2, 4: inputGradient4x2, 5: inputGradient5x2},
		3: {1: inputGradient1x3, 2: inputGradient2x3, 3: inputGradient3x3, 4: inputGradient4x3, 5: inputGradient5x3},
		4: {1: inputGradient1x4, 2: inputGradient2x4, 3: inputGradient3x4, 4: inputGradient4x4, 5: inputGradient5x4},
	},
}

func weightGradientAssembly(c *Conv, filter, in []float32, pairs []Pair) (bias float32) {
	return gradients.ofWeights(c, filter, in, pairs)
}

func inputGradientAssembly(c *Conv, gradient, filters, out []float32, chosen []uint8, slopes []float32, pixelStep, channelStep int, offsets []int32) {
	gradients.ofInputs(c, gradient, filters, out, chosen, slopes, pixelStep, channelStep, offsets)
}

// ofWeights is WeightGradient for filters with rows of whole vectors.
func (k *gradientKernels) ofWeights(c *Conv, filter, in []float32, pairs []Pair) (bias float32) {
	if len(pairs) == 0 {
		return 0
	}
	list, count, filterRow := (*uint64)(unsafe.Pointer(&pairs[0])), uint64(len(pairs)), c.FilterRow()
	for at := 0; at < filterRow; at += 32 {
		vectors := min(filterRow-at, 32) / k.lanes
		for row := 0; row < c.KernelRows; {
			rows := min(c.KernelRows-row, k.mostRows[vectors])
			bias = k.weights[vectors][rows](&filter[row*filterRow+at], &in[row*c.InRow+at], list, count, uint64(4*c.InRow), uint64(4*filterRow))
			row += rows
		}
	}
	return bias
}

// ofInputs is InputGradient for filters with rows of whole vectors.
func (k *gradientKernels) ofInputs(c *Conv, gradient, filters, out []float32, chosen []uint8, slopes []float32, pixelStep, channelStep int, offsets []int32) {
	filterRow, size := c.FilterRow(), c.Filter()
	relu, positions := uint64(0), uint64(2)
	if c.ReLU {
		relu = 1
	}
	if c.Pool {
		positions = 8 // counted in twos
	}
	for channel := 0; channel < c.Channels; channel += 16 {
		alive := uint64(1)<<min(16, c.Channels-channel) - 1
		for at := 0; at < filterRow; at += 32 {
			vectors := min(filterRow-at, 32) / k.lanes
			for row := 0; row < c.KernelRows; {
				rows := min(c.KernelRows-row, 5)
				k.inputs[vectors][rows](&gradient[row*c.InRow+at], &filters[channel*size+row*filterRow+at], &out[channel], &chosen[channel], &slopes[channel*channelStep], &offsets[0],
					uint64(c.OutHeight*c.OutWidth), positions, alive, relu, uint64(c.OutPixel), uint64(4*pixelStep), uint64(4*channelStep), uint64(4*size), uint64(4*c.InRow), uint64(4*filterRow))
				row += rows
			}
		}
	}
}

func linearForwardAssembly(y, x, w, bias []float32, n, outputs, depth, yStride, xStride int, relu bool) {
	flag := uint64(0)
	if relu {
		flag = 1
	}
	for b := 0; b < n; {
		examples, do := 1, linear1x8
		if n-b >= 4 {
			examples, do = 4, linear4x2
		} else if n-b >= 2 {
			examples, do = 2, linear2x4
		}
		do(&y[b*yStride], &x[b*xStride], &w[0], &bias[0], uint64(outputs*examples/8), uint64(depth/8), uint64(4*yStride), uint64(4*xStride), uint64(4*depth), flag)
		b += examples
	}
}

func matMulAssembly(c, a, b []float32, rows, columns, depth, cStride, aRow, aColumn, bStride int, accumulate bool) {
	flag := uint64(0)
	if accumulate {
		flag = 1
	}
	for m := 0; m < rows; {
		size, wide, do, one := 1, 32, matMul1x4, matMul1x1
		if left := rows - m; columns%16 == 0 && left >= 6 && left != 7 && left != 8 {
			// 7 and 8 are better taken as two tiles that keep the multipliers busy.
			size, wide, do, one = 6, 16, matMul6x2, nil
		} else if left >= 4 {
			size, wide, do, one = 4, 16, matMul4x2, matMul4x1
		} else if rows-m >= 2 {
			size, wide, do, one = 2, 32, matMul2x4, matMul2x1
		}
		call := func(kernel func(c, a, b *float32, tiles, depth, cStep, aRow, aColumn, bStep, accumulate uint64), from, tiles int) {
			kernel(&c[m*cStride+from], &a[m*aRow], &b[from], uint64(tiles), uint64(depth), uint64(4*cStride), uint64(4*aRow), uint64(4*aColumn), uint64(4*bStride), flag)
		}
		tiles := columns / wide
		if tiles > 0 {
			call(do, 0, tiles)
		}
		if rest := columns/8 - tiles*wide/8; rest > 0 {
			call(one, tiles*wide, rest)
		}
		m += size
	}
}

func updateSGDAssembly(s SGD, weights, gradient, momentum []float32) {
	do := sgdMomentum
	if s.Nesterov {
		do = sgdNesterov
	}
	do(weights, gradient, momentum, s.LearningRate, s.Momentum, s.Damped, s.WeightDecay)
}

// packAssembly transposes eight channels by eight floats of a run at a time.
func packAssembly(c *Conv, packed, weights []float32, from, to int) {
	whole := from
	if c.Run >= 8 {
		whole += (to - from) &^ 7
	}
	lanes, row, filter := Lanes(c.Channels), c.FilterRow(), c.Filter()
	blockSize := lanes * c.KernelRows * c.Run
	for channel := from; channel < whole; channel += 8 {
		block := packed[channel/lanes*blockSize+channel%lanes:]
		for r := range c.KernelRows {
			for at := 0; at < c.Run; at += 8 {
				i := min(at, c.Run-8) // the last eight may overlap those before
				transpose8(&block[(r*c.Run+i)*lanes], &weights[channel*filter+r*row+i], uint64(4*lanes), uint64(4*filter))
			}
		}
	}
	packPlain(c, packed, weights, whole, to)
}

func transpose8Assembly(to, from []float32, toStep, fromStep int) {
	transpose8(&to[0], &from[0], uint64(4*toStep), uint64(4*fromStep))
}

// flagsOf is how kernels are told whether to do something.
func flagsOf(wanted bool) uint64 {
	if wanted {
		return 1
	}
	return 0
}
