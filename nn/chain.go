package nn

import "slices"

// chain is a line in the table of groups that are computed together at inference, some rows
// of their outputs at a time, so that what lies between them is never there as a whole.
type chain struct {
	pattern
	// links are the groups, each of which is the only one that reads what the one before
	// makes. Only the last adds a residual.
	links []func(gr *group) bool
}

// chains is tried from the top.
var chains = []chain{
	{pattern{name: "1x1, depthwise and 1x1 convolution", converts: true, channelsLast: true, lower: lowerConvChain}, []func(*group) bool{isPointConv, isDepthwiseConv, isPointConv}},
	{pattern{name: "depthwise and 1x1 convolution", converts: true, channelsLast: true, lower: lowerConvChain}, []func(*group) bool{isDepthwiseConv, isPointConv}},
}

// chaining says which groups that could be are computed together.
type chaining uint8

const (
	chainsThatPay chaining = iota
	// For tests and measurements.
	allChains
	noChains
)

// isPointConv accepts convolutions of 1x1 that go through pictures pixel by pixel and
// write whole blocks of channels.
func isPointConv(gr *group) bool {
	c, ok := gr.first.op.(conv2d)
	return ok && c.points() && storedChannels(c.out)%16 == 0 && gr.pattern.links
}

func isDepthwiseConv(gr *group) bool {
	c, ok := gr.first.op.(conv2d)
	return ok && c.depthwise() && gr.pattern.links
}

// join puts groups that are a chain together into one, in the place of the last. Training
// wants what lies between them.
func (g *graph) join(groups []*group) (joined []*group) {
	if g.training || g.chaining == noChains {
		return groups
	}
	begins := map[*node]*group{}
	for _, gr := range groups {
		begins[gr.first] = gr
	}
	chainOf := map[*group]*group{} // of the links
	for _, gr := range groups {
		for i := range chains {
			links := g.linksFrom(gr, chains[i].links, begins)
			if chainOf[gr] != nil || links == nil || g.chaining == chainsThatPay && !chainPays(g.batch, links) {
				continue
			}
			last := links[len(links)-1]
			one := &group{pattern: &chains[i].pattern, first: gr.first, output: last.output, residual: last.residual, links: links}
			for _, link := range links {
				chainOf[link] = one
			}
		}
	}
	for _, gr := range groups {
		switch one := chainOf[gr]; {
		case one == nil:
			joined = append(joined, gr)
		case one.links[len(one.links)-1] == gr:
			joined = append(joined, one)
		}
	}
	return joined
}

// linksFrom returns the groups from one on that fit a chain's links, or nil.
func (g *graph) linksFrom(gr *group, fit []func(*group) bool, begins map[*node]*group) (links []*group) {
	for i, fits := range fit {
		if !fits(gr) {
			return nil
		}
		links = append(links, gr)
		if i == len(fit)-1 {
			break
		}
		next := g.consumers(gr.output)
		if gr.residual != nil || slices.Contains(g.outputs, gr.output) || len(next) != 1 || begins[next[0]] == nil {
			return nil
		}
		gr = begins[next[0]]
	}
	return links
}

// members are the groups that are computed together: the group itself, unless it is a chain.
func (gr *group) members() []*group {
	if gr.links == nil {
		return []*group{gr}
	}
	return gr.links
}

// operations are all operations of the group, in their order.
func (gr *group) operations() (list []*node) {
	for _, one := range gr.members() {
		list = append(list, one.first)
		for _, taken := range one.nodes {
			if taken != nil {
				list = append(list, taken)
			}
		}
	}
	return list
}

// weights is the number of elements of the parameters of the group's first operations.
func (gr *group) weights() (n int) {
	for _, one := range gr.members() {
		for _, param := range one.first.params {
			n += len(param.data)
		}
	}
	return n
}
