package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"inkling/feedback"
)

func newFeedback() *cobra.Command {
	c := &cobra.Command{
		Use:   "feedback",
		Short: "Use the drawings that inkling serve --feedback kept",
		Long: `Drawings of which somebody said what they show are kept by "inkling serve
--feedback FILE". They are examples to train on.`,
		Example: `  inkling serve --feedback drawings.db
  inkling feedback export --feedback drawings.db --out mine
  inkling train --data mine`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newFeedbackExport())
	return c
}

func newFeedbackExport() *cobra.Command {
	var path, out string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the drawings as a data set",
		Long: fmt.Sprintf(`Write the drawings that were kept to a folder: their pictures and labels as idx files
named as MNIST's (%s and %s) or, if there are labels
other than the ten digits, as a folder of pictures for each label; all that is known
about them as a table, %s; and their strokes as %s.

"inkling train --from MODEL --data FOLDER" goes on with a model on the pictures, and
tells in the end how many of those held out, a fifth of every class if there are enough,
it read before and reads now; "inkling train --data FOLDER" trains a new one. "inkling eval-strokes FOLDER/%s"
reads the strokes. Drawings that are none of the classes are in %s.

What was trained on the pictures reads drawings best that are prepared as these were:
"inkling serve MODEL --preprocess" with what is printed in the end.

The server may be running meanwhile.`, feedback.ImagesFile, feedback.LabelsFile, feedback.TableFile, feedback.StrokesFile, feedback.StrokesFile, feedback.NoneFile),
		Example: `  inkling feedback export --feedback drawings.db --out mine
  inkling train --data mine
  inkling train --from model.pth --data mine --out better.pth`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if path == "" || out == "" {
				return usagef("--feedback and --out must be given: the file with the drawings, and the folder to write to")
			}
			ctx, stop := interruptible()
			defer stop()
			store, err := feedback.OpenExisting(path)
			if err != nil {
				return err
			}
			defer store.Close()
			result, err := store.Export(ctx, out)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "Wrote %s, prepared as %s, to %s.\n", count(result.Drawings, "drawing"), strings.Join(result.Preprocess, " and "), out)
			if err == nil && result.None > 0 {
				_, err = fmt.Fprintf(c.OutOrStdout(), "Of none of the classes: %d more, in %s.\n", result.None, feedback.NoneFile)
			}
			return err
		},
	}
	c.Flags().StringVar(&path, "feedback", "", "`FILE` that the drawings were kept in")
	c.Flags().StringVar(&out, "out", "", "`FOLDER` to write to; it is made if need be")
	return c
}
