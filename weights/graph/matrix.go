package graph

import (
	"slices"
	"strings"
)

// matrices takes two tensors as matrices with any number of dimensions before them, as
// NumPy's matmul: one of a single dimension is a row, or a column.
func matrices(a, b []int) (left, right, lead, out []int) {
	left, right = slices.Clone(a), slices.Clone(b)
	if len(a) == 0 || len(b) == 0 {
		refuse("multiplies a single number as a matrix")
	}
	if len(a) == 1 {
		left = []int{1, a[0]}
	}
	if len(b) == 1 {
		right = []int{b[0], 1}
	}
	la, lb := len(left)-2, len(right)-2
	if left[la+1] != right[lb] {
		refuse("multiplies matrices of %v and %v", a, b)
	}
	lead = together(left[:la], right[:lb])
	out = slices.Clone(lead)
	if len(a) > 1 {
		out = append(out, left[la])
	}
	if len(b) > 1 {
		out = append(out, right[lb+1])
	}
	return left, right, lead, out
}

// multiply calls set with every sum of products of two tensors of matrices.
func multiply(a, b []int, product func(i, j int) float64, set func(o int, sum float64)) {
	left, right, lead, _ := matrices(a, b)
	la, lb := len(left)-2, len(right)-2
	rows, depth, columns := left[la], left[la+1], right[lb+1]
	walk(lead, func(m int, at []int) {
		x, y := at[0]*rows*depth, at[1]*depth*columns
		for r := range rows {
			for k := range columns {
				sum := 0.0
				for d := range depth {
					sum += product(x+r*depth+d, y+d*columns+k)
				}
				set((m*rows+r)*columns+k, sum)
			}
		}
	}, spread(left[:la], lead), spread(right[:lb], lead))
}

func matMul(c *call) []*Tensor {
	a, b := c.x(0), c.x(1)
	_, _, _, shape := matrices(a.Shape, b.Shape)
	y := c.make(a.Type, shape...)
	if !c.work(y.Len(), a.Shape[len(a.Shape)-1]) {
		return one(y)
	}
	x, z := a.floats(), b.floats()
	multiply(a.Shape, b.Shape, func(i, j int) float64 { return float64(x[i]) * float64(z[j]) }, func(o int, sum float64) {
		if y.Type.Float() {
			y.Floats[o] = float32(sum)
		} else {
			y.Ints[o] = y.Type.wrap(int64(sum))
		}
	})
	return one(y)
}

// gemm is alpha*A*B + beta*C of matrices, each of which may be transposed.
func gemm(c *call) []*Tensor {
	a, b := matrix(c.float(0), c.node.int("transA", 0) != 0), matrix(c.float(1), c.node.int("transB", 0) != 0)
	if a.columns != b.rows {
		refuse("multiplies matrices of %dx%d and %dx%d", a.rows, a.columns, b.rows, b.columns)
	}
	y := c.make(c.x(0).Type, a.rows, b.columns)
	if !c.work(a.rows, a.columns, b.columns) {
		return one(y)
	}
	alpha, beta := c.node.real("alpha", 1), c.node.real("beta", 1)
	var add *Tensor
	steps := []int{0, 0}
	if c.has(2) {
		if add = c.float(2); !slices.Equal(together(add.Shape, y.Shape), y.Shape) {
			refuse("adds %v to a matrix of %v", add, y.Shape)
		}
		steps = spread(add.Shape, y.Shape)
	}
	walk(y.Shape, func(i int, at []int) {
		r, k := i/b.columns, i%b.columns
		sum := 0.0
		for d := range a.columns {
			sum += a.at(r, d) * b.at(d, k)
		}
		sum *= alpha
		if add != nil {
			sum += beta * float64(add.Floats[at[0]])
		}
		y.Floats[i] = float32(sum)
	}, steps)
	return one(y)
}

type mat struct {
	rows, columns int
	transposed    bool
	values        []float32
}

func matrix(t *Tensor, transposed bool) mat {
	if len(t.Shape) != 2 {
		refuse("wants matrices, got %v", t)
	}
	m := mat{t.Shape[0], t.Shape[1], transposed, t.Floats}
	if transposed {
		m.rows, m.columns = m.columns, m.rows
	}
	return m
}

func (m mat) at(r, k int) float64 {
	if m.transposed {
		return float64(m.values[k*m.rows+r])
	}
	return float64(m.values[r*m.columns+k])
}

// einsum sums products over the letters that the result has not.
func einsum(c *call) []*Tensor {
	equation := strings.ReplaceAll(c.node.text("equation", ""), " ", "")
	left, right, said := strings.Cut(equation, "->")
	terms := strings.Split(left, ",")
	if len(terms) != len(c.in) || len(equation) > 200 {
		refuse("has the equation %q for %d inputs", equation, len(c.in))
	}
	// The dimensions that an ellipsis stands for get letters of their own.
	const more = "0123456789"
	ellipsis := 0
	for i := range terms {
		own := len(c.x(i).Shape) - len(strings.Replace(terms[i], "...", "", 1))
		if !strings.Contains(terms[i], "...") {
			own = 0
		}
		if own < 0 || own > len(more) {
			refuse("has the equation %q for an input %v", equation, c.x(i))
		}
		ellipsis = max(ellipsis, own)
		terms[i] = strings.Replace(terms[i], "...", more[len(more)-own:], 1)
	}
	right = strings.Replace(right, "...", more[len(more)-ellipsis:], 1)
	sizes := map[rune]int{}
	count := map[rune]int{}
	for i, term := range terms {
		if len(term) != len(c.x(i).Shape) {
			refuse("has the equation %q for an input %v", equation, c.x(i))
		}
		for d, letter := range term {
			size := c.x(i).Shape[d]
			if old, known := sizes[letter]; known && old != size && old != 1 && size != 1 {
				refuse("has sizes of %d and %d for one letter of %q", old, size, equation)
			}
			sizes[letter] = max(sizes[letter], size)
			count[letter]++
		}
	}
	if !said {
		right = more[len(more)-ellipsis:]
		for letter := 'A'; letter <= 'z'; letter++ {
			if count[letter] == 1 {
				right += string(letter)
			}
		}
	}
	letters := []rune(right)
	shape := []int{}
	for i, letter := range letters {
		if count[letter] == 0 || slices.Contains(letters[:i], letter) {
			refuse("has the equation %q", equation)
		}
		shape = append(shape, sizes[letter])
	}
	y := c.make(c.x(0).Type, shape...)
	all := slices.Clone(letters)
	for _, letter := range strings.Join(terms, "") {
		if !slices.Contains(all, letter) {
			all = append(all, letter)
		}
	}
	total := []int{}
	for _, letter := range all {
		total = append(total, sizes[letter])
	}
	if !c.work(total...) {
		return one(y)
	}
	steps := make([][]int, len(terms)+1)
	for i, term := range append(slices.Clone(terms), right) {
		steps[i] = make([]int, len(all))
		own := shape
		if i < len(terms) {
			own = c.x(i).Shape
		}
		for d, letter := range []rune(term) {
			if own[d] > 1 {
				steps[i][slices.Index(all, letter)] += strides(own)[d]
			}
		}
	}
	sums := make([]float64, y.Len())
	walk(total, func(_ int, at []int) {
		product := 1.0
		for i := range terms {
			if x := c.in[i]; x.Type.Float() {
				product *= float64(x.Floats[at[i]])
			} else {
				product *= float64(x.Ints[at[i]])
			}
		}
		sums[at[len(terms)]] += product
	}, steps...)
	for i, s := range sums {
		if y.Type.Float() {
			y.Floats[i] = float32(s)
		} else {
			y.Ints[i] = int64(s)
		}
	}
	return one(y)
}
