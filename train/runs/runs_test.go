package runs

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"inkling/internal/atomicfile"
	"inkling/metrics"
)

func value(v float64) *float64 { return &v }

func newFolder(t *testing.T) *Folder {
	t.Helper()
	f, err := Create(filepath.Join(t.TempDir(), "runs"), "run")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Release)
	return f
}

func TestFoldersAreNumbered(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "deep", "runs")
	for _, want := range []string{"first", "first-2", "first-3"} {
		f, err := Create(parent, "first")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Release()
		if filepath.Base(f.Path()) != want {
			t.Errorf("the folder is %s, want %s", f.Path(), want)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "/a", ".hidden", "a/"} {
		if f, err := Create(parent, name); err == nil {
			t.Errorf("a run was called %q: %s", name, f.Path())
		}
	}
}

func TestOneTrainerAFolder(t *testing.T) {
	f := newFolder(t)
	if _, err := Open(f.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder without settings was opened: %v", err)
	}
	if err := os.WriteFile(f.File(ConfigFile), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var held *atomicfile.HeldError
	if _, err := Open(f.Path()); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("a second trainer in a folder: %v", err)
	}
	f.Release()
	again, err := Open(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
}

func TestLog(t *testing.T) {
	f := newFolder(t)
	l, err := f.OpenLog(0)
	if err != nil {
		t.Fatal(err)
	}
	rows := []Row{
		{Epoch: 1, Step: 10, Images: 40, Seconds: 0.5, Loss: value(2.25)},
		{Epoch: 1, Step: 20, Images: 80, Seconds: 1, EpochEnd: true, LearningRate: value(0.001), Loss: value(2), ValidationLoss: value(1.5), ValidationAccuracy: value(0.25)},
		{Epoch: 2, Step: 40, Images: 160, Seconds: 2, EpochEnd: true, Loss: value(1)},
	}
	for _, r := range rows {
		if err := l.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Add(Row{Epoch: 3, Step: 50, Loss: value(math.NaN()), ValidationLoss: value(math.Inf(1))}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	expect := func(table string, want []Row) {
		t.Helper()
		text, err := os.ReadFile(f.File(TableFile))
		if err != nil || string(text) != table {
			t.Errorf("the table is %q, %v, want %q", text, err, table)
		}
		if got, err := ReadRows(f.File(EventsFile)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("the rows are %+v, %v, want %+v", got, err, want)
		}
	}
	head := "epoch,step,images,seconds,lr,loss,val_loss,val_accuracy,val_r2\n"
	first := "1,20,80,1.000,0.001,2,1.5,0.25,\n"
	expect(head+first+"2,40,160,2.000,,1,,,\n", append(rows, Row{Epoch: 3, Step: 50}))

	// A line that a crash cut short is left out, and what was not saved goes.
	events, err := os.OpenFile(f.File(EventsFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	events.WriteString(`{"epoch":4,"st`)
	events.Close()
	if l, err = f.OpenLog(20); err != nil {
		t.Fatal(err)
	}
	expect(head+first, rows[:2])
	if err := l.Add(rows[2]); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(l.Rows(), rows) {
		t.Errorf("the log has the rows %+v, want %+v", l.Rows(), rows)
	}
	l.Close()
	expect(head+first+"2,40,160,2.000,,1,,,\n", rows)

	// Of rows that were not on the disk yet, a power failure may leave zero bytes.
	whole, err := os.ReadFile(f.File(EventsFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.File(EventsFile), append(whole, "\x00\x00\x00\n{}\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	expect(head+first+"2,40,160,2.000,,1,,,\n", rows)

	os.WriteFile(f.File(EventsFile), []byte("{}\nnonsense\n{}\n"), 0o644)
	if _, err := ReadRows(f.File(EventsFile)); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("nonsense among the rows: %v", err)
	}
}

func FuzzReadRows(f *testing.F) {
	f.Add([]byte("{\"epoch\":1}\n"))
	f.Add([]byte("null\n[]\n"))
	path := filepath.Join(f.TempDir(), EventsFile)
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		rows, err := ReadRows(path)
		text, _, _ = bytes.Cut(text, []byte{0})
		if err == nil && len(rows) != bytes.Count(text, []byte("\n")) {
			t.Errorf("%d rows in %q", len(rows), text)
		}
	})
}

// exampleReport has all parts.
func exampleReport() *Report {
	picture := image.NewRGBA(image.Rect(0, 0, 40, 20))
	picture.Set(3, 3, color.White)
	r := &Report{
		Title: "LeNet on MNIST <script>alert(1)</script>", Summary: "Two epochs, seed 1.",
		Facts:       [][2]string{{"data", "MNIST"}, {"machine", "2 cores & more"}},
		Settings:    [][2]string{{"lr", "0.001"}, {"data", "~/图片 \"a\""}},
		Classes:     []string{"猫 cat", "<b>dog</b>", "bird"},
		Confusion:   metrics.Confusion{{8, 1, 1}, {2, 7, 1}, {0, 0, 10}},
		Calibration: metrics.NewCalibration(10),
		Pictures:    []*Picture{{Name: "batch-0", Title: "Batch 0", Text: "What training saw first, with labels.", Image: picture}},
	}
	for i := range 30 {
		r.Calibration.Add(0.3+float64(i)/50, i%3 > 0)
	}
	for epoch := 1; epoch <= 5; epoch++ {
		r.Rows = append(r.Rows, Row{Epoch: epoch, Step: epoch*100 - 50, Loss: value(9)},
			Row{Epoch: epoch, Step: epoch * 100, EpochEnd: true, Seconds: float64(epoch), LearningRate: value(0.1 / float64(epoch)), Loss: value(2 / float64(epoch)), ValidationLoss: value(2.5 / float64(epoch)), ValidationAccuracy: value(1 - 0.5/float64(epoch))})
	}
	return r
}

func TestReport(t *testing.T) {
	var page bytes.Buffer
	if err := exampleReport().WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, want := range []string{"&lt;script&gt;", "&lt;b&gt;dog&lt;/b&gt;", "猫 cat", "83.33 %", "~/图片", "<svg role=\"img\" aria-label=\"Loss\"", "data:image/png;base64,", "mean over classes", "0.4000", "2 cores &amp; more", "taken for"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report has no %q", want)
		}
	}
	for _, unwanted := range []string{"<script", "<b>dog", "http://", "https://", "<?xml", "ZgotmplZ", "url("} {
		found := strings.ReplaceAll(strings.ReplaceAll(text, `xmlns="http://www.w3.org/2000/svg"`, ""), `xmlns:xlink="http://www.w3.org/1999/xlink"`, "")
		if strings.Contains(found, unwanted) {
			t.Errorf("the report has %q", unwanted)
		}
	}
	page.Reset()
	if err := (&Report{Title: "Nothing yet"}).WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<table") || strings.Contains(page.String(), "<figure>") {
		t.Error("a report of nothing has tables or figures")
	}
}

// TestReportFiles writes a report, and compares the page with that without files.
func TestReportFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "report")
	if err := exampleReport().Write(folder); err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := exampleReport().WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if written, err := os.ReadFile(filepath.Join(folder, ReportFile)); err != nil || !bytes.Equal(written, page.Bytes()) {
		t.Errorf("the page differs from that without files (%v)", err)
	}
	var names []string
	files, _ := os.ReadDir(folder)
	for _, file := range files {
		names = append(names, file.Name())
		if !strings.HasSuffix(file.Name(), ".png") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err == nil {
			_, err = png.Decode(bytes.NewReader(content))
		}
		if err != nil {
			t.Errorf("%s: %v", file.Name(), err)
		}
	}
	if want := []string{"accuracy.png", "batch-0.png", "classes.png", "confusion-normalized.png", "confusion.csv", "confusion.png", "learning-rate.png", "loss.png", "reliability.png", "report.html"}; !slices.Equal(names, want) {
		t.Errorf("there are %v, want %v", names, want)
	}
	blocked := filepath.Join(folder, "blocked")
	if err := os.MkdirAll(filepath.Join(blocked, "loss.png"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := exampleReport().Write(blocked); err == nil || !strings.Contains(err.Error(), "loss.png") {
		t.Errorf("a picture that cannot be written: %v", err)
	}
	if _, err := os.Stat(filepath.Join(blocked, ReportFile)); err == nil {
		t.Error("there is a page though a picture of it could not be written")
	}
}

// TestEndWithinEpoch draws trainings that did not come to the end of an epoch, and such as
// were measured within epochs.
func TestEndWithinEpoch(t *testing.T) {
	report := Row{Epoch: 1, Step: 5, Loss: value(2.25)}
	end := Row{Epoch: 1, Step: 10, EpochEnd: true, Loss: value(2), LearningRate: value(0.1)}
	part := Row{Epoch: 2, Step: 15, Loss: value(1.5), LearningRate: value(0.1)}
	for name, test := range map[string]struct {
		rows []Row
		axis string
		x    []float64
		ends int
	}{
		"nothing":            {nil, "step", nil, 0},
		"one measurement":    {[]Row{report}, "step", []float64{5}, 1},
		"an epoch":           {[]Row{report, end}, "epoch", []float64{1}, 1},
		"an epoch and more":  {[]Row{report, end, part}, "epoch", []float64{1, 1.5}, 2},
		"within the first":   {[]Row{report, {Epoch: 1, Step: 7, Loss: value(2.5)}}, "step", []float64{5, 7}, 1},
		"more within epochs": {[]Row{report, {Epoch: 1, Step: 7, Loss: value(2.5)}, end, part}, "epoch", []float64{0.5, 0.7, 1.5}, 2},
		"gone on with later": {[]Row{report, end, part, {Epoch: 2, Step: 20, EpochEnd: true}}, "epoch", []float64{1, 2}, 2},
	} {
		r := &Report{Rows: test.rows}
		axis, at := r.axis()
		var x []float64
		for _, row := range r.within() {
			x = append(x, at(&row))
		}
		if axis != test.axis || !slices.Equal(x, test.x) || len(r.Ends()) != test.ends {
			t.Errorf("%s: drawn at %v of the %ss, with %d ends; want %v, %ss, %d", name, x, axis, len(r.Ends()), test.x, test.axis, test.ends)
		}
		var page bytes.Buffer
		if err := r.WriteHTML(&page); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		in := len(test.rows) > 0 && !test.rows[len(test.rows)-1].EpochEnd
		if strings.Contains(page.String(), ", in part</td>") != in || strings.Contains(page.String(), `aria-label="Loss"`) != (len(test.rows) > 0) {
			t.Errorf("%s: the page has not what there is", name)
		}
	}
}

// Of a long training a curve has few points, the last of all among them.
func TestFewPoints(t *testing.T) {
	var r Report
	for i := range 10*mostPoints + 3 {
		r.Rows = append(r.Rows, Row{Epoch: 1, Step: i + 1, Loss: value(1)})
	}
	within := r.within()
	if n := len(within); n > mostPoints || n < mostPoints/2 || within[n-1].Step != len(r.Rows) {
		t.Errorf("%d points, the last of step %d of %d", n, within[n-1].Step, len(r.Rows))
	}
}

func BenchmarkReport(b *testing.B) {
	folder := b.TempDir()
	for b.Loop() {
		if err := exampleReport().Write(folder); err != nil {
			b.Fatal(err)
		}
	}
}
