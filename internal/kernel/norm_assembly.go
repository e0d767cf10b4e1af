//go:build (amd64 || arm64) && !purego

package kernel

// flagsOf is what kernels that may add to what is there want to know.
func flagsOf(adds bool) uint64 {
	if adds {
		return 1
	}
	return 0
}

func channelSumsAssembly(sums []float64, x []float32, pixels, step int) {
	channelSums16(&sums[0], &x[0], uint64(pixels), uint64(4*step))
}

func channelSquaresAssembly(squares, means []float64, x []float32, pixels, step int) {
	channelSquares16(&squares[0], &means[0], &x[0], uint64(pixels), uint64(4*step))
}

func scaleChannelsAssembly(y, x []float32, scale, shift []float64, pixels, step int, low, high float32) {
	scaleChannels16(&y[0], &x[0], &scale[0], &shift[0], uint64(pixels), uint64(4*step), low, high)
}

func channelProductsAssembly(sums, products, means []float64, slopes, x, y []float32, pixels, step int, low, high float32) {
	channelProducts16(&sums[0], &products[0], &means[0], &slopes[0], &x[0], &y[0], uint64(pixels), uint64(4*step), low, high)
}

func combineChannelsAssembly(dx, slopes, x, y []float32, a, b, c []float64, pixels, step int, low, high float32, adds bool) {
	combineChannels16(&dx[0], &slopes[0], &x[0], &y[0], &a[0], &b[0], &c[0], uint64(pixels), uint64(4*step), low, high, flagsOf(adds))
}
