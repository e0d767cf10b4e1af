package main

import "fmt"

// collect writes the kernel behind Collect. Whether an output is alive is a coin
// toss, so it is no branch: every pair is written, and the place for the next moves on
// if it is to stay. A float is positive if its bits are, as a signed integer.
func collect(w *writer) {
	w.function("collectPositive", "pairs *uint64, count uint64, out *float32, chosen *uint8, outStep uint64, gradient *float32, gradientStep uint64, offsets *int32", "uint64",
		"collectPositive is Collect with relu; outStep and gradientStep are in elements. It returns the number of pairs.")
	pairs, count, out, chosen := w.load("pairs"), w.load("count"), w.load("out"), w.load("chosen")
	outStep, gradient, gradientStep, offsets := w.load("outStep"), w.load("gradient"), w.load("gradientStep"), w.load("offsets")
	start, next, position, slope, value := w.new(), w.new(), w.new(), w.new(), w.new()
	w.op("MOVD %s, %s", pairs, start)
	w.label("output")
	w.op("MOVBU (%s), %s", chosen, position)
	w.op("MOVWU (%s), %s", gradient, slope)
	w.op("MOVWU (%s)(%s<<2), %s", offsets, position, position)
	w.op("MOVW (%s), %s", out, value)
	w.op("ORR %s<<32, %s, %s", slope, position, position)
	w.op("MOVD %s, (%s)", position, pairs)
	w.op("ADD $8, %s, %s", pairs, next)
	w.op("CMP $0, %s", value)
	w.op("CSEL GT, %s, %s, %s", next, pairs, pairs)
	w.op("ADD %s<<2, %s, %s", outStep, out, out)
	w.op("ADD %s, %s, %s", outStep, chosen, chosen)
	w.op("ADD %s<<2, %s, %s", gradientStep, gradient, gradient)
	w.op("ADD $16, %s, %s", offsets, offsets)
	w.op("SUBS $1, %s, %s", count, count)
	w.op("BNE output")
	w.op("SUB %s, %s, %s", start, pairs, pairs)
	w.op("LSR $3, %s, %s", pairs, pairs)
	w.op("MOVD %s, ret+%d(FP)", pairs, w.parameters["ret"].offset)
	w.ret()
}

// weightGradients writes a kernel for each size of block, in rows and pairs of
// vectors a row: it keeps the block's sums in registers while it goes through the
// pairs.
func weightGradients(w *writer) {
	for eights := 1; eights <= 4; eights++ {
		for rows := 1; rows <= []int{0, 5, 5, 3, 3}[eights]; rows++ {
			weightGradient(w, rows, eights)
		}
	}
}

func weightGradient(w *writer, rows, eights int) {
	vectors := 2 * eights
	name := fmt.Sprintf("weightGradient%dx%d", rows, eights)
	w.function(name, "filter, in *float32, pairs *uint64, count, inRow, filterRow uint64", "float32",
		fmt.Sprintf("%s adds to %d rows of %d vectors of a filter what the pairs (at least one) contribute;\nsee Conv.WeightGradient. Rows are apart by bytes. It returns the sum of the pairs' gradients.", name, rows, eights))
	filter, in, pairs, count, inRow, filterRow := w.load("filter"), w.load("in"), w.load("pairs"), w.load("count"), w.load("inRow"), w.load("filterRow")
	from, at := w.new(), w.new()
	const values, slope, bias = 24, 30, 31
	for v := range rows * vectors {
		w.zero(v)
	}
	w.zero(bias)
	w.label("pair")
	w.op("MOVW (%s), %s", pairs, from)
	w.op("FMOVS 4(%s), F%d", pairs, slope)
	w.op("ADD $8, %s, %s", pairs, pairs)
	w.op("ADD %s<<2, %s, %s", from, in, from)
	w.op("FADDS F%d, F%d, F%d", slope, bias, bias)
	for r := range rows {
		// Rows of more than four vectors are read in two parts.
		w.op("MOVD %s, %s", from, at)
		for first := 0; first < vectors; first += 4 {
			part := min(4, vectors-first)
			w.get(at, values, part, true)
			for v := range part {
				w.fmaLane(r*vectors+first+v, values+v, slope, 0)
			}
		}
		if r < rows-1 {
			w.op("ADD %s, %s, %s", inRow, from, from)
		}
	}
	w.op("SUBS $1, %s, %s", count, count)
	w.op("BNE pair")
	w.op("FMOVS F%d, ret+%d(FP)", bias, w.parameters["ret"].offset)
	for r := range rows {
		w.op("MOVD %s, %s", filter, from)
		w.op("MOVD %s, %s", filter, at)
		for first := 0; first < vectors; first += 4 {
			part := min(4, vectors-first)
			w.get(from, values, part, true)
			for v := range part {
				w.fadd(values+v, values+v, r*vectors+first+v)
			}
			w.put(at, values, part, true)
		}
		if r < rows-1 {
			w.op("ADD %s, %s, %s", filterRow, filter, filter)
		}
	}
	w.ret()
}

// inputGradients writes a kernel for each size of block. Going through the outputs'
// positions in the outer loop, it loads and stores the gradient of the input once a
// position, not once a channel. A block of more rows than fit into registers is done
// in two halves, one after the other at each position.
func inputGradients(w *writer) {
	for i := range 20 {
		inputGradient(w, i%5+1, i/5+1)
	}
}

func inputGradient(w *writer, rows, eights int) {
	vectors, half := 2*eights, rows
	if rows*eights > 10 {
		half = min(rows, 3)
	}
	name := fmt.Sprintf("inputGradient%dx%d", rows, eights)
	w.function(name, "gradient, filters, out *float32, chosen *uint8, slopes *float32, offsets *int32, pixels, positions, alive, relu, outStep, pixelStep, channelStep, filterStep, inRow, filterRow uint64", "",
		fmt.Sprintf("%s adds what %d rows of %d vectors of up to 16 filters contribute; see Conv.InputGradient.\nalive has a bit for each channel, outStep is in elements, the other steps in bytes.", name, rows, eights))
	gradient, filters, out, chosen := w.load("gradient"), w.load("filters"), w.load("out"), w.load("chosen")
	slopes, offsets, pixels := w.load("slopes"), w.load("offsets"), w.load("pixels")
	channelStep, filterStep, inRow, filterRow := w.load("channelStep"), w.load("filterStep"), w.load("inRow"), w.load("filterRow")
	alive, mask, left, number, channel, target, filter, at, t := w.new(), w.new(), w.new(), w.new(), w.new(), w.new(), w.new(), w.new(), w.new()
	const values, slope, living, which = 24, 28, 29, 30

	// One bit of four for each channel: first bit 0, then bit 4.
	w.argument("alive", t)
	w.op("CLZ %s, %s", t, t)      // 64 less the number of channels
	w.op("SUB $48, %s, %s", t, t) // 16 less it
	w.op("LSL $2, %s, %s", t, t)
	w.op("MOVD $0x1111111111111111, %s", alive)
	w.op("LSL %s, %s, %s", t, alive, alive)
	w.op("LSR %s, %s, %s", t, alive, alive)

	w.label("pixel")
	w.op("VCMEQ V%d.B16, V%d.B16, V%d.B16", living, living, living)
	w.argument("relu", t)
	w.op("CBZ %s, masked", t)
	w.get(out, values, 4, false)
	for v := range 4 {
		w.positive(values+v, values+v)
	}
	w.op("VUZP1 V%d.H8, V%d.H8, V%d.H8", values+1, values, values)
	w.op("VUZP1 V%d.H8, V%d.H8, V%d.H8", values+3, values+2, values+2)
	w.op("VUZP1 V%d.B16, V%d.B16, V%d.B16", values+2, values, living)
	w.label("masked")
	w.op("VLD1 (%s), [V%d.B16]", chosen, which)
	w.op("MOVD $0, %s", number)
	w.label("position")
	w.op("VDUP %s, V%d.B16", number, values)
	w.op("VCMEQ V%d.B16, V%d.B16, V%d.B16", values, which, values)
	w.and(values, values, living)
	w.nibbles(values, values)
	w.op("FMOVD F%d, %s", values, mask)
	w.op("ANDS %s, %s, %s", alive, mask, mask)
	w.op("BEQ nobody")
	w.op("MOVW (%s)(%s<<2), %s", offsets, number, target)
	w.op("ADD %s<<2, %s, %s", target, gradient, target)
	eachRow := func(from, to int, base, step reg, do func(r int)) {
		for r := from; r < to; r++ {
			w.op("MOVD %s, %s", base, at)
			do(r)
			if r < rows-1 {
				w.op("ADD %s, %s, %s", step, base, base)
			}
		}
	}
	for from := 0; from < rows; from += half {
		to := min(from+half, rows)
		loop := fmt.Sprintf("channel%d", from)
		w.op("MOVD %s, %s", target, t)
		eachRow(from, to, t, inRow, func(r int) { w.get(at, (r-from)*vectors, vectors, true) })
		w.op("MOVD %s, %s", mask, left)
		w.label(loop)
		w.op("RBIT %s, %s", left, channel)
		w.op("CLZ %s, %s", channel, channel)
		w.op("LSR $2, %s, %s", channel, channel)
		w.op("MUL %s, %s, %s", channelStep, channel, t)
		w.op("FMOVS (%s)(%s), F%d", slopes, t, slope)
		w.op("MADD %s, %s, %s, %s", filterStep, filters, channel, filter)
		for range from {
			w.op("ADD %s, %s, %s", filterRow, filter, filter)
		}
		eachRow(from, to, filter, filterRow, func(r int) {
			for first := 0; first < vectors; first += 4 {
				part := min(4, vectors-first)
				w.get(at, values, part, true)
				for v := range part {
					w.fmaLane((r-from)*vectors+first+v, values+v, slope, 0)
				}
			}
		})
		w.op("SUB $1, %s, %s", left, t)
		w.op("ANDS %s, %s, %s", t, left, left)
		w.op("BNE %s", loop)
		eachRow(from, to, target, inRow, func(r int) { w.put(at, (r-from)*vectors, vectors, true) })
	}
	w.label("nobody")
	w.op("ADD $1, %s, %s", number, number)
	w.argument("positions", t) // counted in twos
	w.op("CMP %s>>1, %s", t, number)
	w.op("BLT position")
	w.argument("outStep", t)
	w.op("ADD %s<<2, %s, %s", t, out, out)
	w.op("ADD %s, %s, %s", t, chosen, chosen)
	w.argument("pixelStep", t)
	w.op("ADD %s, %s, %s", t, slopes, slopes)
	w.op("ADD $16, %s, %s", offsets, offsets)
	w.op("SUBS $1, %s, %s", pixels, pixels)
	w.op("BNE pixel")
	w.ret()
}
