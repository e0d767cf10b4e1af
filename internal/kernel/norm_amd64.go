//go:build !purego

package kernel

func channelSumsAssembly(sums []float64, x []float32, pixels, step int) {
	channelSums(&sums[0], &x[0], uint64(pixels), uint64(4*step), uint64(len(sums)))
}

func channelSquaresAssembly(squares, means []float64, x []float32, pixels, step int) {
	channelSquares(&squares[0], &means[0], &x[0], uint64(pixels), uint64(4*step), uint64(len(squares)))
}

func scaleChannelsAssembly(y, x []float32, scale, shift []float64, pixels, step int, low, high float32) {
	scaleChannels(&y[0], &x[0], &scale[0], &shift[0], uint64(pixels), uint64(4*step), uint64(len(scale)), low, high)
}

func channelProductsAssembly(sums, products, means []float64, slopes, x, y []float32, pixels, step int, low, high float32) {
	channelProducts(&sums[0], &products[0], &means[0], &slopes[0], &x[0], &y[0], uint64(pixels), uint64(4*step), uint64(len(sums)), low, high)
}

func combineChannelsAssembly(dx, slopes, x, y []float32, a, b, c []float64, pixels, step int, low, high float32, adds bool) {
	combineChannels(&dx[0], &slopes[0], &x[0], &y[0], &a[0], &b[0], &c[0], uint64(pixels), uint64(4*step), uint64(len(a)), low, high, flagsOf(adds))
}
