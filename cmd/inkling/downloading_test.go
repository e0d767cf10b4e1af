package main

import (
	"strings"
	"testing"
	"time"

	"inkling/data/download"
)

func TestProgressLine(t *testing.T) {
	for _, test := range []struct {
		progress download.Progress
		want     string
	}{
		{download.Progress{Name: "a.gz", Done: 0, Total: 10e6, Left: -1}, "a.gz [" + strings.Repeat(" ", 24) + "] 0.0 of 10.0 MB"},
		{
			download.Progress{Name: "a.gz", Done: 5e6, Total: 10e6, Rate: 2.5e6, Left: 2 * time.Second},
			"a.gz [" + strings.Repeat("=", 12) + strings.Repeat(" ", 12) + "] 5.0 of 10.0 MB, 2.5 MB/s, 2s left",
		},
		{
			download.Progress{Name: "a.gz", Done: 10e6, Total: 10e6, Rate: 2.5e6},
			"a.gz [" + strings.Repeat("=", 24) + "] 10.0 of 10.0 MB, 2.5 MB/s",
		},
		{download.Progress{Name: "a.gz", Done: 2300, Total: 4600, Left: -1}, "a.gz [" + strings.Repeat("=", 12) + strings.Repeat(" ", 12) + "] 2.3 of 4.6 kB"},
		{download.Progress{Name: "a.gz", Done: 3e6, Total: -1, Rate: 1e6, Left: -1}, "a.gz 3.0 MB, 1.0 MB/s"},
	} {
		if got := progressLine(test.progress); got != test.want {
			t.Errorf("%+v: %q, want %q", test.progress, got, test.want)
		}
	}
}

// Without a terminal the last line of every file comes, and what goes wrong.
func TestDownloadingIntoAFile(t *testing.T) {
	var out strings.Builder
	o, done := downloading(&out)
	o.Progress(download.Progress{Name: "a.gz", Done: 1e6, Total: 4e6})
	o.Notice("the server sends nothing more; trying again in 1s")
	o.Progress(download.Progress{Name: "a.gz", Done: 4e6, Total: 4e6, Rate: 8e6})
	done()
	want := "  the server sends nothing more; trying again in 1s\n  a.gz [" + strings.Repeat("=", 24) + "] 4.0 of 4.0 MB, 8.0 MB/s\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	if o, done := downloading(nil); o.Progress != nil || o.Notice != nil {
		t.Error("nobody is told, but something is said")
	} else {
		done()
	}
}
