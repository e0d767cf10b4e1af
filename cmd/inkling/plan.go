package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"text/tabwriter"
	"time"

	"inkling"
	"inkling/internal/kernel"
	"inkling/nn"
)

// planStep is a line of the plan.
type planStep struct {
	Phase        int     `json:"phase"`
	Layer        string  `json:"layer,omitempty"`
	Operation    string  `json:"operation"`
	Output       []int   `json:"output,omitempty"`
	Algorithm    string  `json:"algorithm"`
	Division     string  `json:"division"`
	MultiplyAdds int     `json:"multiply_adds"`
	Bytes        int     `json:"bytes"`
	Packed       int     `json:"packed_bytes"`
	Milliseconds float64 `json:"milliseconds"`
}

const (
	// mostPlanned is how many numbers the values of a planned network may have.
	mostPlanned = 1 << 30
	// longPlan is how long a prediction may take that is measured, by an estimate.
	longPlan = 5 * time.Second
)

// showPlan lists the steps of a prediction by the network in a file, or by a model of
// the zoo.
func showPlan(out io.Writer, name string, o *inkling.Options, convolutions nn.Convolutions, batch int, asJSON bool) error {
	if batch < 1 || batch > 4096 {
		return usagef("--batch is %d, want 1 to 4096", batch)
	}
	m, err := fileOrModel(name, o)
	if err != nil {
		return err
	}
	shape := append([]int{batch}, m.Input()...)
	summary, err := nn.Summary(m.Network, shape...)
	if err != nil {
		return err
	}
	floats := nn.Shape(shape).Elements()
	for _, row := range summary.Rows {
		floats += row.Shape.Elements()
	}
	if floats > mostPlanned {
		return fmt.Errorf("%s makes %s numbers of a batch of %d, more than are planned: choose a smaller --batch or --size", m.Architecture(), thousands(floats), batch)
	}
	network := nn.NewNetwork(m.Network, shape...)
	network.Convolutions = convolutions
	program, err := network.Compile()
	if err != nil {
		return err
	}
	program.SetWorkers(1)
	peak, load := kernel.MeasurePeak(1), kernel.MeasureLoad(1)
	steps, source := planSteps(program, peak, load)
	memory := program.Memory()
	if asJSON {
		report := openedReport(m)
		report["steps"], report["batch"], report["times"], report["kernels"], report["processor"] = steps, batch, source, kernel.Implementation(), processorName()
		report["memory"] = map[string]int{"weights": memory.Weights, "packed": memory.Packed, "values": memory.Values}
		return writeJSON(out, report)
	}
	fmt.Fprintf(out, "%s%s, a batch of %d pictures of %v, one worker on %s, kernels: %s\nTimes are %s.\n\n", m.Note(name), m.Architecture(), batch, nn.Shape(m.Input()), processorName(), kernel.Implementation(), source)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "phase\tlayer\toperation\toutput\talgorithm\tdivided by\tmultiply-adds\tmemory\tms\tGFLOP/s\n")
	var total float64
	for _, s := range steps {
		total += s.Milliseconds
		rate := "-"
		if s.MultiplyAdds > 0 && s.Milliseconds > 0 {
			rate = fmt.Sprintf("%.1f", 2*float64(s.MultiplyAdds)/s.Milliseconds/1e6)
		}
		output := "-"
		if s.Output != nil {
			output = nn.Shape(s.Output).String()
		}
		layer := "-"
		if s.Layer != "" {
			layer = printable(s.Layer)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.3f\t%s\n", s.Phase, layer, s.Operation, output, s.Algorithm, s.Division, thousands(s.MultiplyAdds), megabytes(s.Bytes+s.Packed), s.Milliseconds, rate)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nAll steps: %.3f ms. Memory: %s of weights, %s of copies in the kernels' order, %s of values.\n", total, megabytes(memory.Weights), megabytes(memory.Packed), megabytes(memory.Values))
	return err
}

// planSteps returns the steps of a program, with their times, and where those are from.
func planSteps(p *nn.Program, peak, load float64) (steps []planStep, source string) {
	stages := p.Stages()
	seconds := make([]float64, len(stages))
	var all float64
	for i, s := range stages {
		if peak > 0 {
			seconds[i] = max(2*float64(s.MultiplyAdds)/peak, float64(s.Bytes)/load)
		} else {
			const plain, memory = 1e9, 2e9 // of plain Go, about
			seconds[i] = max(2*float64(s.MultiplyAdds)/plain, float64(s.Bytes)/memory)
		}
		all += seconds[i]
	}
	switch {
	case all < longPlan.Seconds():
		source = "measured on this machine, the medians of 3 predictions"
		measurePlan(p, seconds)
	case peak > 0:
		source = fmt.Sprintf("estimated, and not less: multiply-adds at this processor's peak of %.1f GFLOP/s, memory at the %.0f GB/s of its first cache", peak/1e9, load/1e9)
	default:
		source = "estimated, as plain Go has no peak to measure: 1 GFLOP/s and 2 GB/s"
	}
	for i, s := range stages {
		step := planStep{s.Phase, s.Layer, strings.TrimSpace(strings.Join(s.Operations, "+") + " " + s.Kind), s.Output, s.Algorithm, s.Division, s.MultiplyAdds, s.Bytes, s.Packed, 1000 * seconds[i]}
		steps = append(steps, step)
	}
	return steps, source
}

// measurePlan sets the seconds of a program's stages to what they take.
func measurePlan(p *nn.Program, seconds []float64) {
	r := rand.New(rand.NewPCG(1, 1))
	images := make([]float32, p.InputShape().Elements())
	for i := range images {
		images[i] = float32(r.NormFloat64())
	}
	p.Forward(images) // warm up
	var runs [][]nn.StageTime
	for range 3 {
		runs = append(runs, p.Profile(images))
	}
	for i := range seconds {
		seconds[i] = median([]float64{runs[0][i].Seconds(), runs[1][i].Seconds(), runs[2][i].Seconds()})
	}
}

func megabytes(bytes int) string { return fmt.Sprintf("%.2f MB", float64(bytes)/1e6) }
