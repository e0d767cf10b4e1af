package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// collect writes the kernel behind Collect. Whether an output is alive is a
// coin toss, so it is no branch: every pair is written, and the place for the
// next moves on if it is to stay. A float is positive if its bits are, as a
// signed integer.
func collect() {
	TEXT("collectPositive", NOSPLIT, "func(pairs *uint64, count uint64, out *float32, chosen *uint8, outStep uint64, gradient *float32, gradientStep uint64, offsets *int32) uint64")
	Doc("collectPositive is Collect with relu; outStep and gradientStep are in elements. It returns the number of pairs.")
	pairs, count, out, chosen := load("pairs"), load("count"), load("out"), load("chosen")
	outStep, gradient, gradientStep, offsets := load("outStep"), load("gradient"), load("gradientStep"), load("offsets")
	start, next := GP64(), GP64()
	MOVQ(pairs, start)
	Label("output")
	value, position, slope := GP32(), GP64(), GP32()
	MOVBQZX(at(chosen, 0), position)
	MOVL(at(gradient, 0), slope)
	MOVL(indexed(offsets, position, 4, 0), position.As32())
	LEAQ(at(pairs, 8), next)
	MOVL(position.As32(), at(pairs, 0))
	MOVL(slope, at(pairs, 4))
	MOVL(at(out, 0), value)
	TESTL(value, value)
	CMOVQGT(next, pairs)
	LEAQ(indexed(out, outStep, 4, 0), out)
	ADDQ(outStep, chosen)
	LEAQ(indexed(gradient, gradientStep, 4, 0), gradient)
	ADDQ(Imm(16), offsets)
	DECQ(count)
	JNZ(LabelRef("output"))
	SUBQ(start, pairs)
	SHRQ(Imm(3), pairs)
	Store(pairs, ReturnIndex(0))
	RET()
}

// blockSizes are the parts of a filter, in rows and vectors a row, that fit
// into registers: of 32 floats a row at most.
func blockSizes() (sizes [][2]int) {
	mostRows := []int{0, 5, 5, 3, 3}
	if registerBytes == wideBytes {
		mostRows = []int{0, 5, 5}
	}
	for vectors := 1; vectors < len(mostRows); vectors++ {
		for rows := 1; rows <= mostRows[vectors]; rows++ {
			sizes = append(sizes, [2]int{rows, vectors})
		}
	}
	return sizes
}

// registers returns so many of the set's.
func registers(n int) []reg.VecVirtual {
	list := make([]reg.VecVirtual, n)
	for i := range list {
		list[i] = register()
	}
	return list
}

// pairAddress computes where the input of a pair lies, and returns the
// addresses of the rows below it.
func pairAddress(pair, in, inRow, inRow3 reg.Register, offset, rows int) []Mem {
	base, base3 := GP64(), GP64()
	MOVLQSX(at(pair, offset), base)
	LEAQ(indexed(in, base, 4, 0), base)
	if rows > 3 {
		LEAQ(indexed(base, inRow3, 1, 0), base3)
	}
	return []Mem{at(base, 0), indexed(base, inRow, 1, 0), indexed(base, inRow, 2, 0), at(base3, 0), indexed(base3, inRow, 1, 0)}[:rows]
}

// weightGradients writes a kernel for each size of block: it keeps the block's
// sums in registers while it goes through the pairs.
func weightGradients() {
	for _, size := range blockSizes() {
		rows, vectors := size[0], size[1]
		name := fmt.Sprintf("weightGradient%dx%d%s", rows, vectors, suffix)
		TEXT(name, NOSPLIT, "func(filter, in *float32, pairs *uint64, count, inRow, filterRow uint64) float32")
		Doc(name+fmt.Sprintf(" adds to %d rows of %d vectors of a filter what the pairs (at least one) contribute;", rows, vectors),
			"see Conv.WeightGradient. Rows are apart by bytes. It returns the sum of the pairs' gradients.")
		filter, in, pairs, count, inRow, filterRow := load("filter"), load("in"), load("pairs"), load("count"), load("inRow"), load("filterRow")
		inRow3 := GP64()
		LEAQ(indexed(inRow, inRow, 2, 0), inRow3)
		// Where a block is small, two sets of sums hide the latency of FMA.
		sets := 1
		if rows*vectors <= 6 || registerBytes == wideBytes {
			sets = 2
		}
		sums := make([][]reg.VecVirtual, sets)
		bias := make([]reg.VecVirtual, sets)
		for s := range sums {
			sums[s], bias[s] = registers(rows*vectors), register()
			VXORPS(bias[s], bias[s], bias[s])
			for _, y := range sums[s] {
				VXORPS(y, y, y)
			}
		}
		one := func(set, offset int) {
			slope := register()
			VBROADCASTSS(at(pairs, offset+4), slope)
			for r, m := range pairAddress(pairs, in, inRow, inRow3, offset, rows) {
				for v := range vectors {
					VFMADD231PS(m.Offset(registerBytes*v), slope, sums[set][r*vectors+v])
				}
			}
			VADDPS(slope, bias[set], bias[set])
		}
		if sets == 2 {
			SUBQ(Imm(2), count)
			JL(LabelRef("last"))
			Label("two")
			one(0, 0)
			one(1, 8)
			ADDQ(Imm(16), pairs)
			SUBQ(Imm(2), count)
			JGE(LabelRef("two"))
			Label("last")
			ADDQ(Imm(2), count)
			JZ(LabelRef("done"))
			one(0, 0)
			Label("done")
			for i, y := range sums[1] {
				VADDPS(y, sums[0][i], sums[0][i])
			}
			VADDPS(bias[1], bias[0], bias[0])
		} else {
			Label("pair")
			one(0, 0)
			ADDQ(Imm(8), pairs)
			DECQ(count)
			JNZ(LabelRef("pair"))
		}
		Store(bias[0].AsX(), ReturnIndex(0))
		for r := range rows {
			for v := range vectors {
				y := sums[0][r*vectors+v]
				VADDPS(at(filter, registerBytes*v), y, y)
				VMOVUPS(y, at(filter, registerBytes*v))
			}
			if r < rows-1 {
				ADDQ(filterRow, filter)
			}
		}
		VZEROUPPER()
		RET()
	}
}

// inputGradients writes a kernel for each size of block. Going through the
// outputs' positions in the outer loop, it loads and stores the gradient of
// the input once a position, not once a channel. A block of more rows than fit
// into registers is done in two halves, one after the other at each position:
// neighbouring positions overlap, and while the loads of one half wait for
// what was stored before, the other half goes on.
func inputGradients() {
	numbers := GLOBL("positionBytes", RODATA|NOPTR)
	for i := range 64 {
		DATA(i, U8(uint8(i/16)))
	}
	for i := range 5 * 128 / registerBytes {
		rows, vectors := i%5+1, i/5+1
		half := rows
		if rows*vectors > 10 {
			half = min(rows, 3)
		}
		name := fmt.Sprintf("inputGradient%dx%d%s", rows, vectors, suffix)
		TEXT(name, NOSPLIT, "func(gradient, filters, out *float32, chosen *uint8, slopes *float32, offsets *int32, pixels, positions, alive, relu, outStep, pixelStep, channelStep, filterStep, inRow, filterRow uint64)")
		Doc(name+fmt.Sprintf(" adds what %d rows of %d vectors of up to 16 filters contribute; see Conv.InputGradient.", rows, vectors),
			"alive has a bit for each channel, outStep is in elements, the other steps in bytes.")
		filters, out, chosen, slopes, offsets := load("filters"), load("out"), load("chosen"), load("slopes"), load("offsets")
		inRow, filterRow := load("inRow"), load("filterRow")
		alive, mask, scratch := GP64(), GP64(), GP64()
		acc := registers(half * vectors)
		left := GP64()

		Label("pixel")
		argument("alive", alive)
		argument("relu", scratch)
		TESTQ(scratch, scratch)
		JZ(LabelRef("masked"))
		zero, low, high := YMM(), YMM(), YMM()
		VXORPS(zero, zero, zero)
		VMOVUPS(at(out, 0), low)
		VMOVUPS(at(out, 32), high)
		VCMPPS(Imm(0x1e), zero, low, low) // out > 0
		VCMPPS(Imm(0x1e), zero, high, high)
		VMOVMSKPS(low, mask.As32())
		VMOVMSKPS(high, scratch.As32())
		SHLL(Imm(8), scratch.As32())
		ORL(scratch.As32(), mask.As32())
		ANDL(mask.As32(), alive.As32())
		Label("masked")
		which, number := XMM(), GP64()
		VMOVDQU(at(chosen, 0), which)
		XORL(number.As32(), number.As32())
		Label("position")
		equal, table := XMM(), GP64()
		LEAQ(numbers, table)
		VPCMPEQB(indexed(table, number, 8, 0), which, equal)
		VPMOVMSKB(equal, mask.As32())
		ANDL(alive.As32(), mask.As32())
		JZ(LabelRef("nobody"))
		argument("gradient", scratch)
		place, inRow3 := GP64(), GP64()
		MOVLQSX(indexed(offsets, number, 2, 0), place)
		LEAQ(indexed(scratch, place, 4, 0), place)
		if rows > 3 {
			LEAQ(indexed(place, inRow, 2, 0), inRow3)
			ADDQ(inRow, inRow3)
		}
		targets := []Mem{at(place, 0), indexed(place, inRow, 1, 0), indexed(place, inRow, 2, 0), at(inRow3, 0), indexed(inRow3, inRow, 1, 0)}[:rows]
		for from := 0; from < rows; from += half {
			to := min(from+half, rows)
			loop := fmt.Sprintf("channel%d", from)
			for r, m := range targets[from:to] {
				for v := range vectors {
					VMOVUPS(m.Offset(registerBytes*v), acc[r*vectors+v])
				}
			}
			MOVQ(mask, left)
			Label(loop)
			filter, slope := GP64(), register()
			TZCNTQ(left, scratch)
			argument("channelStep", filter)
			IMULQ(scratch, filter)
			VBROADCASTSS(indexed(slopes, filter, 1, 0), slope)
			argument("filterStep", filter)
			IMULQ(scratch, filter)
			ADDQ(filters, filter)
			if to > 3 {
				LEAQ(indexed(filter, filterRow, 2, 0), scratch)
				ADDQ(filterRow, scratch)
			}
			for r, m := range []Mem{at(filter, 0), indexed(filter, filterRow, 1, 0), indexed(filter, filterRow, 2, 0), at(scratch, 0), indexed(scratch, filterRow, 1, 0)}[from:to] {
				for v := range vectors {
					VFMADD231PS(m.Offset(registerBytes*v), slope, acc[r*vectors+v])
				}
			}
			LEAQ(at(left, -1), scratch) // clear the lowest bit
			ANDQ(scratch, left)
			JNZ(LabelRef(loop))
			for r, m := range targets[from:to] {
				for v := range vectors {
					VMOVUPS(acc[r*vectors+v], m.Offset(registerBytes*v))
				}
			}
		}
		Label("nobody")
		ADDQ(Imm(2), number)
		argument("positions", scratch)
		CMPQ(number, scratch)
		JL(LabelRef("position"))
		argument("outStep", scratch)
		LEAQ(indexed(out, scratch, 4, 0), out)
		ADDQ(scratch, chosen)
		argument("pixelStep", scratch)
		ADDQ(scratch, slopes)
		ADDQ(Imm(16), offsets)
		pixels := NewParamAddr("pixels", 48)
		DECQ(pixels)
		JNZ(LabelRef("pixel"))
		VZEROUPPER()
		RET()
	}
}
