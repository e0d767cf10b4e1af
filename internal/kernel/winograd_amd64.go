//go:build !purego

package kernel

import (
	"math"
	"unsafe"
)

type (
	winogradGather  func(out, in, zeros, scratch, elements *float32, table *int32, blocks, outStep, blockStep uint64)
	winogradScatter func(out, in, bias, base, scratch, elements *float32, table *int32, inStep uint64, low, high float32)
)

// winogradKernels are a set's kernels for the matrices of F(2x2,3x3) and F(4x4,3x3).
type winogradKernels struct {
	gathers  [winogradFilterGradient + 1][2]winogradGather
	scatters [2]winogradScatter
}

var winogradAVX2 = winogradKernels{
	gathers: [...][2]winogradGather{
		winogradInput:          {winogradInput2, winogradInput4},
		winogradFilter:         {winogradFilter2, winogradFilter4},
		winogradSlopes:         {winogradSlopes2, winogradSlopes4},
		winogradFilterGradient: {winogradFilterGradient2, winogradFilterGradient4},
	},
	scatters: [2]winogradScatter{winogradOutput2, winogradOutput4},
}

var winogradAVX512 = winogradKernels{
	gathers: [...][2]winogradGather{
		winogradInput:          {winogradInput2Wide, winogradInput4Wide},
		winogradFilter:         {winogradFilter2Wide, winogradFilter4Wide},
		winogradSlopes:         {winogradSlopes2Wide, winogradSlopes4Wide},
		winogradFilterGradient: {winogradFilterGradient2Wide, winogradFilterGradient4Wide},
	},
	scatters: [2]winogradScatter{winogradOutput2Wide, winogradOutput4Wide},
}

// size tells the matrices of F(2x2,3x3), 0, from those of F(4x4,3x3), 1.
func (m *WinogradMatrix) size() int {
	if max(m.Rows, m.Columns) == Winograd2.Size {
		return 0
	}
	return 1
}

func (k *winogradKernels) gather(m *WinogradMatrix, out, in, zeros, scratch []float32, table []int32, blocks, outStep, blockStep int) {
	k.gathers[m.kind][m.size()](&out[0], &in[0], &zeros[0], &scratch[0], &m.vectors[0], &table[0], uint64(blocks), uint64(4*outStep), uint64(4*blockStep))
}

func (k *winogradKernels) scatter(m *WinogradMatrix, out, in, bias, base, scratch []float32, table []int32, inStep int, limits *Limits) {
	low, high := limits.orNone()
	k.scatters[m.size()](&out[0], &in[0], &bias[0], unsafe.SliceData(base), &scratch[0], &m.vectors[0], &table[0], uint64(4*inStep), low, high)
}

// panelProductAssembly is for one block.
func panelProductAssembly(out, in, weights []float32, rows, depth, panel, _, _, _ int) {
	if tiles := rows / TileRows; tiles > 0 {
		panelProduct6(&out[0], &in[0], &weights[0], uint64(tiles), uint64(depth), uint64(4*panel))
		if rows -= tiles * TileRows; rows == 0 {
			return
		}
		out, in = out[tiles*TileRows*TileColumns:], in[tiles*TileRows*TileColumns:]
	}
	do := panelProduct1
	switch rows {
	case 2:
		do = panelProduct2
	case 3:
		do = panelProduct3
	case 4:
		do = panelProduct4
	case 5:
		do = panelProduct5
	}
	do(&out[0], &in[0], &weights[0], 1, uint64(depth), uint64(4*panel))
}

// orNone returns the limits, or what no number is beyond.
func (l *Limits) orNone() (low, high float32) {
	if l == nil {
		return float32(math.Inf(-1)), float32(math.Inf(1))
	}
	return l.Low, l.High
}
