package main

// The kernels of normalisations: 16 channels of pictures with their channels
// innermost, in eight vectors of two float64 each.

// doubles loads 16 float64 of a parameter, storeDoubles stores them.
func doubles(w *writer, name string, first int) {
	base := w.load(name)
	for i := range 8 {
		w.op("FMOVQ %d(%s), F%d", 16*i, base, first+i)
	}
}

func storeDoubles(w *writer, name string, first int) {
	base := w.argument(name, 0)
	for i := range 8 {
		w.op("FMOVQ F%d, %d(%s)", first+i, 16*i, base)
	}
}

// widen sets a vector to a half of another, as float64; narrow is the way back.
func (w *writer) widen(to, a, half int) {
	w.op("WORD $0x%08x // fcvtl%s v%d.2d, v%d.%s", 0x0e617800|uint32(half)<<30|uint32(a)<<5|uint32(to), []string{"", "2"}[half], to, a, []string{"2s", "4s"}[half])
}

func (w *writer) narrow(to, half, a int) {
	w.op("WORD $0x%08x // fcvtn%s v%d.%s, v%d.2d", 0x0e616800|uint32(half)<<30|uint32(a)<<5|uint32(to), []string{"", "2"}[half], to, []string{"2s", "4s"}[half], a)
}

func (w *writer) faddDouble(to, a, b int) { w.word(0x4e60d400, to, a, b, "fadd", "2d") }
func (w *writer) fsubDouble(to, a, b int) { w.word(0x4ee0d400, to, a, b, "fsub", "2d") }
func (w *writer) fmaDouble(to, a, b int)  { w.op("VFMLA V%d.D2, V%d.D2, V%d.D2", b, a, to) }

// quarter loads four channels.
func (w *writer) quarter(from reg, i, to int) { w.op("FMOVQ %d(%s), F%d", 16*i, from, to) }

// between sets mask to where low < v < high.
func (w *writer) between(mask, v, low, high, scratch int) {
	w.greater(mask, v, low)
	w.greater(scratch, high, v)
	w.and(mask, mask, scratch)
}

// eachPixel repeats do for every pixel.
func eachPixel(w *writer, label string, pixels, step reg, pointers []reg, do func()) {
	w.label(label)
	do()
	for _, p := range pointers {
		w.op("ADD %s, %s, %s", step, p, p)
	}
	w.op("SUBS $1, %s, %s", pixels, pixels)
	w.op("BNE %s", label)
}

func norms(w *writer) {
	w.function("channelSums16", "sums *float64, x *float32, pixels, step uint64", "", "channelSums16 is ChannelSums. The step is in bytes.")
	doubles(w, "sums", 0)
	x, pixels, step := w.load("x"), w.load("pixels"), w.load("step")
	eachPixel(w, "pixel", pixels, step, []reg{x}, func() {
		for i := range 4 {
			w.quarter(x, i, 24+i)
			for half := range 2 {
				w.widen(28, 24+i, half)
				w.faddDouble(2*i+half, 2*i+half, 28)
			}
		}
	})
	storeDoubles(w, "sums", 0)
	w.ret()

	w.function("channelSquares16", "squares, means *float64, x *float32, pixels, step uint64", "", "channelSquares16 is ChannelSquares. The step is in bytes.")
	doubles(w, "squares", 0)
	doubles(w, "means", 8)
	x, pixels, step = w.load("x"), w.load("pixels"), w.load("step")
	eachPixel(w, "pixel", pixels, step, []reg{x}, func() {
		for i := range 4 {
			w.quarter(x, i, 24+i)
			for half := range 2 {
				w.widen(28, 24+i, half)
				w.fsubDouble(28, 28, 8+2*i+half)
				w.fmaDouble(2*i+half, 28, 28)
			}
		}
	})
	storeDoubles(w, "squares", 0)
	w.ret()

	w.function("scaleChannels16", "y, x *float32, scale, shift *float64, pixels, step uint64, low, high float32", "", "scaleChannels16 is ScaleChannels. The step is in bytes.")
	const low, high = 24, 25
	doubles(w, "scale", 0)
	doubles(w, "shift", 8)
	y, x, pixels, step := w.load("y"), w.load("x"), w.load("pixels"), w.load("step")
	w.broadcast("low", low)
	w.broadcast("high", high)
	eachPixel(w, "pixel", pixels, step, []reg{x, y}, func() {
		for i := range 4 {
			w.quarter(x, i, 26)
			for half := range 2 {
				w.widen(27, 26, half)
				w.copy(28, 8+2*i+half)
				w.fmaDouble(28, 27, 2*i+half)
				w.narrow(29, half, 28)
			}
			w.fmax(29, 29, low) // a NaN stays one
			w.fmin(29, 29, high)
			w.op("FMOVQ F29, %d(%s)", 16*i, y)
		}
	})
	w.ret()

	w.function("channelProducts16", "sums, products, means *float64, slopes, x, y *float32, pixels, step uint64, low, high float32", "",
		"channelProducts16 is ChannelProducts. The step is in bytes.")
	const sums, products, means = 0, 8, 16
	doubles(w, "sums", sums)
	doubles(w, "products", products)
	doubles(w, "means", means)
	slopes, x, y, pixels, step := w.load("slopes"), w.load("x"), w.load("y"), w.load("pixels"), w.load("step")
	w.broadcast("low", low)
	w.broadcast("high", high)
	eachPixel(w, "pixel", pixels, step, []reg{slopes, x, y}, func() {
		for i := range 4 {
			const d, v = 27, 28
			w.quarter(y, i, v)
			w.between(d, v, low, high, 26)
			w.quarter(slopes, i, v)
			w.and(d, d, v)
			w.quarter(x, i, v)
			for half := range 2 {
				at := 2*i + half
				w.widen(29, d, half)
				w.widen(30, v, half)
				w.faddDouble(sums+at, sums+at, 29)
				w.fsubDouble(30, 30, means+at)
				w.fmaDouble(products+at, 29, 30)
			}
		}
	})
	storeDoubles(w, "sums", sums)
	storeDoubles(w, "products", products)
	w.ret()

	w.function("combineChannels16", "dx, slopes, x, y *float32, a, b, c *float64, pixels, step uint64, low, high float32, adds uint64", "",
		"combineChannels16 is CombineChannels. The step is in bytes.")
	const a, b, c = 0, 8, 16
	doubles(w, "a", a)
	doubles(w, "b", b)
	doubles(w, "c", c)
	dx, slopes, x, y, pixels, step, adds := w.load("dx"), w.load("slopes"), w.load("x"), w.load("y"), w.load("pixels"), w.load("step"), w.load("adds")
	w.broadcast("low", low)
	w.broadcast("high", high)
	combine := func(label string, adds bool) {
		eachPixel(w, label, pixels, step, []reg{dx, slopes, x, y}, func() {
			for i := range 4 {
				const d, v, sum = 27, 28, 26
				w.quarter(y, i, v)
				w.between(d, v, low, high, sum)
				w.quarter(slopes, i, v)
				w.and(d, d, v)
				w.quarter(x, i, v)
				for half := range 2 {
					at := 2*i + half
					w.copy(31, c+at)
					w.widen(29, d, half)
					w.fmaDouble(31, 29, a+at)
					w.widen(30, v, half)
					w.fmaDouble(31, 30, b+at)
					w.narrow(sum, half, 31)
				}
				if adds {
					w.quarter(dx, i, v)
					w.fadd(sum, sum, v)
				}
				w.op("FMOVQ F%d, %d(%s)", sum, 16*i, dx)
			}
		})
		w.ret()
	}
	w.op("CBNZ %s, add", adds)
	combine("set", false)
	combine("add", true)
}
