package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const tileRows = 6

// tileTable is the arguments that the kernels for a tile share, in registers: a
// pointer to what follows the tile's header, and the ends of the input and of the
// zeros.
type tileTable struct{ table, input, zeros reg.Register }

// startTile loads the accumulators of a tile of n rows with what it begins with: the
// bias, and what is in the base.
func startTile(n int) (acc []reg.VecVirtual, t tileTable) {
	acc = ymms(2 * n)
	t.table = load("table")
	bias := load("bias")
	VMOVUPS(at(bias, 0), acc[0])
	VMOVUPS(at(bias, 32), acc[1])
	for i := 2; i < 2*n; i++ {
		VMOVAPS(acc[i%2], acc[i])
	}
	base := load("base")
	TESTQ(base, base)
	JZ(LabelRef("start"))
	eachOutput(n, t.table, base, func(r int, row reg.Register) {
		VADDPS(at(row, 0), acc[2*r], acc[2*r])
		VADDPS(at(row, 32), acc[2*r+1], acc[2*r+1])
	})
	Label("start")
	t.input, t.zeros = load("in"), load("zeros")
	return acc, t
}

// eachOutput goes through the places of the outputs from an address on.
func eachOutput(n int, table, from reg.Register, do func(r int, row reg.Register)) {
	row := GP64()
	for r := range n {
		MOVLQSX(at(table, 4*r), row)
		LEAQ(indexed(from, row, 4, 0), row)
		do(r, row)
	}
}

// rowsOfSegment points to the tile's rows of the input: at their offsets, or at the
// zeros where an offset is negative.
func (t tileTable) rowsOfSegment(rows []reg.Register) {
	for r, row := range rows {
		MOVLQSX(at(t.table, 4*r), row)
		TESTQ(row, row)
		LEAQ(indexed(t.input, row, 4, 0), row)
		CMOVQLT(t.zeros, row)
	}
}

// endTile stores the accumulators, kept between limits if there are any, and returns. A
// NaN stays one.
func endTile(acc []reg.VecVirtual) {
	keepTile(acc)
	VZEROUPPER()
	RET()
}

func keepTile(acc []reg.VecVirtual) {
	limits := load("limits")
	TESTQ(limits, limits)
	JZ(LabelRef("store"))
	low, high := YMM(), YMM()
	VBROADCASTSS(at(limits, 0), low)
	VBROADCASTSS(at(limits, 4), high)
	for _, a := range acc {
		VMAXPS(a, low, a)
		VMINPS(a, high, a)
	}
	Label("store")
	eachOutput(len(acc)/2, load("table"), load("out"), func(r int, row reg.Register) {
		VMOVUPS(acc[2*r], at(row, 0))
		VMOVUPS(acc[2*r+1], at(row, 32))
	})
}

// indirectTiles writes the kernels for tiles of 6 rows to 1, whose rows of the
// input lie where a table says.
func indirectTiles() {
	for n := 1; n <= tileRows; n++ {
		name := fmt.Sprintf("indirectTile%d", n)
		TEXT(name, NOSPLIT, "func(out, in, zeros, weights, bias, base *float32, table *int32, segments, depth uint64, limits *float32)")
		Doc(fmt.Sprintf("%s is IndirectTile for %d rows. base and limits (low, high) may be nil.", name, n))
		acc, t := startTile(n)
		depth := load("depth")
		LEAQ(indexed(t.input, depth, 4, 0), t.input) // rows are addressed from their ends
		LEAQ(indexed(t.zeros, depth, 4, 0), t.zeros)
		rows := make([]reg.Register, n)
		for r := range rows {
			rows[r] = GP64()
		}
		segments := NewParamAddr("segments", 56)
		Label("segment")
		ADDQ(Imm(32), t.table)
		t.rowsOfSegment(rows)
		weights, offset := load("weights"), GP64()
		MOVLQSX(at(t.table, 24), offset)
		LEAQ(indexed(weights, offset, 4, 0), weights)
		k := offset
		argument("depth", k)
		NEGQ(k)
		step := func(i int) {
			low, high, left := YMM(), YMM(), YMM()
			VMOVUPS(at(weights, 64*i), low)
			VMOVUPS(at(weights, 64*i+32), high)
			for r, row := range rows {
				VBROADCASTSS(indexed(row, k, 4, 4*i), left)
				VFMADD231PS(low, left, acc[2*r])
				VFMADD231PS(high, left, acc[2*r+1])
			}
		}
		CMPQ(k, I8(-4))
		JG(LabelRef("rest"))
		Label("four")
		for i := range 4 {
			step(i)
		}
		ADDQ(U32(256), weights)
		ADDQ(Imm(4), k)
		CMPQ(k, I8(-4))
		JLE(LabelRef("four"))
		Label("rest")
		TESTQ(k, k)
		JZ(LabelRef("done"))
		Label("one")
		step(0)
		ADDQ(Imm(64), weights)
		INCQ(k)
		JNZ(LabelRef("one"))
		Label("done")
		DECQ(segments)
		JNZ(LabelRef("segment"))
		endTile(acc)
	}
}

// depthwiseTiles writes the kernels for tiles of pixels each of whose channels has
// filters of its own, some channels after the other.
func depthwiseTiles() {
	for n := 1; n <= tileRows; n++ {
		name := fmt.Sprintf("depthwiseTile%d", n)
		TEXT(name, NOSPLIT, "func(out, in, zeros, weights, bias, base *float32, table *int32, segments, blocks uint64, limits *float32)")
		Doc(fmt.Sprintf("%s is DepthwiseTile for %d rows. base and limits (low, high) may be nil.", name, n))
		out, in, factors, bias, base := NewParamAddr("out", 0), NewParamAddr("in", 8), NewParamAddr("weights", 24), NewParamAddr("bias", 32), NewParamAddr("base", 40)
		Label("block")
		acc, t := startTile(n)
		rows := make([]reg.Register, n)
		for r := range rows {
			rows[r] = GP64()
		}
		weights, segments := load("weights"), load("segments")
		Label("segment")
		ADDQ(Imm(32), t.table)
		t.rowsOfSegment(rows)
		offset, low, high := GP64(), YMM(), YMM()
		MOVLQSX(at(t.table, 24), offset)
		VMOVUPS(indexed(weights, offset, 4, 0), low)
		VMOVUPS(indexed(weights, offset, 4, 32), high)
		for r, row := range rows {
			VFMADD231PS(at(row, 0), low, acc[2*r])
			VFMADD231PS(at(row, 32), high, acc[2*r+1])
		}
		DECQ(segments)
		JNZ(LabelRef("segment"))
		keepTile(acc)
		for _, pointer := range []Mem{out, in, factors, bias} {
			ADDQ(Imm(64), pointer)
		}
		CMPQ(base, Imm(0))
		JE(LabelRef("next"))
		ADDQ(Imm(64), base)
		Label("next")
		DECQ(NewParamAddr("blocks", 64))
		JNZ(LabelRef("block"))
		VZEROUPPER()
		RET()
	}
}

// pointTiles writes the kernels for tiles of pixels that lie equally far apart, of which
// each is multiplied with the same matrix.
func pointTiles() {
	for n := 1; n <= tileRows; n++ {
		name := fmt.Sprintf("pointTile%d", n)
		TEXT(name, NOSPLIT, "func(out, in, weights, bias, base *float32, depth, tiles, inStep, outStep uint64, limits *float32)")
		Doc(fmt.Sprintf("%s is PointTiles for %d rows. base and limits (low, high) may be nil. Steps are in bytes.", name, n))
		out, in, base, step, outStep := load("out"), load("in"), load("base"), load("inStep"), load("outStep")
		acc, pointer := ymms(2*n), GP64()
		Label("tile")
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
		left, first, second := GP64(), GP64(), GP64()
		MOVQ(in, first)
		LEAQ(indexed(step, step, 2, 0), second)
		ADDQ(in, second)
		// Weights of the next block may be far away: every tile fetches one in four of their
		// cache lines.
		ahead := GP64()
		argument("depth", ahead)
		MOVQ(NewParamAddr("tiles", 48), pointer)
		ANDQ(Imm(3), pointer)
		ADDQ(pointer, ahead)
		SHLQ(Imm(6), ahead)
		argument("weights", pointer)
		argument("depth", left)
		low, high, v := YMM(), YMM(), YMM()
		channel := func(i int) {
			VMOVUPS(at(pointer, 64*i), low)
			VMOVUPS(at(pointer, 64*i+32), high)
			for r := range n {
				from := []reg.Register{first, second}[r/3]
				if r%3 == 0 {
					VBROADCASTSS(at(from, 4*i), v)
				} else {
					VBROADCASTSS(indexed(from, step, uint8(r%3), 4*i), v)
				}
				VFMADD231PS(low, v, acc[2*r])
				VFMADD231PS(high, v, acc[2*r+1])
			}
		}
		SUBQ(Imm(4), left)
		JL(LabelRef("rest"))
		Label("four")
		PREFETCHT0(indexed(pointer, ahead, 1, 0))
		for i := range 4 {
			channel(i)
		}
		ADDQ(Imm(16), first)
		ADDQ(Imm(16), second)
		ADDQ(U32(256), pointer)
		SUBQ(Imm(4), left)
		JGE(LabelRef("four"))
		Label("rest")
		ADDQ(Imm(4), left)
		JZ(LabelRef("done"))
		Label("one")
		channel(0)
		ADDQ(Imm(4), first)
		ADDQ(Imm(4), second)
		ADDQ(Imm(64), pointer)
		DECQ(left)
		JNZ(LabelRef("one"))
		Label("done")
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
		DECQ(NewParamAddr("tiles", 48))
		JNZ(LabelRef("tile"))
		VZEROUPPER()
		RET()
	}
}

// outerTiles writes the kernels that add up outer products.
func outerTiles() {
	for n := 1; n <= tileRows; n++ {
		name := fmt.Sprintf("outerTile%d", n)
		TEXT(name, NOSPLIT, "func(sums, a, b *float32, pairs *int32, count uint64)")
		Doc(fmt.Sprintf("%s is OuterTile for %d rows.", name, n))
		sums, a, b, pairs, count := load("sums"), load("a"), load("b"), load("pairs"), load("count")
		acc := ymms(2 * n)
		for i, y := range acc {
			VMOVUPS(at(sums, 32*i), y)
		}
		step := func(i int) {
			left, right := GP64(), GP64()
			MOVLQSX(at(pairs, 8*i), left)
			MOVLQSX(at(pairs, 8*i+4), right)
			low, high, v := YMM(), YMM(), YMM()
			VMOVUPS(indexed(b, right, 4, 0), low)
			VMOVUPS(indexed(b, right, 4, 32), high)
			for r := range n {
				VBROADCASTSS(indexed(a, left, 4, 4*r), v)
				VFMADD231PS(low, v, acc[2*r])
				VFMADD231PS(high, v, acc[2*r+1])
			}
		}
		inTwos(pairs, count, step)
		for i, y := range acc {
			VMOVUPS(y, at(sums, 32*i))
		}
		VZEROUPPER()
		RET()
	}
}

// products writes the kernel that adds up elementwise products.
func products() {
	TEXT("productTile16", NOSPLIT, "func(sums, a, b *float32, pairs *int32, count uint64)")
	Doc("productTile16 is ProductTile.")
	sums, a, b, pairs, count := load("sums"), load("a"), load("b"), load("pairs"), load("count")
	const unroll = 4
	acc := ymms(2 * unroll)
	VMOVUPS(at(sums, 0), acc[0])
	VMOVUPS(at(sums, 32), acc[1])
	for _, y := range acc[2:] {
		VXORPS(y, y, y)
	}
	step := func(i int) {
		left, right := GP64(), GP64()
		MOVLQSX(at(pairs, 8*i), left)
		MOVLQSX(at(pairs, 8*i+4), right)
		for v := range 2 {
			y := YMM()
			VMOVUPS(indexed(b, right, 4, 32*v), y)
			VFMADD231PS(indexed(a, left, 4, 32*v), y, acc[2*i+v])
		}
	}
	SUBQ(Imm(unroll), count)
	JL(LabelRef("rest"))
	Label("four")
	for i := range unroll {
		step(i)
	}
	ADDQ(Imm(8*unroll), pairs)
	SUBQ(Imm(unroll), count)
	JGE(LabelRef("four"))
	Label("rest")
	ADDQ(Imm(unroll), count)
	JZ(LabelRef("done"))
	Label("one")
	step(0)
	ADDQ(Imm(8), pairs)
	DECQ(count)
	JNZ(LabelRef("one"))
	Label("done")
	for v := range 2 {
		VADDPS(acc[2+v], acc[v], acc[v])
		VADDPS(acc[6+v], acc[4+v], acc[4+v])
		VADDPS(acc[4+v], acc[v], acc[v])
		VMOVUPS(acc[v], at(sums, 32*v))
	}
	VZEROUPPER()
	RET()
}

// copyRows writes the kernels that copy one vector of every row, or two.
func copyRows() {
	for _, vectors := range []int{1, 2} {
		name := fmt.Sprintf("copyRows%d", 8*vectors)
		TEXT(name, NOSPLIT, "func(to, from *float32, count, toStep, fromStep uint64)")
		Doc(fmt.Sprintf("%s copies %d floats of each of some rows. Steps are in bytes.", name, 8*vectors))
		to, from, count, toStep, fromStep := load("to"), load("from"), load("count"), load("toStep"), load("fromStep")
		Label("row")
		for v := range vectors {
			y := YMM()
			VMOVUPS(at(from, 32*v), y)
			VMOVUPS(y, at(to, 32*v))
		}
		ADDQ(fromStep, from)
		ADDQ(toStep, to)
		DECQ(count)
		JNZ(LabelRef("row"))
		VZEROUPPER()
		RET()
	}
}
