package kernel

// The kernels of normalisations work on pictures with the channels innermost, all with
// step floats from one pixel to the next. The slices that have a number for every
// channel tell how many there are, a positive multiple of TileColumns. Sums are of
// float64, since variances are differences of large numbers.

// ChannelSums adds up every channel: sums[j] += x[p*step+j], for p < pixels, at
// least one, and j < len(sums).
func ChannelSums(sums []float64, x []float32, pixels, step int) {
	active.ChannelSums(sums, x, pixels, step)
}

// ChannelSquares adds up squares of deviations:
//
//	squares[j] += (x[p*step+j] - means[j])²
func ChannelSquares(squares, means []float64, x []float32, pixels, step int) {
	active.ChannelSquares(squares, means, x, pixels, step)
}

// ScaleChannels scales and shifts, and keeps the results between two numbers:
//
//	y[p*step+j] = min(max(x[p*step+j]*scale[j] + shift[j], low), high)
//
// A NaN stays one. y may be x.
func ScaleChannels(y, x []float32, scale, shift []float64, pixels, step int, low, high float32) {
	active.ScaleChannels(y, x, scale, shift, pixels, step, low, high)
}

// ChannelProducts adds up gradients, where the outputs lie between two numbers, and
// their products with deviations:
//
//	d = low < y[p*step+j] && y[p*step+j] < high ? slopes[p*step+j] : 0
//	sums[j] += d
//	products[j] += d * (x[p*step+j] - means[j])
func ChannelProducts(sums, products, means []float64, slopes, x, y []float32, pixels, step int, low, high float32) {
	active.ChannelProducts(sums, products, means, slopes, x, y, pixels, step, low, high)
}

// CombineChannels sets gradients to a sum, or adds it, with d as ChannelProducts
// has it:
//
//	dx[p*step+j] = (adds ? dx[p*step+j] : 0) + a[j]*d + b[j]*x[p*step+j] + c[j]
//
// dx may be slopes, or x.
func CombineChannels(dx, slopes, x, y []float32, a, b, c []float64, pixels, step int, low, high float32, adds bool) {
	active.CombineChannels(dx, slopes, x, y, a, b, c, pixels, step, low, high, adds)
}

func channelSumsPlain(sums []float64, x []float32, pixels, step int) {
	for p := range pixels {
		for j, v := range x[p*step:][:len(sums)] {
			sums[j] += float64(v)
		}
	}
}

func channelSquaresPlain(squares, means []float64, x []float32, pixels, step int) {
	for p := range pixels {
		for j, v := range x[p*step:][:len(squares)] {
			d := float64(v) - means[j]
			squares[j] += d * d
		}
	}
}

func scaleChannelsPlain(y, x []float32, scale, shift []float64, pixels, step int, low, high float32) {
	for p := range pixels {
		to := y[p*step:][:len(scale)]
		for j, v := range x[p*step:][:len(scale)] {
			v = float32(float64(v)*scale[j] + shift[j])
			switch {
			case v < low:
				v = low
			case v > high:
				v = high
			}
			to[j] = v
		}
	}
}

func channelProductsPlain(sums, products, means []float64, slopes, x, y []float32, pixels, step int, low, high float32) {
	for p := range pixels {
		at := p * step
		for j := range sums {
			var d float64
			if v := y[at+j]; low < v && v < high {
				d = float64(slopes[at+j])
			}
			sums[j] += d
			products[j] += d * (float64(x[at+j]) - means[j])
		}
	}
}

func combineChannelsPlain(dx, slopes, x, y []float32, a, b, c []float64, pixels, step int, low, high float32, adds bool) {
	for p := range pixels {
		at := p * step
		for j := range a {
			sum := b[j]*float64(x[at+j]) + c[j]
			if v := y[at+j]; low < v && v < high {
				sum += a[j] * float64(slopes[at+j])
			}
			v := float32(sum)
			if adds {
				v += dx[at+j]
			}
			dx[at+j] = v
		}
	}
}
