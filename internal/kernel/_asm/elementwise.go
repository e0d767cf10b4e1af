package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elementwise writes the kernels that go through arrays vector by vector; all
// counts are multiples of 8 and at least 8.
func elementwise() {
	TEXT("addVectors", NOSPLIT, "func(y, x []float32)")
	Doc("addVectors: for i < len(y): y[i] += x[i]. len(y) is a positive multiple of 8.")
	y, x, n := data("y"), data("x"), length("y")
	Label("next")
	v := YMM()
	VMOVUPS(at(y, 0), v)
	VADDPS(at(x, 0), v, v)
	VMOVUPS(v, at(y, 0))
	advance(n, y, x)

	TEXT("maskVectors", NOSPLIT, "func(gradient, output []float32)")
	Doc("maskVectors: for i < len(gradient): if !(output[i] > 0) { gradient[i] = 0 }. len(gradient) is a positive multiple of 8.")
	gradient, output, n := data("gradient"), data("output"), length("gradient")
	zero, mask := YMM(), YMM()
	VXORPS(zero, zero, zero)
	Label("next")
	VMOVUPS(at(output, 0), mask)
	VCMPPS(Imm(0x1e), zero, mask, mask) // output > 0
	VANDPS(at(gradient, 0), mask, mask)
	VMOVUPS(mask, at(gradient, 0))
	advance(n, gradient, output)

	TEXT("rectifyVectors", NOSPLIT, "func(y []float32)")
	Doc("rectifyVectors: for i < len(y): if y[i] < 0 { y[i] = 0 }. len(y) is a positive multiple of 8.")
	y, n = data("y"), length("y")
	zero = YMM()
	VXORPS(zero, zero, zero)
	Label("next")
	v = YMM()
	VMOVUPS(at(y, 0), v)
	VMAXPS(v, zero, v) // a NaN stays one
	VMOVUPS(v, at(y, 0))
	advance(n, y)

	for _, nesterov := range []bool{false, true} {
		name := "sgdMomentum"
		if nesterov {
			name = "sgdNesterov"
		}
		TEXT(name, NOSPLIT, "func(weights, gradient, momentum []float32, learningRate, momentumFactor, damped, weightDecay float32)")
		Doc(name + " is SGD.Update with a momentum. len(weights) is a positive multiple of 8.")
		weights, gradient, momentum, n := data("weights"), data("gradient"), data("momentum"), length("weights")
		factor := func(name string) reg.VecVirtual {
			y := YMM()
			b, err := Param(name).Resolve()
			if err != nil {
				panic(err)
			}
			VBROADCASTSS(b.Addr, y)
			return y
		}
		rate, keep, damped, decay := factor("learningRate"), factor("momentumFactor"), factor("damped"), factor("weightDecay")
		// m is kept where not |m| < 1e-30, so that a NaN is kept, too.
		magnitude, smallest := YMM(), YMM()
		VPCMPEQD(magnitude, magnitude, magnitude)
		VPSRLD(Imm(1), magnitude, magnitude)
		bits, low := GP32(), XMM()
		MOVL(U32(math.Float32bits(1e-30)), bits)
		VMOVD(bits, low)
		VBROADCASTSS(low, smallest)
		Label("next")
		w, g, m := YMM(), YMM(), YMM()
		VMOVUPS(at(weights, 0), w)
		VMOVUPS(at(gradient, 0), g)
		VFMADD231PS(decay, w, g)
		VMULPS(at(momentum, 0), keep, m)
		VFMADD231PS(damped, g, m)
		large := YMM()
		VANDPS(m, magnitude, large)
		VCMPPS(Imm(0x15), smallest, large, large) // not |m| < 1e-30
		VANDPS(large, m, m)
		VMOVUPS(m, at(momentum, 0))
		if nesterov {
			VFMADD231PS(keep, m, g)
			m = g
		}
		VFNMADD231PS(rate, m, w)
		VMOVUPS(w, at(weights, 0))
		advance(n, weights, gradient, momentum)
	}
}

// advance ends a loop that began at label next.
func advance(n reg.Register, pointers ...reg.Register) {
	for _, p := range pointers {
		ADDQ(Imm(32), p)
	}
	SUBQ(Imm(8), n)
	JNZ(LabelRef("next"))
	VZEROUPPER()
	RET()
}

// peak writes the loop that finds out how fast FMA can be.
func peak() {
	TEXT("fmaLoop", NOSPLIT, "func(rounds uint64)")
	Doc("fmaLoop does 12 independent fused multiply-adds of 8 lanes a round.")
	rounds := load("rounds")
	acc, one := ymms(12), YMM()
	VXORPS(one, one, one)
	for _, a := range acc {
		VXORPS(a, a, a)
	}
	Label("round")
	for _, a := range acc {
		VFMADD231PS(one, one, a)
	}
	DECQ(rounds)
	JNZ(LabelRef("round"))
	VZEROUPPER()
	RET()
}

// loads writes the loop that finds out how fast floats come from the first cache.
func loads() {
	TEXT("loadLoop", NOSPLIT, "func(rounds uint64, from []float32)")
	Doc("loadLoop reads from[:128] a round, 8 floats at a time.")
	rounds, from := load("rounds"), data("from")
	values := ymms(8)
	Label("round")
	for i := range 16 {
		VMOVUPS(at(from, 32*i), values[i%8])
	}
	DECQ(rounds)
	JNZ(LabelRef("round"))
	VZEROUPPER()
	RET()
}
