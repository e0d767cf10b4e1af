package main

import "fmt"

// convForward writes the four kernels that compute a row of outputs: blocks of 16
// channels, four positions at a time, or of 8 channels, eight at a time; with and
// without pooling. The positions of a tile are first, first+stepX (and +2 stepX, +3
// stepX for eight) and the same from second.
func convForward(w *writer) {
	for _, lanes := range []int{16, 8} {
		for _, pool := range []bool{true, false} {
			convRow(w, lanes, pool)
		}
	}
}

func convRow(w *writer, lanes int, pool bool) {
	vectors, positions := lanes/4, 64/lanes // sixteen sums: vector v of position p is p*vectors+v
	name, what := "convRow", "the outputs of one row"
	if pool {
		name, what = "convPoolRow", "the pooled outputs of one row"
	}
	name = fmt.Sprintf("%s%d", name, lanes)
	w.function(name, "in, weights, bias, out *float32, chosen *uint8, tiles, rows, run, rowSkip, stepX, second, tileStep, outStep, relu uint64", "",
		fmt.Sprintf("%s computes %s for a block of %d channels, a tile of %d positions at a time; see Conv.Forward.\nrowSkip, stepX, second, tileStep and outStep are in bytes; chosen may be nil.", name, what, lanes, positions))
	tileStart, out, chosen, tiles := w.load("in"), w.load("out"), w.load("chosen"), w.load("tiles")
	outStep, rowSkip, stepX := w.load("outStep"), w.load("rowSkip"), w.load("stepX")
	at, weights, rows, run := w.several(positions), w.new(), w.new(), w.new()
	const in, weight = 16, 24

	w.label("tile")
	w.op("MOVD %s, %s", tileStart, at[0])
	w.argument("second", run)
	w.op("ADD %s, %s, %s", run, tileStart, at[positions/2])
	for p := range positions {
		if p%(positions/2) > 0 {
			w.op("ADD %s, %s, %s", stepX, at[p-1], at[p])
		}
	}
	w.argument("bias", weights)
	w.get(weights, 0, vectors, false)
	for v := vectors; v < 16; v++ {
		w.copy(v, v%vectors)
	}
	w.argument("weights", weights)
	w.argument("rows", rows)
	w.label("row")
	w.argument("run", run)
	step := func(lane int) {
		w.get(weights, weight, vectors, true)
		for p := range positions {
			for v := range vectors {
				w.fmaLane(p*vectors+v, weight+v, in+p, lane)
			}
		}
	}
	w.op("SUBS $4, %s, %s", run, run)
	w.op("BLT rest")
	w.label("four")
	for p, from := range at {
		w.get(from, in+p, 1, true)
	}
	for lane := range 4 {
		step(lane)
	}
	w.op("SUBS $4, %s, %s", run, run)
	w.op("BGE four")
	w.label("rest")
	w.op("ADDS $4, %s, %s", run, run)
	w.op("BEQ whole")
	w.label("one")
	for p, from := range at {
		w.op("FMOVS.P 4(%s), F%d", from, in+p)
	}
	step(0)
	w.op("SUBS $1, %s, %s", run, run)
	w.op("BNE one")
	w.label("whole")
	for _, from := range at {
		w.op("ADD %s, %s, %s", rowSkip, from, from)
	}
	w.op("SUBS $1, %s, %s", rows, rows)
	w.op("BNE row")

	w.argument("relu", run)
	if pool {
		poolTile(w, lanes, out, chosen, outStep, run, weights)
	} else {
		storeTile(w, positions, vectors, out, outStep, run)
	}
	w.argument("tileStep", run)
	w.op("ADD %s, %s, %s", run, tileStart, tileStart)
	w.op("SUBS $1, %s, %s", tiles, tiles)
	w.op("BNE tile")
	w.ret()
}

// storeTile stores the sums of neighbouring pixels, in order: what one store leaves
// beyond its channels, the next overwrites.
func storeTile(w *writer, positions, vectors int, out, outStep, relu reg) {
	w.op("CBZ %s, linear", relu)
	w.zero(16)
	for v := range 16 {
		w.fmax(v, v, 16)
	}
	w.label("linear")
	for p := range positions {
		w.put(out, p*vectors, vectors, false)
		w.op("ADD %s, %s, %s", outStep, out, out)
	}
}

// poolTile stores the maximum of each window of four positions, and which of the
// four it was.
func poolTile(w *writer, lanes int, out, chosen, outStep, relu, scratch reg) {
	var windows [][4]int // of a vector, the sums of the four positions
	if lanes == 16 {
		for v := range 4 {
			windows = append(windows, [4]int{v, 4 + v, 8 + v, 12 + v})
		}
	} else {
		for i := range 4 {
			first := i/2*4 + i%2 // of position 0 or 2, vector 0 or 1
			windows = append(windows, [4]int{first, first + 2, first + 8, first + 10})
		}
	}
	const which, number, mask, ordered = 16, 20, 24, 25
	for p := 1; p < 4; p++ {
		w.op("MOVD $%d, %s", p, scratch)
		w.op("VDUP %s, V%d.S4", scratch, number+p)
	}
	for i, window := range windows {
		best := window[0]
		w.zero(which + i)
		for p := 1; p < 4; p++ {
			w.greater(mask, window[p], best)
			w.equal(ordered, window[p], window[p])
			w.orNot(mask, mask, ordered) // a NaN is the maximum
			w.insert(best, window[p], mask)
			w.insert(which+i, number+p, mask)
		}
	}
	w.op("CBZ %s, linear", relu)
	w.zero(24)
	for _, window := range windows {
		w.fmax(window[0], window[0], 24)
	}
	w.label("linear")
	if lanes == 16 {
		w.put(out, 0, 4, false)
	} else {
		w.put(out, 0, 2, false)
		w.op("ADD %s, %s, %s", outStep, out, out)
		w.put(out, 4, 2, false)
	}
	w.op("ADD %s, %s, %s", outStep, out, out)

	w.op("CBZ %s, forget", chosen)
	w.op("VUZP1 V17.H8, V16.H8, V16.H8")
	w.op("VUZP1 V19.H8, V18.H8, V18.H8")
	if lanes == 16 {
		w.op("VUZP1 V18.B16, V16.B16, V16.B16")
		w.op("VST1 [V16.B16], (%s)", chosen)
	} else {
		w.op("VUZP1 V16.B16, V16.B16, V16.B16")
		w.op("VUZP1 V18.B16, V18.B16, V18.B16")
		w.op("FMOVD F16, (%s)", chosen)
		w.op("ADD %s>>2, %s, %s", outStep, chosen, chosen) // a byte, not a float, a channel
		w.op("FMOVD F18, (%s)", chosen)
	}
	w.op("ADD %s>>2, %s, %s", outStep, chosen, chosen)
	w.label("forget")
}

// pack writes the kernel that transposes 8x8 floats, in blocks of 4x4.
func pack(w *writer) {
	w.function("transpose8", "to, from *float32, toStep, fromStep uint64", "",
		"transpose8 sets row j, column i of to to row i, column j of from, for i, j < 8.\nThe steps from row to row are in bytes.")
	to, from, toStep, fromStep, right := w.load("to"), w.load("from"), w.load("toStep"), w.load("fromStep"), w.new()
	for r := range 8 { // row r is vectors 2r and 2r+1
		w.get(from, 2*r, 2, false)
		if r < 7 {
			w.op("ADD %s, %s, %s", fromStep, from, from)
		}
	}
	for _, first := range []int{0, 1, 8, 9} {
		in := func(r int) int { return first + 2*r }
		for half := range 2 {
			w.op("VTRN%d V%d.S4, V%d.S4, V%d.S4", half+1, in(1), in(0), 16+half)
			w.op("VTRN%d V%d.S4, V%d.S4, V%d.S4", half+1, in(3), in(2), 18+half)
		}
		for r := range 4 { // rows of the block's transpose, in the place of the block
			w.op("VTRN%d V%d.D2, V%d.D2, V%d.D2", r/2+1, 18+r%2, 16+r%2, in(r))
		}
	}
	for r := range 8 { // the blocks right of the diagonal and below change places
		low, high := r%4*2+r/4, r%4*2+r/4+8
		w.put(to, low, 1, false)
		w.op("ADD $16, %s, %s", to, right)
		w.put(right, high, 1, false)
		if r < 7 {
			w.op("ADD %s, %s, %s", toStep, to, to)
		}
	}
	w.ret()
}
