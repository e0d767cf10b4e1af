package kernel

// Lanes is the number of output channels that a convolution kernel computes
// together: 8 for up to 8 channels, else 16. Weights and biases are packed in
// blocks of that many.
func Lanes(channels int) int {
	if channels <= 8 {
		return 8
	}
	return 16
}

// Conv describes a convolution over one picture stored row by row, pixel by
// pixel, channel by channel, already padded with zeros where it is to be
// padded. The part of a picture row that a filter row lies on is one run of
// contiguous floats. All distances are in floats.
type Conv struct {
	Channels   int // output channels
	KernelRows int // rows of the filter
	Run        int // floats of one filter row: filter columns x stored input channels
	InRow      int // from one input row to the next
	StepX      int // between the inputs of horizontal neighbours: stride x stored input channels
	StepY      int // between the inputs of vertical neighbours: stride x InRow
	OutWidth   int // of the result, after pooling
	OutHeight  int
	OutPixel   int  // from one output pixel to the next: stored output channels
	ReLU       bool // negative results become zero
	Pool       bool // the result is the maximum over windows of 2x2 outputs
}

// Blocks is the number of blocks of output channels.
func (c *Conv) Blocks() int {
	lanes := Lanes(c.Channels)
	return (c.Channels + lanes - 1) / lanes
}

// PackedWeights is the number of floats of the packed weights.
func (c *Conv) PackedWeights() int {
	return c.Blocks() * Lanes(c.Channels) * c.KernelRows * c.Run
}

// FilterRow is the number of floats from one row of a filter to the next in
// the unpacked weights: Run rounded up to a multiple of 8.
func (c *Conv) FilterRow() int { return (c.Run + 7) &^ 7 }

// Filter is the number of floats of one filter in the unpacked weights.
func (c *Conv) Filter() int { return c.KernelRows * c.FilterRow() }

// Slack is how many floats (and bytes of chosen) beyond the last pixel
// Forward may overwrite, and how many beyond the last input of a filter
// WeightGradient may read: the surplus lanes of a block.
const Slack = 16

// Pack reorders weights for Forward: from filters (channel, filter row, run;
// rows of FilterRow floats) to blocks (block, filter row, run, lane). Lanes
// beyond the last channel are zero.
func (c *Conv) Pack(packed, weights []float32) { c.PackChannels(packed, weights, 0, c.Channels) }

// PackChannels does what Pack does for output channels from..to-1 alone.
func (c *Conv) PackChannels(packed, weights []float32, from, to int) {
	active.Pack(c, packed, weights, from, to)
}

func packPlain(c *Conv, packed, weights []float32, from, to int) {
	lanes, row, filter := Lanes(c.Channels), c.FilterRow(), c.Filter()
	blockSize := lanes * c.KernelRows * c.Run
	for channel := from; channel < to; channel++ {
		block := packed[channel/lanes*blockSize+channel%lanes:]
		for r := range c.KernelRows {
			for i, w := range weights[channel*filter+r*row:][:c.Run] {
				block[(r*c.Run+i)*lanes] = w
			}
		}
	}
}

// Forward computes the convolution of one picture, with bias, then max-pool,
// then ReLU, as asked for:
//
//	for y, x, channel: for each window position p (one without pooling):
//	  sum[p] = bias[channel] + Σ in[p's input + row*InRow + i] * weight[channel][row][i]
//	out[(y*OutWidth+x)*OutPixel + channel] = relu(max over p of sum[p])
//	chosen[same index] = the p of the maximum, the first of equals, 0..3 in row-major order
//
// packed and bias hold whole blocks. out (and chosen, unless it is nil: only
// training needs it) must have Slack elements beyond the last pixel, which
// are overwritten. A NaN is the maximum of its window.
func (c *Conv) Forward(in, packed, bias, out []float32, chosen []uint8) {
	active.Forward(c, in, packed, bias, out, chosen)
}

func forwardPlain(c *Conv, in, packed, bias, out []float32, chosen []uint8) {
	lanes := Lanes(c.Channels)
	blockSize := lanes * c.KernelRows * c.Run
	positions := [4]int{0, c.StepX, c.StepY, c.StepX + c.StepY}
	window, count := 1, 1
	if c.Pool {
		window, count = 2, 4
	}
	for y := range c.OutHeight {
		for x := range c.OutWidth {
			pixel := in[y*window*c.StepY+x*window*c.StepX:]
			for block := range c.Blocks() {
				weights := packed[block*blockSize:][:blockSize]
				at := (y*c.OutWidth+x)*c.OutPixel + block*lanes
				for lane := 0; lane < lanes && block*lanes+lane < c.Channels; lane += 4 {
					b := (*[4]float32)(bias[block*lanes+lane:])
					best := c.dot4(pixel, weights[lane:], lanes, b)
					var which [4]uint8
					for p := 1; p < count; p++ {
						next := c.dot4(pixel[positions[p]:], weights[lane:], lanes, b)
						for i, v := range next {
							if v > best[i] || v != v {
								best[i], which[i] = v, uint8(p)
							}
						}
					}
					if c.ReLU {
						for i, v := range best {
							if v < 0 {
								best[i] = 0
							}
						}
					}
					*(*[4]float32)(out[at+lane:]) = best
					if chosen != nil {
						*(*[4]uint8)(chosen[at+lane:]) = which
					}
				}
			}
		}
	}
}

// dot4 computes four neighbouring output channels at one position.
func (c *Conv) dot4(in, weights []float32, lanes int, bias *[4]float32) [4]float32 {
	s0, s1, s2, s3 := bias[0], bias[1], bias[2], bias[3]
	w := 0
	for row := range c.KernelRows {
		for _, v := range in[row*c.InRow:][:c.Run] {
			k := (*[4]float32)(weights[w:])
			s0 += float32(v * k[0])
			s1 += float32(v * k[1])
			s2 += float32(v * k[2])
			s3 += float32(v * k[3])
			w += lanes
		}
	}
	return [4]float32{s0, s1, s2, s3}
}

// Pair is one output of a convolution that carries gradient: where the input
// under its filter starts, in floats from the start of the picture, and the
// gradient.
type Pair struct {
	Offset   int32
	Gradient float32
}

// Collect lists the outputs of one channel that carry gradient and returns how
// many they are: those that the ReLU let through (all, if relu is false).
//
//	for p in 0..count-1:
//	  if !relu || out[p*outStep] > 0:
//	    append {offsets[4*p + chosen[p*outStep]], gradient[p*gradientStep]}
//
// pairs must have room for count pairs and one more, which is overwritten.
func Collect(pairs []Pair, count int, relu bool, out []float32, chosen []uint8, outStep int, gradient []float32, gradientStep int, offsets []int32) int {
	return active.Collect(pairs, count, relu, out, chosen, outStep, gradient, gradientStep, offsets)
}

func collectPlain(pairs []Pair, count int, relu bool, out []float32, chosen []uint8, outStep int, gradient []float32, gradientStep int, offsets []int32) int {
	n := 0
	for p := range count {
		if relu && !(out[p*outStep] > 0) {
			continue
		}
		pairs[n] = Pair{offsets[4*p+int(chosen[p*outStep])], gradient[p*gradientStep]}
		n++
	}
	return n
}

// WeightGradient adds the gradient of one channel's filter and returns that of
// its bias:
//
//	for each pair: for row, i: filter[row*FilterRow()+i] += pair.Gradient * in[pair.Offset + row*InRow + i]
//
// It computes whole vectors: what it leaves in the filter between Run and
// FilterRow() means nothing, and it reads up to Slack floats beyond the inputs.
func (c *Conv) WeightGradient(filter, in []float32, pairs []Pair) (bias float32) {
	return active.WeightGradient(c, filter, in, pairs)
}

func weightGradientPlain(c *Conv, filter, in []float32, pairs []Pair) (bias float32) {
	for _, pair := range pairs {
		bias += pair.Gradient
		for row := range c.KernelRows {
			axpy(filter[row*c.FilterRow():][:c.Run], in[int(pair.Offset)+row*c.InRow:], pair.Gradient)
		}
	}
	return bias
}

// InputGradient adds the gradient of the picture:
//
//	for p in 0..pixels-1, for each channel:
//	  if !ReLU || out[p*OutPixel+channel] > 0:
//	    at = offsets[4*p + chosen[p*OutPixel+channel]]
//	    for row, i: gradient[at + row*InRow + i] += slopes[p*pixelStep + channel*channelStep] * filters[channel][row][i]
//
// It computes whole vectors, so the filters must be zero between Run and
// FilterRow(); gradient, out and chosen have Slack elements beyond the last.
func (c *Conv) InputGradient(gradient, filters, out []float32, chosen []uint8, slopes []float32, pixelStep, channelStep int, offsets []int32) {
	active.InputGradient(c, gradient, filters, out, chosen, slopes, pixelStep, channelStep, offsets)
}

func inputGradientPlain(c *Conv, gradient, filters, out []float32, chosen []uint8, slopes []float32, pixelStep, channelStep int, offsets []int32) {
	row, size := c.FilterRow(), c.Filter()
	for p := range c.OutHeight * c.OutWidth {
		for channel := range c.Channels {
			at := p*c.OutPixel + channel
			if c.ReLU && !(out[at] > 0) {
				continue
			}
			from, slope := int(offsets[4*p+int(chosen[at])]), slopes[p*pixelStep+channel*channelStep]
			for r := range c.KernelRows {
				axpy(gradient[from+r*c.InRow:][:c.Run], filters[channel*size+r*row:], slope)
			}
		}
	}
}

// axpy adds scale*x to y.
func axpy(y, x []float32, scale float32) {
	x = x[:len(y)]
	for len(y) >= 4 && len(x) >= 4 {
		y[0] += float32(scale * x[0])
		y[1] += float32(scale * x[1])
		y[2] += float32(scale * x[2])
		y[3] += float32(scale * x[3])
		y, x = y[4:], x[4:]
	}
	for i := range y {
		y[i] += float32(scale * x[i])
	}
}
