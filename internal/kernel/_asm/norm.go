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

// half is the lower half of a register: it holds as many floats as the whole has float64s.
func half(v reg.VecVirtual) reg.Register {
	if registerBytes == wideBytes {
		return v.AsY()
	}
	return v.AsX()
}

// widened puts floats into a register as float64.
func widened(from Op, to reg.VecVirtual) { VCVTPS2PD(from, to) }

// narrowed rounds a register of float64 to floats, in its lower half.
func narrowed(v reg.VecVirtual) {
	if registerBytes == wideBytes {
		VCVTPD2PS(v, half(v))
	} else {
		VCVTPD2PSY(v, half(v))
	}
}

// slopesBetween puts gradients as float64 into a register, zero unless low < y < high.
func slopesBetween(slopes, y Mem, low, high, to, scratch reg.VecVirtual) {
	const less, greater = 0x11, 0x1e
	VMOVUPS(y, half(to))
	if registerBytes == wideBytes {
		below, inside := K(), K()
		VCMPPS(Imm(less), half(high), half(to), below)
		VCMPPS(Imm(greater), half(low), half(to), below, inside)
		VMOVUPS(slopes, half(to))
		VMOVAPS_Z(half(to), inside, half(to))
	} else {
		VCMPPS(Imm(less), half(high), half(to), half(scratch))
		VCMPPS(Imm(greater), half(low), half(to), half(to))
		VANDPS(half(scratch), half(to), half(to))
		VANDPS(slopes, half(to), half(to))
	}
	widened(half(to), to)
}

// channelwise writes a loop over pixels that goes in each over the channels, 16 at a
// time in some parts, so that memory is walked through once, in order. compute is told
// where the next part of the channels is behind a pointer to floats, which moves along
// with the pixels, and behind one to float64.
func channelwise(label string, pointers []reg.Register, pixels, step, channels reg.Register, compute func(floats, doubles func(base reg.Register) Mem)) {
	c, parts := GP64(), 16*8/registerBytes
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

// norms writes the kernels of both sets for normalisations of pictures with their channels
// innermost. Sums stay in memory, where a channel's is wanted again a pixel later.
func norms() {
	TEXT("channelSums"+suffix, NOSPLIT, "func(sums *float64, x *float32, pixels, step, channels uint64)")
	Doc("channelSums" + suffix + " is ChannelSums. The step is in bytes.")
	sums, x, pixels, step, channels := load("sums"), load("x"), load("pixels"), load("step"), load("channels")
	channelwise("pixel", []reg.Register{x}, pixels, step, channels, func(floats, doubles func(reg.Register) Mem) {
		v := register()
		widened(floats(x), v)
		VADDPD(doubles(sums), v, v)
		VMOVUPD(v, doubles(sums))
	})

	TEXT("channelSquares"+suffix, NOSPLIT, "func(squares, means *float64, x *float32, pixels, step, channels uint64)")
	Doc("channelSquares" + suffix + " is ChannelSquares. The step is in bytes.")
	squares, means, x, pixels, step, channels := load("squares"), load("means"), load("x"), load("pixels"), load("step"), load("channels")
	channelwise("pixel", []reg.Register{x}, pixels, step, channels, func(floats, doubles func(reg.Register) Mem) {
		v, sum := register(), register()
		widened(floats(x), v)
		VSUBPD(doubles(means), v, v)
		VMOVUPD(doubles(squares), sum)
		VFMADD231PD(v, v, sum)
		VMOVUPD(sum, doubles(squares))
	})

	TEXT("scaleChannels"+suffix, NOSPLIT, "func(y, x *float32, scale, shift *float64, pixels, step, channels uint64, low, high float32)")
	Doc("scaleChannels" + suffix + " is ScaleChannels. The step is in bytes.")
	y, x, scale, shift, pixels, step, channels := load("y"), load("x"), load("scale"), load("shift"), load("pixels"), load("step"), load("channels")
	low, high := broadcast("low"), broadcast("high")
	channelwise("pixel", []reg.Register{x, y}, pixels, step, channels, func(floats, doubles func(reg.Register) Mem) {
		v, factor := register(), register()
		widened(floats(x), v)
		VMOVUPD(doubles(scale), factor)
		VFMADD213PD(doubles(shift), factor, v)
		narrowed(v)
		VMAXPS(half(v), half(low), half(v)) // a NaN stays one
		VMINPS(half(v), half(high), half(v))
		VMOVUPS(half(v), floats(y))
	})

	TEXT("channelProducts"+suffix, NOSPLIT, "func(sums, products, means *float64, slopes, x, y *float32, pixels, step, channels uint64, low, high float32)")
	Doc("channelProducts" + suffix + " is ChannelProducts. The step is in bytes.")
	slopes, x, y, pixels, step, channels := load("slopes"), load("x"), load("y"), load("pixels"), load("step"), load("channels")
	sums, products, means := load("sums"), load("products"), load("means")
	low, high = broadcast("low"), broadcast("high")
	channelwise("pixel", []reg.Register{slopes, x, y}, pixels, step, channels, func(floats, doubles func(reg.Register) Mem) {
		d, v, sum := register(), register(), register()
		slopesBetween(floats(slopes), floats(y), low, high, d, v)
		VADDPD(doubles(sums), d, sum)
		VMOVUPD(sum, doubles(sums))
		widened(floats(x), v)
		VSUBPD(doubles(means), v, v)
		VMOVUPD(doubles(products), sum)
		VFMADD231PD(v, d, sum)
		VMOVUPD(sum, doubles(products))
	})

	TEXT("combineChannels"+suffix, NOSPLIT, "func(dx, slopes, x, y *float32, a, b, c *float64, pixels, step, channels uint64, low, high float32, adds uint64)")
	Doc("combineChannels" + suffix + " is CombineChannels. The step is in bytes.")
	dx, slopes, x, y, pixels, step, channels := load("dx"), load("slopes"), load("x"), load("y"), load("pixels"), load("step"), load("channels")
	a, b, c := load("a"), load("b"), load("c")
	low, high = broadcast("low"), broadcast("high")
	loop := func(label string, adds bool) {
		channelwise(label, []reg.Register{dx, slopes, x, y}, pixels, step, channels, func(floats, doubles func(reg.Register) Mem) {
			d, v, factor := register(), register(), register()
			slopesBetween(floats(slopes), floats(y), low, high, d, v)
			VMOVUPD(doubles(a), factor)
			VFMADD213PD(doubles(c), factor, d)
			widened(floats(x), v)
			VFMADD231PD(doubles(b), v, d)
			narrowed(d)
			if adds {
				VADDPS(floats(dx), half(d), half(d))
			}
			VMOVUPS(half(d), floats(dx))
		})
	}
	flag := load("adds")
	TESTQ(flag, flag)
	JNZ(LabelRef("add"))
	loop("set", false)
	loop("add", true)
}
