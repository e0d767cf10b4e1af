// Package torchrand restates the random numbers of PyTorch's CPU generator, so
// that a run here can start from the weights, and see the batches, of a run
// there with the same torch.manual_seed.
//
// The generator is the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998,
// "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random
// number generator"), as in PyTorch's aten/src/ATen/core/MT19937RNGEngine.h;
// how numbers are made of its bits follows PyTorch's DistributionsHelper.h and
// TensorFactories. The tests compare with numbers that PyTorch 1.13 printed.
package torchrand

import "math"

const (
	stateSize  = 624
	stateShift = 397
)

// Generator is PyTorch's CPU generator. It is not safe for concurrent use.
type Generator struct {
	state [stateSize]uint32
	next  int
}

// New returns the generator after torch.manual_seed(seed). PyTorch uses the low
// 32 bits of the seed.
func New(seed uint64) *Generator {
	g := &Generator{next: stateSize}
	g.state[0] = uint32(seed)
	for i := 1; i < stateSize; i++ {
		last := g.state[i-1]
		g.state[i] = 1812433253*(last^last>>30) + uint32(i)
	}
	return g
}

// Uint32 returns the next 32 bits.
func (g *Generator) Uint32() uint32 {
	if g.next == stateSize {
		g.twist()
	}
	y := g.state[g.next]
	g.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (g *Generator) twist() {
	for i := range g.state {
		y := g.state[i]&0x80000000 | g.state[(i+1)%stateSize]&0x7fffffff
		mixed := y >> 1
		if y&1 != 0 {
			mixed ^= 0x9908b0df
		}
		g.state[i] = g.state[(i+stateShift)%stateSize] ^ mixed
	}
	g.next = 0
}

// Uint64 returns the next 64 bits, the high half first. It makes a Generator a
// math/rand/v2 Source.
func (g *Generator) Uint64() uint64 {
	high := uint64(g.Uint32())
	return high<<32 | uint64(g.Uint32())
}

// Int63 returns what random_() puts into an int64 tensor: 0 to 2^63-1.
func (g *Generator) Int63() int64 { return int64(g.Uint64() & math.MaxInt64) }

// Float32 returns what torch.rand gives: a multiple of 2^-24 in [0, 1).
func (g *Generator) Float32() float32 {
	return float32(g.Uint32()&(1<<24-1)) / (1 << 24)
}

// Uniform returns what uniform_(from, to) puts into a float32 tensor. The
// product and sum are rounded once, as a fused multiply-add rounds them.
func (g *Generator) Uniform(from, to float32) float32 {
	// A product of two float32 is exact in float64.
	return float32(float64(g.Float32())*float64(to-from) + float64(from))
}

// Symmetric returns a draw from [-bound, bound) for nn.InitUniform: the order
// of layers and elements is PyTorch's, and so the weights are.
func (g *Generator) Symmetric(bound float64) float32 {
	return g.Uniform(float32(-bound), float32(bound))
}

// Perm returns what torch.randperm(n) gives: the numbers 0 to n-1 in random
// order. Like PyTorch's it is made for n below 2^32 / 20.
func (g *Generator) Perm(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := 0; i < n-1; i++ {
		j := i + int(g.Uint32()%uint32(n-i))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// Order returns the order of the next epoch of a DataLoader(shuffle=True) over
// n examples, for data.Loader's Order. PyTorch's loader draws a seed for its
// workers, then one for the sampler, which shuffles with a generator of its
// own. What counts is how many epochs were drawn before, not their number.
func (g *Generator) Order(_, n int) []int {
	g.Int63() // the workers'
	return New(uint64(g.Int63())).Perm(n)
}
