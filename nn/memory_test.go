package nn

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// heap returns how many bytes are in use behind what build makes, which it keeps.
func heap(build func() any) int {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept := build()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return int(after.HeapAlloc) - int(before.HeapAlloc)
}

// TestMemory holds what programs say that they take against what is allocated.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const batch, size = 32, 3 * 32 * 32
	images, labels := randomBatch(rand.New(rand.NewPCG(1, 1)), batch, size, 10)
	net := func() *Sequential {
		n := &Sequential{&Conv2d{In: 3, Out: 64, Kernel: 3, Padding: 1}, &BatchNorm2d{Features: 64}, Func(ReLU), &Conv2d{In: 64, Out: 128, Kernel: 3, Stride: 2, Padding: 1},
			&BatchNorm2d{Features: 128}, Func(ReLU), &MaxPool2d{Kernel: 2}, Func((*Value).Flatten), &Linear{In: 128 * 64, Out: 64}, Func(ReLU), &Linear{In: 64, Out: 10}}
		Init(n, rand.New(rand.NewPCG(1, 1)))
		return n
	}
	for _, workers := range []int{1, 4} {
		var m Memory
		check := func(what string, got int) {
			t.Helper()
			if want := m.Total(); float64(got) < 0.99*float64(want) || float64(got) > 1.03*float64(want) {
				t.Errorf("%s, %d workers: %d bytes are in use, Memory says %d: %+v", what, workers, got, want, m)
			}
		}
		for _, kept := range []bool{false, true} {
			check(fmt.Sprintf("training, gradients kept %v", kept), heap(func() any {
				p, err := CompileTrain(net(), CrossEntropy{}, newSGD(), batch, 3, 32, 32)
				if err != nil {
					t.Fatal(err)
				}
				p.SetWorkers(workers)
				p.Step(images, labels)
				if kept {
					p.Gradients()
				}
				m = p.Memory()
				return p
			}))
		}
		check("inference", heap(func() any {
			p, err := Compile(net(), batch, 3, 32, 32)
			if err != nil {
				t.Fatal(err)
			}
			p.SetWorkers(workers)
			p.Forward(images)
			m = p.Memory()
			return p
		}))
	}
}
