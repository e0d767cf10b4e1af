package train_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"inkling/data"
	"inkling/data/mnist/embedded"
	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/torchrand"
	"inkling/train"
	"inkling/transform"
)

// pytorchLosses are the mean losses of every 2,000 batches of the tutorial's
// first epoch on MNIST as PyTorch 1.13 printed them after torch.manual_seed(0),
// with one thread. With two threads, or without oneDNN, PyTorch itself gives
// 1.353495 for the first.
var pytorchLosses = []float64{
	1.353553469822975, 0.22948458440565445, 0.15082617526683317, 0.11769269802162444,
	0.09810571761327992, 0.09259499113968286, 0.07919395349566821,
}

// TestRetracesPyTorch wants PyTorch's own losses out of PyTorch's weights and
// order of pictures. A rounding that differs grows with every step.
func TestRetracesPyTorch(t *testing.T) {
	trainSet, err := embedded.Train()
	if err != nil {
		t.Fatal(err)
	}
	network := models.NewLeNet(10, 0)
	generator := torchrand.New(0)
	nn.InitUniform(network, generator.Symmetric)
	loader := &data.Loader{
		Dataset:   trainSet,
		Transform: transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}},
		BatchSize: 4,
		Sampler:   data.Order(generator.Order),
	}
	wanted := pytorchLosses
	if testing.Short() {
		wanted = wanted[:1]
	}
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var losses []float64
	_, err = train.Run(ctx, train.Config{
		Network: network, Optimizer: &optim.SGD{LR: 0.001, Momentum: 0.9}, Loader: loader, Epochs: 1, LogEvery: 2000,
		OnEvent: func(e train.Event) {
			if e.Kind == train.LossReport {
				if losses = append(losses, e.Loss); len(losses) == len(wanted) {
					cancel(enough)
				}
			}
		},
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	for i, want := range wanted {
		tolerance := 0.003 // between PyTorch's own runs with one thread and with two
		if i == 0 {
			tolerance = 0.0005
		}
		if diff := math.Abs(losses[i] - want); !(diff <= tolerance) {
			t.Errorf("batches up to %d: mean loss %.6f, PyTorch has %.6f", 2000*(i+1), losses[i], want)
		}
	}
	t.Logf("losses %.6f, PyTorch has %.6f", losses, wanted)
}
