package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// convForward writes the four kernels that compute a row of outputs: blocks of
// 16 channels, four positions at a time, or of 8 channels, eight at a time;
// with and without pooling. The positions of a tile are first, first+stepX
// (and +2 stepX, +3 stepX for eight) and the same from second.
func convForward() {
	for _, lanes := range []int{16, 8} {
		for _, pool := range []bool{true, false} {
			convRow(lanes, pool)
		}
	}
}

func convRow(lanes int, pool bool) {
	vectors, positions := lanes/8, 64/lanes // eight accumulators
	name, what := "convRow", "the outputs of one row"
	if pool {
		name, what = "convPoolRow", "the pooled outputs of one row"
	}
	TEXT(fmt.Sprintf("%s%d", name, lanes), NOSPLIT, "func(in, weights, bias, out *float32, chosen *uint8, tiles, rows, run, rowSkip, stepX, second, tileStep, outStep, relu uint64)")
	Doc(fmt.Sprintf("%s%d computes %s for a block of %d channels, a tile of %d positions at a time; see Conv.Forward.", name, lanes, what, lanes, positions),
		"rowSkip, stepX, second, tileStep and outStep are in bytes; chosen may be nil.")
	tileStart, out, chosen, tiles := load("in"), load("out"), load("chosen"), load("tiles")
	stepX := load("stepX")
	var stepX3 reg.Register
	if lanes == 8 {
		stepX3 = GP64()
		LEAQ(indexed(stepX, stepX, 2, 0), stepX3)
	}
	first, second, weights, rows, run := GP64(), GP64(), GP64(), GP64(), GP64()

	acc := make([][]reg.VecVirtual, positions) // [position][vector]
	for p := range acc {
		acc[p] = ymms(vectors)
	}
	Label("tile")
	MOVQ(tileStart, first)
	argument("second", second)
	ADDQ(first, second)
	argument("bias", weights)
	for v := range vectors {
		VMOVUPS(at(weights, 32*v), acc[0][v])
		for p := 1; p < positions; p++ {
			VMOVAPS(acc[0][v], acc[p][v])
		}
	}
	argument("weights", weights)
	argument("rows", rows)
	Label("row")
	argument("run", run)
	Label("element")
	{
		w := ymms(vectors)
		for v := range w {
			VMOVUPS(at(weights, 32*v), w[v])
		}
		for p := range positions {
			base, i := first, p
			if p >= positions/2 {
				base, i = second, p-positions/2
			}
			mem := []Mem{at(base, 0), indexed(base, stepX, 1, 0), indexed(base, stepX, 2, 0), indexed(base, stepX3, 1, 0)}[i]
			x := YMM()
			VBROADCASTSS(mem, x)
			for v := range w {
				VFMADD231PS(w[v], x, acc[p][v])
			}
		}
		ADDQ(Imm(uint64(32*vectors)), weights)
		ADDQ(Imm(4), first)
		ADDQ(Imm(4), second)
		DECQ(run)
		JNZ(LabelRef("element"))
	}
	argument("rowSkip", run)
	ADDQ(run, first)
	ADDQ(run, second)
	DECQ(rows)
	JNZ(LabelRef("row"))

	// Reuse the registers that the next tile sets anyway.
	outStep := first
	argument("outStep", outStep)
	if pool {
		poolTile(lanes, acc, out, chosen, outStep, second)
	} else {
		storeTile(acc, out, outStep, second)
	}
	argument("tileStep", first)
	ADDQ(first, tileStart)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// storeTile stores the accumulators of neighbouring pixels, in order: what one
// store leaves beyond its channels, the next overwrites.
func storeTile(acc [][]reg.VecVirtual, out, outStep, scratch reg.Register) {
	argument("relu", scratch)
	TESTQ(scratch, scratch)
	JZ(LabelRef("linear"))
	zero := YMM()
	VXORPS(zero, zero, zero)
	for _, pixel := range acc {
		for _, a := range pixel {
			VMAXPS(a, zero, a) // this order keeps a NaN
		}
	}
	Label("linear")
	for _, pixel := range acc {
		for v, a := range pixel {
			VMOVUPS(a, at(out, 32*v))
		}
		ADDQ(outStep, out)
	}
}

// poolTile stores the maximum of each window of four positions, and which of
// the four it was.
func poolTile(lanes int, acc [][]reg.VecVirtual, out, chosen, outStep, scratch reg.Register) {
	// The four positions of each window, and the vectors of each.
	var windows [][]reg.VecVirtual
	if lanes == 16 {
		for v := range 2 {
			windows = append(windows, []reg.VecVirtual{acc[0][v], acc[1][v], acc[2][v], acc[3][v]})
		}
	} else {
		for w := range 2 {
			windows = append(windows, []reg.VecVirtual{acc[2*w][0], acc[2*w+1][0], acc[4+2*w][0], acc[5+2*w][0]})
		}
	}
	which := ymms(2)
	for i, w := range windows {
		best := w[0]
		VPXOR(which[i], which[i], which[i])
		for p := 1; p < 4; p++ {
			greater, nan := YMM(), YMM()
			VCMPPS(Imm(0x1e), best, w[p], greater) // w[p] > best
			VCMPPS(Imm(3), w[p], w[p], nan)        // unordered
			VORPS(nan, greater, greater)
			VBLENDVPS(greater, w[p], best, best)
			VBLENDVPS(greater, positionNumber(p), which[i], which[i])
		}
	}
	argument("relu", scratch)
	TESTQ(scratch, scratch)
	JZ(LabelRef("linear"))
	zero := YMM()
	VXORPS(zero, zero, zero)
	for _, w := range windows {
		VMAXPS(w[0], zero, w[0])
	}
	Label("linear")
	VMOVUPS(windows[0][0], at(out, 0))
	if lanes == 16 {
		VMOVUPS(windows[1][0], at(out, 32))
	} else {
		VMOVUPS(windows[1][0], indexed(out, outStep, 1, 0))
		ADDQ(outStep, out)
	}
	ADDQ(outStep, out)

	TESTQ(chosen, chosen)
	JZ(LabelRef("forget"))
	SHRQ(Imm(2), outStep) // a byte, not a float, a channel
	high := XMM()
	if lanes == 16 {
		VPACKSSDW(which[1], which[0], which[0])
		VPERMQ(Imm(0xd8), which[0], which[0])
		VEXTRACTI128(Imm(1), which[0], high)
		VPACKUSWB(high, which[0].AsX(), which[0].AsX())
		VMOVDQU(which[0].AsX(), at(chosen, 0))
	} else {
		for i, w := range which {
			VEXTRACTI128(Imm(1), w, high)
			VPACKSSDW(high, w.AsX(), w.AsX())
			VPACKUSWB(w.AsX(), w.AsX(), w.AsX())
			if i == 1 {
				ADDQ(outStep, chosen)
			}
			VMOVQ(w.AsX(), at(chosen, 0))
		}
	}
	ADDQ(outStep, chosen)
	Label("forget")
}

var positionNumbers []Mem

// positionNumber is a vector of eight times the 32-bit integer p.
func positionNumber(p int) Mem {
	if positionNumbers == nil {
		for i := range 4 {
			m := GLOBL(fmt.Sprintf("position%d", i), RODATA|NOPTR)
			for lane := range 8 {
				DATA(4*lane, U32(uint32(i)))
			}
			positionNumbers = append(positionNumbers, m)
		}
	}
	return positionNumbers[p]
}

// pack writes the kernel that transposes 8x8 floats.
func pack() {
	TEXT("transpose8", NOSPLIT, "func(to, from *float32, toStep, fromStep uint64)")
	Doc("transpose8 sets row j, column i of to to row i, column j of from, for i, j < 8.", "The steps from row to row are in bytes.")
	to, from, toStep, fromStep := load("to"), load("from"), load("toStep"), load("fromStep")
	rows := func(base, step reg.Register) []Mem {
		step3, base4 := GP64(), GP64()
		LEAQ(indexed(step, step, 2, 0), step3)
		LEAQ(indexed(base, step, 4, 0), base4)
		var list []Mem
		for _, b := range []reg.Register{base, base4} {
			list = append(list, at(b, 0), indexed(b, step, 1, 0), indexed(b, step, 2, 0), indexed(b, step3, 1, 0))
		}
		return list
	}
	a, b := ymms(8), ymms(8)
	for i, m := range rows(from, fromStep) {
		VMOVUPS(m, a[i])
	}
	for i := 0; i < 8; i += 2 {
		VUNPCKLPS(a[i+1], a[i], b[i])
		VUNPCKHPS(a[i+1], a[i], b[i+1])
	}
	for i := 0; i < 8; i += 4 {
		VSHUFPS(Imm(0x44), b[i+2], b[i], a[i])
		VSHUFPS(Imm(0xee), b[i+2], b[i], a[i+1])
		VSHUFPS(Imm(0x44), b[i+3], b[i+1], a[i+2])
		VSHUFPS(Imm(0xee), b[i+3], b[i+1], a[i+3])
	}
	for i := range 4 {
		VPERM2F128(Imm(0x20), a[i+4], a[i], b[i])
		VPERM2F128(Imm(0x31), a[i+4], a[i], b[i+4])
	}
	for i, m := range rows(to, toStep) {
		VMOVUPS(b[i], m)
	}
	VZEROUPPER()
	RET()
}
