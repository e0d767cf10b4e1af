package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// widened returns eight floats as float64.
func widened(from Op) reg.VecVirtual {
	y := ZMM()
	VCVTPS2PD(from, y)
	return y
}

// slopesBetween returns eight gradients as float64, zero unless low < y < high.
func slopesBetween(slopes, y Mem, low, high reg.VecVirtual) reg.VecVirtual {
	value, below, inside := YMM(), K(), K()
	VMOVUPS(y, value)
	VCMPPS(Imm(0x11), high.AsY(), value, below)        // y < high
	VCMPPS(Imm(0x1e), low.AsY(), value, below, inside) // y > low
	VMOVUPS_Z(slopes, inside, value)
	return widened(value)
}

// wideNorms writes the kernels of normalisations of pictures with their channels
// innermost, as norms does.
func wideNorms() {
	TEXT("channelSums"+wideSuffix, NOSPLIT, "func(sums *float64, x *float32, pixels, step, channels uint64)")
	Doc("channelSums" + wideSuffix + " is ChannelSums. The step is in bytes.")
	sums, x, pixels, step, channels := load("sums"), load("x"), load("pixels"), load("step"), load("channels")
	channelwise("pixel", []reg.Register{x}, pixels, step, channels, 2, func(floats, doubles func(reg.Register) Mem) {
		v := widened(floats(x))
		VADDPD(doubles(sums), v, v)
		VMOVUPD(v, doubles(sums))
	})

	TEXT("channelSquares"+wideSuffix, NOSPLIT, "func(squares, means *float64, x *float32, pixels, step, channels uint64)")
	Doc("channelSquares" + wideSuffix + " is ChannelSquares. The step is in bytes.")
	squares, means, x, pixels, step, channels := load("squares"), load("means"), load("x"), load("pixels"), load("step"), load("channels")
	channelwise("pixel", []reg.Register{x}, pixels, step, channels, 2, func(floats, doubles func(reg.Register) Mem) {
		v, sum := widened(floats(x)), ZMM()
		VSUBPD(doubles(means), v, v)
		VMOVUPD(doubles(squares), sum)
		VFMADD231PD(v, v, sum)
		VMOVUPD(sum, doubles(squares))
	})

	TEXT("scaleChannels"+wideSuffix, NOSPLIT, "func(y, x *float32, scale, shift *float64, pixels, step, channels uint64, low, high float32)")
	Doc("scaleChannels" + wideSuffix + " is ScaleChannels. The step is in bytes.")
	y, x, scale, shift, pixels, step, channels := load("y"), load("x"), load("scale"), load("shift"), load("pixels"), load("step"), load("channels")
	low, high := broadcast("low"), broadcast("high")
	channelwise("pixel", []reg.Register{x, y}, pixels, step, channels, 2, func(floats, doubles func(reg.Register) Mem) {
		v, factor, narrow := widened(floats(x)), ZMM(), YMM()
		VMOVUPD(doubles(scale), factor)
		VFMADD213PD(doubles(shift), factor, v)
		VCVTPD2PS(v, narrow)
		VMAXPS(narrow, low.AsY(), narrow) // a NaN stays one
		VMINPS(narrow, high.AsY(), narrow)
		VMOVUPS(narrow, floats(y))
	})

	TEXT("channelProducts"+wideSuffix, NOSPLIT, "func(sums, products, means *float64, slopes, x, y *float32, pixels, step, channels uint64, low, high float32)")
	Doc("channelProducts" + wideSuffix + " is ChannelProducts. The step is in bytes.")
	slopes, x, y, pixels, step, channels := load("slopes"), load("x"), load("y"), load("pixels"), load("step"), load("channels")
	sums, products, means := load("sums"), load("products"), load("means")
	low, high = broadcast("low"), broadcast("high")
	channelwise("pixel", []reg.Register{slopes, x, y}, pixels, step, channels, 2, func(floats, doubles func(reg.Register) Mem) {
		d, sum := slopesBetween(floats(slopes), floats(y), low, high), ZMM()
		VADDPD(doubles(sums), d, sum)
		VMOVUPD(sum, doubles(sums))
		v := widened(floats(x))
		VSUBPD(doubles(means), v, v)
		VMOVUPD(doubles(products), sum)
		VFMADD231PD(v, d, sum)
		VMOVUPD(sum, doubles(products))
	})

	TEXT("combineChannels"+wideSuffix, NOSPLIT, "func(dx, slopes, x, y *float32, a, b, c *float64, pixels, step, channels uint64, low, high float32, adds uint64)")
	Doc("combineChannels" + wideSuffix + " is CombineChannels. The step is in bytes.")
	dx, slopes, x, y, pixels, step, channels := load("dx"), load("slopes"), load("x"), load("y"), load("pixels"), load("step"), load("channels")
	a, b, c := load("a"), load("b"), load("c")
	low, high = broadcast("low"), broadcast("high")
	loop := func(label string, adds bool) {
		channelwise(label, []reg.Register{dx, slopes, x, y}, pixels, step, channels, 2, func(floats, doubles func(reg.Register) Mem) {
			d, factor, narrow := slopesBetween(floats(slopes), floats(y), low, high), ZMM(), YMM()
			VMOVUPD(doubles(a), factor)
			VFMADD213PD(doubles(c), factor, d)
			VFMADD231PD(doubles(b), widened(floats(x)), d)
			VCVTPD2PS(d, narrow)
			if adds {
				VADDPS(floats(dx), narrow, narrow)
			}
			VMOVUPS(narrow, floats(dx))
		})
	}
	flag := load("adds")
	TESTQ(flag, flag)
	JNZ(LabelRef("add"))
	loop("set", false)
	loop("add", true)
}
