package weights_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"inkling/nn"
	"inkling/weights"
)

type net struct {
	FC nn.Linear
}

func newNet() *net {
	n := &net{FC: nn.Linear{In: 4, Out: 2}}
	nn.Init(n, rand.New(rand.NewPCG(1, 2)))
	return n
}

func Example() {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "model.pth")

	err = weights.Save(path, nn.State(newNet()), weights.Metadata{Dataset: "mnist", Classes: []string{"0", "1"}})
	fmt.Println("saved:", err)
	err = weights.Load(path, nn.State(newNet()))
	fmt.Println("loaded:", err)

	file, err := weights.Read(path)
	if err != nil {
		panic(err)
	}
	for _, t := range file.Tensors {
		fmt.Println(t.Name, t.Shape, t.DType)
	}
	fmt.Println(file.Metadata.Dataset, file.Metadata.Classes)
	// Output:
	// saved: <nil>
	// loaded: <nil>
	// fc.weight [2 4] float32
	// fc.bias [2] float32
	// mnist [0 1]
}

func ExampleSave() {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	// Metadata is optional.
	err = weights.Save(filepath.Join(folder, "model.pth"), nn.State(newNet()))
	fmt.Println(err)
	// Output: <nil>
}
