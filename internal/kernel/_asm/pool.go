package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// pools writes the kernels of poolings, which go through a pixel's channels vector by
// vector.
func pools() {
	for _, keeps := range []bool{false, true} {
		if keeps {
			TEXT("maxPoolChosen", NOSPLIT, "func(out, in *float32, chosen, table *int32, count, window, vectors, outStep, chosenStep uint64)")
			Doc("maxPoolChosen is MaxPool. Steps are in bytes.")
		} else {
			TEXT("maxPool", NOSPLIT, "func(out, in *float32, table *int32, count, window, vectors, outStep uint64)")
			Doc("maxPool is MaxPool without chosen. The step is in bytes.")
		}
		out, in, table, window, outStep := load("out"), load("in"), load("table"), load("window"), load("outStep")
		chosen, chosenStep := GP64(), GP64()
		if keeps {
			argument("chosen", chosen)
			argument("chosenStep", chosenStep)
		}
		count := load("count")
		Label("pixel")
		channel, left, k, from := GP64(), GP64(), GP64(), GP64()
		XORQ(channel, channel)
		argument("vectors", left)
		Label("vector")
		best, which, v, larger, i := YMM(), YMM(), YMM(), YMM(), YMM()
		MOVLQSX(at(table, 0), from)
		LEAQ(indexed(in, from, 4, 0), from)
		VMOVUPS(indexed(from, channel, 1, 0), best)
		if keeps {
			VPBROADCASTD(at(table, 0), which)
		}
		MOVQ(U32(1), k)
		CMPQ(k, window)
		JGE(LabelRef("done"))
		Label("next")
		MOVLQSX(indexed(table, k, 4, 0), from)
		LEAQ(indexed(in, from, 4, 0), from)
		VMOVUPS(indexed(from, channel, 1, 0), v)
		VCMPPS(Imm(0x1e), best, v, larger) // v > best
		VCMPPS(Imm(3), v, v, i)            // or a NaN
		VORPS(i, larger, larger)
		VBLENDVPS(larger, v, best, best)
		if keeps {
			VPBROADCASTD(indexed(table, k, 4, 0), i)
			VBLENDVPS(larger, i, which, which)
		}
		INCQ(k)
		CMPQ(k, window)
		JLT(LabelRef("next"))
		Label("done")
		VMOVUPS(best, indexed(out, channel, 1, 0))
		if keeps {
			VMOVUPS(which, indexed(chosen, channel, 1, 0))
		}
		ADDQ(Imm(32), channel)
		DECQ(left)
		JNZ(LabelRef("vector"))
		ADDQ(outStep, out)
		if keeps {
			ADDQ(chosenStep, chosen)
		}
		LEAQ(indexed(table, window, 4, 0), table)
		DECQ(count)
		JNZ(LabelRef("pixel"))
		VZEROUPPER()
		RET()
	}
	for _, adds := range []bool{false, true} {
		name := "maxPoolSet"
		if adds {
			name = "maxPoolAdd"
		}
		TEXT(name, NOSPLIT, "func(gradient, slopes *float32, chosen, table *int32, count, window, vectors, step, chosenStep uint64)")
		Doc(name + " is MaxPoolGradient. Steps are in bytes.")
		gradient, slopes, chosen, table, window := load("gradient"), load("slopes"), load("chosen"), load("table"), load("window")
		step, chosenStep, count := load("step"), load("chosenStep"), load("count")
		Label("pixel")
		channel, left, k, to := GP64(), GP64(), GP64(), GP64()
		XORQ(channel, channel)
		argument("vectors", left)
		Label("vector")
		slope, which, i := YMM(), YMM(), YMM()
		VMOVUPS(indexed(slopes, channel, 1, 0), slope)
		VMOVUPS(indexed(chosen, channel, 1, 0), which)
		XORQ(k, k)
		Label("next")
		MOVLQSX(indexed(table, k, 4, 0), to)
		TESTQ(to, to)
		JLT(LabelRef("skip"))
		LEAQ(indexed(gradient, to, 4, 0), to)
		VPBROADCASTD(indexed(table, k, 4, 0), i)
		VPCMPEQD(i, which, i)
		VANDPS(i, slope, i)
		if adds {
			VADDPS(indexed(to, channel, 1, 0), i, i)
		}
		VMOVUPS(i, indexed(to, channel, 1, 0))
		Label("skip")
		INCQ(k)
		CMPQ(k, window)
		JLT(LabelRef("next"))
		ADDQ(Imm(32), channel)
		DECQ(left)
		JNZ(LabelRef("vector"))
		ADDQ(step, slopes)
		ADDQ(chosenStep, chosen)
		LEAQ(indexed(table, window, 4, 0), table)
		DECQ(count)
		JNZ(LabelRef("pixel"))
		VZEROUPPER()
		RET()
	}
}
