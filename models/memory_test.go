package models

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"inkling/nn"
	"inkling/optim"
)

// BenchmarkTrainingMemory trains a ResNet-18 on random pictures of 32x32 and reports
// how much memory the process has had at most, which means something if it is the
// only benchmark that the process runs (Linux only):
//
//	go test ./models -run '^$' -bench 'TrainingMemory/recompute=false' -benchtime 3x
func BenchmarkTrainingMemory(b *testing.B) {
	const batch = 128
	for _, recompute := range []bool{false, true} {
		b.Run(fmt.Sprintf("recompute=%v", recompute), func(b *testing.B) {
			model, err := FindModel("resnet18")
			if err != nil {
				b.Fatal(err)
			}
			network, err := model.NewModel(cifar, 1)
			if err != nil {
				b.Fatal(err)
			}
			network.(*ResNet).Recompute = recompute
			c, h, w := network.Input()
			program, err := nn.CompileTrain(network, nn.CrossEntropy{}, &optim.SGD{LR: 0.01, Momentum: 0.9}, batch, c, h, w)
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 1))
			images, labels := make([]float32, batch*c*h*w), make([]int, batch)
			for i := range images {
				images[i] = float32(r.NormFloat64())
			}
			for i := range labels {
				labels[i] = r.IntN(cifar.Classes)
			}
			for b.Loop() {
				program.Step(images, labels)
			}
			b.ReportMetric(mostResident(b), "MB-resident")
		})
	}
}

// mostResident returns the largest resident memory that the process has had, in
// units of 1,000,000 bytes.
func mostResident(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc/self/status")
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kilobytes); err == nil {
			return kilobytes * 1024 / 1e6
		}
	}
	b.Fatal("/proc/self/status has no VmHWM")
	return 0
}
