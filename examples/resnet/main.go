// Command resnet trains a small residual network on colour photographs: CIFAR-10, or a
// folder of one's own with a folder of pictures for every class. It is the tutorial's
// next step; read it from top to bottom.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"runtime"

	"inkling/data"
	"inkling/data/cifar"
	"inkling/data/folder"
	"inkling/nn"
	"inkling/optim"
	"inkling/train"
	"inkling/transform"
	"inkling/weights"
)

// Block is two convolutions with a way past them: they learn what is to be added to
// what the block is given, and that is easier than to make all of it anew.
type Block struct {
	Conv1, Conv2 nn.Conv2d
	BN1, BN2     nn.BatchNorm2d // keeps every channel's values around zero
	Past         nn.Sequential  // what goes past, where its shape changes
}

// NewBlock returns a block that makes out channels of in, and pictures of half the size
// if stride is 2.
func NewBlock(in, out, stride int) *Block {
	b := &Block{
		Conv1: nn.Conv2d{In: in, Out: out, Kernel: 3, Padding: 1, Stride: stride, NoBias: true},
		BN1:   nn.BatchNorm2d{Features: out},
		Conv2: nn.Conv2d{In: out, Out: out, Kernel: 3, Padding: 1, NoBias: true},
		BN2:   nn.BatchNorm2d{Features: out},
	}
	if in != out || stride != 1 {
		b.Past = nn.Sequential{&nn.Conv2d{In: in, Out: out, Kernel: 1, Stride: stride, NoBias: true}, &nn.BatchNorm2d{Features: out}}
	}
	return b
}

// Forward says how the layers of a block are connected.
func (b *Block) Forward(x *nn.Value) *nn.Value {
	y := nn.ReLU(b.BN1.Forward(b.Conv1.Forward(x)))
	y = b.BN2.Forward(b.Conv2.Forward(y))
	if len(b.Past) > 0 {
		x = b.Past.Forward(x)
	}
	return nn.ReLU(nn.Add(x, y))
}

// ResNet is the network of He et al. 2015, arXiv:1512.03385, section 4.2.
type ResNet struct {
	Conv   nn.Conv2d
	BN     nn.BatchNorm2d
	Blocks nn.Sequential
	FC     nn.Linear
}

// NewResNet returns a network of three times so many blocks, for pictures of any size.
func NewResNet(channels, classes, blocks int, r *rand.Rand) *ResNet {
	n := &ResNet{Conv: nn.Conv2d{In: channels, Out: 16, Kernel: 3, Padding: 1, NoBias: true}, BN: nn.BatchNorm2d{Features: 16}}
	in := 16
	for _, out := range []int{16, 32, 64} {
		for i := range blocks {
			stride := 1
			if i == 0 && out > 16 {
				stride = 2
			}
			n.Blocks = append(n.Blocks, NewBlock(in, out, stride))
			in = out
		}
	}
	n.FC = nn.Linear{In: in, Out: classes}
	check(nn.Init(n, r))
	return n
}

// Forward makes N x classes of pictures, N x channels x H x W.
func (n *ResNet) Forward(x *nn.Value) *nn.Value {
	x = nn.ReLU(n.BN.Forward(n.Conv.Forward(x))) // N x 16 x H x W
	x = n.Blocks.Forward(x)                      // N x 64 x H/4 x W/4
	return n.FC.Forward(nn.GlobalAvgPool2d(x))   // the mean of each channel, and from these the classes
}

func main() {
	dir := flag.String("data", "", "a folder with CIFAR-10 as published, or with pictures in train/CLASS and test/CLASS")
	epochs := flag.Int("epochs", 10, "how often every picture is shown")
	blocks := flag.Int("blocks", 3, "blocks of each width: 3 makes ResNet-20")
	batch := flag.Int("batch", 64, "pictures a step")
	rate := flag.Float64("rate", 0.1, "the highest learning rate")
	flag.Parse()

	// 1. Open the data, and have every picture look a little different in each epoch: that
	// is nearly as good as more of them.
	trainSet, testSet := open(*dir)
	normalize := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: []float32{0.49, 0.48, 0.45}, Std: []float32{0.25, 0.24, 0.26}}}
	loader := &data.Loader{Dataset: trainSet, BatchSize: *batch, Shuffle: true, Seed: 1, DropLast: true, Workers: runtime.GOMAXPROCS(0)}
	channels, height, width, err := loader.Shape()
	check(err)
	loader.Transform = transform.Compose{transform.RandomCrop{Height: height, Width: width, Padding: 4, Mode: transform.Reflect}, transform.RandomHorizontalFlip{P: 0.5}, normalize}
	steps := loader.Len()
	if steps == 0 {
		log.Fatalf("there are %d pictures to train on, and a step takes %d: give a smaller -batch", trainSet.Len(), *batch)
	}

	// 2. Train. The learning rate rises and falls again, once, over all the steps.
	net := NewResNet(channels, len(trainSet.Classes()), *blocks, rand.New(rand.NewPCG(1, 2)))
	sgd := &optim.SGD{LR: *rate, Momentum: 0.9, Nesterov: true, WeightDecay: 5e-4}
	schedule := optim.NewOneCycleLR(*rate, *epochs*steps)
	program, err := nn.CompileTrain(net, nn.CrossEntropy{}, sgd, *batch, channels, height, width)
	check(err)
	for epoch := range *epochs {
		running := 0.0
		for i, batch := range loader.Batches() {
			sgd.LR = schedule.Rate(*rate, epoch*steps+i)
			running += program.Step(batch.Images, batch.Labels)
		}
		check(loader.Err())

		// 3. Test, on pictures that it has never seen.
		result, err := train.Evaluate(context.Background(), net, testSet, normalize, 0)
		check(err)
		fmt.Printf("[%d] loss: %.3f, accuracy on the %d test images: %.2f%%\n", epoch+1, running/float64(steps), testSet.Len(), 100*result.Accuracy())
	}
	check(weights.Save("resnet.pth", nn.State(net)))
}

// open returns the pictures to train on and those to test with.
func open(dir string) (trainSet, testSet data.Dataset) {
	if cifar.CIFAR10.Holds(os.DirFS(dir)) {
		trainSet, err := cifar.CIFAR10.Open(os.DirFS(dir), true)
		check(err)
		testSet, err := cifar.CIFAR10.Open(os.DirFS(dir), false)
		check(err)
		return trainSet, testSet
	}
	parts, err := folder.OpenParts(os.DirFS(dir), folder.Options{Channels: 3})
	check(err)
	for _, note := range append(parts.Notes, parts.Warnings...) {
		fmt.Println(note)
	}
	return data.Keep(parts.Train, 512<<20), data.Keep(parts.Test, 512<<20)
}

// check ends the program if something went wrong.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
