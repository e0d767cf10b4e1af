//go:build (amd64 || arm64) && !purego

package kernel

import "unsafe"

var stripTiles = [...]func(out, in, weights, bias, base *float32, offsets *int32, segments, tiles, inStep, outStep uint64, limits *float32){
	nil, stripTile1, stripTile2, stripTile3, stripTile4, stripTile5, stripTile6,
}

var stripSums = [...]func(sums, in, slopes *float32, offsets *int32, height, width, inRow, inStep, slopeRest, slopeStep uint64){
	nil, stripSums1, stripSums2, stripSums3, stripSums4, stripSums5, stripSums6,
}

func stripTilesAssembly(out, in, weights, bias, base []float32, offsets []int32, rows, tiles, inStep, outStep int, limits *Limits) {
	stripTiles[rows](&out[0], &in[0], &weights[0], &bias[0], unsafe.SliceData(base), &offsets[0], uint64(len(offsets)), uint64(tiles), uint64(4*inStep), uint64(4*outStep), limits.pointer())
}

func stripSumsAssembly(sums, in, slopes []float32, offsets []int32, height, width, inRow, inStep, slopeRow, slopeStep int) {
	stripSums[len(offsets)](&sums[0], &in[0], &slopes[0], &offsets[0], uint64(height), uint64(width), uint64(4*inRow), uint64(4*inStep), uint64(4*(slopeRow-width*slopeStep)), uint64(4*slopeStep))
}
