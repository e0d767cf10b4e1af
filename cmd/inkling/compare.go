package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"inkling/plot"
	"inkling/train/runs"
)

func newCompare() *cobra.Command {
	var out string
	var asJSON bool
	c := &cobra.Command{
		Use:   "compare RUN RUN...",
		Short: "Compare trainings by what their runs kept",
		Long: `Compare the trainings of several runs (train --run): how far each came and how good it
became, the best validation first, and in which settings they differ. With --out the
same stands in a page with the curves of all of them, and the curves as pictures.`,
		Example: `  inkling compare runs/first runs/second
  inkling compare runs/first runs/second --out comparison`,
		Args: wantArgs("RUN", "RUN..."),
		RunE: func(c *cobra.Command, args []string) error {
			var records []*runs.Record
			for _, path := range args {
				r, err := runs.Read(path)
				if err != nil {
					return err
				}
				records = append(records, r)
			}
			slices.SortStableFunc(records, betterRun)
			if out != "" {
				if err := writeComparison(out, records); err != nil {
					return err
				}
			}
			if asJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(comparisonObjects(records))
			}
			table := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			columns, rows := comparison(records)
			for _, row := range append([][]string{columns}, rows...) {
				fmt.Fprintln(table, strings.Join(row, "\t"))
			}
			if err := table.Flush(); err != nil || out == "" {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "\nWrote the comparison to %s.\n", filepath.Join(out, runs.ReportFile))
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", "write report.html and the curves as pictures into `FOLDER`")
	c.Flags().BoolVar(&asJSON, "json", false, "print the comparison as JSON")
	return c
}

// betterRun orders runs: the best validation first, and where there is none the best
// loss.
func betterRun(a, b *runs.Record) int {
	key := func(r *runs.Record) (accuracy, loss float64) {
		accuracy, loss = math.Inf(-1), 1e300
		if best := r.Best(); best != nil {
			accuracy = *best.Score()
		}
		if end := lastEpoch(r); end != nil && end.Loss != nil {
			loss = *end.Loss
		}
		return accuracy, loss
	}
	accuracyA, lossA := key(a)
	accuracyB, lossB := key(b)
	return cmp.Or(cmp.Compare(accuracyB, accuracyA), cmp.Compare(lossA, lossB))
}

// scoreOf tells how good a validation was.
func scoreOf(row *runs.Row) string {
	if row.ValidationR2 != nil {
		return fmt.Sprintf("R² %.4f", *row.ValidationR2)
	}
	return percent(*row.ValidationAccuracy)
}

// lastEpoch is the row of the last epoch that came to its end, nil if none did.
func lastEpoch(r *runs.Record) *runs.Row {
	for i := len(r.Rows) - 1; i >= 0; i-- {
		if r.Rows[i].EpochEnd {
			return &r.Rows[i]
		}
	}
	return nil
}

// comparison is a table: a row for each run.
func comparison(records []*runs.Record) (columns []string, rows [][]string) {
	differing := differences(records)
	columns = append([]string{"run", "state", "epochs", "steps", "time", "images/s", "loss", "best validation", "test"}, differing...)
	for _, r := range records {
		row := []string{r.Path, state(r), "0", "0", "-", "-", "-", "-", "-"}
		if last := r.Last(); last != nil {
			row[3] = thousands(last.Step)
			row[4] = seconds(time.Duration(last.Seconds * float64(time.Second)))
			if last.Seconds > 0 {
				row[5] = thousands(int(float64(last.Images) / last.Seconds))
			}
		}
		end := lastEpoch(r)
		if end != nil {
			row[2] = strconv.Itoa(end.Epoch)
		} else {
			end = r.Last() // what there is of the first epoch
		}
		if end != nil && end.Loss != nil {
			row[6] = strconv.FormatFloat(*end.Loss, 'f', 4, 64)
		}
		if best := r.Best(); best != nil {
			row[7] = fmt.Sprintf("%s (epoch %d)", scoreOf(best), best.Epoch)
		}
		if r.Result != nil && r.Result.TestAccuracy != nil {
			row[8] = percent(*r.Result.TestAccuracy)
		}
		if r.Result != nil && r.Result.TestR2 != nil {
			row[8] = fmt.Sprintf("R² %.4f", *r.Result.TestR2)
		}
		for _, name := range differing {
			row = append(row, settingText(r, name))
		}
		rows = append(rows, row)
	}
	return columns, rows
}

func state(r *runs.Record) string {
	switch {
	case r.Result != nil:
		return "over"
	case r.PID != 0:
		return "under way"
	}
	return "cut off"
}

// settingText is a setting as text, "-" if the run does not have it.
func settingText(r *runs.Record, name string) string {
	v, known := r.Settings[name]
	if !known {
		return "-"
	}
	return fmt.Sprint(v)
}

// differences are the names of the settings that not all runs have alike, but for
// where the model was saved.
func differences(records []*runs.Record) []string {
	var names []string
	for _, r := range records {
		for name := range r.Settings {
			differs := func(other *runs.Record) bool { return settingText(other, name) != settingText(records[0], name) }
			if name != "out" && !slices.Contains(names, name) && slices.ContainsFunc(records, differs) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func comparisonObjects(records []*runs.Record) []map[string]any {
	list := []map[string]any{}
	for _, r := range records {
		object := map[string]any{"run": r.Path, "state": state(r), "settings": r.Settings, "last": r.Last(), "result": r.Result}
		if best := r.Best(); best != nil {
			object["best"] = best
		}
		list = append(list, object)
	}
	return list
}

// writeComparison writes the page and its pictures.
func writeComparison(folder string, records []*runs.Record) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("the folder %s for the comparison cannot be made: %w", folder, err)
	}
	report := &runs.Report{Title: "Comparison", Summary: fmt.Sprintf("%s, compared by Inkling %s.", count(len(records), "training"), version())}
	report.Columns, report.Table = comparison(records)
	for _, d := range []struct {
		name, title, text, y string
		value                func(row *runs.Row) *float64
	}{
		{"loss", "Training loss", "Mean loss of each epoch of all runs.", "loss", func(row *runs.Row) *float64 { return row.Loss }},
		{"validation-loss", "Validation loss", "Loss of the validation after each epoch of all runs.", "loss", func(row *runs.Row) *float64 { return row.ValidationLoss }},
		{"accuracy", "Validation accuracy", "Share of the validation pictures that were recognised, after each epoch of all runs.", "accuracy", func(row *runs.Row) *float64 { return row.ValidationAccuracy }},
	} {
		var series []plot.Series
		for _, r := range records {
			s := plot.Series{Name: filepath.Base(r.Path)}
			for i := range r.Rows {
				if v := d.value(&r.Rows[i]); v != nil && r.Rows[i].EpochEnd {
					s.X, s.Y = append(s.X, float64(r.Rows[i].Epoch)), append(s.Y, *v)
				}
			}
			if len(s.X) > 0 {
				series = append(series, s)
			}
		}
		if len(series) > 0 {
			report.Drawings = append(report.Drawings, runs.Drawing{Name: d.name, Title: d.title, Text: d.text, Chart: plot.Curves(d.title, "epoch", d.y, false, series...)})
		}
	}
	return report.Write(folder)
}
