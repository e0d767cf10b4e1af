package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"inkling/data/download"
)

// downloading tells on out how a download goes: in a line that changes if out is
// a terminal, else in a line every few seconds. Nil as out tells nothing. Done
// must be called at the end.
func downloading(out io.Writer) (o download.Options, done func()) {
	if out == nil {
		return download.Options{}, func() {}
	}
	interval, begin, end := 5*time.Second, "  ", "\n"
	if terminal(out) != nil {
		interval, begin, end = 100*time.Millisecond, "\r\x1b[K  ", ""
	}
	var last time.Time
	open := false // a line that is not finished
	finish := func() {
		if open {
			fmt.Fprintln(out)
			open = false
		}
	}
	o.Notice = func(sentence string) {
		finish()
		fmt.Fprintf(out, "  %s\n", sentence)
	}
	o.Progress = func(p download.Progress) {
		if last.IsZero() {
			last = time.Now().Add(-interval + min(interval, time.Second)) // what is quick needs no word
		}
		if time.Since(last) < interval && p.Done != p.Total {
			return
		}
		last = time.Now()
		fmt.Fprint(out, begin, progressLine(p), end)
		open = end == ""
		if p.Done == p.Total {
			finish()
		}
	}
	return o, finish
}

// progressLine writes how far a download is: a bar, megabytes, rate and the time
// left, as far as they are known.
func progressLine(p download.Progress) string {
	const width = 24
	text := p.Name + " "
	if p.Total > 0 {
		full := int(p.Done * width / p.Total)
		text += "[" + strings.Repeat("=", full) + strings.Repeat(" ", width-full) + "] " + megabytes(p.Done) + " of " + megabytes(p.Total) + " MB"
	} else {
		text += megabytes(p.Done) + " MB"
	}
	if p.Rate > 0 {
		text += ", " + megabytes(int64(p.Rate)) + " MB/s"
	}
	if p.Left > 0 {
		text += ", " + p.Left.Round(time.Second).String() + " left"
	}
	return text
}

// megabytes writes a number of bytes in units of a million.
func megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
