package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// wideMatMul writes the kernels for 6, 4, 2 and 1 rows of the result by four vectors to
// one, the last of which is under a mask.
func wideMatMul() {
	for _, rows := range []int{6, 4, 2, 1} {
		for vectors := 1; vectors <= mostBlocks; vectors++ {
			wideMatMulTile(rows, vectors)
		}
	}
}

func wideMatMulTile(rows, vectors int) {
	name := fmt.Sprintf("matMul%dx%d%s", rows, vectors, wideSuffix)
	TEXT(name, NOSPLIT, "func(c, a, b *float32, tiles, depth, cStep, aRow, aColumn, bStep, accumulate, mask uint64)")
	Doc(fmt.Sprintf("%s is MatMul for %d rows, a tile of %d vectors of 16 columns at a time, the last of which has those of the mask.", name, rows, vectors),
		"Steps are in bytes.")
	c, a, b, tiles := load("c"), load("a"), load("b"), load("tiles")
	cStep, aRow, aColumn, bStep := load("cStep"), load("aRow"), load("aColumn"), load("bStep")
	aAt, second, depth := GP64(), GP64(), GP64()
	last := K()
	argument("mask", depth)
	KMOVW(depth.As32(), last)
	// The last three of six rows, and the last one of four, are addressed from a register
	// of their own, three steps further.
	rowOf := func(base, step reg.Register, r int) Mem {
		if r > 2 {
			base, r = second, r-3
		}
		if r == 0 {
			return at(base, 0)
		}
		return indexed(base, step, uint8(r), 0)
	}
	split := func(base, step reg.Register) {
		if rows > 3 {
			LEAQ(indexed(step, step, 2, 0), second)
			ADDQ(base, second)
		}
	}
	read := func(from Mem, v int, to reg.VecVirtual) {
		if v == vectors-1 {
			VMOVUPS_Z(from.Offset(wideBytes*v), last, to)
		} else {
			VMOVUPS(from.Offset(wideBytes*v), to)
		}
	}
	t := newWideTile(rows, vectors)
	bAt := GP64()
	Label("tile")
	argument("accumulate", depth)
	TESTQ(depth, depth)
	JZ(LabelRef("zero"))
	split(c, cStep)
	for r := range rows {
		for v, y := range t.row(r) {
			read(rowOf(c, cStep, r), v, y)
		}
	}
	JMP(LabelRef("start"))
	Label("zero")
	for _, y := range t.acc {
		VPXORD(y, y, y)
	}
	Label("start")
	MOVQ(a, aAt)
	MOVQ(b, bAt)
	split(aAt, aRow)
	argument("depth", depth)
	Label("term")
	right := zmms(vectors)
	for v, y := range right {
		read(at(bAt, 0), v, y)
	}
	for r := range rows {
		left := ZMM()
		VBROADCASTSS(rowOf(aAt, aRow, r), left)
		for v, y := range t.row(r) {
			VFMADD231PS(right[v], left, y)
		}
	}
	ADDQ(aColumn, aAt)
	if rows > 3 {
		ADDQ(aColumn, second)
	}
	ADDQ(bStep, bAt)
	DECQ(depth)
	JNZ(LabelRef("term"))
	split(c, cStep)
	for r := range rows {
		for v, y := range t.row(r) {
			if to := rowOf(c, cStep, r).Offset(wideBytes * v); v == vectors-1 {
				VMOVUPS(y, last, to)
			} else {
				VMOVUPS(y, to)
			}
		}
	}
	ADDQ(U32(uint32(wideBytes*vectors)), c)
	ADDQ(U32(uint32(wideBytes*vectors)), b)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

const (
	widePanelRows   = 12
	widePanelBlocks = 2
)

// widePanelProducts writes the kernels for some rows at a time by two blocks: all that
// is multiplied lies together, so there is no need for more blocks to have enough to
// multiply.
func widePanelProducts() {
	for _, rows := range []int{1, 2, 3, 4, 5, 6, widePanelRows} {
		name := fmt.Sprintf("panelProduct%dx%d%s", rows, widePanelBlocks, wideSuffix)
		TEXT(name, NOSPLIT, "func(out, in, weights *float32, tiles, depth, panel, outStep, blockStep uint64)")
		Doc(fmt.Sprintf("%s is PanelProduct for tiles of %d rows and %d blocks. panel and steps are in bytes.", name, rows, widePanelBlocks))
		out, in, panel, tiles, outStep := load("out"), load("in"), load("panel"), load("tiles"), load("outStep")
		at0 := GP64()
		weights := newBlockPointers(at0, widePanelBlocks)
		left, from := GP64(), GP64()
		t := newWideTile(rows, widePanelBlocks)
		Label("tile")
		for _, a := range t.acc {
			VPXORD(a, a, a)
		}
		argument("weights", at0)
		argument("depth", left)
		MOVQ(in, from)
		step := func(i int) {
			t.multiply(func(r int) Mem { return at(from, bytesOfPixel*r+4*i) }, func(b int) Mem { return weights.at(b, wideBytes*i) })
		}
		SUBQ(Imm(16), left)
		JL(LabelRef("rest"))
		Label("panel")
		const unroll = 4
		quarters := GP64()
		MOVQ(U32(16/unroll), quarters)
		Label("quarter")
		for i := range unroll {
			step(i)
		}
		ADDQ(Imm(4*unroll), from)
		ADDQ(U32(unroll*wideBytes), at0)
		DECQ(quarters)
		JNZ(LabelRef("quarter"))
		LEAQ(indexed(from, panel, 1, -bytesOfPixel), from)
		SUBQ(Imm(16), left)
		JGE(LabelRef("panel"))
		Label("rest")
		ADDQ(Imm(16), left)
		JZ(LabelRef("done"))
		Label("one")
		step(0)
		ADDQ(Imm(4), from)
		ADDQ(Imm(wideBytes), at0)
		DECQ(left)
		JNZ(LabelRef("one"))
		Label("done")
		for r := range rows {
			VMOVUPS(t.row(r)[0], at(out, bytesOfPixel*r))
			VMOVUPS(t.row(r)[1], indexed(out, outStep, 1, bytesOfPixel*r))
		}
		ADDQ(U32(uint32(rows*bytesOfPixel)), in)
		ADDQ(U32(uint32(rows*bytesOfPixel)), out)
		DECQ(tiles)
		JNZ(LabelRef("tile"))
		VZEROUPPER()
		RET()
	}
}

// wideLinear writes the kernels for 4, 2 and 1 examples: 16 dot products at a time, or eight
// for one, each in 16 lanes that are added up in the same order.
func wideLinear() {
	for _, examples := range []int{4, 2, 1} {
		outputs := min(16/examples, 8)
		name := fmt.Sprintf("linear%dx%d%s", examples, outputs, wideSuffix)
		TEXT(name, NOSPLIT, "func(y, x, w, bias *float32, tiles, vectors, eight, yStep, xStep, wStep, relu uint64)")
		Doc(fmt.Sprintf("%s is LinearForward for %d examples, a tile of %d outputs at a time. The depth is that many vectors of 16 and then eight, or zero. Steps are in bytes.", name, examples, outputs))
		y, x, w := load("y"), load("x"), load("w")
		xStep, wStep := load("xStep"), load("wStep")
		var xStep3, wStep3 reg.Register
		if examples > 3 {
			xStep3 = GP64()
			LEAQ(indexed(xStep, xStep, 2, 0), xStep3)
		}
		if outputs > 3 {
			wStep3 = GP64()
			LEAQ(indexed(wStep, wStep, 2, 0), wStep3)
		}
		xAt, wAt, vectors := GP64(), GP64(), GP64()
		lower := K()
		MOVL(U32(0xff), vectors.As32())
		KMOVW(vectors.As32(), lower)
		acc := zmms(examples * outputs) // [example][output]
		Label("tile")
		for _, a := range acc {
			VPXORD(a, a, a)
		}
		MOVQ(x, xAt)
		MOVQ(w, wAt)
		xRows, xBases := rowsFrom(xAt, xStep, xStep3, examples)
		wRows, wBases := rowsFrom(wAt, wStep, wStep3, outputs)
		multiply := func(load func(from Mem, to reg.VecVirtual)) {
			in := zmms(examples)
			for b := range in {
				load(xRows[b], in[b])
			}
			for o := range outputs {
				weight := ZMM()
				load(wRows[o], weight)
				for b := range in {
					VFMADD231PS(weight, in[b], acc[b*outputs+o])
				}
			}
		}
		argument("vectors", vectors)
		TESTQ(vectors, vectors)
		JZ(LabelRef("rest"))
		Label("vector")
		multiply(func(from Mem, to reg.VecVirtual) { VMOVUPS(from, to) })
		for _, base := range append(xBases, wBases...) {
			ADDQ(Imm(wideBytes), base)
		}
		DECQ(vectors)
		JNZ(LabelRef("vector"))
		Label("rest")
		argument("eight", vectors)
		TESTQ(vectors, vectors)
		JZ(LabelRef("sums"))
		multiply(func(from Mem, to reg.VecVirtual) { VMOVUPS_Z(from, lower, to) })
		Label("sums")
		sums, add, floor := sumsOfLanes(acc), ZMM(), floorOf()
		argument("bias", vectors)
		if outputs == 4 {
			VBROADCASTF32X4(at(vectors, 0), add)
		} else {
			VBROADCASTF64X4(at(vectors, 0), add)
		}
		VADDPS(add, sums, sums)
		VMAXPS(sums, floor, sums)
		yAt := xAt
		MOVQ(y, yAt)
		argument("yStep", vectors)
		for b := range examples {
			switch {
			case b == 0 && outputs == 8:
				VMOVUPS(sums.AsY(), at(yAt, 0))
			case outputs == 8:
				VEXTRACTF64X4(Imm(uint64(b)), sums, at(yAt, 0))
			case b == 0:
				VMOVUPS(sums.AsX(), at(yAt, 0))
			default:
				VEXTRACTF32X4(Imm(uint64(b)), sums, at(yAt, 0))
			}
			ADDQ(vectors, yAt)
		}
		ADDQ(Imm(uint64(4*outputs)), y)
		ADDQ(Imm(uint64(4*outputs)), NewParamAddr("bias", 24))
		LEAQ(indexed(w, wStep, uint8(outputs), 0), w)
		DECQ(NewParamAddr("tiles", 32))
		JNZ(LabelRef("tile"))
		VZEROUPPER()
		RET()
	}
}

// sumsOfLanes adds up the lanes of 16 registers, each to one lane of the result in their
// order, or of eight, to the lower ones.
func sumsOfLanes(of []reg.VecVirtual) reg.VecVirtual {
	both := func(shuffle func(half int, to reg.VecVirtual)) reg.VecVirtual {
		sum, other := ZMM(), ZMM()
		shuffle(0, sum)
		shuffle(1, other)
		VADDPS(other, sum, sum)
		return sum
	}
	var fours []reg.VecVirtual // the sums of four registers, of every four lanes
	for i := 0; i < len(of); i += 4 {
		var pairs [2]reg.VecVirtual
		for p := range pairs {
			a, b := of[i+2*p], of[i+2*p+1]
			pairs[p] = both(func(half int, to reg.VecVirtual) {
				if half == 0 {
					VUNPCKLPS(b, a, to)
				} else {
					VUNPCKHPS(b, a, to)
				}
			})
		}
		fours = append(fours, both(func(half int, to reg.VecVirtual) {
			VSHUFPS(Imm([]uint64{0x44, 0xee}[half]), pairs[1], pairs[0], to)
		}))
	}
	var eights []reg.VecVirtual
	for i := 0; i < len(fours); i += 2 {
		eights = append(eights, both(func(half int, to reg.VecVirtual) {
			VSHUFF32X4(Imm([]uint64{0x44, 0xee}[half]), fours[i+1], fours[i], to)
		}))
	}
	last := eights[len(eights)-1]
	return both(func(half int, to reg.VecVirtual) {
		VSHUFF32X4(Imm([]uint64{0x88, 0xdd}[half]), last, eights[0], to)
	})
}
