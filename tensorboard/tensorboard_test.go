package tensorboard

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/events.txt and events.hex anew, by protoc and python3-crcmod")

// written writes a file with one event of each kind, at a known time.
func written(t *testing.T) string {
	t.Helper()
	w, err := create(filepath.Join(t.TempDir(), "new", "run"), func() time.Time { return time.Unix(1_700_000_000, 500_000_000) })
	if err != nil {
		t.Fatal(err)
	}
	picture := image.NewRGBA(image.Rect(0, 0, 2, 1))
	picture.Set(0, 0, color.RGBA{255, 0, 0, 255})
	for _, err := range []error{
		w.Scalar("loss/train", 1, 2.5),
		w.Scalar("loss/train", 300, 0.125),
		w.Image("batch", 0, picture),
		w.Text("settings", 0, "**lr** 0.001 学习率"),
		w.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return w.Path()
}

// TestFile compares a file with one that protoc and crcmod were found to read.
func TestFile(t *testing.T) {
	path := written(t)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		text, err := exec.Command("/usr/bin/python3", "testdata/decode.py", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string][]byte{"events.txt": text, "events.hex": []byte(hex.EncodeToString(got) + "\n")} {
			if err := os.WriteFile(filepath.Join("testdata", name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	text, err := os.ReadFile("testdata/events.hex")
	if err != nil {
		t.Fatal(err)
	}
	want, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the file differs from the one that was checked: it is %x", got)
	}
}

func TestNames(t *testing.T) {
	folder := t.TempDir()
	first, err := Create(folder)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Create(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	defer second.Close()
	if first.Path() == second.Path() {
		t.Errorf("both files are %s", first.Path())
	}
	if name := filepath.Base(first.Path()); !strings.HasPrefix(name, "events.out.tfevents.") {
		t.Errorf("the file's name is %s", name)
	}
}

func TestErrorsAreKept(t *testing.T) {
	w, err := Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.file.Close()
	if err := w.Scalar("a", 1, 1); err != nil {
		t.Fatal(err) // in the buffer
	}
	if err := w.Flush(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Flush of a file that cannot be written says %v", err)
	}
	if err := w.Scalar("a", 2, 1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Scalar after an error says %v", err)
	}
	if _, err := Create(filepath.Join(w.Path(), "below a file")); err == nil {
		t.Error("a folder below a file was made")
	}
}
