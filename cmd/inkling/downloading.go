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

// progressLine writes how far a download is: a bar, bytes, rate and the time left,
// as far as they are known.
func progressLine(p download.Progress) string {
	const width = 24
	text := p.Name + " "
	if p.Total > 0 {
		full := int(p.Done * width / p.Total)
		unit, name := byteUnit(p.Total)
		text += fmt.Sprintf("[%s%s] %.1f of %.1f %s", strings.Repeat("=", full), strings.Repeat(" ", width-full), float64(p.Done)/unit, float64(p.Total)/unit, name)
	} else {
		unit, name := byteUnit(p.Done)
		text += fmt.Sprintf("%.1f %s", float64(p.Done)/unit, name)
	}
	if p.Rate > 0 {
		text += fmt.Sprintf(", %.1f MB/s", p.Rate/1e6)
	}
	if p.Left > 0 {
		text += ", " + p.Left.Round(time.Second).String() + " left"
	}
	return text
}

// byteUnit is the unit to write a number of bytes in.
func byteUnit(n int64) (size float64, name string) {
	if n < 1e6 {
		return 1e3, "kB"
	}
	return 1e6, "MB"
}
