package main

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Data sets as people have them are found whole, with their classes, as a folder,
// as a file and in a zip archive.
func TestDataSets(t *testing.T) {
	cases := filepath.Join("testdata", "datasets")
	digits := strings.Split("0 1 2 3 4 5 6 7 8 9", " ")
	some := []string{"3", "7", "8"}
	heldOut := "a fifth of every class, "
	for _, test := range []struct {
		path        string
		train, test int
		classes     []string
		reason      string
	}{
		{"lists/header.csv", 15, 3, some, heldOut + "3 of 18"},
		{"lists/index.csv", 15, 3, some, heldOut + "3 of 18"},
		{"lists/labelfirst.csv", 15, 3, some, heldOut + "3 of 18"},
		{"lists", 15, 3, some, "The pictures are those in the folder p."},
		{"parts/data", 18, 9, some, ""},
		{"parts", 18, 9, some, "The pictures are those in the folder data."},
		{"parts/data/training", 15, 3, some, heldOut + "3 of 18"},
		{"idx", 20, 10, digits, ""},
		{"pixels/mnist.npz", 160, 40, digits, ""},
		{"pixels/train.csv", 30, 10, digits, heldOut + "10 of 40"},
		{"pixels", 30, 10, digits, "The pictures of mnist.npz are left alone."},
	} {
		path := filepath.Join(cases, filepath.FromSlash(test.path))
		names := []string{path}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			names = append(names, zipOf(t, path, ""), zipOf(t, path, "archive/"))
		}
		for _, name := range names {
			set, err := findPictures(name)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			reason := strings.ReplaceAll(set.reason, "the folder archive/", "the folder ")
			if !strings.Contains(reason, test.reason) || len(names) == 1 && (set.reason == "") != (test.reason == "") {
				t.Errorf("%s: %q, want %q", name, reason, test.reason)
			}
			for train, want := range map[bool]int{true: test.train, false: test.test} {
				d, err := set.open(train)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if c, h, w := d.Shape(); d.Len() != want || c != 1 || h != 28 || w != 28 || !slices.Equal(d.Classes(), test.classes) {
					t.Errorf("%s, train %v: %d pictures of %dx%dx%d, classes %q, want %d of %q", name, train, d.Len(), c, h, w, d.Classes(), want, test.classes)
				}
				for i := range d.Len() {
					if _, _, err := d.Example(i); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
		}
	}
}

// zipOf packs a folder, with another around it if prefix names one, and with what
// macOS adds.
func zipOf(t *testing.T, dir, prefix string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, content []byte) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, path))
		add(prefix+path, content)
		add("__MACOSX/"+prefix+path, []byte("about"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	z.Close()
	name := filepath.Join(t.TempDir(), "data.zip")
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// The same pictures come out of all forms.
func TestDataSetsAgree(t *testing.T) {
	cases := filepath.Join("testdata", "datasets")
	sum := func(path string) (n int) {
		set, err := findPictures(filepath.Join(cases, filepath.FromSlash(path)))
		if err != nil {
			t.Fatal(err)
		}
		for _, train := range []bool{true, false} {
			d, err := set.open(train)
			if err != nil {
				t.Fatal(err)
			}
			for i := range d.Len() {
				pixels, label, err := d.Example(i)
				if err != nil {
					t.Fatal(err)
				}
				for at, v := range pixels {
					n += int(v) * (at%97 + 1) * (label + 1)
				}
			}
		}
		return n
	}
	want := sum("lists/header.csv")
	for _, other := range []string{"lists/index.csv", "lists/labelfirst.csv", "lists", "parts/data/training"} {
		if got := sum(other); got != want {
			t.Errorf("%s has other pictures or labels than lists/header.csv: %d, want %d", other, got, want)
		}
	}
}
