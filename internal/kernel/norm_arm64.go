//go:build !purego

package kernel

// The kernels of NEON keep what belongs to 16 channels in registers, and go over the
// pixels once for each block of them.

func channelSumsAssembly(sums []float64, x []float32, pixels, step int) {
	for c := 0; c < len(sums); c += TileColumns {
		channelSums16(&sums[c], &x[c], uint64(pixels), uint64(4*step))
	}
}

func channelSquaresAssembly(squares, means []float64, x []float32, pixels, step int) {
	for c := 0; c < len(squares); c += TileColumns {
		channelSquares16(&squares[c], &means[c], &x[c], uint64(pixels), uint64(4*step))
	}
}

func scaleChannelsAssembly(y, x []float32, scale, shift []float64, pixels, step int, low, high float32) {
	for c := 0; c < len(scale); c += TileColumns {
		scaleChannels16(&y[c], &x[c], &scale[c], &shift[c], uint64(pixels), uint64(4*step), low, high)
	}
}

func channelProductsAssembly(sums, products, means []float64, slopes, x, y []float32, pixels, step int, low, high float32) {
	for c := 0; c < len(sums); c += TileColumns {
		channelProducts16(&sums[c], &products[c], &means[c], &slopes[c], &x[c], &y[c], uint64(pixels), uint64(4*step), low, high)
	}
}

func combineChannelsAssembly(dx, slopes, x, y []float32, a, b, c []float64, pixels, step int, low, high float32, adds bool) {
	for k := 0; k < len(a); k += TileColumns {
		combineChannels16(&dx[k], &slopes[k], &x[k], &y[k], &a[k], &b[k], &c[k], uint64(pixels), uint64(4*step), low, high, flagsOf(adds))
	}
}
