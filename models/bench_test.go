package models

import (
	"math/rand/v2"
	"testing"

	"inkling/nn"
	"inkling/optim"
)

// BenchmarkTrain measures steps of training on random pictures of 3x32x32, and
// BenchmarkPredict predictions, in pictures a second.
func BenchmarkTrain(b *testing.B)   { eachSmallNetwork(b, true) }
func BenchmarkPredict(b *testing.B) { eachSmallNetwork(b, false) }

func eachSmallNetwork(b *testing.B, train bool) {
	const batch = 64
	for _, name := range []string{"resnet18", "mobilenet_v2", "smallvgg", "resnet9"} {
		b.Run(name, func(b *testing.B) {
			m, err := FindModel(name)
			if err != nil {
				b.Fatal(err)
			}
			net, err := m.NewModel(cifar, 1)
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 1))
			images, labels := make([]float32, batch*3*32*32), make([]int, batch)
			for i := range images {
				images[i] = float32(r.NormFloat64())
			}
			for i := range labels {
				labels[i] = r.IntN(10)
			}
			var run func()
			if train {
				p, err := nn.CompileTrain(net, nn.CrossEntropy{}, &optim.SGD{LR: 0.001, Momentum: 0.9}, batch, 3, 32, 32)
				if err != nil {
					b.Fatal(err)
				}
				run = func() { p.Step(images, labels) }
			} else {
				p, err := nn.Compile(net, batch, 3, 32, 32)
				if err != nil {
					b.Fatal(err)
				}
				run = func() { p.Forward(images) }
			}
			run()
			for b.Loop() {
				run()
			}
			b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "pictures/s")
		})
	}
}
