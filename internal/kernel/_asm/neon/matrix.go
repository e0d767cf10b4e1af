package main

import "fmt"

// rowsFrom sets registers to the addresses of rows from base, apart by step.
func rowsFrom(w *writer, rows []reg, base, step reg) {
	for r, row := range rows {
		if r == 0 {
			w.op("MOVD %s, %s", base, row)
		} else {
			w.op("ADD %s, %s, %s", step, rows[r-1], row)
		}
	}
}

// linearForward writes the kernels for 4, 2 and 1 examples: eight dot products at a
// time, each in two vectors that are added up in the same order.
func linearForward(w *writer) {
	for _, examples := range []int{4, 2, 1} {
		outputs := 8 / examples
		name := fmt.Sprintf("linear%dx%d", examples, outputs)
		w.function(name, "y, x, w, bias *float32, tiles, vectors, yStep, xStep, wStep, relu uint64", "",
			fmt.Sprintf("%s is LinearForward for %d examples, a tile of %d outputs at a time. Steps are in bytes.", name, examples, outputs))
		y, x, weights, bias, tiles := w.load("y"), w.load("x"), w.load("w"), w.load("bias"), w.load("tiles")
		xStep, wStep, yStep, vectors := w.load("xStep"), w.load("wStep"), w.load("yStep"), w.new()
		xRows, wRows := w.several(examples), w.several(outputs)
		const in, weight = 16, 24
		w.label("tile")
		for v := range 16 {
			w.zero(v)
		}
		rowsFrom(w, xRows, x, xStep)
		rowsFrom(w, wRows, weights, wStep)
		w.argument("vectors", vectors)
		w.label("vector")
		for b, row := range xRows {
			w.get(row, in+2*b, 2, true)
		}
		for o, row := range wRows {
			w.get(row, weight+2*(o%4), 2, true)
			for b := range examples {
				for half := range 2 {
					w.fma(2*(b*outputs+o)+half, in+2*b+half, weight+2*(o%4)+half)
				}
			}
		}
		w.op("SUBS $1, %s, %s", vectors, vectors)
		w.op("BNE vector")

		// Eight sums of eight lanes: sum i in lane i of two vectors.
		for i := range 8 {
			w.fadd(i, 2*i, 2*i+1)
		}
		for i := range 4 {
			w.faddPairs(i, 2*i, 2*i+1)
		}
		w.faddPairs(0, 0, 1)
		w.faddPairs(1, 2, 3)
		switch examples {
		case 4:
			w.op("VLD1R (%s), [V2.D2]", bias)
			w.copy(3, 2)
		case 2:
			w.get(bias, 2, 1, false)
			w.copy(3, 2)
		case 1:
			w.get(bias, 2, 2, false)
		}
		w.fadd(0, 0, 2)
		w.fadd(1, 1, 3)
		w.argument("relu", vectors)
		w.op("CBZ %s, linear", vectors)
		w.zero(2)
		w.fmax(0, 0, 2)
		w.fmax(1, 1, 2)
		w.label("linear")
		to := xRows[0]
		w.op("MOVD %s, %s", y, to)
		switch examples {
		case 4:
			for i := range 4 {
				w.op("VST1 V%d.D[%d], (%s)", i/2, i%2, to)
				w.op("ADD %s, %s, %s", yStep, to, to)
			}
		case 2:
			w.put(to, 0, 1, false)
			w.op("ADD %s, %s, %s", yStep, to, to)
			w.put(to, 1, 1, false)
		case 1:
			w.put(to, 0, 2, false)
		}
		w.op("ADD $%d, %s, %s", 4*outputs, y, y)
		w.op("ADD $%d, %s, %s", 4*outputs, bias, bias)
		w.op("ADD %s<<%d, %s, %s", wStep, map[int]int{2: 1, 4: 2, 8: 3}[outputs], weights, weights)
		w.op("SUBS $1, %s, %s", tiles, tiles)
		w.op("BNE tile")
		w.ret()
	}
}

// matMul writes the kernels for 6 rows of the result, in tiles of 24 vectors, and for 4,
// 2 and 1, in tiles of sixteen, and of two a row for what is left.
func matMul(w *writer) {
	for _, size := range [][2]int{{6, 2}, {4, 2}, {4, 1}, {2, 4}, {2, 1}, {1, 4}, {1, 1}} {
		rows, eights := size[0], size[1]
		vectors := 2 * eights
		name := fmt.Sprintf("matMul%dx%d", rows, eights)
		w.function(name, "c, a, b *float32, tiles, depth, cStep, aRow, aColumn, bStep, accumulate uint64", "",
			fmt.Sprintf("%s is MatMul for %d rows, a tile of %d columns at a time. Steps are in bytes.", name, rows, 8*eights))
		c, a, b, tiles := w.load("c"), w.load("a"), w.load("b"), w.load("tiles")
		cStep, aRow, aColumn, bStep := w.load("cStep"), w.load("aRow"), w.load("aColumn"), w.load("bStep")
		aRows, at, bAt, depth := w.several(rows), w.new(), w.new(), w.new()
		right, left := 16, 24
		if rows == 6 {
			right, left = 24, 28
		}
		eachRow := func(do func(first int)) {
			w.op("MOVD %s, %s", c, bAt)
			for r := range rows {
				w.op("MOVD %s, %s", bAt, at)
				do(r * vectors)
				w.op("ADD %s, %s, %s", cStep, bAt, bAt)
			}
		}
		w.label("tile")
		w.argument("accumulate", depth)
		w.op("CBZ %s, zero", depth)
		eachRow(func(first int) { w.get(at, first, vectors, true) })
		w.op("B start")
		w.label("zero")
		for v := range rows * vectors {
			w.zero(v)
		}
		w.label("start")
		rowsFrom(w, aRows, a, aRow)
		w.op("MOVD %s, %s", b, bAt)
		w.argument("depth", depth)
		w.label("term")
		w.op("MOVD %s, %s", bAt, at)
		w.get(at, right, vectors, true)
		for r, row := range aRows {
			value := left + r%4
			w.op("FMOVS (%s), F%d", row, value)
			w.op("ADD %s, %s, %s", aColumn, row, row)
			for v := range vectors {
				w.fmaLane(r*vectors+v, right+v, value, 0)
			}
		}
		w.op("ADD %s, %s, %s", bStep, bAt, bAt)
		w.op("SUBS $1, %s, %s", depth, depth)
		w.op("BNE term")
		eachRow(func(first int) { w.put(at, first, vectors, true) })
		w.op("ADD $%d, %s, %s", 16*vectors, c, c)
		w.op("ADD $%d, %s, %s", 16*vectors, b, b)
		w.op("SUBS $1, %s, %s", tiles, tiles)
		w.op("BNE tile")
		w.ret()
	}
}
