package main

import (
	"encoding/json"
	"io"
	"os"

	"golang.org/x/term"

	"inkling/internal/wording"
)

// writeJSON writes v as indented JSON.
func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// terminal returns the file behind w when it is a terminal, else nil.
func terminal(w any) *os.File {
	if o, ok := w.(*watchedOutput); ok {
		w = o.Writer
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// Short names of what is written everywhere.
var (
	thousands = wording.Thousands
	percent   = wording.Percent
	count     = wording.Count[int]
	plural    = wording.Plural
	printable = wording.Printable
)
