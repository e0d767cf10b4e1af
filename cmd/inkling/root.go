package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit status of the command.
const (
	statusOK          = 0
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130 // 128 + SIGINT, as a shell has it
)

// usageError is a command line that makes no sense, as opposed to a job that
// failed.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, values ...any) error {
	return usageError{fmt.Errorf(format, values...)}
}

// errInterrupted is the cause of a context that a signal cancelled.
var errInterrupted = errors.New("interrupted")

// run executes one command line and returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	// What goes wrong before a command has begun is the command line's fault.
	begun := false
	root.PersistentPreRun = func(*cobra.Command, []string) { begun = true }

	command, err := root.ExecuteC()
	var usage usageError
	switch {
	case err == nil:
		return statusOK
	case errors.Is(err, errInterrupted):
		fmt.Fprintf(stderr, "%s: %v\n", command.CommandPath(), err)
		return statusInterrupted
	case errors.As(err, &usage) || !begun:
		// cobra's suggestions are on lines of their own.
		sentence := strings.Join(strings.Fields(err.Error()), " ")
		fmt.Fprintf(stderr, "%s: %s; see %s --help\n", command.CommandPath(), sentence, command.CommandPath())
		return statusUsage
	default:
		fmt.Fprintf(stderr, "%s: %v\n", command.CommandPath(), err)
		return statusFailed
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "inkling",
		Short: "Train, test and use networks that read handwriting",
		Long: `Inkling trains small convolutional networks that recognise handwritten
characters, tests them and uses them: in pure Go, in one file, with MNIST built
in. What it saves, PyTorch can load, and the other way round.

New here? "inkling demo" goes through everything once and explains it.`,
		Example: `  inkling demo                              the whole tour, in seconds
  inkling train                             train on digits, save model.pth
  inkling test model.pth                    how good is it?
  inkling predict model.pth digit.png       what is in this picture?`,
		Version:       version(),
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.AddGroup(
		&cobra.Group{ID: "learn", Title: "Learn and train:"},
		&cobra.Group{ID: "use", Title: "Use a model:"},
		&cobra.Group{ID: "look", Title: "Look inside:"},
	)
	for _, command := range []*cobra.Command{
		inGroup("learn", newDemo()), inGroup("learn", newData()), inGroup("learn", newShow()), inGroup("learn", newTrain()),
		inGroup("use", newTest()), inGroup("use", newPredict()), inGroup("use", newConvert()), inGroup("use", newEvalStrokes()), inGroup("use", newServe()), inGroup("use", newFeedback()),
		inGroup("look", newInfo()), inGroup("look", newBench()), inGroup("look", newVersion()),
	} {
		root.AddCommand(command)
	}
	return root
}

// noArgs refuses arguments.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%q is one word too many: only flags are wanted", args[0])
	}
	return nil
}

// wantArgs wants one argument for each name, and any number for the last one if
// that ends in "...".
func wantArgs(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		open := strings.HasSuffix(names[len(names)-1], "...")
		switch {
		case len(args) < len(names):
			return usagef("%s is missing", strings.TrimSuffix(names[len(args)], "..."))
		case len(args) > len(names) && !open:
			return usagef("%q is one word too many: only %s is wanted", args[len(names)], strings.Join(names, " "))
		}
		return nil
	}
}

func inGroup(id string, c *cobra.Command) *cobra.Command {
	c.GroupID = id
	return c
}

// interruptible returns a context that SIGINT and SIGTERM cancel, with the
// cause errInterrupted. A second signal ends the program at once.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			signal.Stop(signals) // from here on a signal does what it always does
			cancel(errInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
