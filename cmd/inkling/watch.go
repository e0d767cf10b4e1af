package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inkling/train/runs"
)

func newWatch() *cobra.Command {
	var once bool
	var every time.Duration
	c := &cobra.Command{
		Use:   "watch FOLDER",
		Short: "Watch a training from the files of its run",
		Long: `Watch a training from the files in the folder of its run (train --run): one that is
under way, also of another process or on another machine's disk, or one that is over.
In a terminal it is a page with curves of the loss and of the validation, which q
leaves; elsewhere it is a line for each measurement, until the training ends. The
training takes no notice.`,
		Example: `  inkling watch runs/first
  inkling watch runs/first --once`,
		Args: wantArgs("FOLDER"),
		RunE: func(c *cobra.Command, args []string) error {
			if every < 50*time.Millisecond {
				return usagef("--every is %v, want 50ms or more", every)
			}
			record, err := runs.Read(args[0])
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			if once {
				_, err := io.WriteString(out, summary(record))
				return err
			}
			ctx, stop := interruptible()
			defer stop()
			if terminal(out) != nil {
				return watchBoard(ctx, c.InOrStdin(), out, record, every)
			}
			return watchLines(ctx, out, record, every)
		},
	}
	c.Flags().BoolVar(&once, "once", false, "tell how the training stands, and end")
	c.Flags().DurationVar(&every, "every", time.Second, "look at the files every `TIME`")
	return c
}

// watchLines prints every measurement of a training until it ends.
func watchLines(ctx context.Context, out io.Writer, record *runs.Record, every time.Duration) error {
	shown := 0
	for {
		if shown > len(record.Rows) { // the training was taken up at an earlier step
			shown = len(record.Rows)
		}
		for ; shown < len(record.Rows); shown++ {
			if _, err := fmt.Fprintln(out, rowLine(&record.Rows[shown])); err != nil {
				return err
			}
		}
		if record.Result != nil || record.PID == 0 {
			_, err := fmt.Fprintln(out, standing(record))
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(every):
		}
		next, err := runs.Read(record.Path)
		if err != nil {
			return err
		}
		record = next
	}
}

// rowLine is a measurement as a line.
func rowLine(row *runs.Row) string {
	line := fmt.Sprintf("[epoch %d, step %s]", row.Epoch, thousands(row.Step))
	if row.Loss != nil {
		line += fmt.Sprintf(" loss: %.3f", *row.Loss)
	}
	if row.Score() != nil {
		line += ", validation: " + rightness(row)
	}
	if row.ValidationLoss != nil {
		line += fmt.Sprintf(", loss %.3f", *row.ValidationLoss)
	}
	return line
}

// rightness tells how good a validation was in a sentence.
func rightness(row *runs.Row) string {
	if row.ValidationR2 != nil {
		return scoreOf(row)
	}
	return scoreOf(row) + " right"
}

// standing says in a sentence whether a training goes on.
func standing(r *runs.Record) string {
	switch {
	case r.Result != nil:
		text := fmt.Sprintf("The training is over: %s in %s, %s images/s.", count(r.Result.Images, "image"), seconds(time.Duration(r.Result.Seconds*float64(time.Second))), thousands(int(r.Result.ImagesPerSecond)))
		if a := r.Result.TestAccuracy; a != nil {
			text += fmt.Sprintf(" %s of %s to test with were right.", percent(*a), count(r.Result.TestImages, "picture"))
		}
		if mae := r.Result.TestMAE; mae != nil {
			text += fmt.Sprintf(" On %s to test with the mean absolute error was %.4g.", count(r.Result.TestImages, "sample"), *mae)
		}
		return text
	case r.PID != 0:
		return fmt.Sprintf("Process %d trains here.", r.PID)
	}
	return fmt.Sprintf("The training has not come to its end, and no process that is seen here goes on with it: inkling train --resume %s does.", r.Path)
}

// summary is how a training stands, in some lines.
func summary(r *runs.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v on %v\n%s\n", r.Path, r.Settings["model"], r.Settings["data"], standing(r))
	last := r.Last()
	if last == nil {
		b.WriteString("Nothing has been measured yet.\n")
		return b.String()
	}
	epochs := fmt.Sprint(last.Epoch)
	if n := r.Epochs(); n > 0 {
		epochs += fmt.Sprintf(" of %d", n)
	}
	fmt.Fprintf(&b, "Epoch %s, step %s, %s in %s", epochs, thousands(last.Step), count(last.Images, "image"), seconds(time.Duration(last.Seconds*float64(time.Second))))
	if last.Seconds > 0 {
		fmt.Fprintf(&b, ", %s images/s", thousands(int(float64(last.Images)/last.Seconds)))
	}
	if share := r.Share(); share > 0 && share < 1 && r.Result == nil {
		fmt.Fprintf(&b, "; about %s left", time.Duration(last.Seconds*(1-share)/share*float64(time.Second)).Round(time.Second))
	}
	b.WriteString("\n" + rowLine(last) + "\n")
	if best := r.Best(); best != nil {
		fmt.Fprintf(&b, "Best validation: %s after epoch %d.\n", rightness(best), best.Epoch)
	}
	return b.String()
}
