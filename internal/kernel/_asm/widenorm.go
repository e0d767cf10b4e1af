package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// wideDoubles loads 16 float64 of a parameter.
func wideDoubles(name string) []reg.VecVirtual {
	base, list := load(name), zmms(2)
	for i, y := range list {
		VMOVUPD(at(base, wideBytes*i), y)
	}
	return list
}

func storeWideDoubles(list []reg.VecVirtual, name string) {
	base := load(name)
	for i, y := range list {
		VMOVUPD(y, at(base, wideBytes*i))
	}
}

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

// wideNorms writes the kernels of normalisations: 16 channels of pictures with their
// channels innermost.
func wideNorms() {
	TEXT("channelSums16"+wideSuffix, NOSPLIT, "func(sums *float64, x *float32, pixels, step uint64)")
	Doc("channelSums16" + wideSuffix + " is ChannelSums. The step is in bytes.")
	sums, x, pixels, step := wideDoubles("sums"), load("x"), load("pixels"), load("step")
	Label("pixel")
	for i, sum := range sums {
		VADDPD(widened(at(x, 32*i)), sum, sum)
	}
	nextPixel("pixel", step, pixels, x)
	storeWideDoubles(sums, "sums")
	VZEROUPPER()
	RET()

	TEXT("channelSquares16"+wideSuffix, NOSPLIT, "func(squares, means *float64, x *float32, pixels, step uint64)")
	Doc("channelSquares16" + wideSuffix + " is ChannelSquares. The step is in bytes.")
	squares, means, x, pixels, step := wideDoubles("squares"), wideDoubles("means"), load("x"), load("pixels"), load("step")
	Label("pixel")
	for i, sum := range squares {
		v := widened(at(x, 32*i))
		VSUBPD(means[i], v, v)
		VFMADD231PD(v, v, sum)
	}
	nextPixel("pixel", step, pixels, x)
	storeWideDoubles(squares, "squares")
	VZEROUPPER()
	RET()

	TEXT("scaleChannels16"+wideSuffix, NOSPLIT, "func(y, x *float32, scale, shift *float64, pixels, step uint64, low, high float32)")
	Doc("scaleChannels16" + wideSuffix + " is ScaleChannels. The step is in bytes.")
	y, x, scale, shift, pixels, step := load("y"), load("x"), wideDoubles("scale"), wideDoubles("shift"), load("pixels"), load("step")
	low, high := broadcast("low"), broadcast("high")
	Label("pixel")
	for i := range 2 {
		v, narrow := widened(at(x, 32*i)), YMM()
		VFMADD213PD(shift[i], scale[i], v)
		VCVTPD2PS(v, narrow)
		VMAXPS(narrow, low.AsY(), narrow) // a NaN stays one
		VMINPS(narrow, high.AsY(), narrow)
		VMOVUPS(narrow, at(y, 32*i))
	}
	nextPixel("pixel", step, pixels, x, y)
	VZEROUPPER()
	RET()

	TEXT("channelProducts16"+wideSuffix, NOSPLIT, "func(sums, products, means *float64, slopes, x, y *float32, pixels, step uint64, low, high float32)")
	Doc("channelProducts16" + wideSuffix + " is ChannelProducts. The step is in bytes.")
	slopes, x, y, pixels, step := load("slopes"), load("x"), load("y"), load("pixels"), load("step")
	sums, products, means := wideDoubles("sums"), wideDoubles("products"), wideDoubles("means")
	low, high = broadcast("low"), broadcast("high")
	Label("pixel")
	for i := range 2 {
		d := slopesBetween(at(slopes, 32*i), at(y, 32*i), low, high)
		VADDPD(d, sums[i], sums[i])
		v := widened(at(x, 32*i))
		VSUBPD(means[i], v, v)
		VFMADD231PD(v, d, products[i])
	}
	nextPixel("pixel", step, pixels, slopes, x, y)
	storeWideDoubles(sums, "sums")
	storeWideDoubles(products, "products")
	VZEROUPPER()
	RET()

	TEXT("combineChannels16"+wideSuffix, NOSPLIT, "func(dx, slopes, x, y *float32, a, b, c *float64, pixels, step uint64, low, high float32, adds uint64)")
	Doc("combineChannels16" + wideSuffix + " is CombineChannels. The step is in bytes.")
	dx, slopes, x, y, pixels, step := load("dx"), load("slopes"), load("x"), load("y"), load("pixels"), load("step")
	a, b, c := wideDoubles("a"), wideDoubles("b"), wideDoubles("c")
	low, high = broadcast("low"), broadcast("high")
	loop := func(label string, adds bool) {
		Label(label)
		for i := range 2 {
			d, narrow := slopesBetween(at(slopes, 32*i), at(y, 32*i), low, high), YMM()
			VFMADD213PD(c[i], a[i], d)
			VFMADD231PD(widened(at(x, 32*i)), b[i], d)
			VCVTPD2PS(d, narrow)
			if adds {
				VADDPS(at(dx, 32*i), narrow, narrow)
			}
			VMOVUPS(narrow, at(dx, 32*i))
		}
		nextPixel(label, step, pixels, dx, slopes, x, y)
		VZEROUPPER()
		RET()
	}
	flag := load("adds")
	TESTQ(flag, flag)
	JNZ(LabelRef("add"))
	loop("set", false)
	loop("add", true)
}
