package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"inkling"
	"inkling/internal/atomicfile"
	"inkling/weights"
)

// A saver saves the model of a training under the name of --out, so that no
// model is lost: neither the one that was there before, nor the new one if the
// disk is full, nor that of another training that writes the same file.
type saver struct {
	path    string
	force   bool
	release func()

	begun bool   // a model was saved, so what is there is this training's
	kept  string // where the file went that was there before, if there was one
	epoch int    // of the model that is saved, 0 if none is
}

// newSaver claims the file, and refuses to if the training could not save its
// model there in the end. Nothing is touched. Release lets go of it.
func newSaver(path string, force bool) (*saver, error) {
	if err := checkSavable(path); err != nil {
		return nil, err
	}
	s := &saver{path: path, force: force}
	if !force {
		if err := checkReplaceable(path); err != nil {
			return nil, err
		}
	}
	release, err := atomicfile.Hold(path)
	var held *atomicfile.HeldError
	if errors.As(err, &held) {
		return nil, fmt.Errorf("%w with --out", err)
	}
	s.release = release
	return s, err
}

var errProbe = errors.New("the file can be written")

// checkSavable reports, without touching what is there, whether a model can be
// saved at path: nobody wants to hear of a missing folder after the training.
func checkSavable(path string) error {
	switch ending := strings.ToLower(filepath.Ext(path)); {
	case ending == ".npy":
		return usagef("--out %s: a .npy holds one array, and a model has several; save a .npz, which holds them all", path)
	case !slices.Contains(convertible, ending):
		return usagef("--out %s: a model's name ends in .pth, .pt, .safetensors, .npz or .onnx", path)
	}
	err := atomicfile.Write(path, func(io.Writer) error { return errProbe })
	if errors.Is(err, errProbe) {
		return nil
	}
	return err
}

// checkReplaceable refuses to replace a file that no training of ours has made,
// unless it is empty. A model of a training may be replaced: it is kept.
func checkReplaceable(path string) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return nil // if it cannot be looked at, it cannot be replaced either
	}
	file, err := weights.Read(path)
	if err == nil && file.Metadata != nil && file.Metadata.Inkling != "" && file.Metadata.Extra["train_images"] != "" {
		return nil
	}
	return fmt.Errorf("%s is there already, and no training of inkling has made it: choose another name with --out, or give --force to replace it", path)
}

// save saves the model as it is after an epoch. What was there before the
// training keeps its content under another name.
func (s *saver) save(m *inkling.Classifier, epoch int) error {
	if !s.begun && !s.force {
		kept, err := keep(s.path)
		if err != nil {
			return fmt.Errorf("cannot save %s: the file that is there could not be kept under another name (%w); choose another name with --out", s.path, err)
		}
		s.kept = kept
	}
	if err := m.Save(s.path); err != nil {
		if s.kept != "" && !s.begun && sameFile(s.kept, s.path) { // nothing was replaced
			os.Remove(s.kept)
			s.kept = ""
		}
		return err
	}
	s.begun, s.epoch = true, epoch
	return nil
}

func sameFile(a, b string) bool {
	is, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(is, other)
}

// saveLast saves the model at the end of a training. If it cannot, it saves it
// somewhere else, and the error says where.
func (s *saver) saveLast(m *inkling.Classifier, epoch int) error {
	err := s.save(m, epoch)
	if err == nil {
		s.compare()
		return nil
	}
	for _, parent := range []func() (string, error){
		func() (string, error) { return os.TempDir(), nil }, os.UserCacheDir, os.UserHomeDir,
	} {
		dir, dirErr := parent()
		if dirErr != nil {
			continue
		}
		if dir, dirErr = os.MkdirTemp(dir, "inkling-"); dirErr != nil {
			continue
		}
		place := filepath.Join(dir, filepath.Base(s.path))
		if m.Save(place) == nil {
			return fmt.Errorf("%w. The model is in %s instead: move it from there", err, place)
		}
		os.Remove(dir)
	}
	return err
}

// compare drops the old file if the new one is the same: the training was done
// before, and one of them is enough.
func (s *saver) compare() {
	if s.kept == "" {
		return
	}
	before, err1 := os.ReadFile(s.kept)
	now, err2 := os.ReadFile(s.path)
	if err1 == nil && err2 == nil && bytes.Equal(before, now) && os.Remove(s.kept) == nil {
		s.kept = ""
	}
}

// keep gives the file at path a second name: NAME.1.pth, or the next number that
// is free. It returns that name, or "" if there is no file, or nothing in it.
func keep(path string) (string, error) {
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return "", nil
	}
	old, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	ending := filepath.Ext(old)
	const most = 10_000
	for n := 1; n < most; n++ {
		name := fmt.Sprintf("%s.%d%s", strings.TrimSuffix(old, ending), n, ending)
		if _, err := os.Lstat(name); err == nil {
			if sameFile(name, old) {
				return name, nil // a training was killed when it had come so far
			}
			continue
		}
		err := os.Link(old, name)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = copyFile(old, name) // not every file system has links
		}
		if !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
	return "", fmt.Errorf("%d files are kept already", most-1)
}

// copyFile copies a file to a name that must be free.
func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return atomicfile.Write(to, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
