package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A Winograd matrix multiplies two vectors of every pixel of a column or row at a time.
// Its elements come as vectors from memory; here is known where they are zero or one, and
// that rows or columns come in pairs: those for the points p and -p have the same even
// elements and opposite odd ones (of A and its transpose, and G's; of B, whose degree is
// even, too).

// winogradMatrix is one of the five kinds for tiles of a size.
type winogradMatrix struct {
	name          string
	rows, columns int
	// byRows: the pairs are rows 1 and 2, 3 and 4; otherwise columns.
	byRows bool
	// is returns 0 or 1 where the element is that, and 2 where it is another.
	is func(r, c int) int
}

func winogradMatrices(outputs int) (gathers []winogradMatrix, output winogradMatrix) {
	n := outputs + 2
	// Rows of G and of A's transpose, which are powers of the points.
	powers := func(columns int, first bool) func(r, c int) int {
		return func(r, c int) int {
			switch {
			case r == 0 && c > 0 || r == n-1 && c < columns-1:
				return 0
			case r == n-1 || first && c == 0:
				return 1
			}
			return 2
		}
	}
	transposed := func(is func(r, c int) int) func(r, c int) int { return func(r, c int) int { return is(c, r) } }
	input := func(r, c int) int {
		switch {
		case r == 0 && (c%2 == 1 || c == n-1), r == n-1 && c%2 == 0, r > 0 && r < n-1 && (c == 0 || c == n-1):
			return 0
		case r == n-1 && c == n-1, r < n-1 && c == n-2:
			return 1
		}
		return 2
	}
	slopes, filter := powers(outputs, true), powers(3, false)
	name := func(kind string) string { return fmt.Sprintf("winograd%s%d%s", kind, outputs, suffix) }
	gathers = []winogradMatrix{
		{name("Input"), n, n, true, input},
		{name("Filter"), n, 3, true, filter},
		{name("Slopes"), n, outputs, true, slopes},
		{name("FilterGradient"), 3, n, false, transposed(filter)},
	}
	return gathers, winogradMatrix{name("Output"), outputs, n, false, transposed(slopes)}
}

// times sets a register to x times an element, and addTimes adds that. The element lies in
// memory eight times.
func times(element Mem, x, to reg.VecVirtual) {
	if registerBytes == wideBytes {
		VMULPS_BCST(element, x, to)
	} else {
		VMULPS(element, x, to)
	}
}

func addTimes(element Mem, x, to reg.VecVirtual) {
	if registerBytes == wideBytes {
		VFMADD231PS_BCST(element, x, to)
	} else {
		VFMADD231PS(element, x, to)
	}
}

// sum returns the sum of some of the x times elements of row r: acc is set to it. Where
// all that counts is one x, it is that.
func (m *winogradMatrix) sum(elements reg.Register, r int, columns []int, x map[int]reg.VecVirtual) reg.VecVirtual {
	var acc reg.VecVirtual
	owned := false
	for _, first := range []int{1, 2} { // those with the factor one begin
		for _, c := range columns {
			factor := at(elements, 32*(r*m.columns+c))
			switch is := m.is(r, c); {
			case is != first:
			case acc == nil && is == 1:
				acc = x[c]
			case acc == nil:
				acc, owned = register(), true
				times(factor, x[c], acc)
			case is == 1:
				to := register()
				VADDPS(x[c], acc, to)
				acc, owned = to, true
			default:
				if !owned {
					to := register()
					VMOVAPS(acc, to)
					acc, owned = to, true
				}
				addTimes(factor, x[c], acc)
			}
		}
	}
	return acc
}

// multiply returns the matrix times x.
func (m *winogradMatrix) multiply(elements reg.Register, x []reg.VecVirtual, put func(r int, y reg.VecVirtual)) {
	byColumn := map[int]reg.VecVirtual{}
	for c, v := range x {
		byColumn[c] = v
	}
	all := make([]int, m.columns)
	for c := range all {
		all[c] = c
	}
	if m.byRows {
		put(0, m.sum(elements, 0, all, byColumn))
		put(m.rows-1, m.sum(elements, m.rows-1, all, byColumn))
		var even, odd []int
		for _, c := range all {
			if c%2 == 0 {
				even = append(even, c)
			} else {
				odd = append(odd, c)
			}
		}
		for r := 1; r < m.rows-1; r += 2 {
			e, o := m.sum(elements, r, even, byColumn), m.sum(elements, r, odd, byColumn)
			plus, minus := register(), register()
			VADDPS(o, e, plus)
			VSUBPS(o, e, minus)
			put(r, plus)
			put(r+1, minus)
		}
		return
	}
	// The element of a pair's first column is multiplied with their sum in even rows,
	// with their difference in odd ones.
	sums, differences := map[int]reg.VecVirtual{0: x[0], m.columns - 1: x[m.columns-1]}, map[int]reg.VecVirtual{0: x[0], m.columns - 1: x[m.columns-1]}
	columns := []int{0}
	for c := 1; c < m.columns-1; c += 2 {
		sums[c], differences[c] = register(), register()
		VADDPS(x[c+1], x[c], sums[c])
		VSUBPS(x[c+1], x[c], differences[c])
		columns = append(columns, c)
	}
	columns = append(columns, m.columns-1)
	for r := range m.rows {
		from := sums
		if r%2 == 1 {
			from = differences
		}
		put(r, m.sum(elements, r, columns, from))
	}
}

// winogradTransforms writes the transforms.
func winogradTransforms() {
	for _, outputs := range []int{2, 4} {
		gathers, output := winogradMatrices(outputs)
		for _, m := range gathers {
			winogradGather(&m)
		}
		winogradScatter(&output)
	}
}

const bytesOfPixel = 64 // TileColumns floats

// vectorsOfPixel is how many vectors those are.
func vectorsOfPixel() int { return bytesOfPixel / registerBytes }

// left multiplies the columns of a square, whose pixels' addresses load finds, and puts
// them into scratch, column behind column.
func (m *winogradMatrix) left(elements, scratch reg.Register, load func(r int, half int) reg.VecVirtual, next func()) {
	to, left := GP64(), GP64()
	MOVQ(scratch, to)
	MOVQ(U32(uint32(m.columns)), left)
	Label("left")
	for half := range vectorsOfPixel() {
		x := make([]reg.VecVirtual, m.columns)
		for r := range x {
			x[r] = load(r, half)
		}
		m.multiply(elements, x, func(r int, y reg.VecVirtual) { VMOVUPS(y, at(to, r*bytesOfPixel+32*half)) })
	}
	next()
	ADDQ(U32(uint32(m.rows*bytesOfPixel)), to)
	DECQ(left)
	JNZ(LabelRef("left"))
}

// right multiplies the rows of what left has left in scratch.
func (m *winogradMatrix) right(elements, scratch reg.Register, put func(c, half int, y reg.VecVirtual), next func()) {
	from, rows := GP64(), GP64()
	MOVQ(scratch, from)
	MOVQ(U32(uint32(m.rows)), rows)
	Label("right")
	for half := range vectorsOfPixel() {
		x := make([]reg.VecVirtual, m.columns)
		for c := range x {
			x[c] = register()
			VMOVUPS(at(from, c*m.rows*bytesOfPixel+32*half), x[c])
		}
		m.multiply(elements, x, func(c int, y reg.VecVirtual) { put(c, half, y) })
	}
	next()
	ADDQ(U32(bytesOfPixel), from)
	DECQ(rows)
	JNZ(LabelRef("right"))
}

// winogradGather writes WinogradGather for a matrix. Behind the square in scratch stand
// the addresses of the pixels, column by column, and the rests of how far they are to be
// moved on from block to block: not at all where they are zeros.
func winogradGather(m *winogradMatrix) {
	TEXT(m.name, NOSPLIT, "func(out, in, zeros, scratch, elements *float32, table *int32, blocks, outStep, blockStep uint64)")
	Doc(m.name + " is WinogradGather for its matrix. Steps are in bytes.")
	scratch, elements := load("scratch"), load("elements")
	addresses := GP64()
	LEAQ(at(scratch, 36*bytesOfPixel), addresses)
	func() {
		in, zeros, table := load("in"), load("zeros"), load("table")
		for r := range m.columns {
			for c := range m.columns {
				pixel := GP64()
				MOVLQSX(at(table, 4*(r*m.columns+c)), pixel)
				TESTQ(pixel, pixel)
				LEAQ(indexed(in, pixel, 4, 0), pixel)
				CMOVQLT(zeros, pixel)
				MOVQ(pixel, at(addresses, 8*(c*m.columns+r)))
			}
		}
	}()
	out, outStep := load("out"), load("outStep")
	offset := GP64()
	XORQ(offset, offset)
	blocks := NewParamAddr("blocks", 48)
	Label("block")
	column := GP64()
	MOVQ(addresses, column)
	m.left(elements, scratch, func(r, half int) reg.VecVirtual {
		pixel, x := GP64(), register()
		MOVQ(at(column, 8*r), pixel)
		VMOVUPS(indexed(pixel, offset, 1, 32*half), x)
		return x
	}, func() { ADDQ(U32(uint32(8*m.columns)), column) })
	outputs := make([]reg.Register, m.rows)
	for c := range outputs {
		outputs[c] = GP64()
		if c == 0 {
			MOVQ(out, outputs[c])
		} else {
			LEAQ(indexed(outputs[c-1], outStep, 1, 0), outputs[c])
		}
	}
	to := GP64()
	XORQ(to, to)
	m.right(elements, scratch, func(c, half int, y reg.VecVirtual) { VMOVUPS(y, indexed(outputs[c], to, 1, 32*half)) }, func() {
		for range m.rows {
			ADDQ(outStep, to)
		}
	})
	ADDQ(NewParamAddr("blockStep", 64), out)
	ADDQ(U32(bytesOfPixel), offset)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// winogradScatter writes WinogradScatter for a matrix: the square of pixels is put behind
// that in scratch, then where the table says.
func winogradScatter(m *winogradMatrix) {
	TEXT(m.name, NOSPLIT, "func(out, in, bias, base, scratch, elements *float32, table *int32, inStep uint64, low, high float32)")
	Doc(m.name + " is WinogradScatter for its matrix. The step is in bytes.")
	scratch, elements := load("scratch"), load("elements")
	func() {
		inStep, rowStep := load("inStep"), GP64()
		rows := make([]reg.Register, m.columns)
		rows[0] = load("in")
		MOVQ(inStep, rowStep)
		for range m.columns - 1 {
			ADDQ(inStep, rowStep)
		}
		for r := 1; r < m.columns; r++ {
			rows[r] = GP64()
			LEAQ(indexed(rows[r-1], rowStep, 1, 0), rows[r])
		}
		offset := GP64()
		XORQ(offset, offset)
		m.left(elements, scratch, func(r, half int) reg.VecVirtual {
			x := register()
			VMOVUPS(indexed(rows[r], offset, 1, 32*half), x)
			return x
		}, func() { ADDQ(inStep, offset) })
	}()
	out, bias, base, table, pixel := load("out"), load("bias"), load("base"), load("table"), GP64()
	low, high := broadcast("low"), broadcast("high")
	from, rows := GP64(), GP64()
	MOVQ(scratch, from)
	MOVQ(U32(uint32(m.rows)), rows)
	Label("right")
	for half := range vectorsOfPixel() {
		x := make([]reg.VecVirtual, m.columns)
		for c := range x {
			x[c] = register()
			VMOVUPS(at(from, c*m.rows*bytesOfPixel+32*half), x[c])
		}
		m.multiply(elements, x, func(c int, y reg.VecVirtual) {
			skip, store := fmt.Sprintf("skip%d_%d", half, c), fmt.Sprintf("store%d_%d", half, c)
			sum := register()
			MOVLQSX(at(table, 4*c), pixel)
			TESTQ(pixel, pixel)
			JLT(LabelRef(skip))
			VADDPS(at(bias, 32*half), y, sum)
			TESTQ(base, base)
			JZ(LabelRef(store))
			VADDPS(indexed(base, pixel, 4, 32*half), sum, sum)
			Label(store)
			VMAXPS(sum, low, sum) // a NaN stays one
			VMINPS(sum, high, sum)
			VMOVUPS(sum, indexed(out, pixel, 4, 32*half))
			Label(skip)
		})
	}
	ADDQ(U32(uint32(4*m.rows)), table)
	ADDQ(U32(bytesOfPixel), from)
	DECQ(rows)
	JNZ(LabelRef("right"))
	VZEROUPPER()
	RET()
}

// panelProducts writes the kernels for some rows at a time.
func panelProducts() {
	for n := 1; n <= tileRows; n++ {
		name := fmt.Sprintf("panelProduct%d", n)
		TEXT(name, NOSPLIT, "func(out, in, weights *float32, tiles, depth, panel uint64)")
		Doc(fmt.Sprintf("%s is PanelProduct for tiles of %d rows. panel is in bytes.", name, n))
		out, in, panel := load("out"), load("in"), load("panel")
		tiles := load("tiles")
		Label("tile")
		acc := ymms(2 * n)
		for _, a := range acc {
			VXORPS(a, a, a)
		}
		weights, left, from := load("weights"), load("depth"), GP64()
		MOVQ(in, from)
		step := func(i int) {
			low, high, v := YMM(), YMM(), YMM()
			VMOVUPS(at(weights, 64*i), low)
			VMOVUPS(at(weights, 64*i+32), high)
			for r := range n {
				VBROADCASTSS(at(from, bytesOfPixel*r+4*i), v)
				VFMADD231PS(low, v, acc[2*r])
				VFMADD231PS(high, v, acc[2*r+1])
			}
		}
		SUBQ(Imm(16), left)
		JL(LabelRef("rest"))
		Label("panel")
		for i := range 16 {
			step(i)
		}
		ADDQ(panel, from)
		ADDQ(U32(16*64), weights)
		SUBQ(Imm(16), left)
		JGE(LabelRef("panel"))
		Label("rest")
		ADDQ(Imm(16), left)
		JZ(LabelRef("done"))
		Label("one")
		step(0)
		ADDQ(Imm(4), from)
		ADDQ(Imm(64), weights)
		DECQ(left)
		JNZ(LabelRef("one"))
		Label("done")
		for i, a := range acc {
			VMOVUPS(a, at(out, 32*i))
		}
		ADDQ(U32(uint32(n*bytesOfPixel)), in)
		ADDQ(U32(uint32(n*bytesOfPixel)), out)
		DECQ(tiles)
		JNZ(LabelRef("tile"))
		VZEROUPPER()
		RET()
	}
}
