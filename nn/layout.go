package nn

import (
	"unsafe"

	"inkling/internal/kernel"
)

// The memory layouts of compiled programs.
//
// Kernels work on vectors of eight floats. Rows of matrices (features,
// weights of linear layers) are padded to a multiple of eight with zeros, so
// that no kernel needs a tail. Pictures between convolutions are stored with
// the channels innermost (N x H x W x C); everywhere else they are planar, as
// in PyTorch.

func divideUp(n, by int) int { return (n + by - 1) / by }

func roundUp(n, multiple int) int { return (n + multiple - 1) / multiple * multiple }

// storedChannels is how many floats a pixel with this many channels takes in
// the channels-innermost layout. Up to 16 channels are one block, which a
// kernel writes whole, its surplus lanes overwritten by the next pixel; beyond
// that, blocks are written one after the other and need room of their own.
func storedChannels(channels int) int {
	if channels <= 16 {
		return channels
	}
	return roundUp(channels, 16)
}

// paddedChannels is the number of output channels that the kernels compute.
func paddedChannels(channels int) int { return roundUp(channels, kernel.Lanes(channels)) }

// sparse says whether the convolution, if ReLU and pooling follow, is computed by the
// kernels that skip what neither lets through. That pays where there are few channels
// to skip; otherwise dense tiles are faster. This is the one place that decides.
func (c conv2d) sparse() bool {
	return c.groups == 1 && c.dilation == [2]int{1, 1} && c.out <= 16
}

// runLength is the number of floats of one row of the filter when it lies on
// the picture: its columns with all their channels, which are contiguous.
func (c conv2d) runLength() int { return c.kernel[1] * storedChannels(c.in) }

// weightLayout returns the storage offsets of a step along each dimension of
// the weights, and the storage's size. Those that may be sparse keep a filter as the
// rows that lie on the picture, each padded to a multiple of eight.
func (c conv2d) weightLayout() (strides []int, size int) {
	if !c.sparse() {
		shape := []int{c.out, c.in / c.groups, c.kernel[0], c.kernel[1]}
		return rowMajor(shape), Shape(shape).Elements()
	}
	row := roundUp(c.runLength(), 8)
	return []int{c.kernel[0] * row, 1, row, storedChannels(c.in)}, c.out * c.kernel[0] * row
}

// alignedFloats returns n zeros that start at a multiple of 64 bytes, a cache
// line.
func alignedFloats(n int) []float32 {
	const line = 16
	buffer := make([]float32, n+line-1)
	skip := 0
	if n > 0 {
		skip = int(-uintptr(unsafe.Pointer(&buffer[0]))/4) & (line - 1)
	}
	return buffer[skip : skip+n : skip+n]
}
