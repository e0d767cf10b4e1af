package main

import (
	"bytes"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"testing"
	"unicode"
)

// uncommented is a program without its comments.
func uncommented(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	program, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := format.Node(&b, files, program); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The program is the tutorial's, word for word, and its comments are Chinese.
func TestIsTheTutorial(t *testing.T) {
	if got, want := uncommented(t, "main.go"), uncommented(t, filepath.Join("..", "main.go")); !bytes.Equal(got, want) {
		t.Errorf("the programs differ:\n%s\nand\n%s", got, want)
	}
	text, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		_, comment, found := bytes.Cut(line, []byte("// "))
		if found && !bytes.ContainsFunc(comment, func(r rune) bool { return unicode.Is(unicode.Han, r) }) && !bytes.HasPrefix(comment, []byte("N x")) {
			t.Errorf("line %d has the comment %q, want a Chinese one", i+1, comment)
		}
	}
}
