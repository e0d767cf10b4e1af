package kernel

// Winograd's minimal filtering computes Outputs x Outputs neighbouring outputs of a
// 3x3 convolution of stride 1 from (Outputs+2)² products a pair of channels, instead
// of 9 Outputs²: F(2x2,3x3) with 16 for 36, F(4x4,3x3) with 36 for 144 (Lavin and Gray,
// "Fast Algorithms for Convolutional Neural Networks", 2015). With d the inputs under a
// tile, g the filter and ⊙ the product of elements, summed over the channels,
//
//	y = A ((G g Gᵀ) ⊙ (B d Bᵀ)) Aᵀ
//
// Taken backwards, the same matrices make the gradient of the filter:
//
//	dg = Gᵀ ((Aᵀ dy A) ⊙ (B d Bᵀ)) G, summed over the tiles
//
// and that of the inputs is the convolution of dy with the filters turned round.
//
// The matrices follow from where polynomials are evaluated: at 0, at pairs of points p and
// -p, and at infinity. The usual pairs for F(4x4,3x3) are 1 and 2. Those here, 5/8 and
// 3/2, make a quarter of their error, since neither their powers nor what the filters are
// divided by vary as much, and are exact in binary.

// Winograd is the matrices for tiles of one size.
type Winograd struct {
	// Outputs is the height and the width of a tile of outputs, Size that of the
	// inputs under it.
	Outputs, Size int

	// Input is B, Filter is G, Output is A; Slopes is Aᵀ and FilterGradient Gᵀ.
	Input, Filter, Output, Slopes, FilterGradient *WinogradMatrix
}

// WinogradMatrix is what a square of vectors x is multiplied with from both sides:
// M x Mᵀ.
type WinogradMatrix struct {
	Rows, Columns int
	// Elements are those of the matrix, row by row.
	Elements []float32
	// vectors holds each element eight times, and kind tells which matrix it is, for
	// assembly.
	vectors []float32
	kind    winogradKind
}

type winogradKind int

const (
	winogradInput winogradKind = iota
	winogradFilter
	winogradOutput
	winogradSlopes
	winogradFilterGradient
)

// Winograd2 is F(2x2,3x3), Winograd4 is F(4x4,3x3).
var (
	Winograd2 = newWinograd(1)
	Winograd4 = newWinograd(5./8, 3./2)
)

// WinogradScratch is how many floats the transforms work in.
const WinogradScratch = 36*TileColumns + 2*36

// newWinograd returns the matrices for the points 0, ±pairs and infinity.
func newWinograd(pairs ...float64) *Winograd {
	points := []float64{0}
	for _, p := range pairs {
		points = append(points, p, -p)
	}
	n := len(points) + 1
	w := &Winograd{Outputs: n - 2, Size: n}
	input, filter, output := make([]float64, n*n), make([]float64, n*3), make([]float64, (n-2)*n)
	for i, p := range points {
		// Row i of B is the polynomial that has the other points as its zeros, and G's
		// is divided by its value at p.
		others, value := []float64{1}, 1.
		for j, q := range points {
			if j != i {
				others = timesRoot(others, q)
				value *= p - q
			}
		}
		copy(input[i*n:], others)
		for k, power := 0, 1.; k < max(3, n-2); k, power = k+1, power*p {
			if k < 3 {
				filter[i*3+k] = power / value
			}
			if k < n-2 {
				output[k*n+i] = power
			}
		}
	}
	all := []float64{1}
	for _, q := range points {
		all = timesRoot(all, q)
	}
	copy(input[(n-1)*n:], all)
	filter[(n-1)*3+2], output[(n-2)*n-1] = 1, 1
	w.Input, w.Filter, w.Output = newWinogradMatrix(winogradInput, n, input), newWinogradMatrix(winogradFilter, n, filter), newWinogradMatrix(winogradOutput, n-2, output)
	w.Slopes, w.FilterGradient = newWinogradMatrix(winogradSlopes, n, transposed(output, n-2)), newWinogradMatrix(winogradFilterGradient, 3, transposed(filter, n))
	return w
}

// timesRoot multiplies a polynomial by x-root.
func timesRoot(p []float64, root float64) []float64 {
	product := make([]float64, len(p)+1)
	for i, v := range p {
		product[i] -= root * v
		product[i+1] += v
	}
	return product
}

func transposed(m []float64, rows int) []float64 {
	columns := len(m) / rows
	t := make([]float64, len(m))
	for i, v := range m {
		t[i%columns*rows+i/columns] = v
	}
	return t
}

func newWinogradMatrix(kind winogradKind, rows int, elements []float64) *WinogradMatrix {
	m := &WinogradMatrix{Rows: rows, Columns: len(elements) / rows, kind: kind}
	for _, v := range elements {
		m.Elements = append(m.Elements, float32(v))
		for range 8 {
			m.vectors = append(m.vectors, float32(v))
		}
	}
	return m
}

// WinogradGather transforms squares of pixels, TileColumns channels at a time. For every
// block b < blocks and lane j < TileColumns it sets
//
//	x[i] = table[i] < 0 ? 0 : in[table[i] + b*TileColumns + j] for i < Columns²
//	out[b*blockStep + i*outStep + j] = (m x mᵀ)[i]             for i < Rows²
//
// with squares row by row. zeros are as many as the channels, scratch has room for
// WinogradScratch floats; nothing overlaps.
func WinogradGather(m *WinogradMatrix, out, in, zeros, scratch []float32, table []int32, blocks, outStep, blockStep int) {
	active.WinogradGather(m, out, in, zeros, scratch, table, blocks, outStep, blockStep)
}

// WinogradScatter transforms squares of products back to pixels, for lanes
// j < TileColumns: with x[i] = in[i*inStep+j] for i < Columns², and where table[i], for
// i < Rows², is not negative,
//
//	v = (m x mᵀ)[i] + bias[j] + (base == nil ? 0 : base[table[i]+j])
//	out[table[i]+j] = v, or unless limits is nil, v between them
//
// scratch has room for WinogradScratch floats. base may be out; nothing
// else overlaps.
func WinogradScatter(m *WinogradMatrix, out, in, bias, base, scratch []float32, table []int32, inStep int, limits *Limits) {
	active.WinogradScatter(m, out, in, bias, base, scratch, table, inStep, limits)
}

// PanelProduct multiplies rows of a matrix, which lie in panels of TileColumns columns,
// with blocks times TileColumns columns of another; for the first block,
//
//	out[r*TileColumns+j] = sum over k < depth of
//	  in[k/TileColumns*panel + r*TileColumns + k%TileColumns] * weights[k*TileColumns+j]
//
// for r < rows, j < TileColumns. The next block lies outStep floats further in out, and
// blockStep floats in weights. Nothing overlaps.
func PanelProduct(out, in, weights []float32, rows, depth, panel, blocks, outStep, blockStep int) {
	for most := PanelBlocks(); blocks > most; blocks -= most {
		active.PanelProduct(out, in, weights, rows, depth, panel, most, outStep, blockStep)
		out, weights = out[most*outStep:], weights[most*blockStep:]
	}
	active.PanelProduct(out, in, weights, rows, depth, panel, blocks, outStep, blockStep)
}

// PanelBlocks is how many blocks PanelProduct computes at a time with the set in use.
func PanelBlocks() int { return max(active.PanelBlocks, 1) }

func winogradGatherPlain(m *WinogradMatrix, out, in, zeros, scratch []float32, table []int32, blocks, outStep, blockStep int) {
	var x [36][]float32
	for b := range blocks {
		for i, at := range table[:m.Columns*m.Columns] {
			if x[i] = zeros; at >= 0 {
				x[i] = in[int(at)+b*TileColumns:]
			}
		}
		m.transform(scratch, &x, func(i int, y *[TileColumns]float32) { copy(out[b*blockStep+i*outStep:], y[:]) })
	}
}

func winogradScatterPlain(m *WinogradMatrix, out, in, bias, base, scratch []float32, table []int32, inStep int, limits *Limits) {
	var x [36][]float32
	for i := range m.Columns * m.Columns {
		x[i] = in[i*inStep:]
	}
	m.transform(scratch, &x, func(i int, y *[TileColumns]float32) {
		if table[i] < 0 {
			return
		}
		to := out[table[i]:][:TileColumns]
		for j, v := range y {
			v += bias[j]
			if base != nil {
				v += base[int(table[i])+j]
			}
			to[j] = v
		}
		limits.Keep(to)
	})
}

// transform computes m x mᵀ, from the left first.
func (m *WinogradMatrix) transform(scratch []float32, x *[36][]float32, put func(i int, y *[TileColumns]float32)) {
	for r := range m.Rows {
		for c := range m.Columns {
			sum := (*[TileColumns]float32)(scratch[(r*m.Columns+c)*TileColumns:])
			clear(sum[:])
			for k, factor := range m.Elements[r*m.Columns:][:m.Columns] {
				if factor != 0 {
					addScaled(sum, x[k*m.Columns+c], factor)
				}
			}
		}
	}
	for r := range m.Rows {
		for c := range m.Rows {
			var sum [TileColumns]float32
			for k, factor := range m.Elements[c*m.Columns:][:m.Columns] {
				if factor != 0 {
					addScaled(&sum, scratch[(r*m.Columns+k)*TileColumns:], factor)
				}
			}
			put(r*m.Rows+c, &sum)
		}
	}
}

func addScaled(sum *[TileColumns]float32, x []float32, factor float32) {
	for j, v := range (*[TileColumns]float32)(x) {
		sum[j] += float32(v * factor)
	}
}

func panelProductPlain(out, in, weights []float32, rows, depth, panel, blocks, outStep, blockStep int) {
	for b := range blocks {
		panelBlockPlain(out[b*outStep:], in, weights[b*blockStep:], rows, depth, panel)
	}
}

func panelBlockPlain(out, in, weights []float32, rows, depth, panel int) {
	for r := range rows {
		var sum [TileColumns]float32
		for k := range depth {
			v := in[k/TileColumns*panel+r*TileColumns+k%TileColumns]
			for j, factor := range (*[TileColumns]float32)(weights[k*TileColumns:]) {
				sum[j] += float32(v * factor)
			}
		}
		copy(out[r*TileColumns:], sum[:])
	}
}
