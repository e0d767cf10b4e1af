package runs

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"image"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"inkling/metrics"
	"inkling/plot"
)

// Report is what a training and its test came to. Parts that are empty are left
// out.
type Report struct {
	Title    string
	Summary  string      // one sentence
	Facts    [][2]string // names and values: data, machine, speed
	Settings [][2]string
	Rows     []Row

	Classes     []string
	Confusion   metrics.Confusion
	Calibration *metrics.Calibration

	Drawings []Drawing
	Pictures []*Picture

	Columns []string // of Table
	Table   [][]string
}

// Drawing is a chart with what it shows.
type Drawing struct {
	Name  string // of its file, without the ending
	Title string
	Text  string // what it shows, for who cannot see it too
	Chart *plot.Chart
}

// Picture is a picture with what it shows. It is drawn by Image, and encoded once.
type Picture struct {
	Name  string // of its file, without the ending
	Title string
	Text  string // what it shows, for who cannot see it too
	Image *image.RGBA

	encoded []byte
}

// PNG is the picture as a file. Only one goroutine at a time may ask for it.
func (p *Picture) PNG() ([]byte, error) {
	if p.encoded == nil {
		var file bytes.Buffer
		if err := plot.WritePNG(&file, p.Image); err != nil {
			return nil, fmt.Errorf("the picture %q cannot be drawn: %w", p.Title, err)
		}
		p.encoded = file.Bytes()
	}
	return p.encoded, nil
}

//go:embed report.html.tmpl
var templates embed.FS

var reportTemplate = template.Must(template.New("report.html.tmpl").Funcs(template.FuncMap{
	"fixed":   func(digits int, v float64) string { return strconv.FormatFloat(v, 'f', digits, 64) },
	"short":   func(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) },
	"percent": func(v float64) string { return strconv.FormatFloat(100*v, 'f', 2, 64) + " %" },
}).ParseFS(templates, "report.html.tmpl"))

// figure is a drawing in the report.
type figure struct {
	Title, Text string
	SVG         template.HTML // or
	PNG         template.URL
	Width       int
}

// WriteHTML writes the report as one file that needs nothing else: styles,
// drawings and pictures are in it, and it loads nothing.
func (r *Report) WriteHTML(w io.Writer) error {
	figures, err := r.figures(nil)
	if err != nil {
		return err
	}
	return r.writeHTML(w, figures)
}

func (r *Report) writeHTML(w io.Writer, figures []figure) error {
	page := struct {
		*Report
		Figures         []figure
		Low, High       float64 // of the accuracy
		Accuracy        float64
		Scores          []metrics.Scores
		Macro, Weighted metrics.Scores
		Confused        []confused
	}{Report: r, Figures: figures}
	if len(r.Confusion) > 0 {
		page.Accuracy = r.Confusion.Accuracy()
		page.Low, page.High = metrics.Interval(r.Confusion.Correct(), r.Confusion.Total(), 0.95)
		page.Macro, page.Weighted = r.Confusion.Macro(), r.Confusion.Weighted()
		for class := range r.Confusion {
			page.Scores = append(page.Scores, r.Confusion.Class(class))
		}
		for _, p := range r.Confusion.Confused(10) {
			page.Confused = append(page.Confused, confused{r.Classes[p.Label], r.Classes[p.Prediction], p.Count})
		}
	}
	return reportTemplate.Execute(w, page)
}

type confused struct {
	Label, Prediction string
	Count             int
}

// drawings are the charts that there is something for.
func (r *Report) drawings() []Drawing {
	list := append([]Drawing(nil), r.Drawings...)
	axis, at := r.axis()
	series := func(name string, rows []Row, value func(row *Row) *float64) plot.Series {
		s := plot.Series{Name: name}
		for i := range rows {
			if v := value(&rows[i]); v != nil {
				s.X, s.Y = append(s.X, at(&rows[i])), append(s.Y, *v)
			}
		}
		return s
	}
	ends, within := r.Ends(), r.within()
	training := series("training", within, func(row *Row) *float64 { return row.Loss })
	validation := series("validation", ends, func(row *Row) *float64 { return row.ValidationLoss })
	over := " over the " + axis + "s"
	if len(training.X)+len(validation.X) > 0 {
		list = append(list, Drawing{"loss", "Loss", "Mean loss of training and validation" + over + "; the numbers stand in the table.", plot.Curves("Loss", axis, "loss", false, nonEmpty(training, validation)...)})
	}
	if s := series("validation", ends, func(row *Row) *float64 { return row.ValidationAccuracy }); len(s.X) > 0 {
		list = append(list, Drawing{"accuracy", "Accuracy", "Share of the validation pictures that were recognised," + over + ".", plot.Curves("Accuracy", axis, "accuracy", false, s)})
	}
	if s := series("validation", ends, func(row *Row) *float64 { return row.ValidationR2 }); len(s.X) > 0 {
		list = append(list, Drawing{"r2", "R²", "Share of the numbers' variance that the answers account for," + over + ".", plot.Curves("R²", axis, "R²", false, s)})
	}
	if s := series("", within, func(row *Row) *float64 { return row.LearningRate }); len(s.X) > 0 {
		list = append(list, Drawing{"learning-rate", "Learning rate", "Learning rate" + over + ".", plot.Curves("Learning rate", axis, "learning rate", false, s)})
	}
	if len(r.Confusion) > 0 {
		list = append(list,
			Drawing{"confusion", "Confusion matrix", "How often pictures of a class (rows) were taken for a class (columns).", plot.ConfusionMatrix("Confusion matrix", r.Confusion, r.Classes, false)},
			Drawing{"confusion-normalized", "Confusion matrix, normalised", "The same in percent of the pictures of a class.", plot.ConfusionMatrix("Confusion matrix, normalised", r.Confusion, r.Classes, true)},
			Drawing{"classes", "Classes", "Precision, recall and F1 of every class; the numbers stand in the table.", r.bars()})
	}
	if r.Calibration != nil {
		var counts []int
		var confidence, accuracy []float64
		for _, b := range r.Calibration.Bins() {
			counts, confidence, accuracy = append(counts, b.Count), append(confidence, b.Confidence), append(accuracy, b.Accuracy)
		}
		title := fmt.Sprintf("Reliability (calibration error %.3f)", r.Calibration.Error())
		list = append(list, Drawing{"reliability", "Reliability", "How often answers were right, by how sure the network was.", plot.Reliability(title, counts, confidence, accuracy)})
	}
	return list
}

func nonEmpty(all ...plot.Series) []plot.Series {
	var list []plot.Series
	for _, s := range all {
		if len(s.X) > 0 {
			list = append(list, s)
		}
	}
	return list
}

// Ends are the rows at the ends of epochs, and the last row if the training ended within
// an epoch.
func (r *Report) Ends() []Row {
	var ends []Row
	for i, row := range r.Rows {
		if row.EpochEnd || i == len(r.Rows)-1 {
			ends = append(ends, row)
		}
	}
	return ends
}

// mostPoints is how many points a curve of the training has at most; nobody sees more.
const mostPoints = 1000

// within are the rows that curves of the training are drawn of: those inside of epochs, of
// which there are many, evenly chosen, or, where there are hardly any, Ends.
func (r *Report) within() []Row {
	var within []Row
	for _, row := range r.Rows {
		if !row.EpochEnd {
			within = append(within, row)
		}
	}
	ends := r.Ends()
	if len(within) <= len(ends) {
		return ends
	}
	each := (len(within) + mostPoints - 1) / mostPoints
	var chosen []Row
	for i := len(within) - 1; i >= 0; i -= each { // the last is one of them
		chosen = append(chosen, within[i])
	}
	slices.Reverse(chosen)
	return chosen
}

// axis is what curves are drawn over, and where a row is on it: epochs or, of a training
// that came to the end of none, steps.
func (r *Report) axis() (name string, at func(row *Row) float64) {
	ends := r.Ends()
	if len(ends) == 0 || !ends[0].EpochEnd || ends[0].Step == 0 {
		return "step", func(row *Row) float64 { return float64(row.Step) }
	}
	steps := float64(ends[0].Step) / float64(ends[0].Epoch) // of an epoch
	return "epoch", func(row *Row) float64 {
		if row.EpochEnd {
			return float64(row.Epoch)
		}
		return float64(row.Step) / steps
	}
}

func (r *Report) bars() *plot.Chart {
	precision, recall, f1 := plot.Series{Name: "precision"}, plot.Series{Name: "recall"}, plot.Series{Name: "F1"}
	for class := range r.Confusion {
		s := r.Confusion.Class(class)
		precision.Y, recall.Y, f1.Y = append(precision.Y, s.Precision), append(recall.Y, s.Recall), append(f1.Y, s.F1)
	}
	return plot.Bars("Classes", "share", r.Classes, precision, recall, f1)
}

var sized = regexp.MustCompile(`<svg width="([0-9.]+)pt" height="([0-9.]+)pt"`)

// inline makes an SVG file a part of a page: without its head, as wide as there is
// room, and with a name for who cannot see it. Texts in it were escaped by what
// wrote it.
func inline(svg, title string) template.HTML {
	if at := strings.Index(svg, "<svg"); at >= 0 {
		svg = svg[at:]
	}
	named := fmt.Sprintf(`<svg role="img" aria-label="%s" style="max-width:${1}pt"`, template.HTMLEscapeString(title))
	return template.HTML(sized.ReplaceAllString(svg, named))
}
