package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"inkling/internal/kernel"
)

// The exit status of the command.
const (
	statusOK          = 0
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130 // 128 + SIGINT, as a shell has it
	statusUnread      = 141 // 128 + SIGPIPE
)

// usageError is a command line that makes no sense, as opposed to a job that
// failed.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, values ...any) error {
	return usageError{fmt.Errorf(format, values...)}
}

// An interruption is why a job was cancelled from outside.
type interruption struct {
	text   string
	status int // that the command exits with
}

func (i *interruption) Error() string { return i.text }

var (
	// errInterrupted is the cause of a context that a signal cancelled.
	errInterrupted = &interruption{"interrupted", statusInterrupted}
	// errUnread is the cause of a context whose output nobody reads any more, as
	// when head has seen enough.
	errUnread = &interruption{"interrupted, for nobody reads the output any more", statusUnread}
)

// run executes one command line and returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	if err := kernel.Err(); err != nil {
		fmt.Fprintf(stderr, "%s: %s; see %s version --help\n", root.Name(), sentence(err), root.Name())
		return statusUsage
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	// What goes wrong before a command has begun is the command line's fault.
	begun := false
	root.PersistentPreRun = func(*cobra.Command, []string) { begun = true }

	command, err := root.ExecuteC()
	var usage usageError
	var cut *interruption
	switch {
	case err == nil:
		return statusOK
	case errors.As(err, &cut):
		fmt.Fprintf(stderr, "%s: %s\n", command.CommandPath(), sentence(err))
		return cut.status
	case errors.As(err, &usage) || !begun:
		// cobra's suggestions are on lines of their own.
		text := strings.Join(strings.Fields(sentence(err)), " ")
		see := "; see"
		if strings.HasSuffix(text, "?") {
			see = " See"
		}
		fmt.Fprintf(stderr, "%s: %s%s %s --help\n", command.CommandPath(), text, see, command.CommandPath())
		return statusUsage
	default:
		fmt.Fprintf(stderr, "%s: %s\n", command.CommandPath(), sentence(err))
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
		Args:          noArgs,
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
		inGroup("learn", newDemo()), inGroup("learn", newData()), inGroup("learn", newShow()), inGroup("learn", newTrain()), inGroup("learn", newWatch()), inGroup("learn", newCompare()), inGroup("learn", newFindLR()), inGroup("learn", newSweep()),
		inGroup("use", newTest()), inGroup("use", newPredict()), inGroup("use", newRun()), inGroup("use", newConvert()), inGroup("use", newEvalStrokes()), inGroup("use", newServe()), inGroup("use", newPage()), inGroup("use", newFeedback()),
		inGroup("look", newInfo()), inGroup("look", newModels()), inGroup("look", newRecipes()), inGroup("look", newBench()), inGroup("look", newVersion()),
	} {
		root.AddCommand(command)
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelp())
	addCompletions(root)
	guard(root)
	return root
}

// newHelp returns the command help, which cobra's own is in place of, but for what
// it does about a command that there is not.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Long:    "Explain a command, as its --help does.",
		Example: "  inkling help train\n  inkling help data get",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			if of, rest, err := c.Root().Find(args); err == nil && len(rest) == 0 {
				for _, sub := range of.Commands() {
					if sub.IsAvailableCommand() {
						names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			of := c.Root()
			for _, name := range args {
				next := find(of, name)
				if next == nil {
					return noCommand(of, name)
				}
				of = next
			}
			of.InitDefaultHelpFlag() // so that they are shown
			of.InitDefaultVersionFlag()
			return of.Help()
		},
	}
}

// find returns the command below another that has a name, nil if there is none.
func find(of *cobra.Command, name string) *cobra.Command {
	for _, sub := range of.Commands() {
		if sub.Name() == name || sub.HasAlias(name) {
			return sub
		}
	}
	return nil
}

// noCommand says that there is no such command, and which there are.
func noCommand(of *cobra.Command, name string) error {
	of.SuggestionsMinimumDistance = 2 // letters that may differ
	if near := of.SuggestionsFor(name); len(near) > 0 {
		return usagef("there is no command %q; did you mean %s?", of.CommandPath()+" "+name, strings.Join(near, " or "))
	}
	var names []string
	for _, sub := range of.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if len(names) == 0 {
		return usagef("there is no command %q: %s has none below it", of.CommandPath()+" "+name, of.CommandPath())
	}
	return usagef("there is no command %q, want one of %s", of.CommandPath()+" "+name, strings.Join(names, ", "))
}

// guard has a command, and those below it, refuse flags that have swallowed others, before
// anything else is said of its arguments.
func guard(c *cobra.Command) {
	then := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		if err := swallowed(c); err != nil || then == nil {
			return err
		}
		return then(c, args)
	}
	for _, sub := range c.Commands() {
		guard(sub)
	}
}

// swallowed refuses a flag's value that is another flag, as in "--run --epochs 2": its own
// was forgotten.
func swallowed(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			name, is := strings.CutPrefix(value, "--")
			if is && c.Flags().Lookup(name) != nil {
				wanted, _ := pflag.UnquoteUsage(f)
				err = usagef("--%s wants %s, and %s behind it is another flag", f.Name, wanted, value)
			}
		}
	})
	return err
}

// noArgs refuses arguments.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 && c.HasSubCommands() {
		return noCommand(c, args[0])
	}
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

// interruptible returns a context that SIGINT, SIGTERM and SIGHUP (the terminal
// was closed) cancel, with the cause errInterrupted. A second signal ends the
// program at once. SIGHUP is left alone where it is ignored, as under nohup.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
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

// watched returns a context that is cancelled, with the cause errUnread, when out
// is a pipe that nobody reads any more, and out, which notices. Without it the
// program would die of SIGPIPE, and what it has done would be lost.
func watched(ctx context.Context, out io.Writer) (context.Context, io.Writer, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGPIPE) // so writing fails instead
	return ctx, &watchedOutput{Writer: out, lost: func() { cancel(errUnread) }}, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// watchedOutput is an output that tells when nobody reads it any more.
type watchedOutput struct {
	io.Writer
	lost func()
}

func (o *watchedOutput) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if isUnread(err) {
		o.lost()
	}
	return n, err
}

// isUnread tells whether an error of writing means that nobody reads a pipe.
func isUnread(err error) bool {
	// Windows' ERROR_BROKEN_PIPE and ERROR_NO_DATA, which package syscall does not
	// map to EPIPE.
	const brokenPipe, noData = syscall.Errno(109), syscall.Errno(232)
	return errors.Is(err, syscall.EPIPE) || runtime.GOOS == "windows" && (errors.Is(err, brokenPipe) || errors.Is(err, noData))
}

// await returns what f returns, or the cause of ctx as soon as that is done. Then
// nobody waits for f, which may be reading a thousand files.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
