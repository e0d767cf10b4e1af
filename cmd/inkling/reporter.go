package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"inkling"
	"inkling/data"
	"inkling/data/audit"
	"inkling/internal/kernel"
	"inkling/internal/wording"
	"inkling/nn"
	"inkling/train"
)

// A reporter tells of a training: in sentences, with a progress bar if it
// speaks to a terminal, or in one JSON object a line. A quiet one tells what may be
// wrong, and nothing else.
type reporter struct {
	out      io.Writer
	json     bool
	quiet    bool
	progress *mpb.Progress // nil without a terminal
	bar      *mpb.Bar
	status   atomic.Pointer[string] // what the bar tells besides

	loss, accuracy string // the last that were known

	kind inkling.Kind // of what is learnt
}

func newReporter(out io.Writer, json bool) *reporter { return &reporter{out: out, json: json} }

// line prints a line for people.
func (r *reporter) line(format string, values ...any) {
	if !r.quiet {
		r.alert(format, values...)
	}
}

// alert prints a line of what may be wrong.
func (r *reporter) alert(format string, values ...any) {
	if r.json {
		return
	}
	w := r.out
	if r.bar != nil {
		w = r.progress // prints it above the bar
	}
	fmt.Fprintf(w, format, values...)
}

// object prints an event for programs.
func (r *reporter) object(event string, values map[string]any) {
	if !r.json {
		return
	}
	values["event"] = event
	json.NewEncoder(r.out).Encode(values) // maps are written in the order of their keys
}

// unit is what a sample is called: for pictures as given.
func unit(kind inkling.Kind, picture string) string {
	if kind == inkling.Pictures || kind == "" {
		return picture
	}
	return kind.One()
}

// begin tells what is going to be trained, on what and how.
func (r *reporter) begin(o *trainOptions, p *prepared, d data.Dataset, m *inkling.Classifier) {
	set := p.set
	r.kind = set.kind()
	workers := effectiveWorkers(o.workers)
	batches := (d.Len()-1)/o.batch + 1
	what := "of " + wording.Count(len(d.Classes()), "class")
	if set.target != nil {
		what = fmt.Sprintf("that tell a number (%s)", printable(set.target.Name))
	}
	r.line("Data: %s: %s %s to train on.\n", set.title, count(d.Len(), r.kind.One()), what)
	if set.reason != "" {
		r.line("      %s\n", set.reason)
	}
	for _, note := range o.chosen(p) {
		r.line("      %s\n", note)
	}
	r.findings(o.data, set.findings)
	reads := fmt.Sprintf("pictures of %v", nn.Shape(m.Input()))
	if r.kind != inkling.Pictures {
		reads = set.describe()
	}
	r.line("Network: %s, %s parameters, for %s, seed %d.\n", m.Architecture(), thousands(inkling.Parameters(m.Network)), reads, o.seed)
	r.line("Training: %s of %s %s of %d, %s.\n",
		count(o.epochs, "epoch"), thousands(batches), plural(batches, "batch", "batches"), o.batch, &o.optimizing)
	if o.augment != "" {
		r.line("          %s are changed at random: %s.\n", capital(string(r.kind)), o.augment)
	}
	for _, sentence := range o.said {
		r.line("%s\n", sentence)
	}
	r.line("Computing: %s, %s kernels.\n", count(workers, "worker"), kernel.Implementation())
	event := map[string]any{
		"dataset": set.dataset, "split": set.split, "source": set.title, "reason": set.reason,
		"images": d.Len(), "classes": d.Classes(), "input": m.Input(), "augment": o.augment, "parameters": inkling.Parameters(m.Network),
		"epochs": o.epochs, "batch": o.batch, "batches": batches, "label_smoothing": o.smoothing, "model": m.Architecture(),
		"seed": o.seed, "workers": workers, "kernels": kernel.Implementation(), "said": o.said,
	}
	o.optimizing.report(event)
	r.object("begin", event)
	if f := terminal(r.out); f != nil && !r.json && !r.quiet {
		r.startBar(f, int64(o.epochs)*int64(d.Len()))
	}
}

// findings tells what is strange about the pictures.
func (r *reporter) findings(name string, findings []audit.Finding) {
	told := false
	for _, f := range findings {
		r.object("finding", map[string]any{"severity": f.Severity, "kind": f.Kind, "text": f.Text, "count": f.Count})
		if f.Severity == audit.Warning {
			r.alert("Warning: %s\n", f.Text)
			told = true
		}
	}
	if told {
		r.alert("         \"inkling data check %s\" tells more.\n", name)
	}
}

func (r *reporter) startBar(out io.Writer, images int64) {
	r.progress = mpb.New(mpb.WithOutput(out), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))
	r.bar = r.progress.New(images, mpb.BarStyle(), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Percentage(decor.WCSyncSpace)),
		mpb.AppendDecorators(
			decor.CurrentNoUnit("%d "+unit(r.kind, "image")+"s, "),
			decor.AverageETA(decor.ET_STYLE_MMSS),
			decor.Name(" left"),
			decor.Any(func(decor.Statistics) string {
				if text := r.status.Load(); text != nil {
					return *text
				}
				return ""
			}),
		))
}

// event is told of the training as it goes.
func (r *reporter) event(e train.Event) {
	if r.bar != nil {
		r.bar.SetCurrent(int64(e.Images))
		r.tell(e)
	}
	switch e.Kind {
	case train.LossReport:
		r.line("[%d, %d] loss: %.3f\n", e.Epoch, e.Batch, e.Loss)
		r.object("loss", map[string]any{"epoch": e.Epoch, "batch": e.Batch, "loss": e.Loss, "images": e.Images, "seconds": e.Elapsed.Seconds()})
	case train.EpochEnd:
		r.object("epoch", map[string]any{"epoch": e.Epoch, "loss": e.Loss, "images": e.Images, "seconds": e.Elapsed.Seconds()})
		if v := e.Validation; v != nil {
			r.line("[%d] loss: %.3f, validation: %s, loss %.3f\n", e.Epoch, e.Loss, shortResult(v), v.Loss)
			event := resultOf(v)
			event["epoch"] = e.Epoch
			delete(event, "correct")
			r.object("validation", event)
		}
	}
}

// tell has the bar tell of the training, too: loss, accuracy, speed and memory.
func (r *reporter) tell(e train.Event) {
	r.loss = fmt.Sprintf(", loss %.3f", e.Loss)
	if e.Validation != nil {
		r.accuracy = ", " + shortResult(e.Validation)
	}
	text := r.loss + r.accuracy
	if s := e.Elapsed.Seconds(); s > 0 {
		text += fmt.Sprintf(", %s %ss/s", thousands(int(float64(e.Images)/s)), unit(r.kind, "image"))
	}
	text += fmt.Sprintf(", %s MB", thousands(int(memoryInUse()>>20)))
	r.status.Store(&text)
}

// memoryInUse is how much memory the process has from the system, in bytes.
func memoryInUse() uint64 {
	read := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(read)
	return read[0].Value.Uint64() - read[1].Value.Uint64()
}

// hint tells what may be wrong with a training, once.
func (r *reporter) hint(text string) {
	if text == "" {
		return
	}
	r.alert("Hint: %s\n", text)
	r.object("hint", map[string]any{"text": text})
}

// finish tells how long it took.
func (r *reporter) finish(ran train.Result) {
	r.close()
	one := unit(r.kind, "image")
	r.line("Trained on %s in %s: %s %ss/s.\n", count(ran.Images, one), seconds(ran.Elapsed), thousands(int(ran.ImagesPerSecond())), one)
	r.object("trained", map[string]any{"epochs": ran.Epochs, "steps": ran.Steps, "images": ran.Images,
		"seconds": ran.Elapsed.Seconds(), "images_per_second": ran.ImagesPerSecond()})
}

func (r *reporter) tested(e *train.Evaluation) {
	r.line("%s\n", resultLine(r.kind, e))
	r.object("tested", resultOf(e))
}

// resultLine says what a test came to.
func resultLine(kind inkling.Kind, e *train.Evaluation) string {
	n, one := e.Samples(), unit(kind, "image")
	if v := e.Numbers; v != nil {
		return fmt.Sprintf("Mean absolute error of %s on the %d test %s: %s (root mean square %s, R² %.4f)", printable(e.Classes[0]), n, plural(n, one, one+"s"), quantity(v.MAE()), quantity(v.RMSE()), v.R2())
	}
	return fmt.Sprintf("Accuracy of the network on the %d test %s: %s", n, plural(n, one, one+"s"), percent(e.Accuracy()))
}

// shortResult says it in a few words.
func shortResult(e *train.Evaluation) string {
	if v := e.Numbers; v != nil {
		return fmt.Sprintf("off by %s, R² %.4f", quantity(v.MAE()), v.R2())
	}
	return percent(e.Accuracy()) + " right"
}

// resultOf is what JSON tells of it.
func resultOf(e *train.Evaluation) map[string]any {
	if v := e.Numbers; v != nil {
		return map[string]any{"images": v.Count, "mae": v.MAE(), "rmse": v.RMSE(), "r2": v.R2(), "bias": v.Bias(), "loss": e.Loss}
	}
	return map[string]any{"images": e.Total(), "correct": e.Correct(), "accuracy": e.Accuracy(), "loss": e.Loss}
}

// quantity writes a number that was measured or told, with four digits or all before its
// point.
func quantity(v float64) string {
	if math.Abs(v) >= 1000 && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// leftOut tells which pictures could not be used.
func (r *reporter) leftOut(set *pictureSet) {
	note := set.leftOut()
	if note == "" {
		return
	}
	r.line("%s\n", note)
	r.object("left_out", map[string]any{"images": len(set.bad()), "first": set.bad()[0].Error()})
}

// warn tells of what went wrong and does not end the training.
func (r *reporter) warn(format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	r.alert("Warning: %s\n", text)
	r.object("warning", map[string]any{"text": text})
}

// saved tells where the model is, and the one that was there before.
func (r *reporter) saved(s *saver) {
	r.line("Saved the model in %s.\n", s.path)
	event := map[string]any{"path": s.path}
	if s.kept != "" {
		r.line("The one that was there before is %s now.\n", s.kept)
		event["kept"] = s.kept
	}
	r.object("saved", event)
}

// close takes the progress bar away. It may be called more than once.
func (r *reporter) close() {
	if r.bar == nil {
		return
	}
	r.bar.Abort(true)
	r.progress.Wait()
	r.bar = nil
}

// seconds writes a time span: 1.58 s, 88 s.
func seconds(d time.Duration) string {
	places := 2
	if d >= 10*time.Second {
		places = 0
	}
	return strconv.FormatFloat(d.Seconds(), 'f', places, 64) + " s"
}
