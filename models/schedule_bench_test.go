package models

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"text/tabwriter"

	"inkling/nn"
	"inkling/optim"
)

// BenchmarkSchedule prints how the stages of networks would divide among 4 to 64
// workers: which share of the workers' time would be idle, if each stage took as long as
// all of its pieces do one after another on this machine. Barriers, which take a
// microsecond or two, and what workers take from each other in caches and memory are left
// out.
//
//	go test ./models -run '^$' -bench Schedule -benchtime 1x
func BenchmarkSchedule(b *testing.B) {
	for _, job := range []string{"train", "predict"} {
		for _, net := range []struct {
			name string
			size int
		}{{"LeNet", 28}, {"resnet18", 32}, {"mobilenet_v2", 32}} {
			for _, batch := range []int{1, 64} {
				b.Run(fmt.Sprintf("%s/%s/batch=%d", net.name, job, batch), func(b *testing.B) {
					simulate(b, net.name, net.size, batch, job == "train")
				})
			}
		}
	}
}

func simulate(b *testing.B, name string, size, batch int, train bool) {
	m, err := FindModel(name)
	if err != nil {
		b.Fatal(err)
	}
	c := Config{Channels: m.Usual.Channels, Height: size, Width: size, Classes: 10}
	net, err := m.NewModel(c, 1)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	images, labels := make([]float32, batch*c.Channels*size*size), make([]int, batch)
	for i := range images {
		images[i] = float32(r.NormFloat64())
	}
	var profile func(workers int) []nn.StageTime
	if train {
		p, err := nn.CompileTrain(net, nn.CrossEntropy{}, &optim.SGD{LR: 1e-5, Momentum: 0.9}, batch, c.Channels, size, size)
		if err != nil {
			b.Fatal(err)
		}
		profile = func(workers int) []nn.StageTime { p.SetWorkers(workers); return p.Profile(images, labels) }
	} else {
		p, err := nn.Compile(net, batch, c.Channels, size, size)
		if err != nil {
			b.Fatal(err)
		}
		profile = func(workers int) []nn.StageTime { p.SetWorkers(workers); return p.Profile(images) }
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\n%s\nworkers\tbusy\tidle\ttimes as fast\twhat idles most: its share of the idle time, busy workers, division\n", b.Name())
	for b.Loop() {
		profile(1)
		var alone float64
		for _, p := range leastPhases(profile, 1) {
			alone += p.longest()
		}
		for _, workers := range []int{1, 2, 4, 8, 16, 32, 64} {
			phases := leastPhases(profile, workers)
			var longest, busy float64
			for _, p := range phases {
				longest += p.longest()
				busy += p.busy()
			}
			idle := longest*float64(workers) - busy
			slices.SortStableFunc(phases, func(a, b *phase) int {
				return int(1e9 * (b.longest()*float64(workers) - b.busy() - a.longest()*float64(workers) + a.busy()))
			})
			text := ""
			for _, p := range phases[:min(2, len(phases))] {
				if part := (p.longest()*float64(workers) - p.busy()) / max(idle, 1e-12); part > 0.05 && workers > 1 {
					text += fmt.Sprintf("%s %.0f%%, %d, %s; ", p.says, 100*part, p.workers(), p.division)
				}
			}
			fmt.Fprintf(table, "%d\t%.0f%%\t%.0f%%\t%.1f\t%s\n", workers, 100*busy/longest/float64(workers), 100*idle/longest/float64(workers), alone/longest, text)
		}
	}
	table.Flush()
}

// phase is the stages between two barriers, and the seconds that each worker needs.
type phase struct {
	says, division string
	seconds        []float64
}

func (p *phase) longest() float64 { return slices.Max(p.seconds) }

func (p *phase) busy() (sum float64) {
	for _, s := range p.seconds {
		sum += s
	}
	return sum
}

// workers is how many have something to do.
func (p *phase) workers() (n int) {
	for _, s := range p.seconds {
		if s > 0 {
			n++
		}
	}
	return n
}

// leastPhases returns the phases of a program with so many workers, each with the least
// of three runs: what else the machine does only adds.
func leastPhases(profile func(workers int) []nn.StageTime, workers int) (phases []*phase) {
	var runs [][]nn.StageTime
	for range 3 {
		runs = append(runs, profile(workers))
	}
	for i, s := range runs[0] {
		for len(phases) <= s.Phase {
			says := string(s.Pass)
			if s.Layer != "" {
				says = s.Layer + " " + says
			}
			phases = append(phases, &phase{says: says, division: s.Division, seconds: make([]float64, workers)})
		}
		for w := range workers {
			phases[s.Phase].seconds[w] += min(runs[0][i].Workers[w], runs[1][i].Workers[w], runs[2][i].Workers[w])
		}
	}
	return phases
}
