// Command tutorial trains a network to read handwritten digits, the way PyTorch's
// tutorial "Training a Classifier" does it. Read it from top to bottom.
package main

import (
	"flag"
	"fmt"
	"image/png"
	"log"
	"math/rand/v2"
	"os"

	"inkling/data"
	"inkling/data/mnist/embedded"
	"inkling/nn"
	"inkling/optim"
	"inkling/plot"
	"inkling/transform"
	"inkling/weights"
)

// Net is the network: its layers, with the numbers that training will find.
type Net struct {
	Conv1         nn.Conv2d // 6 filters of 5x5 look for strokes
	Pool          nn.MaxPool2d
	Conv2         nn.Conv2d // 16 filters of 6x5x5 look for arrangements of strokes
	FC1, FC2, FC3 nn.Linear // and these decide which digit that makes
}

// NewNet returns a network whose weights are random, as PyTorch's are at first.
func NewNet(r *rand.Rand) *Net {
	n := &Net{
		Conv1: nn.Conv2d{In: 1, Out: 6, Kernel: 5},
		Pool:  nn.MaxPool2d{Kernel: 2},
		Conv2: nn.Conv2d{In: 6, Out: 16, Kernel: 5},
		FC1:   nn.Linear{In: 16 * 4 * 4, Out: 120},
		FC2:   nn.Linear{In: 120, Out: 84},
		FC3:   nn.Linear{In: 84, Out: 10},
	}
	nn.Init(n, r)
	return n
}

// Forward says how the layers are connected. A Value has a shape and no numbers
// yet: this runs once, when the network is compiled. N is the size of the batch.
func (n *Net) Forward(x *nn.Value) *nn.Value { // N x 1 x 28 x 28
	x = n.Pool.Forward(nn.ReLU(n.Conv1.Forward(x))) // N x 6 x 12 x 12
	x = n.Pool.Forward(nn.ReLU(n.Conv2.Forward(x))) // N x 16 x 4 x 4
	x = x.Flatten()                                 // N x 256
	x = nn.ReLU(n.FC1.Forward(x))                   // N x 120
	x = nn.ReLU(n.FC2.Forward(x))                   // N x 84
	return n.FC3.Forward(x)                         // N x 10: how much it looks like a 0, a 1, ...
}

func main() {
	limit := flag.Int("limit", 60000, "train on so many pictures")
	flag.Parse()

	// 1. Load the data. A network learns best from numbers around zero: ToTensor
	// makes 0..1 of the bytes 0..255, Normalize makes -1..1 of that.
	trainSet, err := embedded.Train()
	check(err)
	testSet, err := embedded.Test()
	check(err)
	normalize := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}}
	trainLoader := &data.Loader{Dataset: trainSet, Transform: normalize, BatchSize: 4, Shuffle: true, Seed: 1}
	testLoader := &data.Loader{Dataset: testSet, Transform: normalize, BatchSize: 4}

	// 2. Look at some of it: the first batch, with its labels.
	for _, batch := range testLoader.Batches() {
		var labels []string
		for _, label := range batch.Labels {
			labels = append(labels, testSet.Classes()[label])
		}
		grid, err := plot.Grid{Low: -1, High: 1, Scale: 4, Labels: labels}.Floats(batch.Images, 1, 28, 28)
		check(err)
		file, err := os.Create("batch.png")
		check(err)
		check(png.Encode(file, grid))
		check(file.Close())
		fmt.Println("batch.png shows", labels)
		break
	}

	// 3. Train. Each step computes the loss of a batch (how wrong the network is),
	// and how it changes with every weight; the optimizer then moves the weights.
	net := NewNet(rand.New(rand.NewPCG(1, 2)))
	sgd := &optim.SGD{LR: 0.001, Momentum: 0.9}
	program, err := nn.CompileTrain(net, nn.CrossEntropy{}, sgd, 4, 1, 28, 28)
	check(err)
	for epoch := range 2 {
		running := 0.0
		for i, batch := range trainLoader.Batches() {
			if 4*i >= *limit {
				break
			}
			running += program.Step(batch.Images, batch.Labels)
			if i%2000 == 1999 { // every 2000 batches
				fmt.Printf("[%d, %d] loss: %.3f\n", epoch+1, i+1, running/2000)
				running = 0
			}
		}
		check(trainLoader.Err())
	}

	// 4. Save the weights, in a file that PyTorch reads too, and load them into a
	// new network, which knows nothing yet.
	check(weights.Save("model.pth", nn.State(net)))
	loaded := NewNet(rand.New(rand.NewPCG(3, 4)))
	check(weights.Load("model.pth", nn.State(loaded)))

	// 5. Test it on pictures that it has never seen: the class is the largest of
	// the ten outputs.
	predict, err := nn.Compile(loaded, 4, 1, 28, 28)
	check(err)
	correct := 0
	for i, batch := range testLoader.Batches() {
		outputs := predict.Forward(batch.Images)
		for k, label := range batch.Labels {
			class := largest(outputs[10*k : 10*k+10])
			if class == label {
				correct++
			}
			if i == 0 {
				fmt.Printf("the %s was read as %s\n", testSet.Classes()[label], testSet.Classes()[class])
			}
		}
	}
	check(testLoader.Err())
	fmt.Printf("Accuracy of the network on the %d test images: %.2f%%\n", testSet.Len(), 100*float64(correct)/float64(testSet.Len()))
}

// check ends the program if something went wrong.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// largest returns the index of the largest value.
func largest(values []float32) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}
