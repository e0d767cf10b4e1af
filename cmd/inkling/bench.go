package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
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

// benchFlags are what "inkling bench" is asked for.
type benchFlags struct {
	conv                     nn.Convolutions
	net, size, job           string
	batches, workers         []int
	layers, tutorial, asJSON bool
	runs                     int
	length                   time.Duration
}

func newBench() *cobra.Command {
	var flags benchFlags
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine trains and predicts",
		Long: `Measure how many pictures a second a network is trained on, and how many it classifies,
in batches of several sizes, on one processor and on all. Without --net it is LeNet, on
MNIST's pictures; other networks get random ones. Each number is the median of several
short runs over pictures that are ready in memory.

GFLOP/s counts two operations for each multiply-add of the network's definition: those
of a picture on its way forward, and for training those of the gradients of weights and
of inputs, too, where somebody needs them. PyTorch's counter counts the same. The last
column is the share of what the processor reached, measured then and there, with
nothing but independent multiply-adds in registers. It may come out above 100%: an
algorithm that multiplies less often, or leaves out what is zero, is counted as the
definition.

With --layers every distinct layer is measured by itself on one processor, as it lies in
the network's training: forward, the gradients of its inputs and those of its weights,
and how each is computed. With --job predict it is the network's inference instead. What
does not multiply is told in GB/s of all that it reads and writes.

For numbers that mean something, let nothing else run.`,
		Example: `  inkling bench
  inkling bench --tutorial
  inkling bench --net resnet9 --batch 16 --job predict
  inkling bench --net mobilenet_v2 --size 32 --batch 8 --layers
  inkling bench --json --runs 9`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interruptible()
			defer stop()
			b, err := flags.bench(c)
			if err != nil {
				return err
			}
			b.ctx, b.out, b.progress = ctx, c.OutOrStdout(), io.Discard
			if terminal(c.ErrOrStderr()) != nil {
				b.progress = c.ErrOrStderr()
			}
			if flags.layers {
				return b.measureLayers()
			}
			return b.run(flags.tutorial)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&flags.net, "net", "LeNet", "`NAME` of the network, one that \"inkling models\" lists")
	f.StringVar(&flags.size, "size", "", "`SIZE` of the pictures: N or HEIGHTxWIDTH pixels (default what the network is usually for)")
	f.IntSliceVar(&flags.batches, "batch", nil, "pictures in a batch, or several `NUMBERS` with commas between (default 1,4,64,256,1000 for LeNet, 1,64 for others, 1,8 for pictures of more than 64 pixels)")
	f.IntSliceVar(&flags.workers, "workers", nil, "processors that compute, or several `NUMBERS` (default 1 and all)")
	addConvFlag(f, &flags.conv, nn.ExactConvolutions)
	f.StringVar(&flags.job, "job", "", "only this `JOB`: train or predict (default both)")
	f.BoolVar(&flags.layers, "layers", false, "measure every distinct layer")
	f.BoolVar(&flags.tutorial, "tutorial", false, "also time the two epochs of the tutorial, with its loader")
	f.IntVar(&flags.runs, "runs", 5, "measure `N` times and take the median")
	f.DurationVar(&flags.length, "length", 50*time.Millisecond, "measure for this `TIME` at least")
	f.BoolVar(&flags.asJSON, "json", false, "print the results as JSON")
	return c
}

// bench checks the flags, and makes what they ask for.
func (f *benchFlags) bench(c *cobra.Command) (*bench, error) {
	if f.runs < 1 || f.runs > 1000 {
		return nil, usagef("--runs is %d, want 1 to 1000", f.runs)
	}
	if f.length < 0 || f.length > time.Minute {
		return nil, usagef("--length is %v, want 0s to 1m", f.length)
	}
	jobs := []string{"train", "predict"}
	if f.job != "" {
		if !slices.Contains(jobs, f.job) {
			return nil, usagef("--job is %q, want train or predict", f.job)
		}
		jobs = []string{f.job}
	}
	model, err := models.FindModel(f.net)
	if err != nil {
		return nil, usagef("--net: %w", err)
	}
	config := model.Usual
	if f.size != "" {
		if config.Height, config.Width, err = inkling.ParseSize(f.size); err != nil {
			return nil, usagef("--size: %w", err)
		}
	}
	const mostBatch, mostWorkers = 4096, 1024
	for _, n := range f.batches {
		if n < 1 || n > mostBatch {
			return nil, usagef("--batch has %d, want 1 to %d", n, mostBatch)
		}
	}
	for _, n := range f.workers {
		if n < 1 || n > mostWorkers {
			return nil, usagef("--workers has %d, want 1 to %d", n, mostWorkers)
		}
	}
	if f.layers && (f.tutorial || len(f.workers) > 0 || len(f.batches) > 1) {
		return nil, usagef("--layers measures one batch on one processor: it goes with one --batch, and without --workers and --tutorial")
	}
	if f.tutorial && (c.Flags().Changed("net") || f.size != "") {
		return nil, usagef("--tutorial is about LeNet as it usually is: leave out --net and --size")
	}
	b := &bench{json: f.asJSON, runs: f.runs, length: f.length, model: model, config: config, jobs: jobs, batches: f.batches, workers: f.workers, conv: f.conv}
	if len(b.workers) == 0 {
		b.workers = workerCounts()
	}
	if len(b.batches) == 0 {
		b.batches = b.usualBatches(f.layers)
	}
	return b, nil
}

// usualBatches are the batch sizes that are measured.
func (b *bench) usualBatches(layers bool) []int {
	list := []int{1, 64}
	switch {
	case max(b.config.Height, b.config.Width) > 64:
		list[1] = 8
	case b.isTutorial() && !layers:
		return []int{1, 4, 64, 256, 1000}
	}
	if layers {
		return list[1:]
	}
	return list
}

// isTutorial reports whether the network is LeNet for MNIST's pictures.
func (b *bench) isTutorial() bool {
	u := b.model.Usual
	return b.model.Name == "LeNet" && b.config.Height == u.Height && b.config.Width == u.Width
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

// machineRates is what so many processors of this machine reach, with the kernels in
// use; 0 is not known.
type machineRates struct {
	Workers    int     `json:"workers"`
	PeakGFLOPS float64 `json:"peak_gflops"`
	LoadGBS    float64 `json:"load_gb_per_second"`
}

type bench struct {
	ctx           context.Context
	out, progress io.Writer
	json          bool
	conv          nn.Convolutions
	runs          int
	length        time.Duration
	model         models.Model
	config        models.Config
	jobs          []string
	batches       []int
	workers       []int

	images []float32 // shown over and over
	labels []int
}

// size is how many floats a picture has.
func (b *bench) size() int { return b.config.Channels * b.config.Height * b.config.Width }

func (b *bench) run(tutorial bool) error {
	if err := b.prepare(); err != nil {
		return err
	}
	rates := b.rates(b.workers)
	if !b.json {
		b.printHead(rates)
		fmt.Fprintf(b.out, "%9s %8s %6s %11s %9s %8s\n", "job", "workers", "batch", "images/s", "GFLOP/s", "of peak")
	}
	var all []measurement
	for _, job := range b.jobs {
		for _, workers := range b.workers {
			for _, batch := range b.batches {
				b.tell("%s, %s, batch %d", job, count(workers, "worker"), batch)
				m, err := b.measure(job, batch, workers)
				b.tell("")
				if err != nil {
					return err
				}
				all = append(all, m)
				if !b.json {
					fmt.Fprintf(b.out, "%9s %8d %6d %11s %9.1f %8s\n", m.Job, m.Workers, m.Batch, rate(m.ImagesPerSecond), m.GFLOPS, ofPeak(m.GFLOPS, m.PeakGFLOPS))
				}
			}
		}
	}
	report := b.report(rates)
	report["measurements"] = all
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

// tell shows what is being done, on a terminal.
func (b *bench) tell(format string, values ...any) {
	fmt.Fprintf(b.progress, "\r\x1b[K"+format, values...)
}

// rates measures what this machine reaches.
func (b *bench) rates(workers []int) (list []machineRates) {
	for _, n := range workers {
		list = append(list, machineRates{n, kernel.MeasurePeak(n) / 1e9, kernel.MeasureLoad(n) / 1e9})
	}
	return list
}

// printHead says what is measured, and on what.
func (b *bench) printHead(rates []machineRates) {
	fmt.Fprintf(b.out, "%s, %s, %s/%s, kernels: %s\n", processorName(), count(runtime.GOMAXPROCS(0), "processor"), runtime.GOOS, runtime.GOARCH, kernel.Implementation())
	for _, r := range rates {
		if r.PeakGFLOPS > 0 {
			fmt.Fprintf(b.out, "%s: multiply-adds in registers %.1f GFLOP/s, loads from the first cache %.0f GB/s\n", count(r.Workers, "worker"), r.PeakGFLOPS, r.LoadGBS)
		}
	}
	fmt.Fprintf(b.out, "%s for pictures of %v, %s\n", b.model.Name, nn.Shape{b.config.Channels, b.config.Height, b.config.Width}, b.pictures())
}

func (b *bench) pictures() string {
	if b.isTutorial() {
		return "MNIST's pictures"
	}
	return "random pictures"
}

// report is what --json prints, without the measurements.
func (b *bench) report(rates []machineRates) map[string]any {
	return map[string]any{
		"processor": processorName(), "processors": runtime.GOMAXPROCS(0), "os": runtime.GOOS, "arch": runtime.GOARCH,
		"kernels": kernel.Implementation(), "version": version(), "machine": rates,
		"network": b.model.Name, "input": []int{b.config.Channels, b.config.Height, b.config.Width}, "pictures": b.pictures(),
	}
}

// rate formats images a second, of which large networks compute few.
func rate(perSecond float64) string {
	if perSecond < 100 {
		return fmt.Sprintf("%.2f", perSecond)
	}
	return thousands(int(perSecond))
}

func ofPeak(gflops, peak float64) string {
	if peak == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.0f%%", 100*gflops/peak)
}

// workerCounts is 1 and the number of processors.
func workerCounts() []int {
	return slices.Compact([]int{1, runtime.GOMAXPROCS(0)})
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
