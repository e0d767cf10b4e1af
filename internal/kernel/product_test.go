package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestProduct compares products by panels with sums of float64: all sizes, both orders of
// the right matrix, and depths of more than a panel.
func TestProduct(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		room := make([]float32, ProductRoom)
		for seed := range uint64(120) {
			r := rand.New(rand.NewPCG(seed, 11))
			rows, columns, depth := 1+r.IntN(40), 1+r.IntN(90), r.IntN(40)
			if seed%20 == 0 {
				rows, columns, depth = 1+r.IntN(16), 1+r.IntN(40), panelFloats/PanelColumns()+r.IntN(50)
			}
			aRow, aColumn, bRow, bColumn := depth, 1, columns, 1
			if r.IntN(2) == 0 {
				aRow, aColumn = 1, rows
			}
			if r.IntN(2) == 0 {
				bRow, bColumn = 1, depth
			}
			cRow, accumulate := columns+r.IntN(9), r.IntN(2) == 0
			a, b := newGuarded(rows*depth, normal(r)), newGuarded(depth*columns, normal(r))
			got := newGuarded((rows-1)*cRow+columns, normal(r))
			before := got.clone()
			Product(got.data, a.data, b.data, rows, columns, depth, cRow, aRow, aColumn, bRow, bColumn, accumulate, room)
			what := fmt.Sprintf("%d: %dx%d by %d", seed, rows, depth, columns)
			got.check(t, what)
			for m := range rows {
				for j := range cRow {
					at := m*cRow + j
					if at >= len(got.data) {
						continue
					}
					want := float64(before.data[at])
					if j < columns {
						if !accumulate {
							want = 0
						}
						for k := range depth {
							want += float64(a.data[m*aRow+k*aColumn]) * float64(b.data[k*bRow+j*bColumn])
						}
					}
					if math.Abs(float64(got.data[at])-want) > 1e-5*math.Sqrt(float64(depth)+1)*4 {
						t.Fatalf("%s: row %d, column %d is %v, want %v", what, m, j, got.data[at], want)
					}
				}
			}
		}
	})
}

// TestPackColumns puts a matrix into panels, and takes the product of them.
func TestPackColumns(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(12, 12))
		const depth, rows = 24, 40
		matrix := newGuarded(rows*depth, normal(r))
		width := PanelColumns()
		stored := (rows + width - 1) / width * width
		panels := newGuarded(stored*depth, func() float32 { return 0 })
		PackColumns(panels.data, matrix.data, depth, 8, rows)
		PackColumns(panels.data, matrix.data, depth, 0, 8)
		panels.check(t, "panels")
		for o := range stored {
			for k := range depth {
				want := float32(0)
				if o < rows {
					want = matrix.data[o*depth+k]
				}
				if got := panels.data[o/width*depth*width+k*width+o%width]; got != want {
					t.Fatalf("row %d, column %d is %v, want %v", o, k, got, want)
				}
			}
		}
	})
}

// TestTranspose8 turns squares that are parts of larger matrices.
func TestTranspose8(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(13, 13))
		const toStep, fromStep = 11, 9
		from := newGuarded(7*fromStep+8, normal(r))
		got := newGuarded(7*toStep+8, normal(r))
		want := got.clone()
		Transpose8(got.data, from.data, toStep, fromStep)
		got.check(t, "a square")
		for i := range 8 {
			for j := range 8 {
				want.data[j*toStep+i] = from.data[i*fromStep+j]
			}
		}
		sameBits(t, "a square", got.data, want.data)
	})
}
