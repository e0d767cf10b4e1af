package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// doubles loads 16 float64 of a parameter.
func doubles(name string) []reg.VecVirtual {
	base, list := load(name), ymms(4)
	for i, y := range list {
		VMOVUPD(at(base, 32*i), y)
	}
	return list
}

func storeDoubles(list []reg.VecVirtual, name string) {
	base := load(name)
	for i, y := range list {
		VMOVUPD(y, at(base, 32*i))
	}
}

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

// norms writes the kernels of normalisations: 16 channels of pictures with their
// channels innermost.
func norms() {
	TEXT("channelSums16", NOSPLIT, "func(sums *float64, x *float32, pixels, step uint64)")
	Doc("channelSums16 is ChannelSums. The step is in bytes.")
	sums, x, pixels, step := doubles("sums"), load("x"), load("pixels"), load("step")
	Label("pixel")
	for i, sum := range sums {
		v := YMM()
		VCVTPS2PD(at(x, 16*i), v)
		VADDPD(v, sum, sum)
	}
	nextPixel("pixel", step, pixels, x)
	storeDoubles(sums, "sums")
	VZEROUPPER()
	RET()

	TEXT("channelSquares16", NOSPLIT, "func(squares, means *float64, x *float32, pixels, step uint64)")
	Doc("channelSquares16 is ChannelSquares. The step is in bytes.")
	squares, means, x, pixels, step := doubles("squares"), doubles("means"), load("x"), load("pixels"), load("step")
	Label("pixel")
	for i, sum := range squares {
		v := YMM()
		VCVTPS2PD(at(x, 16*i), v)
		VSUBPD(means[i], v, v)
		VFMADD231PD(v, v, sum)
	}
	nextPixel("pixel", step, pixels, x)
	storeDoubles(squares, "squares")
	VZEROUPPER()
	RET()

	TEXT("scaleChannels16", NOSPLIT, "func(y, x *float32, scale, shift *float64, pixels, step uint64, low, high float32)")
	Doc("scaleChannels16 is ScaleChannels. The step is in bytes.")
	y, x, scale, shift, pixels, step := load("y"), load("x"), doubles("scale"), doubles("shift"), load("pixels"), load("step")
	low, high := broadcast("low"), broadcast("high")
	Label("pixel")
	for i := range 4 {
		v := YMM()
		VCVTPS2PD(at(x, 16*i), v)
		VFMADD213PD(shift[i], scale[i], v)
		VCVTPD2PSY(v, v.AsX())
		VMAXPS(v.AsX(), low.AsX(), v.AsX()) // a NaN stays one
		VMINPS(v.AsX(), high.AsX(), v.AsX())
		VMOVUPS(v.AsX(), at(y, 16*i))
	}
	nextPixel("pixel", step, pixels, x, y)
	VZEROUPPER()
	RET()

	TEXT("channelProducts16", NOSPLIT, "func(sums, products, means *float64, slopes, x, y *float32, pixels, step uint64, low, high float32)")
	Doc("channelProducts16 is ChannelProducts. The step is in bytes.")
	slopes, x, y, pixels, step := load("slopes"), load("x"), load("y"), load("pixels"), load("step")
	sums, products, means := doubles("sums"), doubles("products"), doubles("means")
	low, high = broadcast("low"), broadcast("high")
	Label("pixel")
	for i := range 4 {
		d, v := YMM(), YMM()
		between(at(y, 16*i), low, high, d, v)
		VANDPS(at(slopes, 16*i), d.AsX(), d.AsX())
		VCVTPS2PD(d.AsX(), d)
		VADDPD(d, sums[i], sums[i])
		VCVTPS2PD(at(x, 16*i), v)
		VSUBPD(means[i], v, v)
		VFMADD231PD(v, d, products[i])
	}
	nextPixel("pixel", step, pixels, slopes, x, y)
	storeDoubles(sums, "sums")
	storeDoubles(products, "products")
	VZEROUPPER()
	RET()

	TEXT("combineChannels16", NOSPLIT, "func(dx, slopes, x, y *float32, a, b, c *float64, pixels, step uint64, low, high float32, adds uint64)")
	Doc("combineChannels16 is CombineChannels. The step is in bytes.")
	dx, slopes, x, y, pixels, step := load("dx"), load("slopes"), load("x"), load("y"), load("pixels"), load("step")
	a, b, c := doubles("a"), doubles("b"), doubles("c")
	low, high = broadcast("low"), broadcast("high")
	loop := func(label string, adds bool) {
		Label(label)
		for i := range 4 {
			d, v := YMM(), YMM()
			between(at(y, 16*i), low, high, d, v)
			VANDPS(at(slopes, 16*i), d.AsX(), d.AsX())
			VCVTPS2PD(d.AsX(), d)
			VFMADD213PD(c[i], a[i], d)
			VCVTPS2PD(at(x, 16*i), v)
			VFMADD231PD(v, b[i], d)
			VCVTPD2PSY(d, d.AsX())
			if adds {
				VADDPS(at(dx, 16*i), d.AsX(), d.AsX())
			}
			VMOVUPS(d.AsX(), at(dx, 16*i))
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
