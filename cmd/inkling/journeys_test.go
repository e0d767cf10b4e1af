//go:build unix && !purego

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"inkling/data/emnist"
	"inkling/data/idx"
	"inkling/data/mnist/embedded"
	"inkling/feedback"
	"inkling/internal/realdata"
	"inkling/weights/npy"
)

// Every command line that README.md, README.zh-CN.md and the examples of --help
// give is run here, word for word, by a shell, in a folder that has what they name.
// What is put behind them for the sake of time, and which are not run, is said in
// the tables below and nowhere else.

// journeyFlags are put behind the lines of a command that do not have them.
var journeyFlags = map[string][]string{
	"train":   {"--limit 300"},
	"demo":    {"--limit 300", "--addr 127.0.0.1:0"},
	"serve":   {"--addr 127.0.0.1:0"},
	"bench":   {"--runs 1", "--length 0s"},
	"find-lr": {"--steps 20", "--limit 300"},
}

// placeholders are words of README.md that stand for names.
var placeholders = strings.NewReplacer("[MODEL]", "", "MODEL", "model.pth", "PICTURE...", "seven.png", "PICTURE", "seven.png", "DIR", "photos", "IN OUT", "model.pth other.pth", "FILE.csv", "list.csv", "FILE", "drawings.jsonl")

// notRun are the beginnings of lines that are not run, and why. A $ is at the end.
var notRun = []struct{ begins, why string }{
	{"inkling feedback export$", "it is a name in a table; the example with its flags is run"},
	{"inkling data get", "it downloads from the network; testdata/script/data_mirror.txtar downloads from a server of its own"},
	{"go run -tags purego", "scripts/test runs all tests with -tags purego"},
	{"/usr/bin/time", "it is inkling train, measured"},
}

// documented returns the command lines of the documentation.
func documented(t *testing.T) []string {
	t.Helper()
	var all []string
	add := func(line string) {
		line, _, _ = strings.Cut(line, "   ") // behind it is what it does
		line, _, _ = strings.Cut(line, " # ")
		line = strings.TrimSpace(strings.Replace(line, "go run ./cmd/inkling", "inkling", 1))
		if !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	quoted := regexp.MustCompile("`(?:go run [^`]*)?[^`\n]*\\binkling [a-z][^`\n]*`")
	block := regexp.MustCompile(`(?m)^(?:go run \./cmd/)?inkling [a-z].*$`)
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range quoted.FindAllString(string(text), -1) {
			if !strings.HasPrefix(line, "`go install") {
				add(strings.Trim(line, "`"))
			}
		}
		for _, line := range block.FindAllString(string(text), -1) {
			add(line)
		}
	}
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			if strings.Contains(line, "inkling") {
				add(line)
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	root := newRoot()
	visit(root)
	return all
}

func TestJourneys(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the command many times")
	}
	lines := documented(t)
	if len(lines) < 50 {
		t.Errorf("the documentation has only %d command lines", len(lines))
	}
	things := t.TempDir()
	makeThings(t, things)
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			for _, not := range notRun {
				if strings.HasPrefix(line+"$", not.begins) {
					t.Skip("not run: " + not.why)
				}
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(things)); err != nil {
				t.Fatal(err)
			}
			journey(t, dir, line)
		})
	}
}

// Drawings that people corrected become data to train on and strokes to test with,
// as the help of feedback export says.
func TestFeedbackJourney(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the command many times")
	}
	dir := t.TempDir()
	makeThings(t, dir)
	for _, line := range []string{
		"inkling feedback export --feedback drawings.db --out mine",
		"inkling train --data mine",
		"inkling eval-strokes mine/strokes.jsonl",
	} {
		journey(t, dir, line)
	}
}

// journey runs a line in a folder. A server has to answer, and to end when it is
// told to.
func journey(t *testing.T, dir, line string) {
	t.Helper()
	line = placeholders.Replace(line)
	name := regexp.MustCompile(`\binkling ([\w-]+)`).FindStringSubmatch(line)[1]
	for _, flag := range journeyFlags[name] {
		if strings.Contains(line, "--resume") {
			break // the run has them
		}
		if flagName, _, _ := strings.Cut(flag, " "); !strings.Contains(line, flagName+" ") || flagName == "--addr" {
			line += " " + flag
		}
	}
	words := strings.Fields(line)
	switch { // what is written must not be there
	case name == "convert" && !strings.Contains(line, "--force"):
		if err := os.Remove(filepath.Join(dir, words[3])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	case name == "feedback":
		if err := os.RemoveAll(filepath.Join(dir, "mine")); err != nil {
			t.Fatal(err)
		}
	}
	// Other names of pictures and models stand for those that are there.
	for i, word := range words {
		written := strings.HasPrefix(words[max(i-1, 0)], "--") || name == "convert" && i == 3
		stand := map[string]string{".png": "seven.png", ".jpg": "scans/1.jpg", ".pth": "model.pth", ".safetensors": "model.safetensors", ".onnx": "model.onnx"}[filepath.Ext(word)]
		if _, err := os.Stat(filepath.Join(dir, word)); written || stand == "" || strings.ContainsAny(word, "*~/") || err == nil {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, stand))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, word), content, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("sh", "-c", "exec "+line)
	if strings.Contains(line, "|") {
		command = exec.Command("sh", "-c", line)
	}
	command.Dir = dir
	command.Env = append(os.Environ(), runAsCommand+"=1", "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"),
		"HOME="+filepath.Join(dir, "home"), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer command.Process.Kill()
	timer := time.AfterFunc(3*time.Minute, func() { command.Process.Kill() })
	defer timer.Stop()

	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)
	var printed strings.Builder
	served := false
	for lines := bufio.NewReader(out); ; {
		text, err := lines.ReadString('\n')
		printed.WriteString(text)
		if page := address.FindString(text); page != "" && !served {
			served = true
			response, err := http.Get(page)
			if err != nil {
				t.Error(err)
			} else {
				if content, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK || !bytes.Contains(content, []byte("Inkling")) {
					t.Errorf("%s answers %s, %v", page, response.Status, err)
				}
				response.Body.Close()
			}
			command.Process.Signal(syscall.SIGTERM)
		}
		if err != nil {
			break
		}
	}
	if err := command.Wait(); err != nil {
		t.Errorf("%s: %v\n%s%s", line, err, printed.String(), stderr.String())
	}
	if printed.Len() == 0 {
		t.Errorf("%s printed nothing", line)
	}
	if wanted := (name == "serve" || name == "demo" && !strings.Contains(line, "--no-serve")); served != wanted {
		t.Errorf("%s: a page was shown: %v, want %v\n%s", line, served, wanted, printed.String())
	}
}

// makeThings makes what the documentation names: models, pictures, data and
// drawings, the cache with EMNIST, and programs that are not ours.
func makeThings(t *testing.T, dir string) {
	t.Helper()
	path := func(name string) string {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		return p
	}
	write := func(name string, content []byte) {
		if err := os.WriteFile(path(name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	copyFrom := func(name, from string) {
		content, err := os.ReadFile(filepath.FromSlash(from))
		if err != nil {
			t.Fatal(err)
		}
		write(name, content)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := func(name, script string) {
		if err := os.WriteFile(path("bin/"+name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program("inkling", "exec '"+self+"' \"$@\"")
	program("curl", "cat seven.png")
	for _, name := range []string{"xdg-open", "x-www-browser", "www-browser", "open"} {
		program(name, "exit 0")
	}

	makeSamples(t, dir)
	writeHomes(t, filepath.Join(dir, "homes.csv"), 100)

	// Pictures of digits, and of stripes in colour by class.
	d, err := embedded.Test()
	if err != nil {
		t.Fatal(err)
	}
	pixels, _, err := d.Example(0)
	if err != nil {
		t.Fatal(err)
	}
	seven := onPaper(&image.Gray{Pix: pixels, Stride: 28, Rect: image.Rect(0, 0, 28, 28)}, 8)
	encode := func(name string, img image.Image) {
		var b bytes.Buffer
		err := png.Encode(&b, img)
		if strings.HasSuffix(name, ".jpg") {
			b.Reset()
			err = jpeg.Encode(&b, img, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		write(name, b.Bytes())
	}
	for _, name := range []string{"seven.png", "digit.png", "scans/1.jpg", "scans/2.jpg"} {
		encode(name, seven)
	}
	const side, classes = 32, 4
	pictures, labels := stripes(rand.New(rand.NewPCG(1, 1)), 80, classes, side)
	var list strings.Builder
	for i, label := range labels {
		gray := &image.Gray{Pix: pictures.Pixels[i*side*side : (i+1)*side*side], Stride: side, Rect: image.Rect(0, 0, side, side)}
		for _, folder := range []string{"photos", "home/photos"} {
			encode(fmt.Sprintf("%s/class%d/%d.png", folder, label, i), coloured(gray, 60*label))
		}
		fmt.Fprintf(&list, "photos/class%d/%d.png,%d\n", label, i, label)
	}
	write("list.csv", []byte(list.String()))
	frog := image.NewRGBA(image.Rect(0, 0, 48, 48))
	for i := range 48 * 48 {
		frog.Set(i%48, i/48, color.RGBA{byte(i), 200, byte(i / 48), 255})
	}
	encode("frog.jpg", frog)

	// The files of a data set, and EMNIST's in the cache.
	files := func(folder, train, test string, from *idx.Images, labels []byte) {
		var images, numbers bytes.Buffer
		if err := idx.WriteImages(&images, from); err != nil {
			t.Fatal(err)
		}
		if err := idx.WriteLabels(&numbers, labels); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{train, test} {
			write(folder+"/"+part+"-images-idx3-ubyte", images.Bytes())
			write(folder+"/"+part+"-labels-idx1-ubyte", numbers.Bytes())
		}
	}
	digits, digitLabels := stripes(rand.New(rand.NewPCG(2, 2)), 100, 10, 28)
	files("home/fashion-mnist", "train", "t10k", digits, digitLabels)
	published, err := realdata.EMNISTTest()
	if err != nil {
		t.Fatal(err)
	}
	upright, err := emnist.Open(published, "mnist", false, emnist.Raw)
	if err != nil {
		t.Fatal(err)
	}
	some := &idx.Images{Count: 400, Height: 28, Width: 28}
	var someLabels []byte
	for i := range some.Count {
		pixels, label, err := upright.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		some.Pixels, someLabels = append(some.Pixels, pixels...), append(someLabels, byte(label))
	}
	files("cache/inkling/emnist", "emnist-mnist-train", "emnist-mnist-test", some, someLabels)
	pack(t, filepath.Join(dir, "cache", "inkling", "emnist"))

	// Models: of PyTorch, of this command, in other formats.
	copyFrom("pytorch.pth", "../../weights/testdata/trained_emnist/model.pth")
	copyFrom("whole.pth", "../../weights/pth/testdata/whole_module.pth")
	copyFrom("resnet18.pth", "../../weights/pth/testdata/net_parallel.pth")
	t.Chdir(dir)
	var blank bytes.Buffer
	array := npy.New("", []int{1, 1, 28, 28}, make([]float32, 28*28))
	if err := npy.Write(&blank, &array); err != nil {
		t.Fatal(err)
	}
	write("picture.npy", blank.Bytes())
	for _, line := range []string{
		"train --data mnist --limit 2000 --epochs 1 --lr 0.003 --log-every 0 --out model.pth",
		"convert model.pth model.npz",
		"convert model.pth model.onnx",
		"run model.onnx --input picture.npy --output expected",
		"convert model.pth model.safetensors",
		"train --data photos --epochs 1 --log-every 0 --out cifar.pth",
	} {
		command(t, strings.Fields(line)...)
	}
	copyFrom("expected.npy", filepath.Join("expected", "logits.npy"))
	write("names.txt", []byte("zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n"))

	// Drawings.
	strokes, err := realdata.PenDigits()
	if err != nil {
		t.Fatal(err)
	}
	var drawings bytes.Buffer
	writer := regexp.MustCompile(`"writer":"\w+"`)
	lines := bufio.NewScanner(strokes)
	lines.Buffer(nil, 1<<20)
	for n := 0; n < 40 && lines.Scan(); n++ {
		fmt.Fprintln(&drawings, writer.ReplaceAllString(lines.Text(), `"writer":"`+[]string{"anna", "bob"}[n%2]+`"`))
	}
	write("drawings.jsonl", drawings.Bytes())
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(drawings.Bytes())
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write("strokes.jsonl.gz", packed.Bytes())
	store, err := feedback.Open("drawings.db")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		label := i % 10
		pixels, _, err := d.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Add(t.Context(), feedback.Drawing{Time: time.UnixMilli(int64(i)), Strokes: `{"strokes":[[[70,60],[210,60],[130,230]]]}`, Picture: pixels, Preprocess: "emnist",
			Model: "the built-in LeNet", Prediction: "7", Label: strconv.Itoa(label), LabelIndex: label}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	command(t, "feedback", "export", "--feedback", "drawings.db", "--out", "mine")

	write("rates.yaml", []byte("trials: 2\nepochs: [1]\nfixed: {data: mnist, limit: 200}\nsearch: {lr: [0.01, 0.001]}\n"))

	// A run to go on with.
	journey(t, dir, "inkling train --run first --val-split 0.1 --out first.pth")
	journey(t, dir, "inkling train --run second --epochs 1 --out second.pth")
}

// pack gzips all files of a folder.
func pack(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(content)
		if err := z.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(path+".gz", b.Bytes(), 0o644); err != nil {
			return err
		}
		return os.Remove(path)
	})
	if err != nil {
		t.Fatal(err)
	}
}
