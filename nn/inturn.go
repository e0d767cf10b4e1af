package nn

// At inference a chunk of examples goes through some stages one example after another,
// or a few at a time: where what the stages read and write would not stay in a cache for
// all of them. That pays as long as it is more than the weights, which are read again.
// Memory is shared within a phase only where every example keeps its place, so the order
// of examples and stages does not matter to it.

// turnRoom is how many floats of examples may be in turn: half of a second cache.
const turnRoom = 64 << 10

// findTurns decides how many examples of a chunk at a time go through each stage of a
// forward pass, and puts neighbours with the same number into one turn, through which
// they go before the next ones.
func (p *plan) findTurns(phases []phase, chunk int) {
	turns := 0
	for _, ph := range phases {
		before := 0
		for _, s := range ph {
			if s.axis != examples || s.sharded {
				before = 0
				continue
			}
			if s.inTurn = p.examplesInTurn(s, chunk); s.inTurn != before {
				turns++
			}
			s.turn, before = turns, s.inTurn
		}
	}
}

func (p *plan) examplesInTurn(s *stage, chunk int) int {
	floats, weights := 0, 0
	for _, b := range s.touches {
		floats += b.stride
	}
	if s.of != nil {
		weights = s.of.group.weights()
	}
	return min(max(max(turnRoom, weights)/max(floats, 1), 1), chunk)
}
