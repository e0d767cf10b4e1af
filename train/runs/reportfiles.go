package runs

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"inkling/internal/atomicfile"
	"inkling/metrics"
)

// ConfusionFile is the confusion matrix of a report as a table.
const ConfusionFile = "confusion.csv"

// Write writes the report into a folder, which is made if there is none: ReportFile, and
// beside it what is in it as files: a PNG of each chart and picture, and ConfusionFile. All
// processors draw at once, and the disk is waited for by all at once.
func (r *Report) Write(folder string) error {
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return fmt.Errorf("the folder %s for the report cannot be made: %w", folder, err)
	}
	write := func(name string, content func(w io.Writer) error) error {
		return atomicfile.Write(filepath.Join(folder, name), content)
	}
	if len(r.Confusion) > 0 {
		if err := write(ConfusionFile, func(w io.Writer) error { return writeConfusion(w, r.Classes, r.Confusion) }); err != nil {
			return err
		}
	}
	figures, err := r.figures(write)
	if err != nil {
		return err
	}
	return write(ReportFile, func(w io.Writer) error { return r.writeHTML(w, figures) })
}

// figures are the charts and pictures as they stand in the page. If write is not nil, each
// is written as a PNG, too.
func (r *Report) figures(write func(name string, content func(w io.Writer) error) error) ([]figure, error) {
	drawings := r.drawings()
	list := make([]figure, len(drawings)+len(r.Pictures))
	errs := make([]error, len(list))
	var all sync.WaitGroup
	drawing := make(chan struct{}, runtime.GOMAXPROCS(0)) // so many at a time
	for i := range list {
		all.Go(func() {
			var name string
			var file []byte
			drawing <- struct{}{}
			if i < len(drawings) {
				name = drawings[i].Name
				list[i], file, errs[i] = drawings[i].figure(write != nil)
			} else {
				p := r.Pictures[i-len(drawings)]
				name = p.Name
				list[i], file, errs[i] = p.figure()
			}
			<-drawing
			if errs[i] == nil && write != nil {
				errs[i] = write(name+".png", func(w io.Writer) error { _, err := w.Write(file); return err })
			}
		})
	}
	all.Wait()
	return list, errors.Join(errs...)
}

// figure is the drawing as it stands in the page, and as a PNG if that is wanted.
func (d *Drawing) figure(wanted bool) (f figure, file []byte, err error) {
	var svg, png bytes.Buffer
	if err = d.Chart.WriteSVG(&svg); err == nil && wanted {
		err = d.Chart.WritePNG(&png)
	}
	if err != nil {
		return figure{}, nil, fmt.Errorf("the chart %q cannot be drawn: %w", d.Title, err)
	}
	return figure{Title: d.Title, Text: d.Text, SVG: inline(svg.String(), d.Title)}, png.Bytes(), nil
}

// figure is the picture as it stands in the page, and as a PNG.
func (p *Picture) figure() (f figure, file []byte, err error) {
	if file, err = p.PNG(); err != nil {
		return figure{}, nil, err
	}
	url := template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(file))
	return figure{Title: p.Title, Text: p.Text, Width: p.Image.Rect.Dx(), PNG: url}, file, nil
}

// writeConfusion writes a line for each class that pictures have, a column for each
// that they were taken for.
func writeConfusion(w io.Writer, classes []string, c metrics.Confusion) error {
	table := csv.NewWriter(w)
	table.Write(append([]string{"label"}, classes...)) // Error tells of all
	for label, row := range c {
		line := []string{classes[label]}
		for _, n := range row {
			line = append(line, strconv.Itoa(n))
		}
		table.Write(line)
	}
	table.Flush()
	return table.Error()
}
