package main

// pools writes the kernels of poolings, which go through a pixel's channels eight by
// eight.
func pools(w *writer) {
	for _, keeps := range []bool{false, true} {
		if keeps {
			w.function("maxPoolChosen", "out, in *float32, chosen, table *int32, count, window, vectors, outStep, chosenStep uint64", "", "maxPoolChosen is MaxPool. Steps are in bytes.")
		} else {
			w.function("maxPool", "out, in *float32, table *int32, count, window, vectors, outStep uint64", "", "maxPool is MaxPool without chosen. The step is in bytes.")
		}
		out, in, table, count, window, vectors, outStep := w.load("out"), w.load("in"), w.load("table"), w.load("count"), w.load("window"), w.load("vectors"), w.load("outStep")
		chosen, chosenStep := w.new(), w.new()
		if keeps {
			w.argument("chosen", chosen)
			w.argument("chosenStep", chosenStep)
		}
		channel, left, k, offset, from, at := w.new(), w.new(), w.new(), w.new(), w.new(), w.new()
		const best, which, v, larger, i = 0, 2, 4, 6, 8
		w.label("pixel")
		w.op("MOVD $0, %s", channel)
		w.op("MOVD %s, %s", vectors, left)
		w.label("vector")
		w.op("MOVD %s, %s", table, at)
		w.op("MOVW.P 4(%s), %s", at, offset)
		w.op("ADD %s<<2, %s, %s", offset, in, from)
		w.op("ADD %s, %s, %s", channel, from, from)
		w.get(from, best, 2, false)
		if keeps {
			w.op("VDUP %s, V%d.S4", offset, which)
			w.copy(which+1, which)
		}
		w.op("SUBS $1, %s, %s", window, k)
		w.op("BEQ done")
		w.label("next")
		w.op("MOVW.P 4(%s), %s", at, offset)
		w.op("ADD %s<<2, %s, %s", offset, in, from)
		w.op("ADD %s, %s, %s", channel, from, from)
		w.get(from, v, 2, false)
		w.op("VDUP %s, V%d.S4", offset, i)
		for h := range 2 {
			w.greater(larger+h, v+h, best+h)
			w.equal(i+1, v+h, v+h)
			w.orNot(larger+h, larger+h, i+1) // or a NaN
			w.insert(best+h, v+h, larger+h)
			if keeps {
				w.insert(which+h, i, larger+h)
			}
		}
		w.op("SUBS $1, %s, %s", k, k)
		w.op("BNE next")
		w.label("done")
		w.op("ADD %s, %s, %s", channel, out, from)
		w.put(from, best, 2, false)
		if keeps {
			w.op("ADD %s, %s, %s", channel, chosen, from)
			w.put(from, which, 2, false)
		}
		w.op("ADD $32, %s, %s", channel, channel)
		w.op("SUBS $1, %s, %s", left, left)
		w.op("BNE vector")
		w.op("ADD %s, %s, %s", outStep, out, out)
		if keeps {
			w.op("ADD %s, %s, %s", chosenStep, chosen, chosen)
		}
		w.op("ADD %s<<2, %s, %s", window, table, table)
		w.op("SUBS $1, %s, %s", count, count)
		w.op("BNE pixel")
		w.ret()
	}
	for _, adds := range []bool{false, true} {
		name := "maxPoolSet"
		if adds {
			name = "maxPoolAdd"
		}
		w.function(name, "gradient, slopes *float32, chosen, table *int32, count, window, vectors, step, chosenStep uint64", "", name+" is MaxPoolGradient. Steps are in bytes.")
		gradient, slopes, chosen, table, count := w.load("gradient"), w.load("slopes"), w.load("chosen"), w.load("table"), w.load("count")
		window, vectors, step, chosenStep := w.load("window"), w.load("vectors"), w.load("step"), w.load("chosenStep")
		channel, left, k, offset, to, at := w.new(), w.new(), w.new(), w.new(), w.new(), w.new()
		const slope, which, i, sum = 0, 2, 4, 6
		w.label("pixel")
		w.op("MOVD $0, %s", channel)
		w.op("MOVD %s, %s", vectors, left)
		w.label("vector")
		w.op("ADD %s, %s, %s", channel, slopes, to)
		w.get(to, slope, 2, false)
		w.op("ADD %s, %s, %s", channel, chosen, to)
		w.get(to, which, 2, false)
		w.op("MOVD %s, %s", table, at)
		w.op("MOVD %s, %s", window, k)
		w.label("next")
		w.op("MOVW.P 4(%s), %s", at, offset)
		w.op("TBNZ $63, %s, skip", offset)
		w.op("ADD %s<<2, %s, %s", offset, gradient, to)
		w.op("ADD %s, %s, %s", channel, to, to)
		w.op("VDUP %s, V%d.S4", offset, i+1)
		if adds {
			w.get(to, sum, 2, false)
		}
		for h := range 2 {
			w.op("VCMEQ V%d.S4, V%d.S4, V%d.S4", i+1, which+h, i)
			w.and(i, i, slope+h)
			if adds {
				w.fadd(sum+h, sum+h, i)
			} else {
				w.copy(sum+h, i)
			}
		}
		w.put(to, sum, 2, false)
		w.label("skip")
		w.op("SUBS $1, %s, %s", k, k)
		w.op("BNE next")
		w.op("ADD $32, %s, %s", channel, channel)
		w.op("SUBS $1, %s, %s", left, left)
		w.op("BNE vector")
		w.op("ADD %s, %s, %s", step, slopes, slopes)
		w.op("ADD %s, %s, %s", chosenStep, chosen, chosen)
		w.op("ADD %s<<2, %s, %s", window, table, table)
		w.op("SUBS $1, %s, %s", count, count)
		w.op("BNE pixel")
		w.ret()
	}
}
