//go:build !amd64 || purego

package kernel

const useAssembly = false

func (c *Conv) forwardAssembly(in, packed, bias, out []float32, chosen []uint8) bool { return false }

func (c *Conv) weightGradientAssembly(filter, in []float32, pairs []Pair) float32 { return 0 }

func (c *Conv) inputGradientAssembly(gradient, filters, out []float32, chosen []uint8, slopes []float32, pixelStep, channelStep int, offsets []int32) {
}

func collectAssembly(pairs []Pair, count int, out []float32, chosen []uint8, outStep int, gradient []float32, gradientStep int, offsets []int32) int {
	return 0
}

func linearForwardAssembly(y, x, w, bias []float32, n, outputs, depth, yStride, xStride int, relu bool) {
}

func matMulAssembly(c, a, b []float32, rows, columns, depth, cStride, aRow, aColumn, bStride int, accumulate bool) {
}

func addAssembly(y, x *float32, n int) {}

func maskPositiveAssembly(gradient, output *float32, n int) {}

func (s *SGD) updateAssembly(weights, gradient, momentum []float32, n int) {}

func (c *Conv) packAssembly(packed, weights []float32, from, to int) {}

func fmaLoop(rounds uint64) {}
