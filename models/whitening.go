package models

import (
	"fmt"
	"math"
	"slices"
)

// InitWhitening sets the filters of Whiten from pictures, N x channels x height x width as the
// network will read them; a few thousand suffice. The filters are the directions in which
// patches of 2x2 vary, each scaled so that what it sees has a deviation near 1, and the same with
// the sign turned: eigenvectors of the patches' second moments, divided by
// sqrt(eigenvalue + 0.0005), from the smallest on.
func (n *Airbench) InitWhitening(pictures []float32) error {
	const smooth = 5e-4
	channels, height, width := n.Input()
	if size := channels * height * width; len(pictures) == 0 || len(pictures)%size != 0 {
		return fmt.Errorf("whitening wants whole pictures of %dx%dx%d, %d numbers each, and got %d numbers", channels, height, width, size, len(pictures))
	}
	moments := patchMoments(pictures, channels, height, width)
	variances, directions := eigen(moments)
	for i, v := range variances {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("whitening wants finite pictures, and got some that are not")
		}
		for k := range directions[i] {
			directions[i][k] /= math.Sqrt(max(v, 0) + smooth)
		}
	}
	size := len(variances)
	weight := make([]float32, 2*size*size)
	for i, direction := range directions {
		for k, v := range direction {
			weight[i*size+k], weight[(size+i)*size+k] = float32(v), float32(-v)
		}
	}
	n.Whiten.Weight.Write(weight)
	return nil
}

// patchMoments returns the mean products of the pixels of all patches of 2x2, whose
// pixels are in the order of a filter.
func patchMoments(pictures []float32, channels, height, width int) [][]float64 {
	size := channels * whitenKernel * whitenKernel
	moments := square(size)
	patch := make([]float64, size)
	count := 0
	for at := 0; at < len(pictures); at += channels * height * width {
		for y := range height - whitenKernel + 1 {
			for x := range width - whitenKernel + 1 {
				for i := range patch {
					c, dy, dx := i/(whitenKernel*whitenKernel), i/whitenKernel%whitenKernel, i%whitenKernel
					patch[i] = float64(pictures[at+(c*height+y+dy)*width+x+dx])
				}
				for i, a := range patch {
					for k, b := range patch[:i+1] {
						moments[i][k] += a * b
					}
				}
				count++
			}
		}
	}
	for i := range moments {
		for k := range i + 1 {
			moments[i][k] /= float64(count)
			moments[k][i] = moments[i][k]
		}
	}
	return moments
}

// eigen returns the eigenvalues of a symmetric matrix, the smallest first, and their
// eigenvectors, of length 1 and with the largest element positive. It is Jacobi's method: planes are
// turned until nothing is left beside the diagonal.
func eigen(a [][]float64) (values []float64, vectors [][]float64) {
	const sweeps = 64 // a dozen do
	n := len(a)
	turned := square(n) // its rows become the eigenvectors
	for i := range n {
		turned[i][i] = 1
	}
	for range sweeps {
		var beside, diagonal float64
		for i := range n {
			for k := range n {
				if i != k {
					beside += a[i][k] * a[i][k]
				}
			}
			diagonal += a[i][i] * a[i][i]
		}
		if !(beside > 1e-30*diagonal) {
			break
		}
		for p := range n {
			for q := p + 1; q < n; q++ {
				if a[p][q] != 0 {
					rotate(a, turned, p, q)
				}
			}
		}
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, k int) int {
		if a[i][i] < a[k][k] {
			return -1
		} else if a[i][i] > a[k][k] {
			return 1
		}
		return 0
	})
	for _, i := range order {
		v := turned[i]
		largest := 0
		for k := range v {
			if math.Abs(v[k]) > math.Abs(v[largest]) {
				largest = k
			}
		}
		if v[largest] < 0 {
			for k := range v {
				v[k] = -v[k]
			}
		}
		values, vectors = append(values, a[i][i]), append(vectors, v)
	}
	return values, vectors
}

// rotate turns the plane of rows and columns p and q so that a[p][q] becomes zero.
func rotate(a, turned [][]float64, p, q int) {
	slope := (a[q][q] - a[p][p]) / (2 * a[p][q])
	tangent := math.Copysign(1, slope) / (math.Abs(slope) + math.Hypot(slope, 1))
	cosine := 1 / math.Hypot(tangent, 1)
	sine := tangent * cosine
	turn := func(x, y *float64) { *x, *y = cosine**x-sine**y, sine**x+cosine**y }
	for k := range a {
		turn(&a[k][p], &a[k][q])
	}
	for k := range a {
		turn(&a[p][k], &a[q][k])
		turn(&turned[p][k], &turned[q][k])
	}
}

func square(n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
	}
	return m
}
