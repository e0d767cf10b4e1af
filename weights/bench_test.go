package weights

import (
	"path/filepath"
	"testing"
)

// lenet is a state of the tutorial's size, 44,426 parameters.
func lenet() []*param {
	var state []*param
	for _, p := range []struct {
		name  string
		shape []int
	}{
		{"conv1.weight", []int{6, 1, 5, 5}}, {"conv1.bias", []int{6}},
		{"conv2.weight", []int{16, 6, 5, 5}}, {"conv2.bias", []int{16}},
		{"fc1.weight", []int{120, 256}}, {"fc1.bias", []int{120}},
		{"fc2.weight", []int{84, 120}}, {"fc2.bias", []int{84}},
		{"fc3.weight", []int{10, 84}}, {"fc3.bias", []int{10}},
	} {
		state = append(state, &param{name: p.name, shape: p.shape, values: make([]float32, elements(p.shape))})
	}
	return state
}

func BenchmarkLoad(b *testing.B) {
	for _, ending := range []string{".pth", ".safetensors", ".npz"} {
		b.Run(ending[1:], func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "model"+ending)
			state := lenet()
			if err := Save(path, state, full()); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := Load(path, state); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSave measures the disk's fsync more than anything else.
func BenchmarkSave(b *testing.B) {
	path := filepath.Join(b.TempDir(), "model.pth")
	state := lenet()
	for b.Loop() {
		if err := Save(path, state, full()); err != nil {
			b.Fatal(err)
		}
	}
}
