package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rowsFrom returns the addresses of n rows from base, apart by step. Extra
// registers hold every third row.
func rowsFrom(base, step, step3 reg.Register, n int) (rows []Mem, bases []reg.Register) {
	bases = []reg.Register{base}
	for len(bases)*3 < n {
		next := GP64()
		LEAQ(indexed(bases[len(bases)-1], step3, 1, 0), next)
		bases = append(bases, next)
	}
	for i := range n {
		b := bases[i/3]
		rows = append(rows, []Mem{at(b, 0), indexed(b, step, 1, 0), indexed(b, step, 2, 0)}[i%3])
	}
	return rows, bases
}

// linearForward writes the kernels for 4, 2 and 1 examples: eight dot products
// at a time, each in eight lanes that are added up in the same order.
func linearForward() {
	for _, examples := range []int{4, 2, 1} {
		outputs := 8 / examples
		name := fmt.Sprintf("linear%dx%d", examples, outputs)
		TEXT(name, NOSPLIT, "func(y, x, w, bias *float32, tiles, vectors, yStep, xStep, wStep, relu uint64)")
		Doc(fmt.Sprintf("%s is LinearForward for %d examples, a tile of %d outputs at a time. Steps are in bytes.", name, examples, outputs))
		y, x, w, bias, tiles := load("y"), load("x"), load("w"), load("bias"), load("tiles")
		xStep, wStep := load("xStep"), load("wStep")
		var xStep3 reg.Register
		if examples > 3 {
			xStep3 = GP64()
			LEAQ(indexed(xStep, xStep, 2, 0), xStep3)
		}
		var wStep3 reg.Register
		if outputs > 3 {
			wStep3 = GP64()
			LEAQ(indexed(wStep, wStep, 2, 0), wStep3)
		}
		xAt, wAt, vectors := GP64(), GP64(), GP64()
		acc := ymms(8) // [example][output]
		Label("tile")
		for _, a := range acc {
			VXORPS(a, a, a)
		}
		MOVQ(x, xAt)
		MOVQ(w, wAt)
		xRows, xBases := rowsFrom(xAt, xStep, xStep3, examples)
		wRows, wBases := rowsFrom(wAt, wStep, wStep3, outputs)
		argument("vectors", vectors)
		Label("vector")
		in := ymms(examples)
		for b := range in {
			VMOVUPS(xRows[b], in[b])
		}
		for o := range outputs {
			if examples == 1 {
				VFMADD231PS(wRows[o], in[0], acc[o])
				continue
			}
			weight := YMM()
			VMOVUPS(wRows[o], weight)
			for b := range in {
				VFMADD231PS(weight, in[b], acc[b*outputs+o])
			}
		}
		for _, base := range append(xBases, wBases...) {
			ADDQ(Imm(32), base)
		}
		DECQ(vectors)
		JNZ(LabelRef("vector"))

		// Eight sums of eight lanes: sums[i] in lane i.
		for i := 0; i < 8; i += 2 {
			VHADDPS(acc[i+1], acc[i], acc[i])
		}
		VHADDPS(acc[2], acc[0], acc[0])
		VHADDPS(acc[6], acc[4], acc[4])
		sums := YMM()
		VPERM2F128(Imm(0x31), acc[4], acc[0], acc[1])
		VPERM2F128(Imm(0x20), acc[4], acc[0], acc[2])
		VADDPS(acc[1], acc[2], sums)
		add, zero := YMM(), YMM()
		switch examples {
		case 4:
			VBROADCASTSD(at(bias, 0), add)
		case 2:
			VBROADCASTF128(at(bias, 0), add)
		case 1:
			VMOVUPS(at(bias, 0), add)
		}
		VADDPS(add, sums, sums)
		argument("relu", vectors)
		TESTQ(vectors, vectors)
		JZ(LabelRef("linear"))
		VXORPS(zero, zero, zero)
		VMAXPS(sums, zero, sums)
		Label("linear")
		yStep := vectors
		argument("yStep", yStep)
		high := XMM()
		switch examples {
		case 4:
			VEXTRACTF128(Imm(1), sums, high)
			LEAQ(indexed(yStep, yStep, 2, 0), wAt)
			VMOVLPS(sums.AsX(), at(y, 0))
			VMOVHPS(sums.AsX(), indexed(y, yStep, 1, 0))
			VMOVLPS(high, indexed(y, yStep, 2, 0))
			VMOVHPS(high, indexed(y, wAt, 1, 0))
		case 2:
			VEXTRACTF128(Imm(1), sums, high)
			VMOVUPS(sums.AsX(), at(y, 0))
			VMOVUPS(high, indexed(y, yStep, 1, 0))
		case 1:
			VMOVUPS(sums, at(y, 0))
		}
		ADDQ(Imm(uint64(4*outputs)), y)
		ADDQ(Imm(uint64(4*outputs)), bias)
		LEAQ(indexed(w, wStep, uint8(outputs), 0), w)
		DECQ(tiles)
		JNZ(LabelRef("tile"))
		VZEROUPPER()
		RET()
	}
}

// matMul writes the kernels for 6 rows of the result, in tiles of twelve accumulators,
// and for 4, 2 and 1, in tiles of eight, and of one vector a row for what is left.
func matMul() {
	for _, size := range [][2]int{{6, 2}, {4, 2}, {4, 1}, {2, 4}, {2, 1}, {1, 4}, {1, 1}} {
		rows, vectors := size[0], size[1]
		name := fmt.Sprintf("matMul%dx%d", rows, vectors)
		TEXT(name, NOSPLIT, "func(c, a, b *float32, tiles, depth, cStep, aRow, aColumn, bStep, accumulate uint64)")
		Doc(fmt.Sprintf("%s is MatMul for %d rows, a tile of %d columns at a time. Steps are in bytes.", name, rows, 8*vectors))
		c, a, b, tiles := load("c"), load("a"), load("b"), load("tiles")
		cStep, aRow, aColumn, bStep := load("cStep"), load("aRow"), load("aColumn"), load("bStep")
		var cStep3, aRow3 reg.Register
		if rows > 3 {
			cStep3, aRow3 = GP64(), GP64()
			LEAQ(indexed(cStep, cStep, 2, 0), cStep3)
			LEAQ(indexed(aRow, aRow, 2, 0), aRow3)
		}
		// Of six rows, the last three are addressed from a register of their own.
		second := GP64()
		rowOf := func(base, step, step3 reg.Register, r int) Mem {
			if rows > 4 && r > 2 {
				base, r = second, r-3
			}
			return []Mem{at(base, 0), indexed(base, step, 1, 0), indexed(base, step, 2, 0), indexed(base, step3, 1, 0)}[r]
		}
		split := func(base, step3 reg.Register) {
			if rows > 4 {
				LEAQ(indexed(base, step3, 1, 0), second)
			}
		}
		aAt, bAt, depth := GP64(), GP64(), GP64()
		acc := ymms(rows * vectors)
		Label("tile")
		argument("accumulate", depth)
		TESTQ(depth, depth)
		JZ(LabelRef("zero"))
		split(c, cStep3)
		for r := range rows {
			for v := range vectors {
				VMOVUPS(rowOf(c, cStep, cStep3, r).Offset(32*v), acc[r*vectors+v])
			}
		}
		JMP(LabelRef("start"))
		Label("zero")
		for _, y := range acc {
			VXORPS(y, y, y)
		}
		Label("start")
		MOVQ(a, aAt)
		MOVQ(b, bAt)
		split(aAt, aRow3)
		argument("depth", depth)
		Label("term")
		right := ymms(vectors)
		for v := range right {
			VMOVUPS(at(bAt, 32*v), right[v])
		}
		for r := range rows {
			left := YMM()
			VBROADCASTSS(rowOf(aAt, aRow, aRow3, r), left)
			for v := range right {
				VFMADD231PS(right[v], left, acc[r*vectors+v])
			}
		}
		ADDQ(aColumn, aAt)
		if rows > 4 {
			ADDQ(aColumn, second)
		}
		ADDQ(bStep, bAt)
		DECQ(depth)
		JNZ(LabelRef("term"))
		split(c, cStep3)
		for r := range rows {
			for v := range vectors {
				VMOVUPS(acc[r*vectors+v], rowOf(c, cStep, cStep3, r).Offset(32*v))
			}
		}
		ADDQ(Imm(uint64(32*vectors)), c)
		ADDQ(Imm(uint64(32*vectors)), b)
		DECQ(tiles)
		JNZ(LabelRef("tile"))
		VZEROUPPER()
		RET()
	}
}
