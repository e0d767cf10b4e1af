package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func broadcast(name string) reg.VecVirtual {
	y := register()
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(b.Addr, y)
	return y
}

// nextPixel ends a loop over pixels that began at a label.
func nextPixel(label string, step, pixels reg.Register, pointers ...reg.Register) {
	for _, p := range pointers {
		ADDQ(step, p)
	}
	DECQ(pixels)
	JNZ(LabelRef(label))
}

// between sets mask to where low < y < high.
func between(y Mem, low, high, mask, scratch reg.VecVirtual) {
	VMOVUPS(y, mask.AsX())
	VCMPPS(Imm(0x11), high.AsX(), mask.AsX(), scratch.AsX()) // y < high
	VCMPPS(Imm(0x1e), low.AsX(), mask.AsX(), mask.AsX())     // y > low
	VANDPS(scratch.AsX(), mask.AsX(), mask.AsX())
}

// channelwise writes a loop over pixels that goes in each over the channels, 16 at a
// time in some parts, so that memory is walked through once, in order. compute is told
// where the next part of the channels is behind a pointer to floats, which moves along
// with the pixels, and behind one to float64.
func channelwise(label string, pointers []reg.Register, pixels, step, channels reg.Register, parts int, compute func(floats, doubles func(base reg.Register) Mem)) {
	c := GP64()
	Label(label)
	XORQ(c, c)
	Label(label + "Block")
	for i := range parts {
		compute(func(base reg.Register) Mem { return Mem{Base: base, Index: c, Scale: 4, Disp: 64 / parts * i} },
			func(base reg.Register) Mem { return Mem{Base: base, Index: c, Scale: 8, Disp: 128 / parts * i} })
	}
	ADDQ(Imm(16), c)
	CMPQ(c, channels)
	JB(LabelRef(label + "Block"))
	nextPixel(label, step, pixels, pointers...)
	VZEROUPPER()
	RET()
}

// norms writes the kernels of normalisations of pictures with their channels
// innermost. Sums stay in memory, where a channel's is wanted again a pixel later.
func norms() {
	TEXT("channelSums", NOSPLIT, "func(sums *float64, x *float32, pixels, step, channels uint64)")
	Doc("channelSums is ChannelSums. The step is in bytes.")
	sums, x, pixels, step, channels := load("sums"), load("x"), load("pixels"), load("step"), load("channels")
	channelwise("pixel", []reg.Register{x}, pixels, step, channels, 4, func(floats, doubles func(reg.Register) Mem) {
		v := YMM()
		VCVTPS2PD(floats(x), v)
		VADDPD(doubles(sums), v, v)
		VMOVUPD(v, doubles(sums))
	})

	TEXT("channelSquares", NOSPLIT, "func(squares, means *float64, x *float32, pixels, step, channels uint64)")
	Doc("channelSquares is ChannelSquares. The step is in bytes.")
	squares, means, x, pixels, step, channels := load("squares"), load("means"), load("x"), load("pixels"), load("step"), load("channels")
	channelwise("pixel", []reg.Register{x}, pixels, step, channels, 4, func(floats, doubles func(reg.Register) Mem) {
		v, sum := YMM(), YMM()
		VCVTPS2PD(floats(x), v)
		VSUBPD(doubles(means), v, v)
		VMOVUPD(doubles(squares), sum)
		VFMADD231PD(v, v, sum)
		VMOVUPD(sum, doubles(squares))
	})

	TEXT("scaleChannels", NOSPLIT, "func(y, x *float32, scale, shift *float64, pixels, step, channels uint64, low, high float32)")
	Doc("scaleChannels is ScaleChannels. The step is in bytes.")
	y, x, scale, shift, pixels, step, channels := load("y"), load("x"), load("scale"), load("shift"), load("pixels"), load("step"), load("channels")
	low, high := broadcast("low"), broadcast("high")
	channelwise("pixel", []reg.Register{x, y}, pixels, step, channels, 4, func(floats, doubles func(reg.Register) Mem) {
		v, factor := YMM(), YMM()
		VCVTPS2PD(floats(x), v)
		VMOVUPD(doubles(scale), factor)
		VFMADD213PD(doubles(shift), factor, v)
		VCVTPD2PSY(v, v.AsX())
		VMAXPS(v.AsX(), low.AsX(), v.AsX()) // a NaN stays one
		VMINPS(v.AsX(), high.AsX(), v.AsX())
		VMOVUPS(v.AsX(), floats(y))
	})

	TEXT("channelProducts", NOSPLIT, "func(sums, products, means *float64, slopes, x, y *float32, pixels, step, channels uint64, low, high float32)")
	Doc("channelProducts is ChannelProducts. The step is in bytes.")
	slopes, x, y, pixels, step, channels := load("slopes"), load("x"), load("y"), load("pixels"), load("step"), load("channels")
	sums, products, means := load("sums"), load("products"), load("means")
	low, high = broadcast("low"), broadcast("high")
	channelwise("pixel", []reg.Register{slopes, x, y}, pixels, step, channels, 4, func(floats, doubles func(reg.Register) Mem) {
		d, v, sum := YMM(), YMM(), YMM()
		between(floats(y), low, high, d, v)
		VANDPS(floats(slopes), d.AsX(), d.AsX())
		VCVTPS2PD(d.AsX(), d)
		VADDPD(doubles(sums), d, sum)
		VMOVUPD(sum, doubles(sums))
		VCVTPS2PD(floats(x), v)
		VSUBPD(doubles(means), v, v)
		VMOVUPD(doubles(products), sum)
		VFMADD231PD(v, d, sum)
		VMOVUPD(sum, doubles(products))
	})

	TEXT("combineChannels", NOSPLIT, "func(dx, slopes, x, y *float32, a, b, c *float64, pixels, step, channels uint64, low, high float32, adds uint64)")
	Doc("combineChannels is CombineChannels. The step is in bytes.")
	dx, slopes, x, y, pixels, step, channels := load("dx"), load("slopes"), load("x"), load("y"), load("pixels"), load("step"), load("channels")
	a, b, c := load("a"), load("b"), load("c")
	low, high = broadcast("low"), broadcast("high")
	loop := func(label string, adds bool) {
		channelwise(label, []reg.Register{dx, slopes, x, y}, pixels, step, channels, 4, func(floats, doubles func(reg.Register) Mem) {
			d, v, factor := YMM(), YMM(), YMM()
			between(floats(y), low, high, d, v)
			VANDPS(floats(slopes), d.AsX(), d.AsX())
			VCVTPS2PD(d.AsX(), d)
			VMOVUPD(doubles(a), factor)
			VFMADD213PD(doubles(c), factor, d)
			VCVTPS2PD(floats(x), v)
			VFMADD231PD(doubles(b), v, d)
			VCVTPD2PSY(d, d.AsX())
			if adds {
				VADDPS(floats(dx), d.AsX(), d.AsX())
			}
			VMOVUPS(d.AsX(), floats(dx))
		})
	}
	flag := load("adds")
	TESTQ(flag, flag)
	JNZ(LabelRef("add"))
	loop("set", false)
	loop("add", true)
}
