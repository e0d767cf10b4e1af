package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// repeatImages returns n pictures with labels, repeating the golden ones.
func repeatImages(t testing.TB, n int) ([]float32, []int) {
	images, labels := goldenImages(t, 400)
	for len(labels) < n {
		images, labels = append(images, images...), append(labels, labels...)
	}
	return images[:n*784], labels[:n]
}

func BenchmarkStep(b *testing.B) {
	for _, batch := range []int{4, 64, 256} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("batch=%d/workers=%d", batch, workers), func(b *testing.B) {
				p, err := CompileTrain(goldenLeNet(b), CrossEntropy{}, newSGD(), batch, 1, 28, 28)
				if err != nil {
					b.Fatal(err)
				}
				p.SetWorkers(workers)
				const pool = 1024
				images, labels := repeatImages(b, pool)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					p.Step(images[i*784:(i+batch)*784], labels[i:i+batch])
					i = (i + batch) % pool
				}
				b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}

// BenchmarkStepColour is a step of the network for CIFAR-10's pictures.
func BenchmarkStepColour(b *testing.B) {
	const size = 3 * 32 * 32
	r := rand.New(rand.NewPCG(1, 1))
	for _, batch := range []int{4, 64} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("batch=%d/workers=%d", batch, workers), func(b *testing.B) {
				p, err := CompileTrain(newLeNetOf(3, 5, 1), CrossEntropy{}, newSGD(), batch, 3, 32, 32)
				if err != nil {
					b.Fatal(err)
				}
				p.SetWorkers(workers)
				const pool = 1024
				images, labels := randomBatch(r, pool, size, 10)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					p.Step(images[i*size:(i+batch)*size], labels[i:i+batch])
					i = (i + batch) % pool
				}
				b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}

func BenchmarkForward(b *testing.B) {
	for _, batch := range []int{1, 4, 64, 1000} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("batch=%d/workers=%d", batch, workers), func(b *testing.B) {
				p, err := Compile(goldenLeNet(b), batch, 1, 28, 28)
				if err != nil {
					b.Fatal(err)
				}
				p.SetWorkers(workers)
				images, _ := repeatImages(b, batch)
				b.ReportAllocs()
				for b.Loop() {
					p.Forward(images)
				}
				b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}
