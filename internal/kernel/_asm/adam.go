package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// adam writes Adam's update. Nothing is fused: the bits are those of the Go loop.
func adam() {
	TEXT("updateAdam", NOSPLIT, "func(parameter, gradient, means, squares []float32, shrink, gradientDecay, keep1, add1, keep2, add2, step, correction, eps float32)")
	Doc("updateAdam is Adam.Update. len(parameter) is a positive multiple of 8.")
	parameter, gradient, means, squares, n := data("parameter"), data("gradient"), data("means"), data("squares"), length("parameter")
	shrink, decay, keep1, add1 := broadcast("shrink"), broadcast("gradientDecay"), broadcast("keep1"), broadcast("add1")
	keep2, add2, step := broadcast("keep2"), broadcast("add2"), broadcast("step")
	correction, eps := broadcast("correction"), broadcast("eps")
	// flush keeps v where not |v| < 1e-30, so that a NaN is kept, too.
	flush := func(v reg.VecVirtual) {
		large := and(v, bits(magnitude))
		VCMPPS(Imm(0x15), number(1e-30), large, large)
		VANDPS(large, v, v)
	}
	Label("next")
	p := multiply(shrink, at(parameter, 0))
	g := multiply(p, decay)
	VADDPS(at(gradient, 0), g, g)
	m := add(multiply(keep1, at(means, 0)), multiply(g, add1))
	flush(m)
	VMOVUPS(m, at(means, 0))
	VMULPS(g, g, g)
	VMULPS(add2, g, g)
	v := multiply(keep2, at(squares, 0))
	VADDPS(g, v, v)
	flush(v)
	VMOVUPS(v, at(squares, 0))
	VSQRTPS(v, v)
	VDIVPS(correction, v, v)
	VADDPS(eps, v, v)
	VDIVPS(v, m, v)
	VMULPS(step, v, v)
	moves := YMM()
	VCMPPS(Imm(0x04), number(0), m, moves) // m is not zero, or a NaN
	VANDPS(moves, v, v)
	VSUBPS(v, p, p)
	VMOVUPS(p, at(parameter, 0))
	advance(n, parameter, gradient, means, squares)
}
