package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"inkling"
	"inkling/data"
	"inkling/metrics"
	"inkling/nn"
	"inkling/train"
	"inkling/train/runs"
	"inkling/weights"
)

func newTest() *cobra.Command {
	var dataName string
	var model modelFlags
	var limit, workers int
	var skipBad bool
	var conv nn.Convolutions
	var preprocess string
	var o testOptions
	var find sampleOptions
	var seed uint64
	c := &cobra.Command{
		Use:   "test MODEL",
		Short: "Tell how well a model reads pictures it has not seen",
		Long: `Let a model classify the test pictures of a data set and count how many it gets
right: over all, and for every class, with precision (how many of the answers with a
class were right) and F1 (the harmonic mean of both). The loss is the mean
cross-entropy, by which the model was trained: it also sees how sure the model was.
The calibration error tells how far it is right as often as it is sure (15 bins).

The data set, the classes, the normalisation and the way the pictures lie are those
in the model's file. A file that does not say, as one that PyTorch saved, is tested
with the tutorial's settings, on pictures as the data set's files have them (EMNIST's
are transposed). Pictures in a folder are prepared as inkling predict prepares them.
MODEL may also be digitnet or lenet, the networks for digits that are built in.` + modelFlagsHelp,
		Example: `  inkling test model.pth
  inkling test model.pth --data emnist --json
  inkling test model.pth --confusion --out test-report
  inkling test pytorch.pth --data emnist --orientation transposed
  inkling test pytorch.pth --data mnist --mean 0.1307 --std 0.3081`,
		Args: wantArgs("MODEL"),
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 0 || workers < 0 || o.topK < 0 {
				return usagef("--limit, --workers and --top-k cannot be negative")
			}
			if err := checkPreprocess(preprocess); err != nil {
				return err
			}
			ctx, stop := interruptible()
			defer stop()
			m, err := model.open(args[0])
			if err != nil {
				return err
			}
			m.Convolutions = conv
			if err := find.check(seed); err != nil {
				return err
			}
			options, err := optionsFor(m, skipBad, preprocess, find)
			if err != nil {
				return err
			}
			return testModel(ctx, c.OutOrStdout(), m, args[0], dataName, limit, workers, options, &o)
		},
	}
	f := c.Flags()
	f.StringVar(&dataName, "data", "", "`SET` of pictures, as for train; by default that of the model")
	f.BoolVar(&skipBad, "skip-bad", false, skipBadHelp)
	f.StringVar(&preprocess, "preprocess", "auto", preprocessHelp)
	find.flags(f)
	f.Uint64Var(&seed, "seed", 1, "`NUMBER` that the parts of --fold follow from, that of the training")
	model.flags(f)
	f.IntVar(&limit, "limit", 0, "use only `N` pictures, the first or, of a folder, some of every class; 0 means all")
	addConvFlag(f, &conv, nn.FastConvolutions)
	f.IntVar(&workers, "workers", 0, "compute on `N` processors; 0 means all")
	f.IntVar(&o.topK, "top-k", 0, "count, too, how often the right class was among the `N` likeliest")
	f.BoolVar(&o.tta, "tta", false, "answer with the mean of several views of every picture: moved a little, and mirrored too unless the classes are characters; it is said which")
	f.BoolVar(&o.confusion, "confusion", false, "print how often each class was taken for each")
	f.StringVar(&o.out, "out", "", "write report.html, the pictures in it and confusion.csv into `FOLDER`")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	return c
}

// testOptions say what is told of a test.
type testOptions struct {
	topK            int
	confusion, json bool
	tta             bool // several views of every picture
	out             string
}

func checkOrientation(orientation string) error {
	if orientation != "" && orientation != weights.Upright && orientation != weights.Transposed {
		return usagef("--orientation is %q, want %s or %s", orientation, weights.Upright, weights.Transposed)
	}
	return nil
}

func testModel(ctx context.Context, out io.Writer, m *inkling.Classifier, path, dataName string, limit, workers int, options pictureOptions, o *testOptions) error {
	set, d, err := testPictures(ctx, m, path, dataName, limit, options)
	if err != nil {
		return err
	}
	m.Orient("", set.stored, "as in the data set's files")
	views, saidViews := []train.View{{}}, ""
	if o.tta && m.Kind() != inkling.Pictures {
		return usagef("--tta looks at pictures from several sides, and the model reads %s: leave it out", m.Kind())
	}
	if o.tta {
		views, saidViews = viewsFor(d)
	}
	e, err := evaluate(ctx, m, set, d, workers, views)
	if err != nil {
		return err
	}
	known, warning := seen(ctx, m, d)
	if o.out != "" {
		if err := writeTestReport(ctx, o.out, m, path, set, d, e); err != nil {
			return err
		}
	}
	if o.json {
		report := testReport(m, set, e, o.topK)
		report["trained_on"] = known
		if o.tta {
			report["views"] = saidViews
		}
		return writeJSON(out, report)
	}
	lie := "; pictures " + m.About.Orientation
	if m.Kind() != inkling.Pictures {
		lie = ""
	}
	fmt.Fprintf(out, "Data: %s%s.\n%s", set.title, lie, m.Note(path))
	for _, note := range []string{set.reason, set.leftOut(), saidViews, warning} {
		if note != "" {
			fmt.Fprintln(out, note)
		}
	}
	if err := printEvaluation(out, m.Kind(), e, o.topK, o.confusion); err != nil || o.out == "" {
		return err
	}
	fmt.Fprintf(out, "\nWrote the report to %s.\n", filepath.Join(o.out, runs.ReportFile))
	return nil
}

// viewsFor are the views of --tta, and a sentence that says which: a step of a 28th of the
// picture to each side, or, of what is the same in a mirror, two diagonal ones and
// all of that mirrored.
func viewsFor(d data.Dataset) (views []train.View, said string) {
	_, height, width := d.Shape()
	right, down := max(width/28, 1), max(height/28, 1)
	if right >= width || down >= height {
		return []train.View{{}}, "Views: one, for the pictures are too small to move."
	}
	if holdsSymbols(d.Classes()) {
		views = []train.View{{}, {Right: right}, {Right: -right}, {Down: down}, {Down: -down}}
		return views, fmt.Sprintf("Views: %d of each picture, as it is and moved by %s to each side; not mirrored, for the classes are characters.", len(views), count(right, "pixel"))
	}
	for _, mirror := range []bool{false, true} {
		views = append(views, train.View{Mirror: mirror}, train.View{Mirror: mirror, Right: right, Down: down}, train.View{Mirror: mirror, Right: -right, Down: -down})
	}
	return views, fmt.Sprintf("Views: %d of each picture, as it is and moved by %s both ways along the diagonal, and all of that mirrored.", len(views), count(right, "pixel"))
}

// evaluate tests a model on pictures that were checked to suit it.
func evaluate(ctx context.Context, m *inkling.Classifier, set *pictureSet, d data.Dataset, workers int, views []train.View) (*train.Evaluation, error) {
	if set.kind() != m.Kind() {
		return nil, fmt.Errorf("the model reads %s, and %s are none", m.Kind(), set.title)
	}
	if err := m.Suits(d, set.title); err != nil {
		return nil, err
	}
	e, err := train.EvaluateBy(ctx, m.Network, m.Convolutions, m.Relabel(d), m.Transform(), workers, views...)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("the model cannot be tested on %s: %w", set.title, err)
	}
	return e, err
}

// testSet returns the data set that was asked for, or else the one that the
// model was trained on.
func testSet(ctx context.Context, m *inkling.Classifier, path, asked string, o pictureOptions) (*pictureSet, error) {
	if asked != "" {
		if m.SizeAssumed() && !m.AnySize() {
			o.height, o.width = 0, 0 // theirs may tell what the model reads
		}
		return findPicturesAs(ctx, asked, o)
	}
	if m.About.Dataset == "" {
		m.Assumed = append(m.Assumed, "the data set is the one that --data auto stands for")
		return findPicturesAs(ctx, "auto", pictureOptions{skipBad: o.skipBad})
	}
	name := m.About.Dataset
	if m.About.Split != "" {
		name += ":" + m.About.Split
	}
	if known := findPublished(name); known != nil {
		found := pictureOptions{skipBad: o.skipBad}
		if known.samples != nil {
			found.samples = o.samples
		}
		return findPicturesAs(ctx, name, found)
	}
	return nil, usagef("%s was trained on the data set %q; name the one to test it on with --data", path, m.About.Dataset)
}

// testPictures returns the pictures to test the model with. If nothing but these tells
// what size the model reads, they do.
func testPictures(ctx context.Context, m *inkling.Classifier, path, dataName string, limit int, o pictureOptions) (*pictureSet, data.Dataset, error) {
	set, err := testSet(ctx, m, path, dataName, o)
	if err != nil {
		return nil, nil, err
	}
	d, err := openLimited(set, false, limit)
	if err != nil || !m.SizeAssumed() {
		return set, d, err
	}
	channels, height, width := d.Shape()
	if m.FitTo(channels, height, width, "those of "+set.title) || set.parts == nil {
		return set, d, nil
	}
	// Pictures in files of their own become what the model reads.
	if set, err = findPicturesAs(ctx, dataName, o); err != nil {
		return nil, nil, err
	}
	d, err = openLimited(set, false, limit)
	return set, d, err
}

// optionsFor makes pictures of a folder what the model reads, as predict does.
func optionsFor(m *inkling.Classifier, skipBad bool, preprocess string, find sampleOptions) (pictureOptions, error) {
	if m.Kind() != inkling.Pictures {
		o := pictureOptions{skipBad: skipBad, way: preprocess, samples: find}
		o.samples.like, o.samples.whole = m, true
		o.samples.find = findLike(m, find.find)
		return o, nil
	}
	channels, height, width := m.Network.Input()
	_, err := m.Preparation(preprocess)
	find.like, find.find.Labels = m, labelsOf(m)
	return pictureOptions{channels: channels, height: height, width: width, skipBad: skipBad, samples: find, prepare: func(img image.Image) ([]byte, error) {
		p, err := m.Preparation(preprocess) // the pictures may have told what size the model reads
		if err != nil {
			return nil, err
		}
		made, err := p.Prepare(img)
		if err != nil {
			return nil, err
		}
		return made.Bytes, nil
	}}, err
}

// checkPreprocess refuses what is no value of --preprocess.
func checkPreprocess(way string) error {
	if way == "auto" || slices.Contains(inkling.Ways(), way) {
		return nil
	}
	return usagef("--preprocess is %q, want auto, %s", way, strings.Join(inkling.Ways(), ", "))
}

const preprocessHelp = "`WAY` from pictures and drawings to what the network reads: auto (the model's own), emnist, mnist, tutorial, fit or resize"

// printEvaluation prints what the network did, over all and by class.
func printEvaluation(out io.Writer, kind inkling.Kind, e *train.Evaluation, topK int, confusion bool) error {
	fmt.Fprintln(out, resultLine(kind, e))
	if e.Numbers != nil {
		return printMisses(out, kind, e)
	}
	low, high := metrics.Interval(e.Correct(), e.Total(), 0.95)
	fmt.Fprintf(out, "95 %% interval, by bootstrap: %s to %s\n", percent(low), percent(high))
	if topK > 1 {
		fmt.Fprintf(out, "The right class was among the %d likeliest: %s\n", topK, percent(e.Top.Accuracy(topK)))
	}
	fmt.Fprintf(out, "Mean loss: %.4f\n", e.Loss)
	fmt.Fprintf(out, "Calibration error: %.4f%s\n\n", e.Calibration.Error(), temperature(e))
	if err := printClasses(out, kind, e); err != nil || !confusion {
		return err
	}
	return printConfusion(out, e, "What "+unit(kind, "picture")+"s are (down) and what they were taken for (across):")
}

// printMisses prints how far numbers are off.
func printMisses(out io.Writer, kind inkling.Kind, e *train.Evaluation) error {
	const most = 5
	fmt.Fprintf(out, "Mean loss: %.4f, mean of the answers less that of the numbers: %s\n\nFarthest off:\n", e.Loss, quantity(e.Numbers.Bias()))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%s\t%s\tanswer\t\n", kind.One(), printable(e.Classes[0]))
	for _, m := range e.Farthest[:min(len(e.Farthest), most)] {
		fmt.Fprintf(table, "%d\t%s\t%s\t\n", m.Index+1, quantity(m.Number), quantity(m.Answer))
	}
	return table.Flush()
}

// temperature says what would mend the network's confidence.
func temperature(e *train.Evaluation) string {
	if e.Temperature == 0 {
		return ""
	}
	return fmt.Sprintf(" (logits divided by %.3g fit these pictures best)", e.Temperature)
}

// printClasses prints how every class was recognised, and the means.
func printClasses(out io.Writer, kind inkling.Kind, e *train.Evaluation) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "class\t"+unit(kind, "image")+"s\tright\taccuracy\tprecision\tF1\ttaken most often for\t\n")
	line := func(name string, s metrics.Scores, right, error string) {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t\n", name, s.Support, right, percent(s.Recall), percent(s.Precision), percent(s.F1), error)
	}
	for label, name := range e.Classes {
		s := e.Class(label)
		if s.Support == 0 && s.Precision == 0 {
			fmt.Fprintf(table, "%s\t0\t0\t-\t-\t-\t-\t\n", name)
			continue
		}
		line(name, s, strconv.Itoa(e.Confusion[label][label]), commonestError(e, label))
	}
	line("mean of the classes", e.Macro(), strconv.Itoa(e.Correct()), "")
	line("mean of the "+unit(kind, "image")+"s", e.Weighted(), strconv.Itoa(e.Correct()), "")
	return table.Flush()
}

// printConfusion prints how often each class was taken for each.
func printConfusion(out io.Writer, e *train.Evaluation, title string) error {
	fmt.Fprintf(out, "\n%s\n", title)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "\t%s\t\n", strings.Join(e.Classes, "\t"))
	for label, row := range e.Confusion {
		fmt.Fprintf(table, "%s\t", e.Classes[label])
		for _, n := range row {
			fmt.Fprintf(table, "%d\t", n)
		}
		fmt.Fprint(table, "\n")
	}
	return table.Flush()
}

// commonestError names the class that pictures of a class were most often taken
// for by mistake.
func commonestError(e *train.Evaluation, label int) string {
	worst := -1
	for prediction, n := range e.Confusion[label] {
		if prediction != label && n > 0 && (worst < 0 || n > e.Confusion[label][worst]) {
			worst = prediction
		}
	}
	if worst < 0 {
		return "-"
	}
	return fmt.Sprintf("%s (%dx)", e.Classes[worst], e.Confusion[label][worst])
}

// testReport is what --json prints.
func testReport(m *inkling.Classifier, set *pictureSet, e *train.Evaluation, topK int) map[string]any {
	type scores struct {
		Images    int     `json:"images"`
		Precision float64 `json:"precision"`
		Recall    float64 `json:"recall"`
		F1        float64 `json:"f1"`
	}
	type class struct {
		Class    string  `json:"class"`
		Correct  int     `json:"correct"`
		Accuracy float64 `json:"accuracy"`
		scores
	}
	of := func(s metrics.Scores) scores { return scores{s.Support, s.Precision, s.Recall, s.F1} }
	var classes []class
	for label := range e.Confusion {
		s := e.Class(label)
		classes = append(classes, class{e.Classes[label], e.Confusion[label][label], s.Recall, of(s)})
	}
	report := map[string]any{
		"dataset": set.dataset, "split": set.split, "source": set.title,
		"orientation": m.About.Orientation, "assumed": append([]string{}, m.Assumed...), "notes": append([]string{}, m.Notes...),
	}
	maps.Copy(report, resultOf(e))
	if e.Numbers != nil {
		report["target"] = e.Classes[0]
		return report
	}
	low, high := metrics.Interval(e.Correct(), e.Total(), 0.95)
	maps.Copy(report, map[string]any{
		"interval": [2]float64{low, high}, "calibration_error": e.Calibration.Error(),
		"macro": of(e.Macro()), "weighted": of(e.Weighted()), "classes": classes, "confusion": e.Confusion,
	})
	if e.Temperature > 0 {
		report["temperature"] = e.Temperature
	}
	if topK > 1 {
		report["top_k"] = map[string]any{"k": topK, "accuracy": e.Top.Accuracy(topK)}
	}
	return report
}
