package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"inkling/nn"
	"inkling/optim"
	"inkling/weights/onnx"
)

// A worker reads lines of a row's name, the seconds to measure and the number of
// threads, and answers each with a line: images a second, or "error: " and why there are
// none.

func random() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }

// work answers for Inkling.
func work(in io.Reader, out io.Writer, conv nn.Convolutions) error {
	ready := map[string]func(){}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var name string
		var seconds float64
		var threads int
		if _, err := fmt.Sscan(lines.Text(), &name, &seconds, &threads); err != nil {
			return fmt.Errorf("a worker wants a row, seconds and threads, got %q: %w", lines.Text(), err)
		}
		r, err := find(name)
		if err != nil {
			return err
		}
		step := ready[name]
		if step == nil {
			if step, err = r.compile(threads, conv); err != nil {
				fmt.Fprintf(out, "error: %v\n", err)
				continue
			}
			ready[name] = step
		}
		fmt.Fprintf(out, "%.2f\n", measure(step, r.batch, seconds))
	}
	return lines.Err()
}

func find(name string) (row, error) {
	var names []string
	for _, r := range rows {
		if r.name == name {
			return r, nil
		}
		names = append(names, r.name)
	}
	return row{}, fmt.Errorf("there is no row %q; there are %s", name, strings.Join(names, ", "))
}

// measure returns how many images a second a step does.
func measure(step func(), batch int, seconds float64) float64 {
	for start := time.Now(); time.Since(start).Seconds() < seconds/4; {
		step() // warm up
	}
	start, done := time.Now(), 0
	for {
		// Asking for the time is dear against a step of some microseconds.
		for range max(64/batch, 1) {
			step()
			done += batch
		}
		if took := time.Since(start).Seconds(); took >= seconds {
			return float64(done) / took
		}
	}
}

// compile returns one step of the row on random pictures.
func (r *row) compile(threads int, conv nn.Convolutions) (func(), error) {
	module, err := r.make()
	if err != nil {
		return nil, err
	}
	network := nn.NewNetwork(module, r.batch, r.channel, r.size, r.size)
	network.Convolutions = conv
	random := random()
	images, labels := make([]float32, r.batch*r.channel*r.size*r.size), make([]int, r.batch)
	for i := range images {
		images[i] = float32(random.NormFloat64())
	}
	for i := range labels {
		labels[i] = random.IntN(classes)
	}
	if r.train {
		p, err := network.CompileTrain(nn.CrossEntropy{}, &optim.SGD{LR: 1e-4, Momentum: 0.9})
		if err != nil {
			return nil, err
		}
		p.SetWorkers(threads)
		return func() { p.Step(images, labels) }, nil
	}
	p, err := network.Compile()
	if err != nil {
		return nil, err
	}
	p.SetWorkers(threads)
	return func() { p.Forward(images) }, nil
}

// export writes the networks of the rows that predict, for ONNX Runtime.
func export(dir string, rows []row) error {
	for _, r := range rows {
		if r.train {
			continue
		}
		network, err := r.make()
		if err != nil {
			return err
		}
		m := onnx.Model{Network: network, Shape: []int{r.channel, r.size, r.size}}
		if err := m.Save(filepath.Join(dir, r.name+".onnx")); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

func allThreads(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}
