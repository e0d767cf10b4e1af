package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"inkling"
	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/weights"
)

// made is a model as a training saves it; its seed makes it another one.
func made(t *testing.T, seed uint64) *inkling.Classifier {
	t.Helper()
	return &inkling.Classifier{Network: models.NewLeNet(10, seed), About: weights.Metadata{
		Inkling: "test", Architecture: "LeNet", Extra: map[string]string{"train_images": "1"}}}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// names are those of the files in a folder.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// saveTwice saves models as a training of two epochs does.
func saveTwice(t *testing.T, path string, force bool, first, last *inkling.Classifier) *saver {
	t.Helper()
	s, err := newSaver(path, force)
	if err != nil {
		t.Fatal(err)
	}
	defer s.release()
	if err := s.save(first, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.saveLast(last, 2); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSaverKeepsModels(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.pth")
	if s := saveTwice(t, path, false, made(t, 1), made(t, 2)); s.kept != "" || names(t, dir) != "model.pth" {
		t.Fatalf("a first training left %s", names(t, dir))
	}
	first := content(t, path)

	// The same training once more leaves one file.
	if s := saveTwice(t, path, false, made(t, 1), made(t, 2)); s.kept != "" || names(t, dir) != "model.pth" || !bytes.Equal(content(t, path), first) {
		t.Errorf("the same training left %s", names(t, dir))
	}

	// Others keep what was there.
	for i, want := range []string{"model.1.pth", "model.2.pth"} {
		before := content(t, path)
		s := saveTwice(t, path, false, made(t, 10), made(t, uint64(11+i)))
		if filepath.Base(s.kept) != want || !bytes.Equal(content(t, filepath.Join(dir, want)), before) {
			t.Errorf("training %d kept %q, want the old model in %s", 2+i, s.kept, want)
		}
	}
	if got := names(t, dir); got != "model.1.pth model.2.pth model.pth" {
		t.Errorf("three trainings left %s", got)
	}

	// Unless that is not wanted.
	saveTwice(t, path, true, made(t, 20), made(t, 21))
	if got := names(t, dir); got != "model.1.pth model.2.pth model.pth" {
		t.Errorf("with --force there is %s", got)
	}

	// Through a link, what it points to is kept.
	link := filepath.Join(t.TempDir(), "latest.pth")
	if os.Symlink(path, link) == nil {
		before := content(t, path)
		s := saveTwice(t, link, false, made(t, 30), made(t, 31))
		if !bytes.Equal(content(t, filepath.Join(dir, "model.3.pth")), before) {
			t.Errorf("through a link %q was kept", s.kept)
		}
	}
}

func TestSaverRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.pth")
	foreign := func(t *testing.T, path string) { // as PyTorch or another tool saves it
		if err := weights.Save(path, nn.State(models.NewLeNet(10, 1))); err != nil {
			t.Fatal(err)
		}
	}
	for name, write := range map[string]func(t *testing.T, path string){
		"foreign": foreign,
		"damaged": func(t *testing.T, path string) {
			foreign(t, path)
			if err := os.Truncate(path, 1000); err != nil {
				t.Fatal(err)
			}
		},
		"text": func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("notes"), 0o644); err != nil {
				t.Fatal(err)
			}
		},
	} {
		write(t, path)
		before := content(t, path)
		if _, err := newSaver(path, false); err == nil || !strings.Contains(err.Error(), "no training of inkling has made it: choose another name with --out, or give --force") {
			t.Errorf("%s: error %v", name, err)
		}
		if !bytes.Equal(content(t, path), before) || names(t, dir) != "model.pth" {
			t.Errorf("%s: the file was touched, or others are there: %s", name, names(t, dir))
		}
		saveTwice(t, path, true, made(t, 1), made(t, 2))
		if names(t, dir) != "model.pth" {
			t.Errorf("%s: with --force there is %s", name, names(t, dir))
		}
	}
	// An empty file, as of mktemp, is nothing to lose.
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if s := saveTwice(t, path, false, made(t, 1), made(t, 2)); s.kept != "" || names(t, dir) != "model.pth" {
		t.Errorf("an empty file was kept as %s", s.kept)
	}
}

// reacting is an output that does something when it is told of something.
type reacting struct {
	bytes.Buffer
	to map[string]func()
}

func (r *reacting) Write(p []byte) (int, error) {
	for text, act := range r.to {
		if strings.Contains(string(p), text) {
			act()
			delete(r.to, text)
		}
	}
	return r.Buffer.Write(p)
}

// TestSavesFailAndWork takes the folder away while a training runs: what is saved
// then fails, as on a full disk, and what is saved later does not.
func TestSavesFailAndWork(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a folder with an open file in it cannot be renamed on Windows")
	}
	dir := filepath.Join(t.TempDir(), "models")
	t.Setenv("TMPDIR", t.TempDir())
	away := func() {
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Error(err)
		}
	}
	back := func() {
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Error(err)
		}
	}
	options := func() *trainOptions {
		o := &trainOptions{data: "mnist", limit: 40, epochs: 3, batch: 4, rng: "go", logEvery: 10, out: filepath.Join(dir, "model.pth"), force: true}
		o.gamma, o.optimizer = 1, &optim.SGD{LR: 0.01}
		return o
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	out := &reacting{to: map[string]func(){"[1, 10] loss": away, "[2, 10] loss": back}}
	if _, err := runTraining(t.Context(), options(), newReporter(out, false)); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Count(text, "Warning: After epoch 1: cannot save") != 1 || strings.Count(text, "Warning") != 1 || !strings.Contains(text, "Training goes on") {
		t.Errorf("it said %s", text)
	}
	m, err := inkling.Open(filepath.Join(dir, "model.pth"))
	if err != nil || m.About.Extra["epochs"] != "3" {
		t.Fatalf("the model at the end: %v, %v", m, err)
	}
	want := content(t, filepath.Join(dir, "model.pth"))

	// At the end it is saved elsewhere.
	out = &reacting{to: map[string]func(){"[3, 10] loss": away}}
	_, err = runTraining(t.Context(), options(), newReporter(out, false))
	if err == nil || !strings.Contains(err.Error(), "cannot save") {
		t.Fatalf("error %v, want that it cannot be saved", err)
	}
	_, rest, _ := strings.Cut(err.Error(), "The model is in ")
	place, _, found := strings.Cut(rest, " instead: move it from there")
	if !found || !strings.HasPrefix(place, os.Getenv("TMPDIR")) || !bytes.Equal(content(t, place), want) {
		t.Errorf("error %v, want that it is saved elsewhere", err)
	}
	back()
	// What stands there is the model of the last epoch that could be saved.
	if m, err := inkling.Open(filepath.Join(dir, "model.pth")); err != nil || m.About.Extra["epochs"] != "2" {
		t.Errorf("the model of the epoch before: %v, %v", m, err)
	}
}
