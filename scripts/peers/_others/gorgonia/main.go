// Command gorgonia measures for Gorgonia, as lines from standard input say (see
// ../../worker.go).
package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"time"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

const classes = 10

func main() {
	ready := map[string]func() error{}
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
		if ready[name] == nil {
			step, err := prepare(parts[0], parts[1] == "train", batch)
			if err == nil {
				err = step() // warm up
			}
			if err != nil {
				fmt.Println("error:", strings.ReplaceAll(err.Error(), "\n", " "))
				continue
			}
			ready[name] = step
		}
		start, done := time.Now(), 0
		for time.Since(start).Seconds() < seconds {
			ready[name]()
			done += batch
		}
		fmt.Printf("%.2f\n", float64(done)/time.Since(start).Seconds())
	}
}

func prepare(network string, training bool, batch int) (step func() error, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	g := G.NewGraph()
	var learnt G.Nodes
	size, channels := 28, 1
	filters, padding, widths := [][2]int{{6, 5}, {16, 5}}, 0, []int{256, 120, 84, classes}
	switch network {
	case "lenet":
	case "plain":
		size, channels = 32, 3
		filters, padding, widths = [][2]int{{32, 3}, {64, 3}, {128, 3}}, 1, []int{128 * 4 * 4, 256, classes}
	default:
		return nil, fmt.Errorf("only LeNet and the plain network are made with it here")
	}
	images := make([]float32, batch*channels*size*size)
	for i := range images {
		images[i] = float32(rand.NormFloat64())
	}
	labels := make([]float32, batch*classes)
	for i := range batch {
		labels[i*classes+rand.IntN(classes)] = 1
	}
	x := G.NewTensor(g, G.Float32, 4, G.WithShape(batch, channels, size, size), G.WithName("x"), G.WithValue(tensor.New(tensor.WithShape(batch, channels, size, size), tensor.WithBacking(images))))
	y := G.NewMatrix(g, G.Float32, G.WithShape(batch, classes), G.WithName("y"), G.WithValue(tensor.New(tensor.WithShape(batch, classes), tensor.WithBacking(labels))))
	in := channels
	for i, f := range filters {
		w := G.NewTensor(g, G.Float32, 4, G.WithShape(f[0], in, f[1], f[1]), G.WithName(fmt.Sprintf("conv%d", i)), G.WithInit(G.GlorotN(1)))
		learnt = append(learnt, w)
		x = G.Must(G.Conv2d(x, w, tensor.Shape{f[1], f[1]}, []int{padding, padding}, []int{1, 1}, []int{1, 1}))
		x = G.Must(G.MaxPool2D(G.Must(G.Rectify(x)), tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
		in = f[0]
	}
	x = G.Must(G.Reshape(x, tensor.Shape{batch, widths[0]}))
	for i, width := range widths[1:] {
		w := G.NewMatrix(g, G.Float32, G.WithShape(widths[i], width), G.WithName(fmt.Sprintf("fc%d", i)), G.WithInit(G.GlorotN(1)))
		learnt = append(learnt, w)
		if x = G.Must(G.Mul(x, w)); i < len(widths)-2 {
			x = G.Must(G.Rectify(x))
		}
	}
	if !training {
		machine := G.NewTapeMachine(g)
		return func() error { machine.Reset(); return machine.RunAll() }, nil
	}
	cost := G.Must(G.Neg(G.Must(G.Mean(G.Must(G.Log(G.Must(G.Sum(G.Must(G.HadamardProd(G.Must(G.SoftMax(x)), y)), 1))))))))
	if _, err := G.Grad(cost, learnt...); err != nil {
		return nil, err
	}
	machine := G.NewTapeMachine(g, G.BindDualValues(learnt...))
	solver := G.NewVanillaSolver(G.WithLearnRate(1e-4))
	return func() error {
		machine.Reset()
		if err := machine.RunAll(); err != nil {
			return err
		}
		return solver.Step(G.NodesToValueGrads(learnt))
	}, nil
}
