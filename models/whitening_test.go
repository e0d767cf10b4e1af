package models

import (
	"math"
	"strings"
	"testing"

	"inkling/nn"
)

// TestWhitening checks what whitening is for: over the patches that it was made of, the first half of the
// filters see numbers that do not go together, of a spread that follows from the
// smallest on, and the second half the same with the sign turned.
func TestWhitening(t *testing.T) {
	const pictures, size, filters = 6, 3 * 32 * 32, 12
	m, err := FindModel("airbench")
	if err != nil {
		t.Fatal(err)
	}
	net, err := m.NewModel(m.Usual, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, pictures*size)
	for i, u := range share("whitening", len(x)) {
		x[i] = float32(u)
		if i >= 33 { // neighbours and channels that go together
			x[i] += 0.5*x[i-1] + 0.2*x[i-32] + 0.1*x[max(i-1024, 0)]
		}
	}
	airbench := net.(*Airbench)
	if err := airbench.InitWhitening(x); err != nil {
		t.Fatal(err)
	}
	nn.Constant(&airbench.Whiten.Bias, 0)
	p, err := nn.Compile(&airbench.Whiten, pictures, 3, 32, 32)
	if err != nil {
		t.Fatal(err)
	}
	y := p.Forward(x)
	const pixels = 31 * 31
	at := func(filter, i int) float64 { return float64(y[(i/pixels*2*filters+filter)*pixels+i%pixels]) }
	var last float64
	for a := range filters {
		for b := range a + 1 {
			var product float64
			for i := range pictures * pixels {
				product += at(a, i) * at(b, i) / (pictures * pixels)
			}
			switch {
			case a != b && math.Abs(product) > 1e-4:
				t.Errorf("filters %d and %d see numbers that go together: %v", a, b, product)
			case a == b && (product < last-1e-4 || product > 1 || product < 0.5):
				t.Errorf("filter %d has a mean square of %v, the one before %v", a, product, last)
			}
			if a == b { // variance/(variance + 0.0005)
				last = product
			}
		}
		for i := range pictures * pixels {
			if at(a, i) != -at(filters+a, i) {
				t.Fatalf("filters %d and %d differ in more than the sign: %v, %v", a, filters+a, at(a, i), at(filters+a, i))
			}
		}
	}
	x[5] = float32(math.NaN())
	for says, bad := range map[string][]float32{"got 100 numbers": x[:100], "got 0 numbers": nil, "finite": x} {
		if err := airbench.InitWhitening(bad); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%d numbers: %v, want %q", len(bad), err, says)
		}
	}
}

// TestEigen compares with matrices whose eigenvalues are known, and takes them
// together again.
func TestEigen(t *testing.T) {
	for name, c := range map[string]struct {
		matrix [][]float64
		want   []float64
	}{
		"zero":     {[][]float64{{0, 0}, {0, 0}}, []float64{0, 0}},
		"diagonal": {[][]float64{{3, 0}, {0, -1}}, []float64{-1, 3}},
		"pair":     {[][]float64{{2, 1}, {1, 2}}, []float64{1, 3}},
		"line":     {[][]float64{{2, -1, 0}, {-1, 2, -1}, {0, -1, 2}}, []float64{2 - math.Sqrt2, 2, 2 + math.Sqrt2}},
		"scales":   {[][]float64{{1e8, 1}, {1, 1e-8}}, []float64{0, 1e8}},
	} {
		a := square(len(c.matrix))
		for i := range a {
			copy(a[i], c.matrix[i])
		}
		values, vectors := eigen(a)
		for i, v := range values {
			if math.Abs(v-c.want[i]) > 1e-12*max(1, math.Abs(c.want[len(c.want)-1])) {
				t.Errorf("%s: eigenvalue %d is %v, want %v", name, i, v, c.want[i])
			}
		}
		for i := range c.matrix {
			for k := range c.matrix {
				var sum float64
				for j, v := range values {
					sum += v * vectors[j][i] * vectors[j][k]
				}
				if math.Abs(sum-c.matrix[i][k]) > 1e-7 {
					t.Errorf("%s: element %d, %d is %v again, want %v", name, i, k, sum, c.matrix[i][k])
				}
			}
		}
	}
}
