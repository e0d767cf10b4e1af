// Command airbench trains a network to tell the ten classes of CIFAR-10 apart in
// a few epochs, with what is known to make that fast (after Keller Jordan's
// airbench94_muon, 2024). Read it after examples/resnet.
package main

import (
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"

	"inkling/data"
	"inkling/data/cifar"
	"inkling/data/folder"
	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/weights"
)

const channels, side = 3, 32
const size = channels * side * side

func main() {
	dir := flag.String("data", "", "a folder with CIFAR-10 as published, or with pictures in train/CLASS and test/CLASS")
	epochs := flag.Int("epochs", 8, "how often every picture is shown")
	batch := flag.Int("batch", 500, "pictures a step")
	flag.Parse()
	trainSet, testSet := open(*dir)
	classes := len(trainSet.Classes())

	// 1. The network. Its first filters are not learned: they are computed from
	// pictures, so that what they see has the same spread in all directions.
	model, err := models.FindModel("airbench")
	check(err)
	network, err := model.NewModel(models.Config{Channels: channels, Height: side, Width: side, Classes: classes}, 1)
	check(err)
	net := network.(*models.Airbench)
	first := make([]float32, min(trainSet.Len(), 5000)*size)
	for i := range len(first) / size {
		pixels, _, err := trainSet.Example(i)
		check(err)
		look(first[i*size:], pixels, false, 0, 0)
	}
	check(net.InitWhitening(first))

	// 2. The optimizers. Muon moves the filters, as matrices, whose length does not matter, as a
	// BatchNorm follows; SGD moves the rest, the last layer faster than the biases. Its rates
	// were found for the sum over a batch's pictures, and the loss here is the mean: so they are
	// multiplied by the batch. What is frozen is not trained, and its gradients are not computed.
	sgd := func(rate float64) *optim.SGD {
		return &optim.SGD{LR: rate * float64(*batch), Momentum: 0.85, Nesterov: true, WeightDecay: 2e-6 / rate}
	}
	whitening, biases, head := sgd(0.053), sgd(0.053), sgd(0.67)
	filters := optim.NewMuon(0.24)
	filters.Momentum, filters.WeightDecay, filters.NSSteps, filters.NormalizeRows = 0.6, 0, 3, true
	training := nn.Training{
		Network: nn.NewNetwork(net, *batch, channels, side, side),
		Loss:    nn.CrossEntropy{LabelSmoothing: 0.2}, // nobody is quite sure
		Groups: []nn.Group{
			{Params: []string{"whiten.bias"}, Optimizer: whitening},
			{Params: []string{"layers.*.norm?.bias"}, Optimizer: biases},
			{Params: []string{"head.weight"}, Optimizer: head},
			{Params: []string{"layers.*.conv?.weight"}, Optimizer: filters},
		},
		Freeze: []string{"whiten.weight", "layers.*.norm?.weight"},
	}
	program, err := training.Compile()
	check(err)

	// 3. Train. Every rate falls in a straight line to nothing: that of the first layer's
	// bias within three epochs, after which it is frozen, too.
	steps := trainSet.Len() / *batch
	if steps == 0 {
		log.Fatalf("there are %d pictures to train on, and a step takes %d: give a smaller -batch", trainSet.Len(), *batch)
	}
	whiteningEpochs := min(3, *epochs)
	r := rand.New(rand.NewPCG(1, 2))
	images, labels := make([]float32, *batch*size), make([]int, *batch)
	mirrored := make([]bool, trainSet.Len()) // which picture is seen in a mirror; all turn round in every epoch
	for i := range mirrored {
		mirrored[i] = r.IntN(2) == 0
	}
	for epoch := range *epochs {
		if epoch == whiteningEpochs {
			program, err = program.Freezing("whiten.*", "layers.*.norm?.weight")
			check(err)
		}
		order, running := r.Perm(trainSet.Len()), 0.0
		for i := range steps {
			for k, example := range order[i**batch : (i+1)**batch] {
				pixels, label, err := trainSet.Example(example)
				check(err)
				look(images[k*size:], pixels, mirrored[example] != (epoch%2 == 1), r.IntN(5)-2, r.IntN(5)-2)
				labels[k] = label
			}
			step := float64(epoch*steps + i)
			left := 1 - step/float64(*epochs*steps)
			whitening.LR = 0.053 * float64(*batch) * max(0, 1-step/float64(whiteningEpochs*steps))
			biases.LR, head.LR, filters.LR = 0.053*float64(*batch)*left, 0.67*float64(*batch)*left, 0.24*left
			running += program.Step(images, labels)
		}
		fmt.Printf("[%d] loss: %.3f\n", epoch+1, running/float64(steps))
	}
	check(weights.Save("airbench.pth", nn.State(net)))

	// 4. Test, once plainly, and once on six views of every picture.
	plain, all := test(net, testSet, classes)
	fmt.Printf("Accuracy of the network on the %d test images: %.2f%%, with views %.2f%%\n", testSet.Len(), 100*plain, 100*all)
}

// look makes samples around zero of a picture's bytes, of the picture seen in a mirror
// or not, and moved down and right by some pixels; what comes in at the border
// is the picture's own edge, mirrored.
func look(samples []float32, pixels []byte, mirror bool, down, right int) {
	mean, deviation := [channels]float32{0.4914, 0.4822, 0.4465}, [channels]float32{0.2470, 0.2435, 0.2616}
	inside := func(i int) int {
		if i = max(i, -i); i >= side {
			i = 2*(side-1) - i
		}
		return i
	}
	for c := range channels {
		for y := range side {
			row := pixels[(c*side+inside(y-down))*side:][:side]
			for x := range side {
				from := inside(x - right)
				if mirror {
					from = side - 1 - from
				}
				samples[(c*side+y)*side+x] = (float32(row[from])/255 - mean[c]) / deviation[c]
			}
		}
	}
}

// A view is a way to look at a picture, and how much what is seen counts.
type view struct {
	mirror      bool
	down, right int
	share       float32
}

// test returns how many of the pictures the network knows, looking at each once and in
// six views.
func test(net *models.Airbench, set data.Dataset, classes int) (plain, all float64) {
	const batch = 100
	views := []view{{false, 0, 0, 0.25}, {true, 0, 0, 0.25}, {false, 1, 1, 0.125}, {true, 1, 1, 0.125}, {false, -1, -1, 0.125}, {true, -1, -1, 0.125}}
	program, err := nn.Compile(net, batch, channels, side, side)
	check(err)
	images, labels, sums := make([]float32, batch*size), make([]int, batch), make([]float32, batch*classes)
	for first := 0; first < set.Len(); first += batch {
		n := min(batch, set.Len()-first)
		clear(sums)
		for v, view := range views {
			for i := range n {
				pixels, label, err := set.Example(first + i)
				check(err)
				look(images[i*size:], pixels, view.mirror, view.down, view.right)
				labels[i] = label
			}
			outputs := program.Forward(images[:n*size])
			for i, x := range outputs {
				sums[i] += view.share * x
			}
			if v == 0 {
				plain += correct(outputs, labels[:n], classes)
			}
		}
		all += correct(sums, labels[:n], classes)
	}
	return plain / float64(set.Len()), all / float64(set.Len())
}

// correct counts the pictures whose largest output is that of their class.
func correct(outputs []float32, labels []int, classes int) (count float64) {
	for i, label := range labels {
		best := 0
		for class, x := range outputs[i*classes : (i+1)*classes] {
			if x > outputs[i*classes+best] {
				best = class
			}
		}
		if best == label {
			count++
		}
	}
	return count
}

// open returns the pictures to train on and those to test with, of 32x32 pixels.
func open(dir string) (trainSet, testSet data.Dataset) {
	if cifar.CIFAR10.Holds(os.DirFS(dir)) {
		trainSet, err := cifar.CIFAR10.Open(os.DirFS(dir), true)
		check(err)
		testSet, err := cifar.CIFAR10.Open(os.DirFS(dir), false)
		check(err)
		return trainSet, testSet
	}
	parts, err := folder.OpenParts(os.DirFS(dir), folder.Options{Channels: channels, Height: side, Width: side})
	check(err)
	return data.Keep(parts.Train, 512<<20), data.Keep(parts.Test, 512<<20)
}

// check ends the program if something went wrong.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
