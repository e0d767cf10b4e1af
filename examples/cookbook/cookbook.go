// Package cookbook holds the recipes of docs/cookbook.md, as the page has them, so that
// they are compiled and tested.
package cookbook

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"

	"inkling"
	"inkling/data"
	"inkling/data/folder"
	"inkling/nn"
	"inkling/optim"
	"inkling/train"
	"inkling/web"
)

func trainOnFolder(ctx context.Context, pictures, model string) error {
	parts, err := folder.OpenParts(os.DirFS(pictures), folder.Options{Channels: 3, Height: 32, Width: 32})
	if err != nil {
		return err
	}
	c, err := inkling.NewClassifier("resnet9", inkling.Options{Channels: 3, Height: 32, Width: 32, Classes: parts.Train.Classes()})
	if err != nil {
		return err
	}
	_, err = train.Run(ctx, train.Config{
		Network:   c.Network,
		Optimizer: optim.NewAdamW(0.001),
		Loader:    &data.Loader{Dataset: parts.Train, Transform: c.Transform(), BatchSize: 8, Shuffle: true},
		Epochs:    5,
	})
	if err != nil {
		return err
	}
	e, err := train.Evaluate(ctx, c.Network, parts.Test, c.Transform(), 0)
	if err != nil {
		return err
	}
	fmt.Printf("%d of %d test pictures are told right\n", e.Correct(), e.Total())
	return c.Save(model)
}

func predictOne(model, picture string) error {
	c, err := inkling.Open(model)
	if err != nil {
		return err
	}
	p, err := c.PredictFile(picture)
	if err != nil {
		return err
	}
	fmt.Printf("%s is a %s, sure to %.0f %%\n", picture, p.Class, 100*p.Probability)
	return nil
}

func fineTune(ctx context.Context, model, pictures, tuned string) error {
	old, err := inkling.Open(model)
	if err != nil {
		return err
	}
	in := old.Input()
	parts, err := folder.OpenParts(os.DirFS(pictures), folder.Options{Channels: in[0], Height: in[1], Width: in[2]})
	if err != nil {
		return err
	}
	c, replaced, err := inkling.NewClassifierFrom(model, old, inkling.Options{Classes: parts.Train.Classes()})
	if err != nil {
		return err
	}
	fmt.Println("new, for other classes:", replaced)
	loader := &data.Loader{Dataset: parts.Train, Transform: c.Transform(), BatchSize: 8, Shuffle: true}
	_, err = train.Run(ctx, train.Config{
		Network: c.Network, Optimizer: optim.NewAdamW(0.0003), Loader: loader, Epochs: 4,
		// The first blocks rest for two epochs, and what they compute is kept.
		Training:      func(t *nn.Training) { t.Freeze, t.FrozenAsEval = []string{"features.[0-3].*"}, true },
		UnfreezeAfter: 2, FeatureBytes: 1 << 30,
	})
	if err != nil {
		return err
	}
	return c.Save(tuned)
}

// Gate is a layer of one's own: what is in the whole picture decides which share of each
// channel it lets through.
type Gate struct{ Squeeze, Excite nn.Linear }

func (g *Gate) Forward(x *nn.Value) *nn.Value {
	share := nn.Sigmoid(g.Excite.Forward(nn.ReLU(g.Squeeze.Forward(nn.GlobalAvgPool2d(x)))))
	return nn.Mul(x, nn.Reshape(share, g.Excite.Out, 1, 1))
}

func customLayer() error {
	network := nn.Sequential{
		&nn.Conv2d{In: 3, Out: 16, Kernel: 3, Padding: 1}, nn.Func(nn.ReLU),
		&Gate{nn.Linear{In: 16, Out: 4}, nn.Linear{In: 4, Out: 16}},
		nn.Func(nn.GlobalAvgPool2d), &nn.Linear{In: 16, Out: 10},
	}
	if err := nn.Init(network, rand.New(rand.NewPCG(1, 2))); err != nil {
		return err
	}
	summary, err := nn.Summary(network, 1, 3, 32, 32)
	if err != nil {
		return err
	}
	fmt.Print(summary)
	return nil
}

// Tuned is a network whose body has learnt already: in training, too, it runs as at eval.
type Tuned struct {
	Body nn.Sequential
	Head nn.Linear
}

func (n *Tuned) Forward(x *nn.Value) *nn.Value {
	return n.Head.Forward(nn.GlobalAvgPool2d(nn.AsEval(x, n.Body.Forward)))
}

func trainHead(pictures []float32, labels []int) error {
	network := &Tuned{
		Body: nn.Sequential{&nn.Conv2d{In: 3, Out: 16, Kernel: 3}, &nn.BatchNorm2d{Features: 16}, nn.Func(nn.ReLU), &nn.Dropout{P: 0.5}},
		Head: nn.Linear{In: 16, Out: 4},
	}
	if err := nn.Init(network, rand.New(rand.NewPCG(1, 2))); err != nil {
		return err
	}
	training := nn.Training{Network: nn.NewNetwork(network, len(labels), 3, 16, 16), Loss: nn.CrossEntropy{}, Optimizer: optim.NewAdamW(0.01), Freeze: []string{"body.*"}}
	program, err := training.Compile()
	if err != nil {
		return err
	}
	fmt.Printf("before %.3f, after %.3f\n", program.Step(pictures, labels), program.Step(pictures, labels))
	return nil
}

func serve(ctx context.Context, model string, listener net.Listener) error {
	c, err := inkling.Open(model)
	if err != nil {
		return err
	}
	config, err := web.ConfigFor("my model", c)
	if err != nil {
		return err
	}
	server, err := web.New(config)
	if err != nil {
		return err
	}
	defer server.Close()
	return server.Serve(ctx, listener)
}
