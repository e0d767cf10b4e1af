package nn

// How a convolution's step runs where the algorithm is Winograd's.

// winogradTiles returns the tiles of a pass.
func (s *denseConvStep) winogradTiles(pass convPass) *winogradTiles {
	of, in, out := s.algorithms[pass].winograd(), s.in, s.out
	if pass == convInputs {
		// The gradient of the inputs is the convolution of that of the outputs with
		// the filters turned round, from where the first of them ends.
		return newWinogradTiles(of, out, in, [2]int{2 - s.op.before[0], 2 - s.op.before[1]}, s.stored[1], s.stored[0])
	}
	return newWinogradTiles(of, in, out, s.op.before, s.stored[0], s.stored[1])
}

func (s *denseConvStep) lowerWinograd() {
	p := s.plan
	s.forwardTiles = newWinogradPass(p, s.winogradTiles(convOutputs), s.op.in, s.op.out)
	s.packed = p.packed(s.forwardTiles.packedWeights())
	p.by(s.algorithms[convOutputs].String())
	if s.picture != s.input.values {
		p.byExamples(s.takePictures, s.input.values, s.picture)
	}
	base, limits := s.finish()
	made := s.forwardTiles.stage(func(w *work, first, last int) {
		s.forwardTiles.run(w, first, last, s.picture, s.result, s.packed, s.biases, base, limits)
	}, s.picture, s.result)
	if base != nil {
		if made.touches = append(made.touches, base); base != s.picture {
			made.over = [2]*buffer{s.result, base}
		}
	}
	touches := []*buffer{s.result, s.output.values}
	if s.residual != nil && base == nil {
		touches = append(touches, s.residual.values)
	}
	if s.putsResults() {
		p.byExamples(s.putResults, touches...)
	}
}

// lowerWinogradBackward makes the stages for the gradient of the input.
func (s *denseConvStep) lowerWinogradBackward() {
	p, gradient := s.plan, s.output.gradient
	s.backwardTiles = newWinogradPass(p, s.winogradTiles(convInputs), s.op.out, s.op.in)
	s.packedBack = p.packed(s.backwardTiles.packedWeights())
	p.by(s.algorithms[convInputs].String())
	if s.output.relu || s.resultGradient != gradient {
		touches := []*buffer{gradient, s.resultGradient}
		if s.output.relu {
			touches = append(touches, s.output.values)
		}
		p.byExamples(s.takeGradients, touches...)
	}
	s.backwardTiles.stage(func(w *work, first, last int) {
		s.backwardTiles.run(w, first, last, s.resultGradient, s.pictureGradient, s.packedBack, s.noBiases, s.baseGradient(), nil)
	}, s.resultGradient, s.pictureGradient)
	if s.pictureGradient != s.input.gradient {
		p.byExamples(s.putGradients, s.pictureGradient, s.input.gradient)
	}
}

// packWinograd transforms the filters of outputs from..to-1 for the passes that want
// them so.
func (s *denseConvStep) packWinograd(from, to int) {
	if s.forwardTiles == nil && s.backwardTiles == nil {
		return
	}
	room := s.packRoom(from)
	strides := s.strides
	f := filters{weights: s.weight.data, column: strides[0], depth: strides[1]}
	for k := range f.elements {
		f.elements[k] = k/3*strides[2] + k%3*strides[3]
	}
	if s.forwardTiles != nil {
		f.scale = func(output int) float64 { scale, _ := s.scaled(output); return scale }
		s.forwardTiles.pack(s.packed, &f, from, to, 0, s.op.in, room)
	}
	if s.backwardTiles != nil {
		for k := range f.elements {
			f.elements[k] = (8-k)/3*strides[2] + (8-k)%3*strides[3]
		}
		f.scale, f.column, f.depth = nil, strides[1], strides[0]
		s.backwardTiles.pack(s.packedBack, &f, 0, s.op.in, from, to, room)
	}
}

// packRoom returns what the filters from one on are transformed in, apart from those that
// are at the same time.
func (s *denseConvStep) packRoom(from int) []float32 {
	if from == 0 && len(s.packRooms) == 0 {
		s.packRooms = append(s.packRooms, make([]float32, packRoom))
	}
	return s.packRooms[from/max(s.packUnit, 1)]
}
