package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"inkling/weights"
)

// writeReviews writes sentences of random words, of which one is an opinion.
func writeReviews(t *testing.T, name string, n int, words, good, bad []string) {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	var file bytes.Buffer
	for i := range n {
		opinions := good
		if i%2 == 0 {
			opinions = bad
		}
		fmt.Fprintf(&file, "%d\t", i%2)
		at := r.IntN(6)
		for j := range 6 {
			word := words[r.IntN(len(words))]
			if j == at {
				word = opinions[r.IntN(len(opinions))]
			}
			fmt.Fprint(&file, word, " ")
		}
		fmt.Fprintln(&file, ".")
	}
	if err := os.WriteFile(name, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The example is built and run as a reader would, on made-up sentences.
func TestReviews(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a program")
	}
	program := filepath.Join(t.TempDir(), "reviews.exe")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	dir := t.TempDir()
	writeReviews(t, filepath.Join(dir, "english.tsv"), 440, []string{"the", "film", "a", "plot", "and", "actors", "was", "music"}, []string{"great", "lovely"}, []string{"dull", "boring"})
	writeReviews(t, filepath.Join(dir, "chinese.tsv"), 440, []string{"菜", "店", "人", "很", "我们"}, []string{"好吃", "喜欢"}, []string{"难吃", "失望"})
	writeReviews(t, filepath.Join(dir, "chinese-test.tsv"), 50, []string{"菜", "店", "人", "很", "我们"}, []string{"好吃", "喜欢"}, []string{"难吃", "失望"})
	for name, flags := range map[string][]string{
		"44": {"-train", "english.tsv"},
		"50": {"-train", "chinese.tsv", "-test", "chinese-test.tsv", "-characters"},
	} {
		command := exec.Command(program, append(flags, "-epochs", "3", "-batch", "20", "-length", "12")...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		accuracy := regexp.MustCompile(`\[3\] loss: \d\.\d{3}, accuracy on the ` + name + ` test sentences: ([\d.]+)%`).FindSubmatch(out)
		if accuracy == nil {
			t.Fatalf("no accuracy in what it printed:\n%s", out)
		}
		if a, err := strconv.ParseFloat(string(accuracy[1]), 64); err != nil || a < 90 {
			t.Errorf("accuracy is %s%%, want 90 or more:\n%s", accuracy[1], out)
		}
	}
	file, err := weights.Read(filepath.Join(dir, "reviews.pth"))
	if err != nil {
		t.Fatal(err)
	}
	if first := file.Tensors[0].Name; first != "embedding.weight" {
		t.Errorf("reviews.pth begins with %s", first)
	}
	command := exec.Command(program, "-train", filepath.Join(dir, "reviews.pth"))
	if out, err := command.CombinedOutput(); err == nil || bytes.Contains(out, []byte("goroutine")) {
		t.Errorf("of a file that is no text: %v\n%s", err, out)
	}
}
