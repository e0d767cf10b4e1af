//go:build (amd64 || arm64) && !purego

package kernel

import "unsafe"

// pointer returns where the limits are, or nil.
func (l *Limits) pointer() *float32 {
	if l == nil {
		return nil
	}
	return &l.Low
}

// indirectTileAssembly and pointTilesAssembly are for one block.
func indirectTileAssembly(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments, depth, _, _ int, limits *Limits) {
	do := indirectTile6
	switch rows {
	case 1:
		do = indirectTile1
	case 2:
		do = indirectTile2
	case 3:
		do = indirectTile3
	case 4:
		do = indirectTile4
	case 5:
		do = indirectTile5
	}
	do(&out[0], &in[0], &zeros[0], &weights[0], &bias[0], unsafe.SliceData(base), &table[0], uint64(segments), uint64(depth), limits.pointer())
}

func depthwiseTileAssembly(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments, blocks int, limits *Limits) {
	do := depthwiseTile6
	switch rows {
	case 1:
		do = depthwiseTile1
	case 2:
		do = depthwiseTile2
	case 3:
		do = depthwiseTile3
	case 4:
		do = depthwiseTile4
	case 5:
		do = depthwiseTile5
	}
	do(&out[0], &in[0], &zeros[0], &weights[0], &bias[0], unsafe.SliceData(base), &table[0], uint64(segments), uint64(blocks), limits.pointer())
}

var pointTiles = [...]func(out, in, weights, bias, base *float32, depth, tiles, inStep, outStep uint64, limits *float32){
	nil, pointTile1, pointTile2, pointTile3, pointTile4, pointTile5, pointTile6,
}

func pointTilesAssembly(out, in, weights, bias, base []float32, rows, tiles, depth, inStep, outStep, _, _ int, limits *Limits) {
	pointTiles[rows](&out[0], &in[0], &weights[0], &bias[0], unsafe.SliceData(base), uint64(depth), uint64(tiles), uint64(4*inStep), uint64(4*outStep), limits.pointer())
}

// outerTileAssembly is for one block.
func outerTileAssembly(sums, a, b []float32, pairs []int32, rows, _, _, _ int) {
	do := outerTile6
	switch rows {
	case 1:
		do = outerTile1
	case 2:
		do = outerTile2
	case 3:
		do = outerTile3
	case 4:
		do = outerTile4
	case 5:
		do = outerTile5
	}
	do(&sums[0], &a[0], &b[0], &pairs[0], uint64(len(pairs)/2))
}

func productTileAssembly(sums, a, b []float32, pairs []int32) {
	productTile16(&sums[0], &a[0], &b[0], &pairs[0], uint64(len(pairs)/2))
}

func copyRowsAssembly(to, from []float32, count, width, toStep, fromStep int) {
	do := copyRows8
	if width == 16 {
		do = copyRows16
	}
	do(&to[0], &from[0], uint64(count), uint64(4*toStep), uint64(4*fromStep))
}
