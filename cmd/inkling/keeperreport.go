package main

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"inkling"
	"inkling/data"
	"inkling/internal/kernel"
	"inkling/plot"
	"inkling/train"
	"inkling/train/runs"
)

// drawnBatches is how many batches are drawn as training sees them, mostDrawn of how
// many pictures each.
const drawnBatches, mostDrawn = 3, 64

// drawBatches draws what the training sees first, with labels.
func (k *keeper) drawBatches(loader *data.Loader) error {
	if loader.Sampler != nil && k.position == nil && k.o.rng == "torch" {
		return nil // to look would draw
	}
	if kind := k.p.set.kind(); kind == inkling.Texts || kind == inkling.Vectors {
		return nil // there is nothing to be drawn
	}
	look := *loader
	look.Epoch, look.Workers = 0, 0
	channels, height, width, err := look.Shape()
	if err != nil {
		return err
	}
	classes := k.p.train.Classes()
	for i, batch := range look.BatchesContext(k.ctx) {
		if i == drawnBatches {
			break
		}
		n := min(len(batch.Labels), mostDrawn)
		var labels []string
		for _, label := range batch.Labels[:n] {
			labels = append(labels, shortCaption(classes[label], label))
		}
		picture, err := k.drawBatch(batch.Images[:n*channels*height*width], labels, channels, height, width)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("batch-%d", i)
		drawn := &runs.Picture{Name: name, Title: fmt.Sprintf("Batch %d", i), Text: fmt.Sprintf("Pictures of batch %d of the first epoch as the network sees them, with their labels.", i), Image: picture}
		k.pictures = append(k.pictures, drawn)
		file, err := drawn.PNG()
		if err == nil {
			err = k.board.PNG(name, 0, picture.Rect.Size(), file)
		}
		if err != nil {
			return err
		}
	}
	return look.Err()
}

// drawBatch draws normalised pictures as they were before.
func (k *keeper) drawBatch(images []float32, labels []string, channels, height, width int) (*image.RGBA, error) {
	if k.p.set.kind() == inkling.Recordings {
		return drawSpectrograms(images, labels, height, width)
	}
	about := &k.p.model.About
	samples := make([]float32, len(images))
	plane := height * width
	for i, v := range images {
		c := i / plane % channels
		samples[i] = v*about.Std[c%len(about.Std)] + about.Mean[c%len(about.Mean)] // one may be for all
	}
	return plot.Grid{Columns: 8, Scale: max(1, 64/width), Labels: labels}.Floats(samples, channels, height, width)
}

// shortCaption is a label that fits below a picture.
func shortCaption(class string, label int) string {
	caption := printable(class)
	if !plot.CanWrite(caption) {
		return fmt.Sprintf("class %d", label)
	}
	const most = 14
	if letters := []rune(caption); len(letters) > most {
		return string(letters[:most-1]) + "~"
	}
	return caption
}

// settings are the flags of the run.
func (k *keeper) settings() (list [][2]string) {
	k.o.set.VisitAll(func(f *pflag.Flag) {
		if !unkept(f) {
			list = append(list, [2]string{f.Name, f.Value.String()})
		}
	})
	return list
}

func (k *keeper) settingsAsMarkdown() string {
	var b strings.Builder
	b.WriteString("| setting | value |\n|---|---|\n")
	for _, s := range k.settings() {
		fmt.Fprintf(&b, "| %s | `%s` |\n", s[0], strings.ReplaceAll(s[1], "|", "\\|"))
	}
	return b.String()
}

// finish writes the report. Rate is that of the last batch.
func (k *keeper) finish(result *trained, ran train.Result, rate float64) error {
	if k.folder == nil {
		return nil
	}
	shown := count(ran.Epochs, "epoch")
	if batches := ran.At.Batches; batches > 0 { // it ended within an epoch
		part := fmt.Sprintf("%s %s", thousands(batches), plural(batches, "batch", "batches"))
		shown = part
		if ran.Epochs > 0 {
			shown = count(ran.Epochs, "epoch") + " and " + part
		}
		if rows := k.log.Rows(); len(rows) == 0 || rows[len(rows)-1].Step < ran.Steps {
			k.measure(runs.Row{Epoch: ran.Epochs + 1, Step: ran.Steps, Images: ran.Images, Seconds: ran.Elapsed.Seconds(), LearningRate: &rate, Loss: &ran.Loss})
		}
	}
	m := k.p.model
	end := runs.Result{Parameters: inkling.Parameters(m.Network), Images: ran.Images, Seconds: ran.Elapsed.Seconds(), ImagesPerSecond: ran.ImagesPerSecond()}
	if result.trainSums != nil {
		end.TrainSum = result.trainSums.String()
	}
	if sums := keptSums(k.ctx, result.test); sums != nil {
		end.TestSum = sums.String()
	}
	report := &runs.Report{
		Title:    fmt.Sprintf("%s on %s", m.About.Architecture, k.p.set.title),
		Summary:  fmt.Sprintf("%s of %s by Inkling %s, in %s.", shown, count(k.p.train.Len(), "picture"), version(), k.folder.Path()),
		Facts:    k.facts(&end),
		Settings: k.settings(), Rows: k.log.Rows(), Pictures: k.pictures,
	}
	if e := result.evaluation; e != nil {
		report.Classes, report.Confusion, report.Calibration = e.Classes, e.Confusion, e.Calibration
		if e.Numbers != nil {
			report.Facts = append(report.Facts, scores(e)...)
		}
		misread, err := misreadPictures(m, result.test, e)
		if err != nil {
			return err
		}
		report.Pictures = append(report.Pictures, misread...)
	}
	if err := report.Write(k.folder.Path()); err != nil {
		return err
	}
	if e := result.evaluation; e != nil {
		score, _ := e.Score()
		if end.TestImages = e.Samples(); e.Numbers != nil {
			mae := e.Numbers.MAE()
			end.TestR2, end.TestMAE = &score, &mae
		} else {
			end.TestAccuracy = &score
		}
	}
	if err := k.folder.WriteResult(end); err != nil {
		return err
	}
	k.r.line("Report: %s\n", filepath.Join(k.folder.Path(), runs.ReportFile))
	return nil
}

// facts are what a report tells of a training, in its order.
func (k *keeper) facts(r *runs.Result) [][2]string {
	facts := [][2]string{
		{"data", k.p.set.title}, {"pictures to train on", thousands(k.p.train.Len())}, {"their SHA-256", cmp.Or(r.TrainSum, noSum)},
	}
	if k.p.validation != nil {
		facts = append(facts, [2]string{"pictures to validate with", thousands(k.p.validation.Len())})
	}
	if k.p.test != nil {
		facts = append(facts, [2]string{"pictures to test with", thousands(k.p.test.Len())}, [2]string{"their SHA-256", cmp.Or(r.TestSum, noSum)})
	}
	return append(facts, [][2]string{
		{"seed", strconv.FormatUint(k.o.seed, 10)}, {"parameters", thousands(r.Parameters)}, {"optimizer", k.o.optimizing.String()},
		{"time", seconds(time.Duration(r.Seconds * float64(time.Second)))}, {"speed", thousands(int(math.Round(r.ImagesPerSecond))) + " images/s"},
		{"machine", fmt.Sprintf("%s/%s, %s, %s kernels", runtime.GOOS, runtime.GOARCH, count(effectiveWorkers(k.o.workers), "worker"), kernel.Implementation())},
	}...)
}

// noSum stands for the sum of pictures that are read from their files again and again.
const noSum = "not computed, as they do not lie in memory"
