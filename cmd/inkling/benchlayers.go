package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"inkling/internal/kernel"
	"inkling/nn"
)

// layerPass is what one pass over the layers of a row took.
type layerPass struct {
	Algorithm    string  `json:"algorithm"`
	Milliseconds float64 `json:"milliseconds"` // of a batch
	GFLOPS       float64 `json:"gflops,omitempty"`
	GBS          float64 `json:"gb_per_second,omitempty"` // where nothing is multiplied
	OfPeak       float64 `json:"of_peak,omitempty"`       // 0: not known

	seconds, multiplyAdds, bytes float64
}

// layerRow is all layers of one kind that read inputs of one shape.
type layerRow struct {
	Layers     []string               `json:"layers"` // names; empty for those without parameters
	Count      int                    `json:"count"`
	Operations []string               `json:"operations"`
	Kind       string                 `json:"kind,omitempty"`
	Input      []int                  `json:"input,omitempty"` // of an example
	Passes     map[nn.Pass]*layerPass `json:"passes"`
}

func (r *layerRow) milliseconds() (sum float64) {
	for _, p := range r.Passes {
		sum += p.Milliseconds
	}
	return sum
}

// measureLayers prints what every distinct layer reaches on one processor.
func (b *bench) measureLayers() error {
	batch := b.batches[0]
	if err := b.prepare(); err != nil {
		return err
	}
	profile, job, err := b.profiler(batch)
	if err != nil {
		return err
	}
	rates := b.rates([]int{1})
	profile() // warm up
	var times []nn.StageTime
	var seconds [][]float64 // of each stage, run by run
	var peaks []float64
	for i := range b.runs {
		if b.ctx.Err() != nil {
			b.tell("")
			return context.Cause(b.ctx)
		}
		b.tell("run %d of %d", i+1, b.runs)
		peaks = append(peaks, kernel.MeasurePeak(1)/1e9)
		times = profile()
		seconds = append(seconds, nil)
		for _, t := range times {
			seconds[i] = append(seconds[i], t.Seconds())
		}
	}
	b.tell("")
	middle := make([]float64, len(times))
	for i := range times {
		var all []float64
		for _, run := range seconds {
			all = append(all, run[i])
		}
		middle[i] = median(all)
	}
	rates[0].PeakGFLOPS = median(peaks)
	rows := layerRows(times, middle, rates[0].PeakGFLOPS)
	if b.json {
		report := b.report(rates)
		report["batch"], report["job"], report["layers"] = batch, job, rows
		return writeJSON(b.out, report)
	}
	b.printHead(rates)
	fmt.Fprintf(b.out, "%s, a batch of %d, median of %s\n\n", map[string]string{"train": "a step of training", "predict": "a prediction"}[job], batch, count(b.runs, "run"))
	return printLayers(b, rows)
}

// profiler returns what takes the times of a batch's stages.
func (b *bench) profiler(batch int) (profile func() []nn.StageTime, job string, err error) {
	images := b.images[:batch*b.size()]
	if b.jobs[0] == "predict" {
		p, err := b.program(batch)
		if err != nil {
			return nil, "", err
		}
		p.SetWorkers(1)
		return func() []nn.StageTime { return p.Profile(images) }, "predict", nil
	}
	p, err := b.trainProgram(batch)
	if err != nil {
		return nil, "", err
	}
	p.SetWorkers(1)
	return func() []nn.StageTime { return p.Profile(images, b.labels[:batch]) }, "train", nil
}

// layerRows puts the stages of layers that are alike into one row.
func layerRows(times []nn.StageTime, seconds []float64, peak float64) []*layerRow {
	// A layer's passes tell which other layers are like it.
	key := func(t nn.StageTime) string {
		return fmt.Sprint(t.Operations, t.Kind, t.Inputs, t.Output)
	}
	var rows []*layerRow
	found := map[string]*layerRow{}
	for i, t := range times {
		row := found[key(t)]
		if row == nil {
			row = &layerRow{Operations: t.Operations, Kind: t.Kind, Passes: map[nn.Pass]*layerPass{}}
			if len(t.Inputs) > 0 {
				row.Input = t.Inputs[0][1:]
			}
			found[key(t)], rows = row, append(rows, row)
		}
		if t.Layer != "" && !slices.Contains(row.Layers, t.Layer) {
			row.Layers = append(row.Layers, t.Layer)
		}
		p := row.Passes[t.Pass]
		if p == nil {
			p = &layerPass{Algorithm: t.Algorithm}
			row.Passes[t.Pass] = p
		}
		p.seconds += seconds[i]
		p.multiplyAdds += float64(t.MultiplyAdds)
		p.bytes += float64(t.Bytes)
	}
	for _, row := range rows {
		row.Count = max(len(row.Layers), 1)
		for _, p := range row.Passes {
			p.Milliseconds = 1000 * p.seconds
			switch {
			case p.seconds <= 0:
			case p.multiplyAdds > 0:
				p.GFLOPS = 2 * p.multiplyAdds / p.seconds / 1e9
				if peak > 0 {
					p.OfPeak = p.GFLOPS / peak
				}
			case p.bytes > 0:
				p.GBS = p.bytes / p.seconds / 1e9
			}
		}
	}
	return rows
}

func printLayers(b *bench, rows []*layerRow) error {
	var total float64
	for _, r := range rows {
		total += r.milliseconds()
	}
	table := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "layer\toperation\tinput\tms\tof all\tforward\tinputs' gradients\tweights' gradients\talgorithms\n")
	for _, r := range rows {
		name := "-"
		if len(r.Layers) > 0 {
			if name = printable(r.Layers[0]); len(r.Layers) > 1 {
				name += fmt.Sprintf(" and %d more", len(r.Layers)-1)
			}
		}
		input := "-"
		if r.Input != nil {
			input = nn.Shape(r.Input).String()
		}
		ms := r.milliseconds()
		inputs, weights := r.cell(nn.PassInputs), r.cell(nn.PassWeights)
		if both := r.cell(nn.PassBoth); both != "-" {
			inputs, weights = both, "with them"
			if p := r.Passes[nn.PassInputs]; p != nil {
				inputs = r.cell(nn.PassInputs)
				weights = both
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%.3f\t%.1f%%\t%s\t%s\t%s\t%s\n", name, strings.TrimSpace(strings.Join(r.Operations, "+")+" "+r.Kind), input, ms, 100*ms/total, r.cell(nn.PassForward), inputs, weights, r.algorithms())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(b.out, "\nAll stages: %.2f ms, %.1f pictures/s on one processor.\n", total, 1000*float64(b.batches[0])/total)
	return err
}

// cell tells what a pass reaches.
func (r *layerRow) cell(pass nn.Pass) string {
	p := r.Passes[pass]
	switch {
	case p == nil:
		return "-"
	case p.OfPeak > 0:
		return fmt.Sprintf("%.1f GFLOP/s %.0f%%", p.GFLOPS, 100*p.OfPeak)
	case p.GFLOPS > 0:
		return fmt.Sprintf("%.1f GFLOP/s", p.GFLOPS)
	case p.GBS > 0 && !math.IsInf(p.GBS, 0):
		return fmt.Sprintf("%.1f GB/s", p.GBS)
	}
	return fmt.Sprintf("%.3f ms", p.Milliseconds)
}

// algorithms are those of the passes, each once.
func (r *layerRow) algorithms() string {
	var list []string
	for _, pass := range []nn.Pass{nn.PassForward, nn.PassInputs, nn.PassBoth, nn.PassWeights, nn.PassRest} {
		if p := r.Passes[pass]; p != nil && p.Algorithm != "" && !slices.Contains(list, p.Algorithm) {
			list = append(list, p.Algorithm)
		}
	}
	return strings.Join(list, "; ")
}
