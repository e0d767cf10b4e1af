package kernel

// The kernels behind dense convolutions. They work on tiles of up to TileRows
// pixels, wherever those lie, by TileColumns channels. Where a filter's pixels are is
// said by tables, so that padding, strides, dilation and groups cost nothing and need
// no copy of the picture.

const (
	TileRows    = 6
	TileColumns = 16
	// TileEntry is how many numbers of a table describe the outputs of a tile, and
	// how many each of its segments.
	TileEntry = 8
)

// Limits are what outputs are kept between: 0 and infinity for a ReLU. A NaN stays
// one.
type Limits struct{ Low, High float32 }

// TileBlocks is how many blocks of TileColumns channels the set in use computes at a time
// where a tile may have several: who divides work by blocks does well to keep so many
// together.
func TileBlocks() int { return max(active.TileBlocks, 1) }

// IndirectTile computes blocks times TileColumns channels of some pixels, up to TileRows,
// of a convolution. table has TileEntry numbers for the outputs, and for each segment
// (pixel of the filter) as many; for the first block,
//
//	sum[r][j] = bias[j] + (base == nil ? 0 : base[table[r]+j])
//	for each segment s, and its entry e = table[TileEntry*(s+1):], k < depth:
//	  sum[r][j] += (e[r] < 0 ? zeros[k] : in[e[r]+k]) * weights[e[6] + k*TileColumns + j]
//	out[table[r]+j] = limits == nil ? sum[r][j] : min(max(sum[r][j], limits.Low), limits.High)
//
// for r < rows, j < TileColumns. Those of the next block lie TileColumns floats further in
// out, bias and base, and blockStep floats in weights. out overlaps nothing else, but base
// may be the same. There is at least one block, and one segment, of at least one float.
func IndirectTile(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments, depth, blocks, blockStep int, limits *Limits) {
	for most := TileBlocks(); blocks > most; blocks -= most {
		active.IndirectTile(out, in, zeros, weights, bias, base, table, rows, segments, depth, most, blockStep, limits)
		out, weights, bias, base = out[most*TileColumns:], weights[most*blockStep:], bias[most*TileColumns:], after(base, most*TileColumns)
	}
	active.IndirectTile(out, in, zeros, weights, bias, base, table, rows, segments, depth, blocks, blockStep, limits)
}

// after returns what of a slice, or of nothing, follows its first elements.
func after(x []float32, n int) []float32 {
	if x == nil {
		return nil
	}
	return x[n:]
}

// EmptyTile is IndirectTile without a segment. rows are where the outputs are.
func EmptyTile(out, bias, base []float32, rows []int32, limits *Limits) {
	for _, at := range rows {
		to := out[at:][:TileColumns]
		if base == nil {
			copy(to, bias)
		} else {
			for j, v := range base[at:][:TileColumns] {
				to[j] = v + bias[j]
			}
		}
		limits.Keep(to)
	}
}

// DepthwiseTile is IndirectTile for filters that each see one channel, and for blocks
// times TileColumns of them, at least one block: those of the next block lie TileColumns
// floats further in out, in, weights, bias and base.
//
//	sum[r][j] += (e[r] < 0 ? zeros[j] : in[e[r]+j]) * weights[e[6]+j]
func DepthwiseTile(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments, blocks int, limits *Limits) {
	active.DepthwiseTile(out, in, zeros, weights, bias, base, table, rows, segments, blocks, limits)
}

// PointTiles computes blocks times TileColumns channels of tiles times rows pixels that
// lie equally far apart, rows being at most TileRows, of a convolution of 1x1. For pixel r
// of them all and the first block,
//
//	sum[j] = bias[j] + (base == nil ? 0 : base[r*outStep+j]) + Σ_k in[r*inStep+k] * weights[k*TileColumns+j]
//	out[r*outStep+j] = limits == nil ? sum[j] : min(max(sum[j], limits.Low), limits.High)
//
// for k < depth, at least one, and j < TileColumns. The next block lies as IndirectTile has
// it. out overlaps nothing else, but base may be the same.
func PointTiles(out, in, weights, bias, base []float32, rows, tiles, depth, inStep, outStep, blocks, blockStep int, limits *Limits) {
	for most := TileBlocks(); blocks > most; blocks -= most {
		active.PointTiles(out, in, weights, bias, base, rows, tiles, depth, inStep, outStep, most, blockStep, limits)
		out, weights, bias, base = out[most*TileColumns:], weights[most*blockStep:], bias[most*TileColumns:], after(base, most*TileColumns)
	}
	active.PointTiles(out, in, weights, bias, base, rows, tiles, depth, inStep, outStep, blocks, blockStep, limits)
}

// OuterTile adds outer products to sums, which are rows times TileColumns in each of some
// blocks; for the first block,
//
//	for each pair (i, k) of pairs: sums[r*TileColumns+j] += a[i+r] * b[k+j]
//
// for r < rows, at most TileRows, and j < TileColumns. The next block lies sumsStep floats
// further in sums and bStep in b.
func OuterTile(sums, a, b []float32, pairs []int32, rows, blocks, sumsStep, bStep int) {
	if len(pairs) == 0 {
		return
	}
	for most := OuterBlocks(); blocks > most; blocks -= most {
		active.OuterTile(sums, a, b, pairs, rows, most, sumsStep, bStep)
		sums, b = sums[most*sumsStep:], b[most*bStep:]
	}
	active.OuterTile(sums, a, b, pairs, rows, blocks, sumsStep, bStep)
}

// OuterBlocks is how many blocks OuterTile computes at a time with the set in use.
func OuterBlocks() int { return max(active.OuterBlocks, 1) }

// ProductTile adds elementwise products to TileColumns sums:
//
//	for each pair (i, k) of pairs: sums[j] += a[i+j] * b[k+j]
func ProductTile(sums, a, b []float32, pairs []int32) {
	if len(pairs) > 0 {
		active.ProductTile(sums, a, b, pairs)
	}
}

// CopyRows copies width floats, 8 or 16, of each of count rows:
//
//	to[r*toStep+j] = from[r*fromStep+j]
//
// in the order of the rows, which may overlap in to.
func CopyRows(to, from []float32, count, width, toStep, fromStep int) {
	if count > 0 {
		active.CopyRows(to, from, count, width, toStep, fromStep)
	}
}

// Transpose8 transposes a square of eight rows: to[j*toStep+i] = from[i*fromStep+j] for
// i, j < 8.
func Transpose8(to, from []float32, toStep, fromStep int) {
	active.Transpose8(to, from, toStep, fromStep)
}

func indirectTilePlain(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments, depth, blocks, blockStep int, limits *Limits) {
	for b := range blocks {
		at := b * TileColumns
		indirectBlockPlain(out[at:], in, zeros, weights[b*blockStep:], bias[at:], after(base, at), table, rows, segments, depth, limits)
	}
}

func indirectBlockPlain(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments, depth int, limits *Limits) {
	for r := range rows {
		sum := tileRow(bias, base, table[r])
		for s := range segments {
			e := table[TileEntry*(s+1):]
			from := zeros[:depth]
			if e[r] >= 0 {
				from = in[e[r]:][:depth]
			}
			w := weights[e[6]:][:depth*TileColumns]
			for half := 0; half < TileColumns; half += halfTile {
				addProducts((*[halfTile]float32)(sum[half:]), from, w[half:])
			}
		}
		limits.Keep(sum[:])
		*(*[TileColumns]float32)(out[table[r]:]) = sum
	}
}

// halfTile is how many sums of a tile's row are kept in registers.
const halfTile = 8

// addProducts adds to half of a row's sums, one after another, from[k]*weights[k*TileColumns+j].
func addProducts(sum *[halfTile]float32, from, weights []float32) {
	s0, s1, s2, s3, s4, s5, s6, s7 := sum[0], sum[1], sum[2], sum[3], sum[4], sum[5], sum[6], sum[7]
	for k, v := range from {
		w := (*[halfTile]float32)(weights[k*TileColumns:])
		s0 += float32(v * w[0])
		s1 += float32(v * w[1])
		s2 += float32(v * w[2])
		s3 += float32(v * w[3])
		s4 += float32(v * w[4])
		s5 += float32(v * w[5])
		s6 += float32(v * w[6])
		s7 += float32(v * w[7])
	}
	*sum = [halfTile]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}

func depthwiseTilePlain(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments, blocks int, limits *Limits) {
	for b := range blocks {
		at := b * TileColumns
		depthwiseBlockPlain(out[at:], in[at:], zeros, weights[at:], bias[at:], after(base, at), table, rows, segments, limits)
	}
}

func depthwiseBlockPlain(out, in, zeros, weights, bias, base []float32, table []int32, rows, segments int, limits *Limits) {
	for r := range rows {
		sum := tileRow(bias, base, table[r])
		for s := range segments {
			e := table[TileEntry*(s+1):]
			from := zeros
			if e[r] >= 0 {
				from = in[e[r]:]
			}
			w := (*[TileColumns]float32)(weights[e[6]:])
			for j, v := range (*[TileColumns]float32)(from) {
				sum[j] += float32(v * w[j])
			}
		}
		limits.Keep(sum[:])
		*(*[TileColumns]float32)(out[table[r]:]) = sum
	}
}

func pointTilesPlain(out, in, weights, bias, base []float32, rows, tiles, depth, inStep, outStep, blocks, blockStep int, limits *Limits) {
	for b := range blocks {
		at := b * TileColumns
		pointBlockPlain(out[at:], in, weights[b*blockStep:], bias[at:], after(base, at), rows*tiles, depth, inStep, outStep, limits)
	}
}

func pointBlockPlain(out, in, weights, bias, base []float32, pixels, depth, inStep, outStep int, limits *Limits) {
	for r := range pixels {
		sum, from := tileRow(bias, base, int32(r*outStep)), in[r*inStep:][:depth]
		for half := 0; half < TileColumns; half += halfTile {
			addProducts((*[halfTile]float32)(sum[half:]), from, weights[half:])
		}
		limits.Keep(sum[:])
		*(*[TileColumns]float32)(out[r*outStep:]) = sum
	}
}

// tileRow is what the sums of a row begin with.
func tileRow(bias, base []float32, at int32) [TileColumns]float32 {
	sum := *(*[TileColumns]float32)(bias)
	if base != nil {
		addPlain(sum[:], base[at:])
	}
	return sum
}

// Keep keeps numbers between the limits, if there are any.
func (l *Limits) Keep(y []float32) {
	if l == nil {
		return
	}
	for j, v := range y {
		switch {
		case v < l.Low:
			y[j] = l.Low
		case v > l.High:
			y[j] = l.High
		}
	}
}

func outerTilePlain(sums, a, b []float32, pairs []int32, rows, blocks, sumsStep, bStep int) {
	for block := range blocks {
		for p := 0; p < len(pairs); p += 2 {
			left, right := a[pairs[p]:][:rows], (*[TileColumns]float32)(b[block*bStep+int(pairs[p+1]):])
			for r, v := range left {
				row := (*[TileColumns]float32)(sums[block*sumsStep+r*TileColumns:])
				for j, w := range right {
					row[j] += float32(v * w)
				}
			}
		}
	}
}

func productTilePlain(sums, a, b []float32, pairs []int32) {
	sum := (*[TileColumns]float32)(sums)
	for p := 0; p < len(pairs); p += 2 {
		right := (*[TileColumns]float32)(b[pairs[p+1]:])
		for j, v := range (*[TileColumns]float32)(a[pairs[p]:]) {
			sum[j] += float32(v * right[j])
		}
	}
}

func copyRowsPlain(to, from []float32, count, width, toStep, fromStep int) {
	for r := range count {
		copy(to[r*toStep:][:width], from[r*fromStep:][:width])
	}
}
