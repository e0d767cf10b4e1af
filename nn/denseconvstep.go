package nn

import (
	"slices"

	"inkling/internal/kernel"
)

// denseConvStep is a convolution of any kind with bias and, maybe, what stands behind
// it: a BatchNorm with fixed statistics, which becomes part of the weights, a sum with
// a value that is there already, and a ReLU or ReLU6. It is computed tile by tile from
// pictures with the channels innermost, without a copy of the picture or a border
// around it.
type denseConvStep struct {
	plan          *plan
	op            conv2d
	weight, bias  *Param
	strides       []int  // of the weights, as of Out x In/Groups x KH x KW
	norm          *node  // the BatchNorm, or nil
	residual      *place // what is added, or nil
	limits        *kernel.Limits
	input, output *place
	in, out       Shape // C x H x W of one example
	positions     int   // of the filter
	depthwise     bool

	// picture and result are input and output with channels innermost: their own
	// memory, or copies.
	picture, result                 *buffer
	pictureGradient, resultGradient *buffer
	stored                          [2]int // floats of a pixel of picture and result
	adds                            bool   // to the gradient of the input

	algorithms                [3]convAlgorithm // of the passes
	forwardPass, backwardPass *tilePass
	// What replaces them where the algorithm is Winograd's.
	forwardTiles, backwardTiles *winogradPass
	// packRooms are what filters are transformed in, for every packUnit of them.
	packRooms [][]float32
	packUnit  int
	// planar is nil unless the input has so few channels that it is better taken as
	// planes.
	planar *planarPictures

	packed, packedBack []float32 // the weights as the passes want them
	biases, noBiases   []float32 // and the biases, with room behind
	used               *versions // of what is packed
}

func isDenseConv(n *node) bool {
	return is[convolver](n.op) && n.inputs[0].rows() == 1
}

// convolver is an Op that is a convolution: of pictures, or of lines.
type convolver interface {
	Op
	convolution() conv2d
}

func (c conv2d) convolution() conv2d { return c }

// asPicture is the shape of an example, C x H x W; a line is a picture of one row.
func asPicture(shape Shape) Shape {
	if len(shape) == 2 {
		return Shape{shape[0], 1, shape[1]}
	}
	return shape
}

// newDenseConvStep makes the step of a group but for its passes and stages.
func newDenseConvStep(p *plan, g *group) *denseConvStep {
	op := g.first.op.(convolver).convolution()
	s := &denseConvStep{plan: p, op: op, weight: g.first.params[0], input: p.place(g.first.inputs[0]), output: p.place(g.output),
		positions: op.kernel[0] * op.kernel[1], depthwise: op.depthwise()}
	s.strides = s.weight.strides
	if len(s.strides) == 3 { // of lines
		s.strides = slices.Insert(slices.Clone(s.strides), 2, 0)
	}
	s.in, s.out = asPicture(s.input.shape), asPicture(s.output.shape)
	s.algorithms = p.chooseConv(op, s.in, s.out)
	s.output.relu = g.taken[2] && is[relu](g.nodes[2].op)
	s.norm, s.used = g.nodes[0], versionsOf(g.first, g.nodes[0])
	if g.taken[2] {
		low, high := g.limits(2)
		s.limits = &kernel.Limits{Low: low, High: high}
	}
	if len(g.first.params) > 1 {
		s.bias = g.first.params[1]
	}
	s.biases, s.noBiases = make([]float32, op.out+kernel.TileColumns), make([]float32, max(op.in, op.out)+kernel.TileColumns)
	s.stored = [2]int{storedChannels(op.in), storedChannels(op.out)}
	s.picture, s.result = s.input.values, s.output.values
	if op.fewChannels() {
		s.planar = newPlanarPictures(p, op, s.input, s.in, s.out)
	} else if !s.input.channelsLast && op.in > 1 {
		s.picture = p.eachExample(s.in[1:].Elements()*s.stored[0], false)
	}
	if !s.output.channelsLast && op.out > 1 {
		s.result = p.eachExample(s.out[1:].Elements()*s.stored[1], false)
	}
	if g.residual != nil {
		s.residual = p.place(g.residual)
	}
	p.refresh = append(p.refresh, s.repack)
	return s
}

// copies are the buffers of input and output where those are not channels innermost.
func (s *denseConvStep) copies() (list []*buffer) {
	if s.picture != s.input.values {
		list = append(list, s.picture)
	}
	if s.result != s.output.values {
		list = append(list, s.result)
	}
	return list
}

func lowerDenseConv(p *plan, g *group) {
	s := newDenseConvStep(p, g)
	op, pixels := s.op, s.out[1:].Elements()
	touches := append([]*buffer{s.input.values, s.output.values}, s.copies()...)
	if p.backwards(g.first) {
		p.later = append(p.later, s.lowerBackward)
	}
	if s.algorithms[convOutputs] != convDirect {
		s.lowerWinograd()
		return
	}
	if s.planar != nil {
		s.forwardPass = newTilePass(p, 1, len(s.planar.offsets), op.out, 1, s.stored[1], false)
	} else {
		s.forwardPass = s.newForwardPass()
		if s.forwardPass.points = newPoints(op, s.forwardPass, pixels, s.picture, s.result, s.stored[0], s.stored[1]); s.forwardPass.points == nil {
			s.forwardPass.makeTiles(examplesTogether(p, pixels), s.forwardRows)
		}
	}
	s.packed = p.packed(s.forwardPass.packedWeights())
	p.by(s.algorithm())
	if s.planar == nil && !s.depthwise && fewPixels(p, pixels) {
		if s.residual != nil {
			touches = append(touches, s.residual.values)
		}
		p.wholeBatch(touches, s.parts()...)
		if base, _ := s.finish(); base != nil && base != s.input.values {
			p.stages[len(p.stages)-1].over = [2]*buffer{s.output.values, base}
		}
		return
	}
	s.stage(s.input, s.forward, touches)
	p.divided(s.parts()...)
}

// stage appends a stage over examples, which reads from an input and writes the step's
// output: over the residual, unless that is read otherwise than pixel by pixel, too.
func (s *denseConvStep) stage(input *place, run func(w work), touches []*buffer) {
	if base, _ := s.finish(); base != nil && base != input.values {
		s.plan.overwriting(run, s.output.values, base, touches...)
		return
	}
	if s.residual != nil {
		touches = append(touches, s.residual.values)
	}
	s.plan.byExamples(run, touches...)
}

// newForwardPass makes the pass to the outputs, which has no tiles yet.
func (s *denseConvStep) newForwardPass() *tilePass {
	op := s.op
	return newTilePass(s.plan, op.groups, op.in/op.groups, op.out/op.groups, s.positions, s.stored[1], s.depthwise)
}

// depthwise reports whether each output sees one channel, its own.
func (c conv2d) depthwise() bool { return c.groups == c.in && c.in == c.out && c.in > 1 }

// algorithm names how outputs and the gradients of inputs are computed.
func (s *denseConvStep) algorithm() string {
	switch {
	case s.planar != nil:
		return "planes"
	case s.depthwise:
		return "tiles, depthwise"
	}
	return "tiles"
}

// forwardRows describes the outputs of some examples.
func (s *denseConvStep) forwardRows(examples int) (rows []tileRow) {
	for e := range examples {
		rows = append(rows, convRows(s.op, s.in, s.out, s.stored[0], s.stored[1], e*s.picture.stride, e*s.result.stride)...)
	}
	return rows
}

// convRows describes the outputs of a convolution.
func convRows(op conv2d, in, out Shape, inPixel, outPixel, inStart, outStart int) []tileRow {
	positions := op.kernel[0] * op.kernel[1]
	rows := make([]tileRow, 0, out[1]*out[2])
	all := make([]int32, out[1]*out[2]*positions)
	for y := range out[1] {
		for x := range out[2] {
			row := tileRow{int32(outStart + (y*out[2]+x)*outPixel), all[:positions:positions]}
			all = all[positions:]
			for k := range positions {
				row.in[k] = -1
				if iy, ix, ok := op.under(in, y, x, k); ok {
					row.in[k] = int32(inStart + (iy*in[2]+ix)*inPixel)
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// under returns the pixel of a picture C x H x W under a position of the filter, if
// there is one, where the filter computes the output at y, x.
func (c conv2d) under(in Shape, y, x, position int) (iy, ix int, ok bool) {
	iy = y*c.stride[0] - c.before[0] + position/c.kernel[1]*c.dilation[0]
	ix = x*c.stride[1] - c.before[1] + position%c.kernel[1]*c.dilation[1]
	return iy, ix, iy >= 0 && ix >= 0 && iy < in[1] && ix < in[2]
}

// backwardRows describes the gradients of the inputs of some examples: which
// outputs see them, from which position of the filter.
func (s *denseConvStep) backwardRows(examples int) []tileRow {
	in, out := s.in, s.out
	pixels := in[1] * in[2]
	rows := make([]tileRow, examples*pixels)
	all := make([]int32, examples*pixels*s.positions)
	for i := range all {
		all[i] = -1
	}
	for e := range examples {
		for p := range pixels {
			rows[e*pixels+p] = tileRow{int32(e*s.pictureGradient.stride + p*s.stored[0]), all[(e*pixels+p)*s.positions:][:s.positions:s.positions]}
		}
		for y := range out[1] {
			for x := range out[2] {
				for k := range s.positions {
					if iy, ix, ok := s.op.under(in, y, x, k); ok {
						rows[e*pixels+iy*in[2]+ix].in[k] = int32(e*s.resultGradient.stride + (y*out[2]+x)*s.stored[1])
					}
				}
			}
		}
	}
	return rows
}

// repack follows changes to the parameters that somebody else made.
func (s *denseConvStep) repack() {
	if s.used.changed() {
		s.pack(0, s.op.out)
		for o := range s.op.out {
			_, s.biases[o] = s.scaled(o)
		}
	}
}

// followed is called after the step's own changes.
func (s *denseConvStep) followed() { s.used.follow() }

// scaled returns by what the filter of an output is multiplied for the BatchNorm behind
// it, and the output's bias.
func (s *denseConvStep) scaled(output int) (scale float64, bias float32) {
	if s.bias != nil {
		bias = s.bias.data[output]
	}
	if s.norm == nil {
		return 1, bias
	}
	mean, inverse := s.norm.op.(batchNorm).settled(s.norm, output)
	scale, shift := affineOf(s.norm, output, mean, inverse)
	return scale, float32(float64(bias)*scale + shift)
}

// pack packs the filters of outputs from..to-1.
func (s *denseConvStep) pack(from, to int) {
	s.packWinograd(from, to)
	forward, backward := s.forwardPass != nil, s.backwardPass != nil && !s.depthwise
	if !forward && !backward {
		return
	}
	inGroup, outGroup := s.op.in/s.op.groups, s.op.out/s.op.groups
	weights, strides := s.weight.data, s.strides
	packed := from // filters before are, for the forward pass
	for o := from; o < to; o++ {
		if forward && o >= packed && s.packEight(o, to) {
			packed = o + 8
		}
		group, column := o/outGroup, o%outGroup
		scale, _ := s.scaled(o)
		for k := range s.positions {
			at := o*strides[0] + k/s.op.kernel[1]*strides[2] + k%s.op.kernel[1]*strides[3]
			if o < packed {
				// by eights
			} else if s.planar != nil {
				for c := range inGroup {
					s.packed[s.forwardPass.packedAt(0, 0, k*inGroup+c, column)] = float32(float64(weights[at+c*strides[1]]) * scale)
				}
			} else if forward {
				to, step := s.packed[s.forwardPass.packedAt(group, k, 0, column):], kernel.TileColumns
				for c := range inGroup {
					to[c*step] = float32(float64(weights[at+c*strides[1]]) * scale)
				}
			}
			if backward {
				s.packBack(o, k, at)
			}
		}
	}
}

// packEight packs eight filters of 1x1 for the forward pass, if there are so many from o on
// whose place in a block is a multiple of eight, and says whether.
func (s *denseConvStep) packEight(o, to int) bool {
	inGroup, outGroup := s.op.in/s.op.groups, s.op.out/s.op.groups
	column := o % outGroup
	if s.positions != 1 || s.planar != nil || s.norm != nil || s.depthwise || column%8 != 0 || o+8 > to || column+8 > outGroup || inGroup < 8 || s.strides[1] != 1 {
		return false
	}
	packed := s.packed[s.forwardPass.packedAt(o/outGroup, 0, 0, column):]
	for at := 0; at < inGroup; at += 8 {
		c := min(at, inGroup-8) // the last eight may overlap those before
		kernel.Transpose8(packed[c*kernel.TileColumns:], s.weight.data[o*s.strides[0]+c:], kernel.TileColumns, s.strides[0])
	}
	return true
}

// packBack packs position k of filter o, whose weights begin at a place, for the backward
// pass.
func (s *denseConvStep) packBack(o, k, at int) {
	inGroup, outGroup, step := s.op.in/s.op.groups, s.op.out/s.op.groups, s.strides[1]
	weights := s.weight.data[at:]
	for c := 0; c < inGroup; c += kernel.TileColumns {
		to := s.packedBack[s.backwardPass.packedAt(o/outGroup, k, o%outGroup, c):][:min(inGroup-c, kernel.TileColumns)]
		if step == 1 {
			copy(to, weights[c:])
			continue
		}
		for j := range to {
			to[j] = weights[(c+j)*step]
		}
	}
}

func (s *denseConvStep) forward(w work) {
	s.takePictures(w)
	s.compute(&w, 0, s.units(w.last-w.first))
	s.putResults(w)
}

// parts are what forward does.
func (s *denseConvStep) parts() (list []part) {
	if s.picture != s.input.values {
		list = append(list, examplesPart(s.takePictures))
	}
	list = append(list, part{s.units, func(w work) {
		from, to := w.first, w.last
		w.first, w.last = 0, w.count
		s.compute(&w, from, to)
	}})
	if s.putsResults() {
		list = append(list, examplesPart(s.putResults))
	}
	return list
}

// units is the number of parts into which what compute does for so many examples can be
// divided.
func (s *denseConvStep) units(examples int) int {
	if s.planar != nil {
		return s.planar.strips() * examples
	}
	return s.forwardPass.units(examples)
}

// compute computes units from..to-1 of some examples.
func (s *denseConvStep) compute(w *work, from, to int) {
	if s.planar != nil {
		s.planar.some(w, from, to, s, s.tileRun())
	} else {
		s.forwardPass.some(w, from, to, s.tileRun())
	}
}

// tileRun is what the forward pass works on.
func (s *denseConvStep) tileRun() tileRun {
	base, limits := s.finish()
	return tileRun{s.picture, s.result, s.packed, s.biases, base, limits}
}

// takePictures copies pictures that are planar, putResults results that are to be, and
// does what finish leaves to be done.
func (s *denseConvStep) takePictures(w work) {
	for i := w.first; i < w.last && s.picture != s.input.values; i++ {
		channelsInnermost(s.picture.from(&w, i), s.input.values.from(&w, i), s.input, s.stored[0])
	}
}

func (s *denseConvStep) putResults(w work) {
	base, _ := s.finish()
	for i := w.first; i < w.last; i++ {
		if s.result != s.output.values {
			planar(s.output.values.from(&w, i), s.result.from(&w, i), s.output, s.stored[1], false)
		}
		if s.residual != nil && base == nil {
			y := s.output.values.part(&w, i)
			kernel.Add(y, s.residual.values.part(&w, i))
			s.limits.Keep(y)
		}
	}
}

// putsResults reports whether putResults has anything to do.
func (s *denseConvStep) putsResults() bool {
	base, _ := s.finish()
	return s.result != s.output.values || s.residual != nil && base == nil
}

// finish returns what the tiles begin with besides the bias, and what they keep their
// results between. What is to be added may lie in another way than the tiles; then it
// and the limits are left to be done behind them.
func (s *denseConvStep) finish() (base *buffer, limits *kernel.Limits) {
	if s.residual == nil {
		return nil, s.limits
	}
	if base = s.residual.values; s.result == s.output.values && base.stride == s.result.stride {
		return base, s.limits
	}
	return nil, nil
}

// channelsInnermost copies a planar picture to one with the channels innermost.
func channelsInnermost(to, from []float32, at *place, stored int) {
	pixels := at.shape[1:].Elements()
	for c := range at.shape[0] {
		for p, v := range from[c*pixels:][:pixels] {
			to[p*stored+c] = v
		}
	}
}

// planar copies a picture with the channels innermost to a planar one, or adds it.
func planar(to, from []float32, at *place, stored int, adds bool) {
	pixels := at.shape[1:].Elements()
	for c := range at.shape[0] {
		plane := to[c*pixels:][:pixels]
		for p := range plane {
			v := from[p*stored+c]
			if adds {
				v += plane[p]
			}
			plane[p] = v
		}
	}
}

func (s *denseConvStep) lowerBackward() {
	p := s.plan
	gradient := s.output.gradient
	touches := []*buffer{gradient}
	if s.output.relu {
		touches = append(touches, s.output.values)
	}
	if s.resultGradient = gradient; s.result != s.output.values {
		s.resultGradient = p.eachExample(s.result.size, false)
		touches = append(touches, s.resultGradient)
	}
	if s.input.gradient != nil {
		s.adds = s.input.gradient.start()
		touches = append(touches, s.input.gradient)
		if s.pictureGradient = s.input.gradient; !s.input.channelsLast && s.op.in > 1 {
			s.pictureGradient = p.eachExample(s.in[1:].Elements()*s.stored[0], false)
			touches = append(touches, s.pictureGradient)
		}
		if s.algorithms[convInputs] != convDirect {
			s.lowerWinogradBackward()
		} else {
			s.backwardPass = newTilePass(p, s.op.groups, s.op.out/s.op.groups, s.op.in/s.op.groups, s.positions, s.stored[0], s.depthwise)
			pixels := s.in[1:].Elements()
			if s.backwardPass.points = newPoints(s.op, s.backwardPass, pixels, s.resultGradient, s.pictureGradient, s.stored[1], s.stored[0]); s.backwardPass.points == nil {
				s.backwardPass.makeTiles(examplesTogether(p, pixels), s.backwardRows)
			}
			if s.packedBack = s.packed; !s.depthwise {
				s.packedBack = p.packed(s.backwardPass.packedWeights())
			}
			p.by(s.algorithm())
			if !s.depthwise && fewPixels(p, pixels) {
				p.wholeBatch(touches, s.backwardParts()...)
			} else {
				p.byExamples(s.backward, touches...)
			}
		}
	} else if s.output.relu || s.resultGradient != gradient {
		p.by(s.algorithm())
		p.byExamples(s.takeGradients, touches...)
	}
	p.followed = append(p.followed, s.followed)
	s.contribute()
}

// backward takes gradients back through the ReLU and to the inputs.
func (s *denseConvStep) backward(w work) {
	s.takeGradients(w)
	s.backwardPass.run(&w, tileRun{s.resultGradient, s.pictureGradient, s.packedBack, s.noBiases, s.baseGradient(), nil})
	s.putGradients(w)
}

// backwardParts are what backward does.
func (s *denseConvStep) backwardParts() (list []part) {
	if s.output.relu || s.resultGradient != s.output.gradient {
		list = append(list, examplesPart(s.takeGradients))
	}
	list = append(list, part{s.backwardPass.units, func(w work) {
		from, to := w.first, w.last
		w.first, w.last = 0, w.count
		s.backwardPass.some(&w, from, to, tileRun{s.resultGradient, s.pictureGradient, s.packedBack, s.noBiases, s.baseGradient(), nil})
	}})
	if s.pictureGradient != s.input.gradient {
		list = append(list, examplesPart(s.putGradients))
	}
	return list
}

// baseGradient is what the gradient of the pictures is added to, if that is done at once.
func (s *denseConvStep) baseGradient() *buffer {
	if s.adds && s.pictureGradient == s.input.gradient {
		return s.pictureGradient
	}
	return nil
}

// takeGradients takes gradients back through the ReLU, and copies them if they are
// planar; putGradients puts those of the inputs where they belong.
func (s *denseConvStep) takeGradients(w work) {
	for i := w.first; i < w.last; i++ {
		gradient := s.output.gradient.part(&w, i)
		if s.output.relu {
			kernel.MaskPositive(gradient, s.output.values.part(&w, i))
		}
		if s.resultGradient != s.output.gradient {
			channelsInnermost(s.resultGradient.from(&w, i), gradient, s.output, s.stored[1])
		}
	}
}

func (s *denseConvStep) putGradients(w work) {
	for i := w.first; i < w.last && s.pictureGradient != s.input.gradient; i++ {
		planar(s.input.gradient.from(&w, i), s.pictureGradient.from(&w, i), s.input, s.stored[0], s.adds)
	}
}
