package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// strips writes the kernels for pictures that lie as planes, for tiles of 6 rows to 1.
func strips() {
	for n := 1; n <= tileRows; n++ {
		stripTile(n)
	}
	for n := 1; n <= tileRows; n++ {
		stripSums(n)
	}
}

func stripTile(n int) {
	name := fmt.Sprintf("stripTile%d", n)
	TEXT(name, NOSPLIT, "func(out, in, weights, bias, base *float32, offsets *int32, segments, tiles, inStep, outStep uint64, limits *float32)")
	Doc(fmt.Sprintf("%s is StripTiles for %d rows. base and limits (low, high) may be nil. Steps are in bytes.", name, n))
	out, in, base, offsets, step, outStep := load("out"), load("in"), load("base"), load("offsets"), load("inStep"), load("outStep")
	three := GP64()
	LEAQ(indexed(step, step, 2, 0), three)
	tiles := NewParamAddr("tiles", 56)
	acc := ymms(2 * n)
	Label("tile")
	pointer := GP64()
	argument("bias", pointer)
	VMOVUPS(at(pointer, 0), acc[0])
	VMOVUPS(at(pointer, 32), acc[1])
	for i := 2; i < 2*n; i++ {
		VMOVAPS(acc[i%2], acc[i])
	}
	TESTQ(base, base)
	JZ(LabelRef("start"))
	for r := range n {
		VADDPS(at(base, 0), acc[2*r], acc[2*r])
		VADDPS(at(base, 32), acc[2*r+1], acc[2*r+1])
		ADDQ(outStep, base)
	}
	Label("start")
	argument("weights", pointer)
	left, offset := GP64(), GP64()
	argument("segments", left)
	Label("segment")
	first, second := GP64(), GP64()
	MOVLQSX(at(offsets, 0), offset)
	LEAQ(indexed(in, offset, 4, 0), first)
	LEAQ(indexed(first, three, 1, 0), second)
	low, high, v := YMM(), YMM(), YMM()
	VMOVUPS(at(pointer, 0), low)
	VMOVUPS(at(pointer, 32), high)
	for r := range n {
		from := []reg.Register{first, second}[r/3]
		if r%3 == 0 {
			VBROADCASTSS(at(from, 0), v)
		} else {
			VBROADCASTSS(indexed(from, step, uint8(r%3), 0), v)
		}
		VFMADD231PS(low, v, acc[2*r])
		VFMADD231PS(high, v, acc[2*r+1])
	}
	ADDQ(Imm(4), offsets)
	ADDQ(Imm(64), pointer)
	DECQ(left)
	JNZ(LabelRef("segment"))
	argument("offsets", offsets)
	argument("limits", pointer)
	TESTQ(pointer, pointer)
	JZ(LabelRef("store"))
	VBROADCASTSS(at(pointer, 0), low)
	VBROADCASTSS(at(pointer, 4), high)
	for _, a := range acc {
		VMAXPS(a, low, a)
		VMINPS(a, high, a)
	}
	Label("store")
	for r := range n {
		VMOVUPS(acc[2*r], at(out, 0))
		VMOVUPS(acc[2*r+1], at(out, 32))
		ADDQ(outStep, out)
		ADDQ(step, in)
	}
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

func stripSums(n int) {
	name := fmt.Sprintf("stripSums%d", n)
	TEXT(name, NOSPLIT, "func(sums, in, slopes *float32, offsets *int32, height, width, inRow, inStep, slopeRest, slopeStep uint64)")
	Doc(fmt.Sprintf("%s is StripSums for %d offsets. Steps are in bytes, and slopeRest is what of a row lies behind its pixels.", name, n))
	in, slopes, offsets := load("in"), load("slopes"), load("offsets")
	rows := make([]reg.Register, n)
	for r := range rows {
		rows[r] = GP64()
		MOVLQSX(at(offsets, 4*r), rows[r])
		LEAQ(indexed(in, rows[r], 4, 0), rows[r])
	}
	acc := ymms(2 * n)
	sums := load("sums")
	for i, a := range acc {
		VMOVUPS(at(sums, 32*i), a)
	}
	inRow, inStep, slopeStep := load("inRow"), load("inStep"), load("slopeStep")
	height := NewParamAddr("height", 32)
	at0, left := GP64(), GP64()
	Label("row")
	XORQ(at0, at0)
	argument("width", left)
	Label("pixel")
	low, high, v := YMM(), YMM(), YMM()
	VMOVUPS(at(slopes, 0), low)
	VMOVUPS(at(slopes, 32), high)
	for r, row := range rows {
		VBROADCASTSS(indexed(row, at0, 1, 0), v)
		VFMADD231PS(low, v, acc[2*r])
		VFMADD231PS(high, v, acc[2*r+1])
	}
	ADDQ(inStep, at0)
	ADDQ(slopeStep, slopes)
	DECQ(left)
	JNZ(LabelRef("pixel"))
	for _, row := range rows {
		ADDQ(inRow, row)
	}
	ADDQ(NewParamAddr("slopeRest", 64), slopes)
	DECQ(height)
	JNZ(LabelRef("row"))
	sums = load("sums")
	for i, a := range acc {
		VMOVUPS(a, at(sums, 32*i))
	}
	VZEROUPPER()
	RET()
}
