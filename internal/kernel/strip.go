package kernel

// The kernels of convolutions whose pictures have few channels, which lie as planes with
// a border: neighbouring outputs of a row see pixels that lie equally far apart, and what
// each element of a filter sees lies a fixed offset from that.

// StripTiles computes TileColumns channels of tiles times rows neighbouring pixels of a
// row, rows being at most TileRows. For pixel r of them all,
//
//	sum[j] = bias[j] + (base == nil ? 0 : base[r*outStep+j]) + Σ_s in[offsets[s] + r*inStep] * weights[s*TileColumns+j]
//	out[r*outStep+j] = limits == nil ? sum[j] : min(max(sum[j], limits.Low), limits.High)
//
// for j < TileColumns, with at least one offset. out overlaps nothing else, but base may
// be the same.
func StripTiles(out, in, weights, bias, base []float32, offsets []int32, rows, tiles, inStep, outStep int, limits *Limits) {
	active.StripTiles(out, in, weights, bias, base, offsets, rows, tiles, inStep, outStep, limits)
}

// StripSums adds products of pixels and gradients to sums, len(offsets) x TileColumns, at
// most TileRows of them:
//
//	sums[s*TileColumns+j] += in[offsets[s] + y*inRow + x*inStep] * slopes[y*slopeRow + x*slopeStep + j]
//
// for y < height, x < width, at least one, in this order, and j < TileColumns.
func StripSums(sums, in, slopes []float32, offsets []int32, height, width, inRow, inStep, slopeRow, slopeStep int) {
	active.StripSums(sums, in, slopes, offsets, height, width, inRow, inStep, slopeRow, slopeStep)
}

func stripTilesPlain(out, in, weights, bias, base []float32, offsets []int32, rows, tiles, inStep, outStep int, limits *Limits) {
	for r := range rows * tiles {
		sum := tileRow(bias, base, int32(r*outStep))
		for s, at := range offsets {
			v := in[int(at)+r*inStep]
			for j, factor := range (*[TileColumns]float32)(weights[s*TileColumns:]) {
				sum[j] += float32(v * factor)
			}
		}
		limits.Keep(sum[:])
		*(*[TileColumns]float32)(out[r*outStep:]) = sum
	}
}

func stripSumsPlain(sums, in, slopes []float32, offsets []int32, height, width, inRow, inStep, slopeRow, slopeStep int) {
	for y := range height {
		for x := range width {
			from := (*[TileColumns]float32)(slopes[y*slopeRow+x*slopeStep:])
			for s, at := range offsets {
				v := in[int(at)+y*inRow+x*inStep]
				row := (*[TileColumns]float32)(sums[s*TileColumns:])
				for j, slope := range from {
					row[j] += float32(v * slope)
				}
			}
		}
	}
}
