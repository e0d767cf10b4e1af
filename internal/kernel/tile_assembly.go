//go:build (amd64 || arm64) && !purego

package kernel

// flagsOf is what the kernels for tiles want to know.
func flagsOf(adds, relu bool) (flags uint64) {
	if adds {
		flags |= 1
	}
	if relu {
		flags |= 2
	}
	return flags
}

func indirectTileAssembly(out, in, zeros, weights, bias []float32, table []int32, rows, segments, depth int, adds, relu bool) {
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
	do(&out[0], &in[0], &zeros[0], &weights[0], &bias[0], &table[0], uint64(segments), uint64(depth), flagsOf(adds, relu))
}

func depthwiseTileAssembly(out, in, zeros, weights, bias []float32, table []int32, rows, segments int, adds, relu bool) {
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
	do(&out[0], &in[0], &zeros[0], &weights[0], &bias[0], &table[0], uint64(segments), flagsOf(adds, relu))
}

func outerTileAssembly(sums, a, b []float32, pairs []int32, rows int) {
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
