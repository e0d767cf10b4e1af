package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of AVX-512: a block of 16 columns is one register. There are 32, so a tile
// has up to four blocks; with fewer than two multiplications for what is loaded it would
// wait for the cache.

const (
	mostBlocks = 4
	wideBytes  = 64 // of a register
)

// wideSuffix is what the names of these kernels end in.
const wideSuffix = "Wide"

func zmms(n int) []reg.VecVirtual {
	list := make([]reg.VecVirtual, n)
	for i := range list {
		list[i] = ZMM()
	}
	return list
}

// blockPointers are the addresses of the weights of some blocks, blockStep apart.
type blockPointers struct{ first, step, step3 reg.Register }

// newBlockPointers reads blockStep, which is in bytes.
func newBlockPointers(first reg.Register, blocks int) blockPointers {
	p := blockPointers{first: first, step: load("blockStep")}
	if blocks > 3 {
		p.step3 = GP64()
		LEAQ(indexed(p.step, p.step, 2, 0), p.step3)
	}
	return p
}

func (p blockPointers) at(block, offset int) Mem {
	if block == 3 {
		return indexed(p.first, p.step3, 1, offset)
	}
	if block == 0 {
		return at(p.first, offset)
	}
	return indexed(p.first, p.step, uint8(block), offset)
}

// wideTile is the accumulators of a tile: row by row, block by block.
type wideTile struct {
	rows, blocks int
	acc          []reg.VecVirtual
}

func newWideTile(rows, blocks int) wideTile { return wideTile{rows, blocks, zmms(rows * blocks)} }

func (t wideTile) row(r int) []reg.VecVirtual { return t.acc[r*t.blocks:][:t.blocks] }

// begin sets all rows to the bias.
func (t wideTile) begin(bias reg.Register) {
	for b, a := range t.row(0) {
		VMOVUPS(at(bias, wideBytes*b), a)
	}
	for r := 1; r < t.rows; r++ {
		for b, a := range t.row(r) {
			VMOVAPS(t.row(0)[b], a)
		}
	}
}

// add adds what lies at a row's place.
func (t wideTile) add(r int, from reg.Register) {
	for b, a := range t.row(r) {
		VADDPS(at(from, wideBytes*b), a, a)
	}
}

// multiply adds the products of one number of each row, which is broadcast, and a vector
// of each block.
func (t wideTile) multiply(number func(r int) Mem, weights func(b int) Mem) {
	w := zmms(t.blocks)
	for b := range w {
		VMOVUPS(weights(b), w[b])
	}
	for r := range t.rows {
		v := ZMM()
		VBROADCASTSS(number(r), v)
		for b, a := range t.row(r) {
			VFMADD231PS(w[b], v, a)
		}
	}
}

// keep keeps the sums between the limits, if there are any. A NaN stays one.
func (t wideTile) keep(pointer reg.Register) {
	argument("limits", pointer)
	TESTQ(pointer, pointer)
	JZ(LabelRef("store"))
	low, high := ZMM(), ZMM()
	VBROADCASTSS(at(pointer, 0), low)
	VBROADCASTSS(at(pointer, 4), high)
	for _, a := range t.acc {
		VMAXPS(a, low, a)
		VMINPS(a, high, a)
	}
	Label("store")
}

func (t wideTile) store(r int, to reg.Register) {
	for b, a := range t.row(r) {
		VMOVUPS(a, at(to, wideBytes*b))
	}
}

// wide writes the kernels of AVX-512.
func wide() {
	for blocks := 2; blocks <= mostBlocks; blocks++ {
		for rows := 1; rows <= tileRows; rows++ {
			wideIndirectTile(rows, blocks)
			widePointTile(rows, blocks)
		}
	}
	for rows := 1; rows <= tileRows; rows++ {
		wideDepthwiseTile(rows)
		for blocks := 1; blocks <= mostBlocks; blocks++ {
			wideOuterTile(rows, blocks)
		}
	}
	wideProducts()
	wideConvolutions()
	weightGradients()
	inputGradients()
	wideMatMul()
	wideLinear()
	wideElementwise()
	wideAdam()
	norms()
	winogradTransforms()
	widePanelProducts()
	wideLoops()
}

func wideIndirectTile(rows, blocks int) {
	name := fmt.Sprintf("indirectTile%dx%d%s", rows, blocks, wideSuffix)
	TEXT(name, NOSPLIT, "func(out, in, zeros, weights, bias, base *float32, table *int32, segments, depth, blockStep uint64, limits *float32)")
	Doc(fmt.Sprintf("%s is IndirectTile for %d rows and %d blocks. base and limits (low, high) may be nil; blockStep is in bytes.", name, rows, blocks))
	tile := newWideTile(rows, blocks)
	var t tileTable
	t.table = load("table")
	bias := load("bias")
	tile.begin(bias)
	base := load("base")
	TESTQ(base, base)
	JZ(LabelRef("start"))
	eachOutput(rows, t.table, base, tile.add)
	Label("start")
	t.input, t.zeros = load("in"), load("zeros")
	depth := load("depth")
	LEAQ(indexed(t.input, depth, 4, 0), t.input) // rows are addressed from their ends
	LEAQ(indexed(t.zeros, depth, 4, 0), t.zeros)
	pointers := make([]reg.Register, rows)
	for r := range pointers {
		pointers[r] = GP64()
	}
	weights := newBlockPointers(GP64(), blocks)
	segments := NewParamAddr("segments", 56)
	Label("segment")
	ADDQ(Imm(32), t.table)
	t.rowsOfSegment(pointers)
	k := GP64()
	argument("weights", weights.first)
	MOVLQSX(at(t.table, 24), k)
	LEAQ(indexed(weights.first, k, 4, 0), weights.first)
	argument("depth", k)
	NEGQ(k)
	step := func(i int) {
		tile.multiply(func(r int) Mem { return indexed(pointers[r], k, 4, 4*i) }, func(b int) Mem { return weights.at(b, wideBytes*i) })
	}
	const unroll = 4
	CMPQ(k, I8(-unroll))
	JG(LabelRef("rest"))
	Label("four")
	for i := range unroll {
		step(i)
	}
	ADDQ(U32(unroll*wideBytes), weights.first)
	ADDQ(Imm(unroll), k)
	CMPQ(k, I8(-unroll))
	JLE(LabelRef("four"))
	Label("rest")
	TESTQ(k, k)
	JZ(LabelRef("done"))
	Label("one")
	step(0)
	ADDQ(Imm(wideBytes), weights.first)
	INCQ(k)
	JNZ(LabelRef("one"))
	Label("done")
	DECQ(segments)
	JNZ(LabelRef("segment"))
	tile.keep(k)
	eachOutput(rows, load("table"), load("out"), tile.store)
	VZEROUPPER()
	RET()
}

func widePointTile(rows, blocks int) {
	name := fmt.Sprintf("pointTile%dx%d%s", rows, blocks, wideSuffix)
	TEXT(name, NOSPLIT, "func(out, in, weights, bias, base *float32, depth, tiles, inStep, outStep, blockStep uint64, limits *float32)")
	Doc(fmt.Sprintf("%s is PointTiles for %d rows and %d blocks. base and limits (low, high) may be nil. Steps are in bytes.", name, rows, blocks))
	out, in, base, step, outStep := load("out"), load("in"), load("base"), load("inStep"), load("outStep")
	tile, pointer := newWideTile(rows, blocks), GP64()
	weights := newBlockPointers(pointer, blocks)
	Label("tile")
	argument("bias", pointer)
	tile.begin(pointer)
	TESTQ(base, base)
	JZ(LabelRef("start"))
	for r := range rows {
		tile.add(r, base)
		ADDQ(outStep, base)
	}
	Label("start")
	left, first, second := GP64(), GP64(), GP64()
	MOVQ(in, first)
	LEAQ(indexed(step, step, 2, 0), second)
	ADDQ(in, second)
	argument("weights", pointer)
	argument("depth", left)
	channel := func(i int) {
		tile.multiply(func(r int) Mem {
			from := []reg.Register{first, second}[r/3]
			if r%3 == 0 {
				return at(from, 4*i)
			}
			return indexed(from, step, uint8(r%3), 4*i)
		}, func(b int) Mem { return weights.at(b, wideBytes*i) })
	}
	const unroll = 4
	SUBQ(Imm(unroll), left)
	JL(LabelRef("rest"))
	Label("four")
	for i := range unroll {
		channel(i)
	}
	ADDQ(Imm(4*unroll), first)
	ADDQ(Imm(4*unroll), second)
	ADDQ(U32(unroll*wideBytes), pointer)
	SUBQ(Imm(unroll), left)
	JGE(LabelRef("four"))
	Label("rest")
	ADDQ(Imm(unroll), left)
	JZ(LabelRef("done"))
	Label("one")
	channel(0)
	ADDQ(Imm(4), first)
	ADDQ(Imm(4), second)
	ADDQ(Imm(wideBytes), pointer)
	DECQ(left)
	JNZ(LabelRef("one"))
	Label("done")
	tile.keep(pointer)
	for r := range rows {
		tile.store(r, out)
		ADDQ(outStep, out)
		ADDQ(step, in)
	}
	DECQ(NewParamAddr("tiles", 48))
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

func wideDepthwiseTile(rows int) {
	name := fmt.Sprintf("depthwiseTile%d%s", rows, wideSuffix)
	TEXT(name, NOSPLIT, "func(out, in, zeros, weights, bias, base *float32, table *int32, segments, blocks uint64, limits *float32)")
	Doc(fmt.Sprintf("%s is DepthwiseTile for %d rows. base and limits (low, high) may be nil.", name, rows))
	moved := []Mem{NewParamAddr("out", 0), NewParamAddr("in", 8), NewParamAddr("weights", 24), NewParamAddr("bias", 32)}
	baseParameter := NewParamAddr("base", 40)
	Label("block")
	tile := newWideTile(rows, 1)
	var t tileTable
	t.table = load("table")
	bias := load("bias")
	tile.begin(bias)
	base := load("base")
	TESTQ(base, base)
	JZ(LabelRef("start"))
	eachOutput(rows, t.table, base, tile.add)
	Label("start")
	t.input, t.zeros = load("in"), load("zeros")
	pointers := make([]reg.Register, rows)
	for r := range pointers {
		pointers[r] = GP64()
	}
	weights, segments := load("weights"), load("segments")
	Label("segment")
	ADDQ(Imm(32), t.table)
	t.rowsOfSegment(pointers)
	offset, w := GP64(), ZMM()
	MOVLQSX(at(t.table, 24), offset)
	VMOVUPS(indexed(weights, offset, 4, 0), w)
	for r, pointer := range pointers {
		VFMADD231PS(at(pointer, 0), w, tile.acc[r])
	}
	DECQ(segments)
	JNZ(LabelRef("segment"))
	tile.keep(offset)
	eachOutput(rows, load("table"), load("out"), tile.store)
	for _, pointer := range moved {
		ADDQ(Imm(wideBytes), pointer)
	}
	CMPQ(baseParameter, Imm(0))
	JE(LabelRef("next"))
	ADDQ(Imm(wideBytes), baseParameter)
	Label("next")
	DECQ(NewParamAddr("blocks", 64))
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

func wideOuterTile(rows, blocks int) {
	name := fmt.Sprintf("outerTile%dx%d%s", rows, blocks, wideSuffix)
	TEXT(name, NOSPLIT, "func(sums, a, b *float32, pairs *int32, count, sumsStep, bStep uint64)")
	Doc(fmt.Sprintf("%s is OuterTile for %d rows and %d blocks. Steps are in bytes.", name, rows, blocks))
	sums, a, b, pairs, count := load("sums"), load("a"), load("b"), load("pairs"), load("count")
	tile, sumsStep := newWideTile(rows, blocks), load("sumsStep")
	sumsOf := func(each func(r, block int, place Mem)) {
		to := GP64()
		MOVQ(sums, to)
		for block := range blocks {
			for r := range rows {
				each(r, block, at(to, wideBytes*r))
			}
			ADDQ(sumsStep, to)
		}
	}
	sumsOf(func(r, block int, place Mem) { VMOVUPS(place, tile.row(r)[block]) })
	bStep := load("bStep")
	starts := []reg.Register{b}
	for block := 1; block < blocks; block++ {
		next := GP64()
		LEAQ(indexed(starts[block-1], bStep, 1, 0), next)
		starts = append(starts, next)
	}
	step := func(i int) {
		left, right := GP64(), GP64()
		MOVLQSX(at(pairs, 8*i), left)
		MOVLQSX(at(pairs, 8*i+4), right)
		tile.multiply(func(r int) Mem { return indexed(a, left, 4, 4*r) }, func(block int) Mem { return indexed(starts[block], right, 4, 0) })
	}
	inTwos(pairs, count, step)
	sumsOf(func(r, block int, place Mem) { VMOVUPS(tile.row(r)[block], place) })
	VZEROUPPER()
	RET()
}

// inTwos writes a loop over pairs of places, two in a turn.
func inTwos(pairs, count reg.Register, step func(i int)) {
	SUBQ(Imm(2), count)
	JL(LabelRef("rest"))
	Label("two")
	step(0)
	step(1)
	ADDQ(Imm(16), pairs)
	SUBQ(Imm(2), count)
	JGE(LabelRef("two"))
	Label("rest")
	ADDQ(Imm(2), count)
	JZ(LabelRef("done"))
	step(0)
	Label("done")
}

// wideProducts writes the kernel that adds up elementwise products.
func wideProducts() {
	TEXT("productTile"+wideSuffix, NOSPLIT, "func(sums, a, b *float32, pairs *int32, count uint64)")
	Doc("productTile" + wideSuffix + " is ProductTile.")
	sums, a, b, pairs, count := load("sums"), load("a"), load("b"), load("pairs"), load("count")
	const unroll = 4
	acc := zmms(unroll)
	VMOVUPS(at(sums, 0), acc[0])
	for _, z := range acc[1:] {
		VPXORD(z, z, z)
	}
	step := func(i int) {
		left, right, z := GP64(), GP64(), ZMM()
		MOVLQSX(at(pairs, 8*i), left)
		MOVLQSX(at(pairs, 8*i+4), right)
		VMOVUPS(indexed(b, right, 4, 0), z)
		VFMADD231PS(indexed(a, left, 4, 0), z, acc[i])
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
	VADDPS(acc[1], acc[0], acc[0])
	VADDPS(acc[3], acc[2], acc[2])
	VADDPS(acc[2], acc[0], acc[0])
	VMOVUPS(acc[0], at(sums, 0))
	VZEROUPPER()
	RET()
}
