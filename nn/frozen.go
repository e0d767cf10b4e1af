package nn

// allFrozen reports whether there are parameters, all of them frozen, and such are to
// run as at eval.
func (g *graph) allFrozen(params []*Param) bool {
	for _, p := range params {
		if !g.frozenParams[p] {
			return false
		}
	}
	return g.frozenAsEval && len(params) > 0
}

// silenceFrozen keeps dropouts from dropping anything whose results only operations with
// frozen parameters read, however many without any lie between.
func (g *graph) silenceFrozen() {
	if !g.frozenAsEval {
		return
	}
	for _, n := range g.nodes {
		if d, ok := n.op.(dropout); ok {
			if some, trained := g.readers(n.outputs[0], map[*Value]bool{}); some && !trained {
				d.p = 0
				n.op = d
			}
		}
	}
}

// readers tells whether operations with parameters are the next to read a value, and
// whether some of these are trained.
func (g *graph) readers(v *Value, seen map[*Value]bool) (some, trained bool) {
	if seen[v] {
		return false, false
	}
	seen[v] = true
	for _, n := range g.consumers(v) {
		if len(n.params) > 0 {
			some = true
			trained = trained || !g.allFrozen(n.params)
			continue
		}
		for _, out := range n.outputs {
			s, t := g.readers(out, seen)
			some, trained = some || s, trained || t
		}
	}
	return some, trained
}
