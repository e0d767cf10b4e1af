// Command peers compares Inkling with other programs that train and run networks,
// on the same jobs, in turns. scripts/bench-peers prepares what it needs and starts it.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"inkling/internal/kernel"
	"inkling/nn"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// peer is a program that is compared.
type peer struct {
	name string
	// command starts its worker; missing is why there is none.
	command []string
	missing string

	in  io.WriteCloser
	out *bufio.Reader
	cmd *exec.Cmd
}

func run(args []string, in io.Reader, out, progress io.Writer) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	worker := flags.Bool("worker", false, "measure for Inkling, as lines from standard input say")
	conv := flags.String("conv", "fast", "compute convolutions so: exact or fast")
	among := flags.String("peers", "", "only peers with these `WORDS` in their names, with commas between; default all")
	list := flags.Bool("list", false, "list the rows")
	only := flags.String("rows", "", "rows with these `WORDS` in their names, with commas between; default all")
	rounds := flags.Int("rounds", 5, "measure `N` times in turns")
	seconds := flags.Float64("seconds", 1, "measure for so many `SECONDS` a time")
	models := flags.String("models", "", "write .onnx files to this `DIR`")
	results := flags.String("json", "", "also write every measurement to this `FILE`")
	var peers []*peer
	flags.Func("peer", "NAME=COMMAND of a worker, or NAME=-REASON where there is none; several times", func(text string) error {
		name, command, ok := strings.Cut(text, "=")
		if reason, missing := strings.CutPrefix(command, "-"); missing {
			peers = append(peers, &peer{name: name, missing: reason})
		} else {
			peers = append(peers, &peer{name: name, command: strings.Fields(command)})
		}
		if !ok || command == "" {
			return fmt.Errorf("want NAME=COMMAND")
		}
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *worker {
		how, err := nn.ParseConvolutions(*conv)
		if err != nil {
			return err
		}
		return work(in, out, how)
	}
	if *list {
		for _, r := range rows {
			fmt.Fprintf(out, "%-26s %s\n", r.name, r.says)
		}
		return nil
	}
	if *rounds < 1 || !(*seconds > 0) {
		return fmt.Errorf("-rounds is %d and -seconds %v, want 1 or more and more than 0", *rounds, *seconds)
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	if *models != "" {
		if err := export(*models, chosen); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if *among != "" {
		peers = slices.DeleteFunc(peers, func(p *peer) bool {
			return !slices.ContainsFunc(strings.Split(*among, ","), func(word string) bool { return strings.Contains(strings.ToLower(p.name), strings.ToLower(word)) })
		})
	}
	peers = append([]*peer{
		{name: "Inkling", command: []string{self, "-worker"}},
		{name: "Inkling, exact", command: []string{self, "-worker", "-conv", "exact"}},
	}, peers...)
	for _, p := range peers {
		defer p.stop()
		if err := p.start(); err != nil {
			p.missing = err.Error()
		}
	}
	c := &comparison{rows: chosen, peers: peers, measured: map[string]map[string][]float64{}, why: map[string]string{}}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c.measure(ctx, *rounds, *seconds, progress)
	if *results != "" {
		text, err := json.MarshalIndent(c.measured, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(*results, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return c.print(out, *rounds, *seconds)
}

// choose returns the rows whose names have one of the words.
func choose(words string) (chosen []row, err error) {
	for _, r := range rows {
		if words == "" || slices.ContainsFunc(strings.Split(words, ","), func(word string) bool { return strings.Contains("-"+r.name+"-", "-"+word+"-") }) {
			chosen = append(chosen, r)
		}
	}
	if len(chosen) == 0 {
		_, err = find(words)
	}
	return chosen, err
}

func (p *peer) start() (err error) {
	if p.missing != "" {
		return fmt.Errorf("%s", p.missing)
	}
	p.cmd = exec.Command(p.command[0], p.command[1:]...)
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.out = bufio.NewReader(out)
	return p.cmd.Start()
}

func (p *peer) stop() {
	if p.cmd != nil && p.cmd.Process != nil {
		p.in.Close()
		p.cmd.Wait()
	}
}

// ask has a worker measure a row.
func (p *peer) ask(r row, seconds float64) (float64, error) {
	if _, err := fmt.Fprintf(p.in, "%s %v %d\n", r.name, seconds, allThreads(r.threads)); err != nil {
		return 0, fmt.Errorf("its worker ended: %w", err)
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("its worker ended: %w", err)
	}
	line = strings.TrimSpace(line)
	if why, failed := strings.CutPrefix(line, "error: "); failed {
		return 0, fmt.Errorf("%s", why)
	}
	return strconv.ParseFloat(line, 64)
}

// comparison is what was measured.
type comparison struct {
	rows     []row
	peers    []*peer
	measured map[string]map[string][]float64 // by row and peer, images a second
	why      map[string]string               // by row and peer, why not
}

// measure goes through the rows; all peers do one before the next begins, in turns. Who
// takes very long does it once. When the context ends, what was measured so far is what there is.
func (c *comparison) measure(ctx context.Context, rounds int, seconds float64, progress io.Writer) {
	for _, r := range c.rows {
		c.measured[r.name] = map[string][]float64{}
		slow := map[*peer]bool{}
		for round := range rounds {
			for i := range c.peers {
				// Each begins a round once, since who goes before may leave work behind, such as its rubbish.
				p := c.peers[(i+round)%len(c.peers)]
				key := r.name + " " + p.name
				if p.missing != "" || c.why[key] != "" || slow[p] {
					continue
				}
				start := time.Now()
				speed, err := p.ask(r, seconds)
				slow[p] = round > 0 && time.Since(start).Seconds() > 5*seconds || time.Since(start).Seconds() > 20*seconds
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					c.why[key] = err.Error()
					continue
				}
				fmt.Fprintf(progress, "%s, round %d of %d: %s %.1f images/s\n", r.name, round+1, rounds, p.name, speed)
				c.measured[r.name][p.name] = append(c.measured[r.name][p.name], speed)
			}
		}
	}
}

// print writes the table: medians, and how many times as fast as each Inkling is, by the
// median of the rounds' ratios.
func (c *comparison) print(out io.Writer, rounds int, seconds float64) error {
	fmt.Fprintf(out, "%s, %d processors, Inkling's kernels: %s; images/s, medians of %d rounds of %v s in turns,\nand how many times as fast Inkling is with fast convolutions (the median of the rounds' ratios)\n\n",
		processor(), runtime.GOMAXPROCS(0), kernel.Implementation(), rounds, seconds)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "job")
	for _, p := range c.peers {
		fmt.Fprint(table, "\t", p.name)
		if p != c.peers[0] {
			fmt.Fprint(table, "\tratio")
		}
	}
	fmt.Fprintln(table)
	reasons := map[string]bool{}
	for _, r := range c.rows {
		fmt.Fprint(table, r.says)
		ours := c.measured[r.name][c.peers[0].name]
		for i, p := range c.peers {
			speeds := c.measured[r.name][p.name]
			why := cmp.Or(p.missing, c.why[r.name+" "+p.name])
			switch {
			case len(speeds) == 0 && i == 0:
				fmt.Fprint(table, "\t-")
			case len(speeds) == 0:
				fmt.Fprint(table, "\t-\t-")
			case i == 0:
				fmt.Fprintf(table, "\t%.*f", digits(median(speeds)), median(speeds))
			default:
				var ratios []float64
				for k := range min(len(speeds), len(ours)) {
					ratios = append(ratios, ours[k]/speeds[k])
				}
				ratio := "-"
				if len(ratios) > 0 {
					ratio = fmt.Sprintf("%.2f", median(ratios))
				}
				fmt.Fprintf(table, "\t%.*f\t%s", digits(median(speeds)), median(speeds), ratio)
			}
			if why != "" {
				reasons[p.name+": "+why] = true
			}
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	var all []string
	for reason := range reasons {
		all = append(all, reason)
	}
	slices.Sort(all)
	for _, reason := range all {
		fmt.Fprintln(out, "No number of", reason)
	}
	return nil
}

func digits(speed float64) int {
	if speed < 100 {
		return 1
	}
	return 0
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// processor is what the system calls the processor.
func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo") // of Linux; elsewhere there is none
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
