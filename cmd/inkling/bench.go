package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"inkling"
	"inkling/data"
	"inkling/data/mnist/embedded"
	"inkling/internal/kernel"
	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/train"
	"inkling/weights"
)

// Multiply-adds of LeNet for one picture and ten classes, counted as PyTorch's
// flop counter does: outputs x inputs of each. Kernels that leave out products
// with zero (backward through max-pool) are given the full count.
const (
	conv1MultiplyAdds = 24 * 24 * 6 * (5 * 5)
	conv2MultiplyAdds = 8 * 8 * 16 * (6 * 5 * 5)
	linearMultiplyAdd = 256*120 + 120*84 + 84*10

	forwardMultiplyAdds = conv1MultiplyAdds + conv2MultiplyAdds + linearMultiplyAdd // 281,640

	// Backward is once more for the gradient of the weights and once more for
	// that of the inputs, which the first layer does not need.
	trainingMultiplyAdds = 3*forwardMultiplyAdds - conv1MultiplyAdds // 758,520
)

// benchBatches are the batch sizes that are measured.
var benchBatches = []int{1, 4, 64, 256, 1000}

const benchImages = 2000 // pictures at hand, shown over and over

func newBench() *cobra.Command {
	var tutorial, asJSON bool
	var runs int
	var length time.Duration
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine trains and predicts",
		Long: fmt.Sprintf(`Measure how many pictures a second LeNet is trained on, and how many it classifies,
in batches of several sizes, on one processor and on all. Each number is the median
of several short runs over pictures that are ready in memory.

GFLOP/s counts two operations for each of the %s multiply-adds of a picture on
its way forward, and for training three times as many less those of a gradient that
nobody needs, the first layer's with respect to the picture: %s. The last column
is the share of what the processor reached, measured then and there, with nothing
but independent multiply-adds in registers. Training may come out above 100%%: the
zeros that max-pool and ReLU leave behind are counted, but not multiplied with.

For numbers that mean something, let nothing else run.`, thousands(forwardMultiplyAdds), thousands(trainingMultiplyAdds)),
		Example: `  inkling bench
  inkling bench --tutorial
  inkling bench --json --runs 9`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if runs < 1 || runs > 1000 {
				return usagef("--runs is %d, want 1 to 1000", runs)
			}
			if length < 0 || length > time.Minute {
				return usagef("--length is %v, want 0s to 1m", length)
			}
			ctx, stop := interruptible()
			defer stop()
			b := &bench{ctx: ctx, out: c.OutOrStdout(), json: asJSON, runs: runs, length: length}
			return b.run(tutorial)
		},
	}
	f := c.Flags()
	f.BoolVar(&tutorial, "tutorial", false, "also time the two epochs of the tutorial, with its loader")
	f.IntVar(&runs, "runs", 5, "measure `N` times and take the median")
	f.DurationVar(&length, "length", 50*time.Millisecond, "measure for this `TIME` at least")
	f.BoolVar(&asJSON, "json", false, "print the results as JSON")
	return c
}

// A measurement is one line of the table.
type measurement struct {
	Job             string  `json:"job"` // "train" or "predict"
	Batch           int     `json:"batch"`
	Workers         int     `json:"workers"`
	ImagesPerSecond float64 `json:"images_per_second"`
	GFLOPS          float64 `json:"gflops"`
	PeakGFLOPS      float64 `json:"peak_gflops,omitempty"` // 0: not known
}

type bench struct {
	ctx    context.Context
	out    io.Writer
	json   bool
	runs   int
	length time.Duration

	images []float32
	labels []int
}

func (b *bench) run(tutorial bool) error {
	d, err := embedded.Test()
	if err != nil {
		return err
	}
	if err := b.prepare(d); err != nil {
		return err
	}
	if !b.json {
		fmt.Fprintf(b.out, "%s, %s, %s/%s, kernels: %s\n", processorName(), count(runtime.GOMAXPROCS(0), "processor"), runtime.GOOS, runtime.GOARCH, kernel.Implementation())
	}
	table := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if !b.json {
		fmt.Fprint(table, "job\tworkers\tbatch\timages/s\tGFLOP/s\tof peak\t\n")
	}
	var all []measurement
	for _, job := range []string{"train", "predict"} {
		for _, workers := range workerCounts() {
			for _, batch := range benchBatches {
				m, err := b.measure(job, batch, workers)
				if err != nil {
					return err
				}
				all = append(all, m)
				if !b.json {
					fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%.1f\t%s\t\n", m.Job, m.Workers, m.Batch, thousands(int(m.ImagesPerSecond)), m.GFLOPS, ofPeak(m))
				}
			}
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	report := map[string]any{
		"processor": processorName(), "processors": runtime.GOMAXPROCS(0), "os": runtime.GOOS, "arch": runtime.GOARCH,
		"kernels": kernel.Implementation(), "version": version(), "measurements": all,
	}
	if tutorial {
		seconds, err := b.tutorial()
		if err != nil {
			return err
		}
		report["tutorial_seconds"] = seconds
		if !b.json {
			fmt.Fprintf(b.out, "The tutorial's two epochs, 30,000 steps of 4 pictures: %.2f s.\n", seconds)
		}
	}
	if b.json {
		return writeJSON(b.out, report)
	}
	return nil
}

func ofPeak(m measurement) string {
	if m.PeakGFLOPS == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.0f%%", 100*m.GFLOPS/m.PeakGFLOPS)
}

// workerCounts is 1 and the number of processors.
func workerCounts() []int {
	return slices.Compact([]int{1, runtime.GOMAXPROCS(0)})
}

// prepare makes the network's input of the first pictures.
func (b *bench) prepare(d data.Dataset) error {
	d, err := first(d, benchImages)
	if err != nil {
		return err
	}
	m := inkling.Classifier{About: weights.Metadata{Mean: []float32{inkling.DefaultMean}, Std: []float32{inkling.DefaultStd}, Orientation: weights.Upright}}
	loader := &data.Loader{Dataset: d, Transform: m.Transform(), BatchSize: benchImages}
	for _, batch := range loader.Batches() {
		b.images = append(b.images, batch.Images...)
		b.labels = append(b.labels, batch.Labels...)
	}
	return loader.Err()
}

// measure takes the median speed of several runs.
func (b *bench) measure(job string, batch, workers int) (measurement, error) {
	m := measurement{Job: job, Batch: batch, Workers: workers}
	step, multiplyAdds, err := b.step(job, batch, workers)
	if err != nil {
		return m, err
	}
	step(0) // warm up
	var speeds, peaks []float64
	next := 0
	for range b.runs {
		if b.ctx.Err() != nil {
			return m, context.Cause(b.ctx)
		}
		peaks = append(peaks, kernel.MeasurePeak(workers))
		done, started := 0, time.Now()
		for time.Since(started) < b.length || done == 0 {
			// Asking for the time is dear against a step of one picture.
			for range max(1, 256/batch) {
				if next+batch > benchImages {
					next = 0
				}
				step(next)
				next += batch
				done += batch
			}
		}
		speeds = append(speeds, float64(done)/time.Since(started).Seconds())
	}
	m.ImagesPerSecond = median(speeds)
	m.GFLOPS = m.ImagesPerSecond * 2 * float64(multiplyAdds) / 1e9
	m.PeakGFLOPS = median(peaks) / 1e9
	return m, nil
}

// step returns a function that does the job for a batch from a picture on.
func (b *bench) step(job string, batch, workers int) (func(from int), int, error) {
	const size = models.LeNetChannels * models.LeNetHeight * models.LeNetWidth
	network := models.NewLeNet(10, 1)
	images := func(from int) []float32 { return b.images[from*size : (from+batch)*size] }
	if job == "train" {
		optimizer := &optim.SGD{LR: 0.001, Momentum: 0.9}
		program, err := nn.CompileTrain(network, nn.CrossEntropy{}, optimizer, batch, models.LeNetChannels, models.LeNetHeight, models.LeNetWidth)
		if err != nil {
			return nil, 0, err
		}
		program.SetWorkers(workers)
		return func(from int) { program.Step(images(from), b.labels[from:from+batch]) }, trainingMultiplyAdds, nil
	}
	program, err := nn.Compile(network, batch, models.LeNetChannels, models.LeNetHeight, models.LeNetWidth)
	if err != nil {
		return nil, 0, err
	}
	program.SetWorkers(workers)
	return func(from int) { program.Forward(images(from)) }, forwardMultiplyAdds, nil
}

// tutorial times the tutorial's training.
func (b *bench) tutorial() (seconds float64, err error) {
	d, err := embedded.Train()
	if err != nil {
		return 0, err
	}
	m := inkling.Classifier{About: weights.Metadata{Mean: []float32{inkling.DefaultMean}, Std: []float32{inkling.DefaultStd}, Orientation: weights.Upright}}
	result, err := train.Run(b.ctx, train.Config{
		Network:   models.NewLeNet(10, 1),
		Optimizer: &optim.SGD{LR: 0.001, Momentum: 0.9},
		Loader:    &data.Loader{Dataset: d, Transform: m.Transform(), BatchSize: 4, Shuffle: true, Seed: 1},
		Epochs:    2,
	})
	return result.Elapsed.Seconds(), err
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// processorName is what the system calls the processor.
func processorName() string {
	info, _ := os.ReadFile("/proc/cpuinfo") // of Linux; elsewhere there is none
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	if name := os.Getenv("PROCESSOR_IDENTIFIER"); name != "" { // Windows
		return name
	}
	return "unknown processor"
}
