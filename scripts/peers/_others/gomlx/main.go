// Command gomlx measures for GoMLX's Go backend, as lines from standard input say
// (see ../../worker.go).
package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/simplego"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/gomlx/gomlx/pkg/ml/layers"
	"github.com/gomlx/gomlx/pkg/ml/layers/activations"
	"github.com/gomlx/gomlx/pkg/ml/train"
	"github.com/gomlx/gomlx/pkg/ml/train/losses"
	"github.com/gomlx/gomlx/pkg/ml/train/optimizers"
)

const classes = 10

func main() {
	ready := map[string]func(){}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var name string
		var seconds float64
		var threads int
		fmt.Sscan(lines.Text(), &name, &seconds, &threads)
		runtime.GOMAXPROCS(threads)
		parts := strings.Split(name, "-")
		var batch int
		fmt.Sscan(parts[len(parts)-1], &batch)
		step, err := ready[name], error(nil)
		if step == nil {
			if step, err = prepare(parts[0], parts[1] == "train", batch); err == nil {
				err = try(step)
			}
			if err != nil {
				fmt.Println("error:", strings.ReplaceAll(err.Error(), "\n", " "))
				continue
			}
			ready[name] = step
		}
		start, done := time.Now(), 0
		for time.Since(start).Seconds() < seconds {
			for range max(64/batch, 1) {
				step()
				done += batch
			}
		}
		fmt.Printf("%.2f\n", float64(done)/time.Since(start).Seconds())
	}
}

// try runs a step, and returns what it panics with.
func try(step func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	step()
	return nil
}

func forward(network string) func(ctx *context.Context, x *Node) *Node {
	return func(ctx *context.Context, x *Node) *Node {
		layer := 0
		next := func() *context.Context { layer++; return ctx.Inf("layer%d", layer) }
		conv := func(channels, kernel int, same bool) {
			c := layers.Convolution(next(), x).Channels(channels).KernelSize(kernel)
			if same {
				c = c.PadSame()
			} else {
				c = c.NoPadding()
			}
			x = MaxPool(activations.Relu(c.Done())).Window(2).Done()
		}
		dense := []int{256}
		if network == "lenet" {
			conv(6, 5, false)
			conv(16, 5, false)
			dense = []int{120, 84}
		} else {
			conv(32, 3, true)
			conv(64, 3, true)
			conv(128, 3, true)
		}
		x = Reshape(x, x.Shape().Dimensions[0], -1)
		for _, width := range dense {
			x = activations.Relu(layers.DenseWithBias(next(), x, width))
		}
		return layers.DenseWithBias(next(), x, classes)
	}
}

func prepare(network string, training bool, batch int) (step func(), err error) {
	size, channels := 28, 1
	switch network {
	case "lenet":
	case "plain":
		size, channels = 32, 3
	default:
		return nil, fmt.Errorf("only LeNet and the plain network are made with it here")
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	backend, err := simplego.New("")
	if err != nil {
		return nil, err
	}
	images, labels := make([]float32, batch*size*size*channels), make([]int32, batch)
	for i := range images {
		images[i] = float32(rand.NormFloat64())
	}
	for i := range labels {
		labels[i] = int32(rand.IntN(classes))
	}
	x := tensors.FromFlatDataAndDimensions(images, batch, size, size, channels)
	y := tensors.FromFlatDataAndDimensions(labels, batch, 1)
	model := forward(network)
	ctx := context.New()
	if training {
		return trainer(backend, ctx, model, x, y)
	}
	exec, err := context.NewExec(backend, ctx, func(ctx *context.Context, x *Node) *Node { return model(ctx, x) })
	if err != nil {
		return nil, err
	}
	return func() {
		outputs := exec.MustExec(x)
		for _, out := range outputs {
			out.FinalizeAll()
		}
	}, nil
}

func trainer(backend backends.Backend, ctx *context.Context, model func(*context.Context, *Node) *Node, x, y *tensors.Tensor) (func(), error) {
	ctx.SetParam(optimizers.ParamLearningRate, 1e-4)
	t := train.NewTrainer(backend, ctx, func(ctx *context.Context, _ any, inputs []*Node) []*Node {
		return []*Node{model(ctx, inputs[0])}
	}, losses.SparseCategoricalCrossEntropyLogits, optimizers.StochasticGradientDescent().Done(), nil, nil)
	return func() {
		metrics, err := t.TrainStep(nil, []*tensors.Tensor{x}, []*tensors.Tensor{y})
		if err != nil {
			panic(err)
		}
		for _, m := range metrics {
			m.FinalizeAll()
		}
	}, nil
}
