//go:build !purego

package kernel

import (
	"math"
	"unsafe"
)

type winogradGatherFunc = func(out, in, zeros, scratch, elements *float32, table *int32, blocks, outStep, blockStep uint64)

// gather returns the kernel for the matrix.
func (m *WinogradMatrix) gather() winogradGatherFunc {
	small := max(m.Rows, m.Columns) == Winograd2.Size
	switch {
	case m.kind == winogradInput && small:
		return winogradInput2
	case m.kind == winogradInput:
		return winogradInput4
	case m.kind == winogradFilter && small:
		return winogradFilter2
	case m.kind == winogradFilter:
		return winogradFilter4
	case m.kind == winogradSlopes && small:
		return winogradSlopes2
	case m.kind == winogradSlopes:
		return winogradSlopes4
	case m.kind == winogradFilterGradient && small:
		return winogradFilterGradient2
	}
	return winogradFilterGradient4
}

func winogradGatherAssembly(m *WinogradMatrix, out, in, zeros, scratch []float32, table []int32, blocks, outStep, blockStep int) {
	m.gather()(&out[0], &in[0], &zeros[0], &scratch[0], &m.vectors[0], &table[0], uint64(blocks), uint64(4*outStep), uint64(4*blockStep))
}

func winogradScatterAssembly(m *WinogradMatrix, out, in, bias, base, scratch []float32, table []int32, inStep int, limits *Limits) {
	do := winogradOutput4
	if m.Rows == Winograd2.Outputs {
		do = winogradOutput2
	}
	low, high := limits.orNone()
	do(&out[0], &in[0], &bias[0], unsafe.SliceData(base), &scratch[0], &m.vectors[0], &table[0], uint64(4*inStep), low, high)
}

func panelProductAssembly(out, in, weights []float32, rows, depth, panel int) {
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
