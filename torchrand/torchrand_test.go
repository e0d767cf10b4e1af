package torchrand

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"reflect"
	"strconv"
	"testing"

	"github.com/sbinet/npyio"

	"inkling/models"
	"inkling/nn"
)

var _ rand.Source = (*Generator)(nil)

// golden is what PyTorch printed for one seed.
type golden struct {
	Rand      []float32 `json:"rand_10"`
	Uniform   []float32 `json:"uniform__-.2_.2_5"`
	Perm      []int     `json:"randperm_10"`
	PermLong  []int     `json:"randperm_60000_first20"`
	Int64     []int64   `json:"empty_int64_random_"`
	Epoch1    [][]int   `json:"dataloader_20_b4_epoch1"`
	Epoch2    [][]int   `json:"dataloader_20_b4_epoch2"`
	AfterInit [][]int   `json:"after_Net_dataloader_60000_b4_first3"`
}

func repeat[T any](n int, draw func() T) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = draw()
	}
	return list
}

// batches divides an order into batches of four.
func batches(order []int) (list [][]int) {
	for len(order) >= 4 {
		list, order = append(list, order[:4]), order[4:]
	}
	return list
}

func TestGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/rng.json")
	if err != nil {
		t.Fatal(err)
	}
	var seeds map[string]golden
	if err := json.Unmarshal(data, &seeds); err != nil {
		t.Fatal(err)
	}
	if len(seeds) != 3 {
		t.Fatalf("%d seeds, want 3", len(seeds))
	}
	for text, want := range seeds {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		check := func(what string, got, want any) {
			t.Helper()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d: %s is %v, PyTorch has %v", seed, what, got, want)
			}
		}
		check("rand", repeat(10, New(seed).Float32), want.Rand)
		check("uniform_(-0.2, 0.2)", repeat(5, func() func() float32 {
			g := New(seed)
			return func() float32 { return g.Uniform(-0.2, 0.2) }
		}()), want.Uniform)
		check("randperm(10)", New(seed).Perm(10), want.Perm)
		check("randperm(60000)", New(seed).Perm(60000)[:20], want.PermLong)
		check("int64 random_()", repeat(3, New(seed).Int63), want.Int64)
		g := New(seed)
		check("first epoch", batches(g.Order(0, 20)), want.Epoch1)
		check("second epoch", batches(g.Order(1, 20)), want.Epoch2)
		g = New(seed)
		nn.InitUniform(models.NewLeNet(10, 1), g.Symmetric)
		check("first batches after making the network", batches(g.Order(0, 60000))[:3], want.AfterInit)
	}
}

// TestInitialWeights compares the tutorial's network with seed 0, bit for bit.
func TestInitialWeights(t *testing.T) {
	net := models.NewLeNet(10, 1)
	nn.InitUniform(net, New(0).Symmetric)
	for _, e := range nn.State(net) {
		f, err := os.Open("../nn/testdata/lenet/sgd_b4/init." + e.Name() + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		var want []float32
		if err := npyio.Read(f, &want); err != nil {
			t.Fatal(err)
		}
		f.Close()
		got := make([]float32, len(want))
		e.Read(got)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is not PyTorch's", e.Name())
		}
	}
}
