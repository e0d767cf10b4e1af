package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vectorAccess reads and writes vectors of arrays, whole ones or what a mask has of one.
type vectorAccess struct{ mask reg.Register }

func (v vectorAccess) read(from reg.Register) reg.VecVirtual {
	y := ZMM()
	if v.mask == nil {
		VMOVUPS(at(from, 0), y)
	} else {
		VMOVUPS_Z(at(from, 0), v.mask, y)
	}
	return y
}

func (v vectorAccess) write(y reg.VecVirtual, to reg.Register) {
	if v.mask == nil {
		VMOVUPS(y, at(to, 0))
	} else {
		VMOVUPS(y, v.mask, at(to, 0))
	}
}

// wideLoop goes through arrays of n elements, at least one, sixteen at a time, and through
// those that are left over under a mask. It ends the function.
func wideLoop(n reg.GPVirtual, pointers []reg.Register, body func(v vectorAccess)) {
	SUBQ(Imm(16), n)
	JL(LabelRef("rest"))
	Label("next")
	body(vectorAccess{})
	for _, p := range pointers {
		ADDQ(Imm(wideBytes), p)
	}
	SUBQ(Imm(16), n)
	JGE(LabelRef("next"))
	Label("rest")
	ADDQ(Imm(16), n)
	JZ(LabelRef("done"))
	lanes, mask := GP32(), K()
	MOVL(U32(0xffff), lanes)
	BZHIL(n.As32(), lanes, lanes)
	KMOVW(lanes, mask)
	body(vectorAccess{mask})
	Label("done")
	VZEROUPPER()
	RET()
}

// wideNumber is a vector of one number, or of one pattern of bits.
func wideNumber(bits uint32) reg.VecVirtual {
	low, y := GP32(), ZMM()
	MOVL(U32(bits), low)
	VPBROADCASTD(low, y)
	return y
}

// flusher sets to zero what is below 1e-30.
type flusher struct{ magnitude, smallest reg.VecVirtual }

func newFlusher() flusher {
	return flusher{wideNumber(1<<31 - 1), wideNumber(math.Float32bits(1e-30))}
}

// flush keeps v where not |v| < 1e-30, so that a NaN is kept, too.
func (f flusher) flush(v reg.VecVirtual) {
	size, large := ZMM(), K()
	VPANDD(f.magnitude, v, size)
	VCMPPS(Imm(0x15), f.smallest, size, large)
	VMOVAPS_Z(v, large, v)
}

func wideElementwise() {
	TEXT("addVectors"+wideSuffix, NOSPLIT, "func(y, x []float32)")
	Doc("addVectors" + wideSuffix + " is Add; len(y) is at least 1.")
	y, x, n := data("y"), data("x"), Load(Param("y").Len(), GP64()).(reg.GPVirtual)
	wideLoop(n, []reg.Register{y, x}, func(v vectorAccess) {
		a, b := v.read(y), v.read(x)
		VADDPS(b, a, a)
		v.write(a, y)
	})

	TEXT("maskVectors"+wideSuffix, NOSPLIT, "func(gradient, output []float32)")
	Doc("maskVectors" + wideSuffix + " is MaskPositive; len(gradient) is at least 1.")
	gradient, output, n := data("gradient"), data("output"), Load(Param("gradient").Len(), GP64()).(reg.GPVirtual)
	zero := ZMM()
	VPXORD(zero, zero, zero)
	wideLoop(n, []reg.Register{gradient, output}, func(v vectorAccess) {
		g, positive := v.read(gradient), K()
		VCMPPS(Imm(0x1e), zero, v.read(output), positive)
		VMOVAPS_Z(g, positive, g)
		v.write(g, gradient)
	})

	TEXT("rectifyVectors"+wideSuffix, NOSPLIT, "func(y []float32)")
	Doc("rectifyVectors" + wideSuffix + " is Rectify; len(y) is at least 1.")
	y, n = data("y"), Load(Param("y").Len(), GP64()).(reg.GPVirtual)
	zero = ZMM()
	VPXORD(zero, zero, zero)
	wideLoop(n, []reg.Register{y}, func(v vectorAccess) {
		a := v.read(y)
		VMAXPS(a, zero, a) // a NaN stays one
		v.write(a, y)
	})

	for _, name := range []string{"sgdMomentum", "sgdNesterov"} {
		TEXT(name+wideSuffix, NOSPLIT, "func(weights, gradient, momentum []float32, learningRate, momentumFactor, damped, weightDecay float32)")
		Doc(name + wideSuffix + " is SGD.Update with a momentum; len(weights) is at least 1.")
		weights, gradient, momentum := data("weights"), data("gradient"), data("momentum")
		n := Load(Param("weights").Len(), GP64()).(reg.GPVirtual)
		rate, keep, damped, decay := broadcast("learningRate"), broadcast("momentumFactor"), broadcast("damped"), broadcast("weightDecay")
		small := newFlusher()
		wideLoop(n, []reg.Register{weights, gradient, momentum}, func(v vectorAccess) {
			w, g, m := v.read(weights), v.read(gradient), v.read(momentum)
			VFMADD231PS(decay, w, g)
			VMULPS(keep, m, m)
			VFMADD231PS(damped, g, m)
			small.flush(m)
			v.write(m, momentum)
			if name == "sgdNesterov" {
				VFMADD231PS(keep, m, g)
				m = g
			}
			VFNMADD231PS(rate, m, w)
			v.write(w, weights)
		})
	}
}

// wideAdam writes Adam's update. Nothing is fused: the bits are those of the Go loop.
func wideAdam() {
	TEXT("updateAdam"+wideSuffix, NOSPLIT, "func(parameter, gradient, means, squares []float32, shrink, gradientDecay, keep1, add1, keep2, add2, step, correction, eps float32)")
	Doc("updateAdam" + wideSuffix + " is Adam.Update; len(parameter) is at least 1.")
	parameter, gradient, means, squares := data("parameter"), data("gradient"), data("means"), data("squares")
	n := Load(Param("parameter").Len(), GP64()).(reg.GPVirtual)
	shrink, decay, keep1, add1 := broadcast("shrink"), broadcast("gradientDecay"), broadcast("keep1"), broadcast("add1")
	keep2, add2, step := broadcast("keep2"), broadcast("add2"), broadcast("step")
	correction, eps, zero := broadcast("correction"), broadcast("eps"), ZMM()
	VPXORD(zero, zero, zero)
	small := newFlusher()
	wideLoop(n, []reg.Register{parameter, gradient, means, squares}, func(access vectorAccess) {
		p, g, m, v := access.read(parameter), ZMM(), access.read(means), access.read(squares)
		VMULPS(shrink, p, p)
		VMULPS(decay, p, g)
		VADDPS(access.read(gradient), g, g)
		scratch := ZMM()
		VMULPS(keep1, m, m)
		VMULPS(add1, g, scratch)
		VADDPS(scratch, m, m)
		small.flush(m)
		access.write(m, means)
		VMULPS(g, g, g)
		VMULPS(add2, g, g)
		VMULPS(keep2, v, v)
		VADDPS(g, v, v)
		small.flush(v)
		access.write(v, squares)
		VSQRTPS(v, v)
		VDIVPS(correction, v, v)
		VADDPS(eps, v, v)
		VDIVPS(v, m, v)
		VMULPS(step, v, v)
		moves := K()
		VCMPPS(Imm(0x04), zero, m, moves) // m is not zero, or a NaN
		VMOVAPS_Z(v, moves, v)
		VSUBPS(v, p, p)
		access.write(p, parameter)
	})
}

// wideLoops writes the loops that find out how fast multiplications and loads can be.
func wideLoops() {
	TEXT("fmaLoop"+wideSuffix, NOSPLIT, "func(rounds uint64)")
	Doc("fmaLoop" + wideSuffix + " does 16 independent fused multiply-adds of 16 lanes a round.")
	rounds := load("rounds")
	acc, one := zmms(16), ZMM()
	VPXORD(one, one, one)
	for _, a := range acc {
		VPXORD(a, a, a)
	}
	Label("round")
	for _, a := range acc {
		VFMADD231PS(one, one, a)
	}
	DECQ(rounds)
	JNZ(LabelRef("round"))
	VZEROUPPER()
	RET()

	TEXT("loadLoop"+wideSuffix, NOSPLIT, "func(rounds uint64, from []float32)")
	Doc("loadLoop" + wideSuffix + " reads from[:128] a round, 16 floats at a time.")
	rounds, from := load("rounds"), data("from")
	values := zmms(8)
	Label("round")
	for i, y := range values {
		VMOVUPS(at(from, wideBytes*i), y)
	}
	DECQ(rounds)
	JNZ(LabelRef("round"))
	VZEROUPPER()
	RET()
}
