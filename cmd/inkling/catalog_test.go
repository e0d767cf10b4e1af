package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestCatalogIsChecked wants all that checks a data set for every line of the catalogue:
// what there is to know of it, published sums of what is downloaded, a sentence where files are
// not there, a fuzz target for whoever reads them, and that help and completion name it.
func TestCatalogIsChecked(t *testing.T) {
	md5, git := regexp.MustCompile(`^[0-9a-f]{32}$`), regexp.MustCompile(`^[0-9a-f]{40}$`)
	readers := map[string]string{ // what reads the files, where it is not a package of the set's name
		"mnist": "idx", "fashion-mnist": "idx", "kmnist": "idx", "qmnist": "idx", "emnist": "idx", "cifar-10": "cifar", "cifar-100": "cifar",
	}
	offered, _ := completeSets(nil, nil, "")
	names := map[string]bool{}
	for _, s := range catalog() {
		name := s.fullName()
		if names[name] {
			t.Errorf("%s is there twice", name)
		}
		names[name] = true
		if s.Title == "" || s.Licence == "" || !strings.HasPrefix(s.Home, "http") || s.Bytes < 1e5 || (s.stored == "") != (s.samples != nil) {
			t.Errorf("%s lacks a title, a licence, a page, a size or how its pictures lie", name)
		}
		if s.TrainLen < 1 || s.TestLen < 1 || len(s.Classes) < 2 || min(s.Channels, s.Height, s.Width) < 1 && s.samples == nil {
			t.Errorf("%s: %d and %d pictures of %s, %d classes", name, s.TrainLen, s.TestLen, s.shape(), len(s.Classes))
		}
		if slices.Contains(s.Classes, "") || len(slices.Compact(slices.Sorted(slices.Values(s.Classes)))) != len(s.Classes) {
			t.Errorf("%s: a class has no name, or two have one: %q", name, s.Classes)
		}
		for _, f := range s.Files {
			if !md5.MatchString(f.MD5) && !git.MatchString(f.Git) || len(s.Mirrors) == 0 {
				t.Errorf("%s: %s has no published sum or no place to be downloaded from", name, f.Name)
			}
		}
		if s.get == nil {
			t.Errorf("%s cannot be downloaded", name)
		}
		if s.holds(fstest.MapFS{}) {
			t.Errorf("%s is in an empty folder", name)
		}
		if s.samples != nil {
			if _, err := s.samples(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "there is no file ") {
				t.Errorf("%s in an empty folder: %v", name, err)
			}
		}
		for _, train := range []bool{true, false} {
			if s.samples != nil {
				break
			}
			if _, err := s.open(fstest.MapFS{}, train); err == nil || !strings.Contains(err.Error(), "there is no file ") {
				t.Errorf("%s in an empty folder: %v", name, err)
			}
		}
		if !slices.ContainsFunc(offered, func(offer string) bool { return offer == name || strings.HasPrefix(offer, name+"\t") }) {
			t.Errorf("%s is not offered where a data set's name is completed: %q", name, offered)
		}
		reader := s.Name
		if s.samples != nil {
			reader = "corpora"
		}
		if other := readers[reader]; other != "" {
			reader = other
		}
		tests, _ := filepath.Glob(filepath.Join("..", "..", "data", reader, "*_test.go"))
		if !slices.ContainsFunc(tests, func(path string) bool {
			source, err := os.ReadFile(path)
			return err == nil && bytes.Contains(source, []byte("\nfunc Fuzz"))
		}) {
			t.Errorf("%s: package data/%s, which reads it, has no fuzz target", name, reader)
		}
	}
}
