package nn

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/sbinet/npyio"
)

// lenet is the network of the tutorial.
type lenet struct {
	Conv1         Conv2d
	Pool          MaxPool2d
	Conv2         Conv2d
	FC1, FC2, FC3 Linear
}

func newLeNet(seed uint64) *lenet { return newLeNetOf(1, 4, seed) }

// newLeNetOf is the network for pictures of so many channels, of which both
// poolings leave side x side pixels: 4 for 28x28, 5 for 32x32.
func newLeNetOf(channels, side int, seed uint64) *lenet {
	n := &lenet{
		Conv1: Conv2d{In: channels, Out: 6, Kernel: 5},
		Pool:  MaxPool2d{Kernel: 2},
		Conv2: Conv2d{In: 6, Out: 16, Kernel: 5},
		FC1:   Linear{In: 16 * side * side, Out: 120},
		FC2:   Linear{In: 120, Out: 84},
		FC3:   Linear{In: 84, Out: 10},
	}
	Init(n, rand.New(rand.NewPCG(seed, 0)))
	return n
}

func (n *lenet) Forward(x *Value) *Value {
	x = n.Pool.Forward(ReLU(n.Conv1.Forward(x)))
	x = n.Pool.Forward(ReLU(n.Conv2.Forward(x)))
	x = x.Flatten()
	x = ReLU(n.FC1.Forward(x))
	x = ReLU(n.FC2.Forward(x))
	return n.FC3.Forward(x)
}

// readNPY reads an array from testdata.
func readNPY[E any](t testing.TB, path ...string) []E {
	t.Helper()
	f, err := os.Open(filepath.Join(append([]string{"testdata"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var values []E
	if err := npyio.Read(f, &values); err != nil {
		t.Fatal(f.Name(), err)
	}
	return values
}

// goldenImages returns the first n pictures and labels of the golden run.
func goldenImages(t testing.TB, n int) ([]float32, []int) {
	t.Helper()
	bytes := readNPY[uint8](t, "lenet", "sgd_b4", "images_u8.npy")[:n*784]
	labels := make([]int, n)
	for i, l := range readNPY[int64](t, "lenet", "sgd_b4", "labels_i64.npy")[:n] {
		labels[i] = int(l)
	}
	images := make([]float32, len(bytes))
	for i, b := range bytes {
		images[i] = (float32(b)/255 - 0.5) / 0.5
	}
	return images, labels
}

// goldenLeNet is the network with the initial weights of the golden run.
func goldenLeNet(t testing.TB) *lenet {
	t.Helper()
	net := newLeNet(0)
	for _, e := range State(net) {
		e.Write(readNPY[float32](t, "lenet", "sgd_b4", "init."+e.Name()+".npy"))
	}
	return net
}
