package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"inkling/internal/atomicfile"
	"inkling/train"
	"inkling/train/runs"
)

func newSweep() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "sweep FILE",
		Short: "Try settings at random, and go on with the best",
		Long: `Try settings of train at random, as a file says, and go on with the best: every trial
trains for some epochs, the better part of them for some more, and so on (successive
halving; Jamieson and Talwalkar 2016, arXiv:1502.07943). What is better is what the
validation says, pictures held out of those to train on (a tenth of every class, unless
the file sets val-split); the pictures to test with are not looked at. The file:

  trials: 8                  # trainings to begin with
  epochs: [1, 2, 4]          # after each of these numbers, the best go on
  keep: 0.5                  # share of them that do
  seed: 1                    # of what is drawn
  fixed:                     # flags of train that all trials have
    data: mnist
  search:                    # flags to try: values, or a range of numbers
    lr: {min: 0.0003, max: 0.1, scale: log}
    batch: [4, 16, 64]
    optimizer: [sgd, adamw]

Every trial is a run below runs/NAME, which is the file's name unless --name says
otherwise. Interrupted, even killed, a sweep goes on where it was when it is begun
again with the same file.`,
		Example: `  inkling sweep rates.yaml
  inkling sweep rates.yaml --name another`,
		Args: wantArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			plan, text, err := readSweep(args[0])
			if err != nil {
				return err
			}
			if name == "" {
				name = strings.TrimSuffix(filepath.Base(args[0]), filepath.Ext(args[0]))
			}
			s, err := openSweep(name, plan, text, c.OutOrStdout())
			if err != nil {
				return err
			}
			defer s.release()
			return s.run(c.Context())
		},
	}
	c.Flags().StringVar(&name, "name", "", "keep the trials in runs/`NAME`; by default the name of the file")
	return c
}

// The files of a sweep's folder.
const (
	sweepFile  = "sweep.yaml" // what it was asked for
	sweepTable = "sweep.csv"
	failedFile = "failed.txt" // of a trial that diverged: why
)

// sweep is a sweep on its way.
type sweep struct {
	*sweepPlan
	folder  string
	release func()
	out     io.Writer
}

// openSweep makes the folder of a sweep, or opens it to go on.
func openSweep(name string, plan *sweepPlan, text []byte, out io.Writer) (*sweep, error) {
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return nil, usagef("--name %q: it must be the name of a folder, without slashes and with no dot at its beginning", name)
	}
	s := &sweep{plan, filepath.Join(runsFolder, name), nil, out}
	known, err := os.ReadFile(filepath.Join(s.folder, sweepFile))
	_, there := os.Stat(s.folder)
	switch {
	case errors.Is(err, fs.ErrNotExist) && there == nil:
		return nil, fmt.Errorf("%s is there already, and no sweep: give another --name", s.folder)
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(s.folder, 0o755); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case !bytes.Equal(known, text) && s.begun():
		return nil, fmt.Errorf("the sweep in %s was begun with another file: give another --name, or go on with %s", s.folder, filepath.Join(s.folder, sweepFile))
	}
	if s.release, err = atomicfile.Hold(filepath.Join(s.folder, sweepTable)); err != nil {
		return nil, err
	}
	if !bytes.Equal(known, text) {
		err := atomicfile.Write(filepath.Join(s.folder, sweepFile), func(w io.Writer) error { _, err := w.Write(text); return err })
		if err != nil {
			s.release()
			return nil, err
		}
	}
	return s, nil
}

// begun tells whether there is a trial.
func (s *sweep) begun() bool {
	trials, _ := filepath.Glob(filepath.Join(s.folder, "trial-*"))
	return len(trials) > 0
}

// trialState is how a trial stands after a rung.
type trialState struct {
	number   int
	epochs   int     // that it was trained for
	accuracy float64 // or R²
	numbers  bool    // it is R²
	loss     float64 // of the validation
	failed   string
}

// run trains the trials rung by rung.
func (s *sweep) run(ctx context.Context) error {
	states := make([]trialState, s.Trials)
	alive := make([]int, s.Trials)
	for i := range alive {
		alive[i], states[i] = i, trialState{number: i, accuracy: -1}
	}
	for rung, epochs := range s.Epochs {
		fmt.Fprintf(s.out, "%s to be trained for %s each:\n", count(len(alive), "trial"), count(epochs, "epoch"))
		for _, i := range alive {
			state, err := s.advance(ctx, i, epochs)
			if err != nil {
				return err
			}
			states[i] = state
			fmt.Fprintf(s.out, "  %s  %s: %s\n", trialName(i), settingsLine(s.trial(i)), state)
		}
		alive = slices.DeleteFunc(alive, func(i int) bool { return states[i].failed != "" })
		if len(alive) == 0 {
			return errors.New("every trial diverged: search smaller learning rates")
		}
		slices.SortStableFunc(alive, func(a, b int) int { return compareTrials(&states[a], &states[b]) })
		if rung < len(s.Epochs)-1 {
			alive = alive[:s.left(len(alive))]
		}
	}
	slices.SortStableFunc(states, func(a, b trialState) int { return compareTrials(&a, &b) })
	if err := s.writeTable(states); err != nil {
		return err
	}
	best := alive[0]
	fmt.Fprintf(s.out, "\nBest: %s. To train with its settings:\n  inkling train --config %s --epochs %d --out model.pth\n", trialName(best),
		filepath.Join(s.folder, trialName(best), runs.ConfigFile), s.Epochs[len(s.Epochs)-1])
	return nil
}

func compareTrials(a, b *trialState) int {
	switch {
	case a.epochs != b.epochs: // who was trained for longer was better
		return b.epochs - a.epochs
	case a.accuracy != b.accuracy:
		if a.accuracy > b.accuracy {
			return -1
		}
		return 1
	case a.loss < b.loss:
		return -1
	case a.loss > b.loss:
		return 1
	}
	return a.number - b.number
}

func trialName(i int) string { return fmt.Sprintf("trial-%03d", i+1) }

func settingsLine(settings [][2]string) string {
	var parts []string
	for _, s := range settings {
		parts = append(parts, s[0]+" "+s[1])
	}
	return strings.Join(parts, ", ")
}

func (t trialState) String() string {
	if t.failed != "" {
		return "diverged"
	}
	return fmt.Sprintf("%s right after %s", percent(t.accuracy), count(t.epochs, "epoch"))
}

// advance trains a trial up to so many epochs, unless that was done before.
func (s *sweep) advance(ctx context.Context, i, epochs int) (trialState, error) {
	path := filepath.Join(s.folder, trialName(i))
	state := trialState{number: i, accuracy: -1}
	reason, err := os.ReadFile(filepath.Join(path, failedFile))
	if err == nil {
		state.failed = string(reason)
		return state, nil
	}
	record, err := runs.Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = s.train(ctx, s.flags(i, epochs))
	case err != nil:
		return state, err
	default:
		if end := lastEpoch(record); end == nil || end.Epoch < epochs {
			err = s.train(ctx, []string{"--resume", path, "--epochs", strconv.Itoa(epochs), "--force"})
		}
	}
	var diverged *train.DivergedError
	if errors.As(err, &diverged) {
		state.failed = err.Error()
		return state, atomicfile.Write(filepath.Join(path, failedFile), func(w io.Writer) error { _, err := io.WriteString(w, state.failed); return err })
	}
	if err != nil {
		return state, fmt.Errorf("%s (%s): %w", trialName(i), settingsLine(s.trial(i)), err)
	}
	if record, err = runs.Read(path); err != nil {
		return state, err
	}
	// What later rungs measured, before the sweep was begun again, does not count.
	for _, row := range record.Rows {
		if score := row.Score(); row.Epoch <= epochs && score != nil {
			if state.epochs == 0 || *score > state.accuracy {
				state.accuracy, state.loss, state.numbers = *score, *row.ValidationLoss, row.ValidationR2 != nil
			}
			state.epochs = row.Epoch
		}
	}
	return state, nil
}

// flags are those of train that begin a trial.
func (s *sweep) flags(i, epochs int) []string {
	flags := []string{"--run", trialName(i), "--epochs", strconv.Itoa(epochs), "--out", filepath.Join(s.folder, trialName(i)+".pth"), "--force", "--test=false", "--log-every", "0"}
	if _, set := s.Fixed["val-split"]; !set && !slices.ContainsFunc(s.ranges, func(r searchRange) bool { return r.name == "val-split" }) {
		flags = append(flags, "--val-split", "0.1")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Fixed)) {
		flags = append(flags, fmt.Sprintf("--%s=%v", name, s.Fixed[name]))
	}
	for _, setting := range s.trial(i) {
		flags = append(flags, fmt.Sprintf("--%s=%s", setting[0], setting[1]))
	}
	return flags
}

// train runs the command train in the sweep's folder.
func (s *sweep) train(ctx context.Context, flags []string) error {
	o := trainOptions{}
	o.parent = s.folder
	c := trainCommand(&o)
	c.SetFlagErrorFunc(flagError)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(flags)
	c.SetOut(io.Discard)
	c.SetErr(io.Discard)
	return c.ExecuteContext(ctx)
}

// writeTable prints what all trials came to, the best first, and writes it as a table.
func (s *sweep) writeTable(states []trialState) error {
	columns := []string{"trial"}
	for _, r := range s.ranges {
		columns = append(columns, r.name)
	}
	score := "accuracy"
	if slices.ContainsFunc(states, func(t trialState) bool { return t.numbers }) {
		score = "R²"
	}
	columns = append(columns, "epochs", score, "loss", "state")
	rows := [][]string{columns}
	for _, t := range states {
		row := []string{trialName(t.number)}
		for _, setting := range s.trial(t.number) {
			row = append(row, setting[1])
		}
		if t.failed != "" {
			row = append(row, "-", "-", "-", "diverged")
		} else {
			row = append(row, strconv.Itoa(t.epochs), strconv.FormatFloat(t.accuracy, 'f', 4, 64), strconv.FormatFloat(t.loss, 'f', 4, 64), "trained")
		}
		rows = append(rows, row)
	}
	fmt.Fprintln(s.out)
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(s.folder, sweepTable), func(w io.Writer) error {
		return csv.NewWriter(w).WriteAll(rows)
	})
}
