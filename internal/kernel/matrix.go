package kernel

// LinearForward computes a fully connected layer for n examples. outputs and
// depth are multiples of 8.
//
//	y[b*yStride+o] = relu(bias[o] + Σ_k x[b*xStride+k] * w[o*depth+k])
//
// for b < n, o < outputs, k < depth; relu if asked for.
func LinearForward(y, x, w, bias []float32, n, outputs, depth, yStride, xStride int, relu bool) {
	active.LinearForward(y, x, w, bias, n, outputs, depth, yStride, xStride, relu)
}

func linearForwardPlain(y, x, w, bias []float32, n, outputs, depth, yStride, xStride int, relu bool) {
	for b := range n {
		in, out := x[b*xStride:][:depth], y[b*yStride:][:outputs]
		for o := 0; o < outputs; o += 4 {
			w0, w1 := w[o*depth:][:depth], w[(o+1)*depth:][:depth]
			w2, w3 := w[(o+2)*depth:][:depth], w[(o+3)*depth:][:depth]
			s := *(*[4]float32)(bias[o:])
			for k, v := range in {
				s[0] += float32(v * w0[k])
				s[1] += float32(v * w1[k])
				s[2] += float32(v * w2[k])
				s[3] += float32(v * w3[k])
			}
			if relu {
				for i, v := range s {
					if v < 0 {
						s[i] = 0
					}
				}
			}
			*(*[4]float32)(out[o:]) = s
		}
	}
}

// MatMul computes a matrix product, or adds it to c. columns is a multiple
// of 8; a may be transposed by its two strides.
//
//	c[m*cStride+j] = (accumulate ? c[m*cStride+j] : 0) + Σ_k a[m*aRow+k*aColumn] * b[k*bStride+j]
//
// for m < rows, j < columns, k < depth. Zeros of a may be left out, even where b
// is not finite.
func MatMul(c, a, b []float32, rows, columns, depth, cStride, aRow, aColumn, bStride int, accumulate bool) {
	active.MatMul(c, a, b, rows, columns, depth, cStride, aRow, aColumn, bStride, accumulate)
}

func matMulPlain(c, a, b []float32, rows, columns, depth, cStride, aRow, aColumn, bStride int, accumulate bool) {
	for m := range rows {
		row := c[m*cStride:][:columns]
		if !accumulate {
			clear(row)
		}
		for k := range depth {
			// Half of the gradients that come back through a ReLU are zero.
			if v := a[m*aRow+k*aColumn]; v != 0 {
				axpy(row, b[k*bStride:], v)
			}
		}
	}
}
