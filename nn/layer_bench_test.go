package nn

import (
	"math/rand/v2"
	"testing"
	"time"

	"inkling/internal/kernel"
)

// threeConvs is three convolutions, of which the second is measured.
type threeConvs struct{ Before, Conv, After Conv2d }

func (n *threeConvs) Forward(x *Value) *Value {
	return n.After.Forward(ReLU(n.Conv.Forward(n.Before.Forward(x)))).Flatten()
}

// BenchmarkLayers measures the stages of single convolutions on one core: forward,
// the gradient of the input, the gradient of the weights; in GFLOP/s and as share of
// the peak.
func BenchmarkLayers(b *testing.B) {
	layers := []struct {
		name string
		conv Conv2d
		size int
	}{
		{"3x3/16@32x32", Conv2d{In: 16, Out: 16, Kernel: 3, Padding: 1}, 32},
		{"3x3/32@32x32", Conv2d{In: 32, Out: 32, Kernel: 3, Padding: 1}, 32},
		{"3x3/64@32x32", Conv2d{In: 64, Out: 64, Kernel: 3, Padding: 1}, 32},
		{"3x3/128@16x16", Conv2d{In: 128, Out: 128, Kernel: 3, Padding: 1}, 16},
		{"3x3/256@8x8", Conv2d{In: 256, Out: 256, Kernel: 3, Padding: 1}, 8},
		{"3x3/512@4x4", Conv2d{In: 512, Out: 512, Kernel: 3, Padding: 1}, 4},
		{"3x3s2/64-128@32x32", Conv2d{In: 64, Out: 128, Kernel: 3, Padding: 1, Stride: 2}, 32},
		{"1x1/96-24@16x16", Conv2d{In: 96, Out: 24, Kernel: 1}, 16},
		{"1x1/64-384@8x8", Conv2d{In: 64, Out: 384, Kernel: 1}, 8},
		{"depthwise/144@16x16", Conv2d{In: 144, Out: 144, Kernel: 3, Padding: 1, Groups: 144}, 16},
	}
	const batch = 16
	var peak float64
	for _, l := range layers {
		algorithms := []Convolutions{ExactConvolutions}
		if l.conv.op().suitsWinograd() {
			algorithms = append(algorithms, allWinograd2, allWinograd4)
		}
		for _, algorithm := range algorithms {
			net := &threeConvs{Conv2d{In: 3, Out: l.conv.In, Kernel: 1}, l.conv, Conv2d{In: l.conv.Out, Out: 1, Kernel: 1, NoBias: true}}
			r := rand.New(rand.NewPCG(1, 1))
			Init(net, r)
			network := NewNetwork(net, batch, 3, l.size, l.size)
			network.Convolutions = algorithm
			p, err := network.CompileTrain(CrossEntropy{}, newSGD())
			if err != nil {
				b.Fatal(err)
			}
			p.SetWorkers(1)
			images, labels := randomBatch(r, batch, 3*l.size*l.size, 10)
			p.Step(images, labels)
			op := l.conv.op()
			output, _ := op.OutputShape([]Shape{{batch, op.in, l.size, l.size}})
			flops := 2 * float64(output.Elements()*op.in/op.groups*op.kernel[0]*op.kernel[1])
			measure := func(name string, stages []*stage, wants func(s *stage) bool) {
				var mine []*stage
				for _, s := range stages {
					if s.axis == tasks {
						if s.tasks[0].of.param == &net.Conv.Weight && wants(s) {
							mine = append(mine, s)
						}
					} else if s.of != nil && len(s.of.group.first.params) > 0 && s.of.group.first.params[0] == &net.Conv.Weight && wants(s) {
						mine = append(mine, s)
					}
				}
				b.Run(l.name+"/"+mine[len(mine)-1].algorithm+"/"+name, func(b *testing.B) {
					best := time.Hour // other processes make the mean mean little
					for b.Loop() {
						start := time.Now()
						for _, s := range mine {
							switch s.axis {
							case tasks:
								for _, k := range s.tasks {
									k.compute(&p.work[0], p.work[0].gradient[:len(k.values)])
								}
							case units:
								s.run(work{last: s.units, count: batch})
							default:
								for first := 0; first < batch; first += p.chunk {
									s.run(work{first: first, last: first + p.chunk, count: batch, shift: -first})
								}
							}
						}
						best = min(best, time.Since(start))
					}
					rate := flops / best.Seconds()
					b.ReportMetric(rate/1e9, "GFLOP/s")
					peak = max(peak, kernel.MeasurePeak(1))
					b.ReportMetric(100*rate/peak, "%peak")
				})
			}
			all := func(s *stage) bool { return s.axis != tasks }
			measure("forward", p.plan.forward, all)
			measure("input", p.plan.backward, all)
			measure("weights", p.plan.backward, func(s *stage) bool { return s.axis == tasks })
		}
	}
}
