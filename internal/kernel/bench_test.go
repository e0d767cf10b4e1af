package kernel

import (
	"math/rand/v2"
	"testing"
)

// The two convolutions of the tutorial's LeNet, on one picture.
var lenetConvs = []struct {
	name string
	conv Conv
	in   int
}{
	{"conv1", Conv{Channels: 6, KernelRows: 5, Run: 5, InRow: 28, StepX: 1, StepY: 28, OutWidth: 12, OutHeight: 12, OutPixel: 6, ReLU: true, Pool: true}, 784},
	{"conv2", Conv{Channels: 16, KernelRows: 5, Run: 30, InRow: 72, StepX: 6, StepY: 72, OutWidth: 4, OutHeight: 4, OutPixel: 16, ReLU: true, Pool: true}, 864},
}

func BenchmarkConv(b *testing.B) {
	for _, l := range lenetConvs {
		c := l.conv
		r := rand.New(rand.NewPCG(1, 1))
		fill := func(n int) []float32 { return newGuarded(n, normal(r)).data }
		pixels := c.OutWidth * c.OutHeight
		size := pixels*c.OutPixel + Slack
		in, weights, bias := fill(l.in+Slack), c.filters(r), make([]float32, 16)
		packed := make([]float32, c.PackedWeights())
		c.Pack(packed, weights)
		// Many pictures, so that no branch predictor learns them by heart.
		const pictures = 64
		out, slopes, chosen := make([][]float32, pictures), make([][]float32, pictures), make([][]uint8, pictures)
		for i := range pictures {
			out[i], slopes[i], chosen[i] = make([]float32, size), fill(size), make([]uint8, size)
			c.Forward(fill(l.in+Slack), packed, bias, out[i], chosen[i])
		}
		gradient, filters, pairs, offsets := fill(l.in+Slack), make([]float32, c.Channels*c.Filter()), make([]Pair, pixels+1), c.offsets()
		i := 0
		run := func(name string, do func(i int)) {
			b.Run(l.name+"/"+name, func(b *testing.B) {
				for b.Loop() {
					do(i % pictures)
					i++
				}
			})
		}
		run("forward", func(i int) { c.Forward(in, packed, bias, out[i], chosen[i]) })
		run("inference", func(i int) { c.Forward(in, packed, bias, out[i], nil) })
		run("collect", func(i int) {
			for channel := range c.Channels {
				Collect(pairs, pixels, true, out[i][channel:], chosen[i][channel:], c.OutPixel, slopes[i][channel:], c.OutPixel, offsets)
			}
		})
		run("collect+weights", func(i int) {
			for channel := range c.Channels {
				n := Collect(pairs, pixels, true, out[i][channel:], chosen[i][channel:], c.OutPixel, slopes[i][channel:], c.OutPixel, offsets)
				c.WeightGradient(filters[channel*c.Filter():][:c.Filter()], in, pairs[:n])
			}
		})
		run("input", func(i int) {
			c.InputGradient(gradient, weights, out[i], chosen[i], slopes[i], c.OutPixel, 1, offsets)
		})
	}
}
