package main

import "fmt"

const tileRows = 6

// tiles writes the kernels for tiles of dense convolutions. The sums of row r are
// vectors 4r to 4r+3.
func tiles(w *writer) {
	for n := 1; n <= tileRows; n++ {
		indirectTile(w, n)
	}
	for n := 1; n <= tileRows; n++ {
		depthwiseTile(w, n)
	}
	for n := 1; n <= tileRows; n++ {
		pointTile(w, n)
	}
	for n := 1; n <= tileRows; n++ {
		outerTile(w, n)
	}
	productTile(w)
	copyRows(w)
}

// tile is what the kernels with a table share.
type tile struct {
	rows                                      []reg
	table, input, zeros, weights, segments, t reg
}

// startTile loads the sums of a tile of n rows with what they begin with: the bias,
// and what is in the base.
func startTile(w *writer, n int) *tile {
	k := &tile{table: w.load("table"), input: w.load("in"), zeros: w.load("zeros"), weights: w.load("weights"), segments: w.load("segments")}
	k.t, k.rows = w.new(), w.several(n)
	bias := w.argument("bias", k.rows[0])
	w.get(bias, 0, 4, false)
	for v := 4; v < 4*n; v++ {
		w.copy(v, v%4)
	}
	w.argument("base", k.t)
	w.op("CBZ %s, segment", k.t)
	k.eachOutput(w, func(r int, row reg) {
		const base = 24
		w.get(row, base, 4, false)
		for v := range 4 {
			w.fadd(4*r+v, 4*r+v, base+v)
		}
	})
	w.label("segment")
	w.op("ADD $32, %s, %s", k.table, k.table)
	for r, row := range k.rows { // at their offsets, or at the zeros where an offset is negative
		w.op("MOVW %d(%s), %s", 4*r, k.table, row)
		w.op("CMP $0, %s", row)
		w.op("ADD %s<<2, %s, %s", row, k.input, row)
		w.op("CSEL LT, %s, %s, %s", k.zeros, row, row)
	}
	w.op("MOVW 24(%s), %s", k.table, k.t)
	w.op("ADD %s<<2, %s, %s", k.t, k.weights, k.t)
	return k
}

// eachOutput goes through the places of the outputs from the address in t on.
func (k *tile) eachOutput(w *writer, do func(r int, row reg)) {
	w.argument("table", k.table)
	for r, row := range k.rows {
		w.op("MOVW %d(%s), %s", 4*r, k.table, row)
		w.op("ADD %s<<2, %s, %s", row, k.t, row)
		do(r, row)
	}
}

// end goes on to the next segment, and after the last stores the sums, kept between
// limits if there are any, and returns.
func (k *tile) end(w *writer) {
	k.store(w)
	w.ret()
}

func (k *tile) store(w *writer) {
	w.op("SUBS $1, %s, %s", k.segments, k.segments)
	w.op("BNE segment")
	w.argument("limits", k.t)
	w.op("CBZ %s, store", k.t)
	const low, high = 30, 31
	for i, v := range []int{low, high} {
		w.op("FMOVS %d(%s), F%d", 4*i, k.t, v)
		w.op("VDUP V%d.S[0], V%d.S4", v, v)
	}
	for v := range 4 * len(k.rows) {
		w.fmax(v, v, low)
		w.fmin(v, v, high)
	}
	w.label("store")
	w.argument("out", k.t)
	k.eachOutput(w, func(r int, row reg) { w.put(row, 4*r, 4, false) })
}

func indirectTile(w *writer, n int) {
	name := fmt.Sprintf("indirectTile%d", n)
	w.function(name, "out, in, zeros, weights, bias, base *float32, table *int32, segments, depth uint64, limits *float32", "",
		fmt.Sprintf("%s is IndirectTile for %d rows. base and limits (low, high) may be nil.", name, n))
	k, left := startTile(w, n), w.new()
	const rows, right = 24, 30
	w.argument("depth", left)
	w.op("SUBS $4, %s, %s", left, left)
	w.op("BLT rest")
	w.label("four")
	for r, row := range k.rows {
		w.get(row, rows+r, 1, true)
	}
	step := func(lane int) {
		for half := range 2 {
			w.get(k.t, right, 2, true)
			for r := range n {
				w.fmaLane(4*r+2*half, right, rows+r, lane)
				w.fmaLane(4*r+2*half+1, right+1, rows+r, lane)
			}
		}
	}
	for lane := range 4 {
		step(lane)
	}
	w.op("SUBS $4, %s, %s", left, left)
	w.op("BGE four")
	w.label("rest")
	w.op("ADDS $4, %s, %s", left, left)
	w.op("BEQ done")
	w.label("one")
	for r, row := range k.rows {
		w.op("FMOVS.P 4(%s), F%d", row, rows+r)
	}
	step(0)
	w.op("SUBS $1, %s, %s", left, left)
	w.op("BNE one")
	w.label("done")
	k.end(w)
}

func depthwiseTile(w *writer, n int) {
	name := fmt.Sprintf("depthwiseTile%d", n)
	w.function(name, "out, in, zeros, weights, bias, base *float32, table *int32, segments, blocks uint64, limits *float32", "",
		fmt.Sprintf("%s is DepthwiseTile for %d rows. base and limits (low, high) may be nil.", name, n))
	w.label("block")
	k := startTile(w, n)
	const row, weights = 24, 28
	w.get(k.t, weights, 4, false)
	for r, from := range k.rows {
		w.get(from, row, 4, false)
		for v := range 4 {
			w.fma(4*r+v, row+v, weights+v)
		}
	}
	k.store(w)
	for _, name := range []string{"out", "in", "weights", "bias"} {
		w.moveOn(name, 64, k.t)
	}
	w.argument("base", k.t)
	w.op("CBZ %s, next", k.t)
	w.moveOn("base", 64, k.t)
	w.label("next")
	w.moveOn("blocks", -1, k.t)
	w.op("CBNZ %s, block", k.t)
	w.ret()
}

func pointTile(w *writer, n int) {
	name := fmt.Sprintf("pointTile%d", n)
	w.function(name, "out, in, weights, bias, base *float32, depth, tiles, inStep, outStep uint64, limits *float32", "",
		fmt.Sprintf("%s is PointTiles for %d rows. base and limits (low, high) may be nil. Steps are in bytes.", name, n))
	out, in, base, tiles, inStep, outStep := w.load("out"), w.load("in"), w.load("base"), w.load("tiles"), w.load("inStep"), w.load("outStep")
	pointer, left, from := w.new(), w.new(), w.several(n)
	const rows, right, low, high = 24, 30, 30, 31
	w.label("tile")
	w.argument("bias", pointer)
	w.get(pointer, 0, 4, false)
	for v := 4; v < 4*n; v++ {
		w.copy(v, v%4)
	}
	w.op("CBZ %s, start", base)
	for r := range n {
		w.get(base, 24, 4, false)
		for v := range 4 {
			w.fadd(4*r+v, 4*r+v, 24+v)
		}
		w.op("ADD %s, %s, %s", outStep, base, base)
	}
	w.label("start")
	for _, row := range from {
		w.op("MOVD %s, %s", in, row)
		w.op("ADD %s, %s, %s", inStep, in, in)
	}
	w.argument("weights", pointer)
	w.argument("depth", left)
	channel := func(lane int) {
		for half := range 2 {
			w.get(pointer, right, 2, true)
			for r := range n {
				w.fmaLane(4*r+2*half, right, rows+r, lane)
				w.fmaLane(4*r+2*half+1, right+1, rows+r, lane)
			}
		}
	}
	w.op("SUBS $4, %s, %s", left, left)
	w.op("BLT rest")
	w.label("four")
	for r, row := range from {
		w.get(row, rows+r, 1, true)
	}
	for lane := range 4 {
		channel(lane)
	}
	w.op("SUBS $4, %s, %s", left, left)
	w.op("BGE four")
	w.label("rest")
	w.op("ADDS $4, %s, %s", left, left)
	w.op("BEQ done")
	w.label("one")
	for r, row := range from {
		w.op("FMOVS.P 4(%s), F%d", row, rows+r)
	}
	channel(0)
	w.op("SUBS $1, %s, %s", left, left)
	w.op("BNE one")
	w.label("done")
	w.argument("limits", pointer)
	w.op("CBZ %s, store", pointer)
	for i, v := range []int{low, high} {
		w.op("FMOVS %d(%s), F%d", 4*i, pointer, v)
		w.op("VDUP V%d.S[0], V%d.S4", v, v)
	}
	for v := range 4 * n {
		w.fmax(v, v, low)
		w.fmin(v, v, high)
	}
	w.label("store")
	for r := range n {
		w.put(out, 4*r, 4, false)
		w.op("ADD %s, %s, %s", outStep, out, out)
	}
	w.op("SUBS $1, %s, %s", tiles, tiles)
	w.op("BNE tile")
	w.ret()
}

// pairOf reads the two offsets of a pair, and returns the addresses.
func pairOf(w *writer, pairs, a, b, left, right reg) {
	w.op("MOVW.P 4(%s), %s", pairs, left)
	w.op("MOVW.P 4(%s), %s", pairs, right)
	w.op("ADD %s<<2, %s, %s", left, a, left)
	w.op("ADD %s<<2, %s, %s", right, b, right)
}

func outerTile(w *writer, n int) {
	name := fmt.Sprintf("outerTile%d", n)
	w.function(name, "sums, a, b *float32, pairs *int32, count uint64", "", fmt.Sprintf("%s is OuterTile for %d rows.", name, n))
	sums, a, b, pairs, count := w.load("sums"), w.load("a"), w.load("b"), w.load("pairs"), w.load("count")
	left, right, at := w.new(), w.new(), w.new()
	w.op("MOVD %s, %s", sums, at)
	w.get(at, 0, 4*n, true)
	w.label("pair")
	pairOf(w, pairs, a, b, left, right)
	const rows, columns = 24, 26
	// No more is read of a than there is.
	for r := 0; r < n; r += 4 {
		part := rows + r/4
		switch n - r {
		case 1:
			w.op("FMOVS %d(%s), F%d", 4*r, left, part)
		case 2:
			w.op("FMOVD %d(%s), F%d", 4*r, left, part)
		case 3:
			w.op("FMOVD (%s), F%d", left, part)
			w.op("ADD $8, %s, %s", left, left)
			w.op("VLD1 (%s), V%d.S[2]", left, part)
		default:
			w.get(left, part, 1, false)
		}
	}
	w.get(right, columns, 4, false)
	for r := range n {
		for v := range 4 {
			w.fmaLane(4*r+v, columns+v, rows+r/4, r%4)
		}
	}
	w.op("SUBS $1, %s, %s", count, count)
	w.op("BNE pair")
	w.put(sums, 0, 4*n, true)
	w.ret()
}

func productTile(w *writer) {
	w.function("productTile16", "sums, a, b *float32, pairs *int32, count uint64", "", "productTile16 is ProductTile.")
	sums, a, b, pairs, count := w.load("sums"), w.load("a"), w.load("b"), w.load("pairs"), w.load("count")
	left, right := w.new(), w.new()
	w.get(sums, 0, 4, false)
	w.label("pair")
	pairOf(w, pairs, a, b, left, right)
	w.get(left, 4, 4, false)
	w.get(right, 8, 4, false)
	for v := range 4 {
		w.fma(v, 4+v, 8+v)
	}
	w.op("SUBS $1, %s, %s", count, count)
	w.op("BNE pair")
	w.put(sums, 0, 4, false)
	w.ret()
}

func copyRows(w *writer) {
	for _, vectors := range []int{2, 4} {
		name := fmt.Sprintf("copyRows%d", 4*vectors)
		w.function(name, "to, from *float32, count, toStep, fromStep uint64", "",
			fmt.Sprintf("%s copies %d floats of each of some rows. Steps are in bytes.", name, 4*vectors))
		to, from, count, toStep, fromStep := w.load("to"), w.load("from"), w.load("count"), w.load("toStep"), w.load("fromStep")
		w.label("row")
		w.get(from, 0, vectors, false)
		w.put(to, 0, vectors, false)
		w.op("ADD %s, %s, %s", fromStep, from, from)
		w.op("ADD %s, %s, %s", toStep, to, to)
		w.op("SUBS $1, %s, %s", count, count)
		w.op("BNE row")
		w.ret()
	}
}
