package digits

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"sync"

	"inkling/nn"
	"inkling/sketch"
	"inkling/transform"
	"inkling/weights"
)

//go:embed marks.pth
var marksFile []byte

// None is the class of [Marks] for what is no digit.
const None = "none"

// Marks is a network that tells marks apart: the ten digits, written or printed, and
// what is none, such as letters, scribbles and two digits together. It is beside the
// built-in network, which knows nothing but digits.
type Marks struct {
	Conv1, Conv2 nn.Conv2d
	Pool         nn.MaxPool2d
	FC1, FC2     nn.Linear
}

// NewMarks returns a network without weights. Its classes are the digits, then None.
func NewMarks() *Marks {
	return &Marks{
		Conv1: nn.Conv2d{In: 1, Out: 16, Kernel: 5},
		Pool:  nn.MaxPool2d{Kernel: 2},
		Conv2: nn.Conv2d{In: 16, Out: 32, Kernel: 5},
		FC1:   nn.Linear{In: 32 * 4 * 4, Out: 128},
		FC2:   nn.Linear{In: 128, Out: 11},
	}
}

// Input is the shape of the pictures that the network reads.
func (n *Marks) Input() (channels, height, width int) { return 1, 28, 28 }

// Forward computes what the network thinks: N x 1 x 28 x 28 to N x 11.
func (n *Marks) Forward(x *nn.Value) *nn.Value {
	x = n.Pool.Forward(nn.ReLU(n.Conv1.Forward(x))) // N x 16 x 12 x 12
	x = n.Pool.Forward(nn.ReLU(n.Conv2.Forward(x))) // N x 32 x 4 x 4
	return n.FC2.Forward(nn.ReLU(n.FC1.Forward(x.Flatten())))
}

// NoneFrom is how probable a mark must be no digit to be taken for none; README.md says
// how many digits and others that catches.
const NoneFrom = 0.80

// LoadMarks returns the network, trained. Every call returns one of its own. It fails only
// in a program that was built wrong.
func LoadMarks() (*Marks, error) {
	const name = "the built-in network for marks"
	f, err := weights.ReadFrom(name, bytes.NewReader(marksFile), int64(len(marksFile)))
	if err != nil {
		return nil, err
	}
	network := NewMarks()
	if err := nn.InitUniform(network, nil); err != nil {
		return nil, err
	}
	if f.Metadata == nil || len(f.Metadata.Classes) != network.FC2.Out {
		return nil, fmt.Errorf("%s does not say its %d classes", name, network.FC2.Out)
	}
	return network, weights.Restore(name, f, nn.State(network))
}

// Judge returns what tells digits from what is none, as that of a [sketch.Reader]: for each
// picture prepared as sketch.EMNIST the probability of each digit, then of None. Several
// goroutines may call it; they take turns.
func Judge() (func(pictures [][]byte) ([][]float32, error), error) {
	network, err := LoadMarks()
	if err != nil {
		return nil, err
	}
	const together, each = 32, sketch.Size * sketch.Size
	program, err := nn.Compile(network, together, 1, sketch.Size, sketch.Size)
	if err != nil {
		return nil, err
	}
	program.SetWorkers(1)
	normal := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}}
	pipeline, err := transform.Compile(normal, 1, sketch.Size, sketch.Size)
	if err != nil {
		return nil, err
	}
	classes := network.FC2.Out
	input := make([]float32, together*each)
	var turn sync.Mutex
	return func(pictures [][]byte) (all [][]float32, err error) {
		turn.Lock()
		defer turn.Unlock()
		for some := range slices.Chunk(pictures, together) {
			for i, pixels := range some {
				pipeline.Apply(input[i*each:][:each], pixels)
			}
			logits := program.Forward(input[:len(some)*each])
			for i := range some {
				all = append(all, softmax(logits[i*classes:][:classes]))
			}
		}
		return all, nil
	}, nil
}

// softmax returns the probabilities that logits stand for.
func softmax(logits []float32) []float32 {
	probabilities := make([]float32, len(logits))
	largest, sum := slices.Max(logits), 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v-largest) / temperature)
	}
	for i, v := range logits {
		probabilities[i] = float32(math.Exp(float64(v-largest)/temperature) / sum)
	}
	return probabilities
}

// temperature is what the network's outputs are divided by to be as sure as they are right
// (Guo, Pleiss, Sun and Weinberger 2017, arXiv:1706.04599), as README.md says.
const temperature = 1.35
