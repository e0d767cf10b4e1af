package main

import "fmt"

// strips writes the kernels for pictures that lie as planes. The sums of row r are
// vectors 4r to 4r+3.
func strips(w *writer) {
	for n := 1; n <= tileRows; n++ {
		stripTile(w, n)
	}
	for n := 1; n <= tileRows; n++ {
		stripSums(w, n)
	}
}

func stripTile(w *writer, n int) {
	name := fmt.Sprintf("stripTile%d", n)
	w.function(name, "out, in, weights, bias, base *float32, offsets *int32, segments, tiles, inStep, outStep uint64, limits *float32", "",
		fmt.Sprintf("%s is StripTiles for %d rows. base and limits (low, high) may be nil. Steps are in bytes.", name, n))
	out, in, base, tiles, inStep, outStep := w.load("out"), w.load("in"), w.load("base"), w.load("tiles"), w.load("inStep"), w.load("outStep")
	pointer, offsets, left, from := w.new(), w.new(), w.new(), w.new()
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
	w.argument("weights", pointer)
	w.argument("offsets", offsets)
	w.argument("segments", left)
	w.label("segment")
	w.op("MOVW.P 4(%s), %s", offsets, from)
	w.op("ADD %s<<2, %s, %s", from, in, from)
	for r := range n {
		w.op("FMOVS (%s), F%d", from, rows+r)
		w.op("ADD %s, %s, %s", inStep, from, from)
	}
	for half := range 2 {
		w.get(pointer, right, 2, true)
		for r := range n {
			w.fmaLane(4*r+2*half, right, rows+r, 0)
			w.fmaLane(4*r+2*half+1, right+1, rows+r, 0)
		}
	}
	w.op("SUBS $1, %s, %s", left, left)
	w.op("BNE segment")
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
		w.op("ADD %s, %s, %s", inStep, in, in)
	}
	w.op("SUBS $1, %s, %s", tiles, tiles)
	w.op("BNE tile")
	w.ret()
}

func stripSums(w *writer, n int) {
	name := fmt.Sprintf("stripSums%d", n)
	w.function(name, "sums, in, slopes *float32, offsets *int32, height, width, inRow, inStep, slopeRest, slopeStep uint64", "",
		fmt.Sprintf("%s is StripSums for %d offsets. Steps are in bytes, and slopeRest is what of a row lies behind its pixels.", name, n))
	sums, in, slopes, offsets := w.load("sums"), w.load("in"), w.load("slopes"), w.load("offsets")
	height, width, inRow, inStep, slopeRest, slopeStep := w.load("height"), w.load("width"), w.load("inRow"), w.load("inStep"), w.load("slopeRest"), w.load("slopeStep")
	rows, at, left, from := w.several(n), w.new(), w.new(), w.new()
	for _, row := range rows {
		w.op("MOVW.P 4(%s), %s", offsets, row)
		w.op("ADD %s<<2, %s, %s", row, in, row)
	}
	w.op("MOVD %s, %s", sums, from)
	w.get(from, 0, 4*n, true)
	const columns, value = 26, 30
	w.label("row")
	w.op("MOVD $0, %s", at)
	w.op("MOVD %s, %s", width, left)
	w.label("pixel")
	w.get(slopes, columns, 4, false)
	for r, row := range rows {
		w.op("ADD %s, %s, %s", at, row, from)
		w.op("FMOVS (%s), F%d", from, value)
		for v := range 4 {
			w.fmaLane(4*r+v, columns+v, value, 0)
		}
	}
	w.op("ADD %s, %s, %s", inStep, at, at)
	w.op("ADD %s, %s, %s", slopeStep, slopes, slopes)
	w.op("SUBS $1, %s, %s", left, left)
	w.op("BNE pixel")
	for _, row := range rows {
		w.op("ADD %s, %s, %s", inRow, row, row)
	}
	w.op("ADD %s, %s, %s", slopeRest, slopes, slopes)
	w.op("SUBS $1, %s, %s", height, height)
	w.op("BNE row")
	w.put(sums, 0, 4*n, true)
	w.ret()
}
