package main

import "math"

// elementwise writes the kernels that go through arrays eight floats at a time; all
// counts are multiples of 8 and at least 8.
func elementwise(w *writer) {
	next := func(n reg) {
		w.op("SUBS $8, %s, %s", n, n)
		w.op("BNE next")
		w.ret()
	}
	w.function("addVectors", "y, x []float32", "", "addVectors: for i < len(y): y[i] += x[i]. len(y) is a positive multiple of 8.")
	y, x, n := w.load("y"), w.load("x"), w.length("y")
	w.label("next")
	w.get(y, 0, 2, false)
	w.get(x, 2, 2, true)
	w.fadd(0, 0, 2)
	w.fadd(1, 1, 3)
	w.put(y, 0, 2, true)
	next(n)

	w.function("maskVectors", "gradient, output []float32", "", "maskVectors: for i < len(gradient): if !(output[i] > 0) { gradient[i] = 0 }. len(gradient) is a positive multiple of 8.")
	gradient, output, n := w.load("gradient"), w.load("output"), w.length("gradient")
	w.label("next")
	w.get(gradient, 0, 2, false)
	w.get(output, 2, 2, true)
	for v := range 2 {
		w.positive(2+v, 2+v)
		w.and(v, v, 2+v)
	}
	w.put(gradient, 0, 2, true)
	next(n)

	w.function("rectifyVectors", "y []float32", "", "rectifyVectors: for i < len(y): if y[i] < 0 { y[i] = 0 }. len(y) is a positive multiple of 8.")
	y, n = w.load("y"), w.length("y")
	w.zero(2)
	w.label("next")
	w.get(y, 0, 2, false)
	w.fmax(0, 0, 2) // a NaN stays one
	w.fmax(1, 1, 2)
	w.put(y, 0, 2, true)
	next(n)

	for _, nesterov := range []bool{false, true} {
		name := "sgdMomentum"
		if nesterov {
			name = "sgdNesterov"
		}
		w.function(name, "weights, gradient, momentum []float32, learningRate, momentumFactor, damped, weightDecay float32", "",
			name+" is SGD.Update with a momentum. len(weights) is a positive multiple of 8.")
		weights, gradient, momentum, n := w.load("weights"), w.load("gradient"), w.load("momentum"), w.length("weights")
		const rate, keep, damped, decay, smallest = 16, 17, 18, 19, 20
		w.broadcast("learningRate", rate)
		w.broadcast("momentumFactor", keep)
		w.broadcast("damped", damped)
		w.broadcast("weightDecay", decay)
		bits := w.new()
		w.op("MOVD $0x%08x, %s // 1e-30", math.Float32bits(1e-30), bits)
		w.op("VDUP %s, V%d.S4", bits, smallest)
		w.label("next")
		w.get(weights, 0, 2, false)
		w.get(gradient, 2, 2, true)
		w.get(momentum, 4, 2, false)
		for v := range 2 {
			weight, g, m, tiny := v, 2+v, 4+v, 6+v
			w.fma(g, decay, weight)
			w.fmul(m, m, keep)
			w.fma(m, damped, g)
			w.magnitudeGreater(tiny, smallest, m) // false for a NaN, which stays
			w.andNot(m, m, tiny)
			step := m
			if nesterov {
				w.fma(g, keep, m)
				step = g
			}
			w.fms(weight, rate, step)
		}
		w.put(momentum, 4, 2, true)
		w.put(weights, 0, 2, true)
		next(n)
	}
}

// peak writes the loop that finds out how fast multiply-adds can be.
func peak(w *writer) {
	w.function("fmaLoop", "rounds uint64", "", "fmaLoop does 24 independent fused multiply-adds of 4 lanes a round.")
	rounds := w.load("rounds")
	for v := range 25 {
		w.zero(v)
	}
	w.label("round")
	for v := range 24 {
		w.fma(v, 24, 24)
	}
	w.op("SUBS $1, %s, %s", rounds, rounds)
	w.op("BNE round")
	w.ret()
}

// loads writes the loop that finds out how fast floats come from the first cache.
func loads(w *writer) {
	w.function("loadLoop", "rounds uint64, from []float32", "", "loadLoop reads from[:128] a round, 4 floats at a time.")
	rounds, from := w.load("rounds"), w.load("from")
	at := w.new()
	w.label("round")
	w.op("MOVD %s, %s", from, at)
	for v := range 8 {
		w.get(at, 4*(v%6), 4, true)
	}
	w.op("SUBS $1, %s, %s", rounds, rounds)
	w.op("BNE round")
	w.ret()
}
