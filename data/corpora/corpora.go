// Package corpora knows data sets of texts and of recordings that are published, gets
// their files and opens them: questions, reviews, messages, titles of news, spoken digits.
//
// The files are those of public repositories at one commit, so that they stay what they
// are, and are compared with the sums that Git has of them. Where the authors have not
// divided a set, a fifth of every class, always the same, is tested with.
package corpora

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"inkling/data/archive"
	"inkling/data/download"
	"inkling/data/parts"
	"inkling/data/published"
	"inkling/data/samples"
	"inkling/text"
)

// A Set is a published data set of texts or recordings.
type Set struct {
	published.Set
	Kind samples.Kind

	open func(s *Set, fsys fs.FS) (*samples.Set, error)
}

// Holds tells whether all files are in a folder. It does not read them.
func (s *Set) Holds(fsys fs.FS) bool {
	for _, f := range s.Files {
		if info, err := fs.Stat(fsys, f.Name); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}

// Open reads what is in a folder with the published files. Labels are names of Classes.
func (s *Set) Open(fsys fs.FS) (*samples.Set, error) {
	for _, f := range s.Files {
		if _, err := fs.Stat(fsys, f.Name); err != nil {
			return nil, fmt.Errorf("there is no file %s", f.Name)
		}
	}
	found, err := s.open(s, fsys)
	if err != nil {
		return nil, err
	}
	if len(found.Items) == 0 {
		return nil, fmt.Errorf("there is nothing in it: get it again")
	}
	return found, nil
}

// Download gets the files into a folder, see [published.Set.Download].
func (s *Set) Download(ctx context.Context, dir string, o download.Options) error {
	return s.Set.Download(ctx, dir, nil, o)
}

// read calls f with every line of a file that is not empty. What is not UTF-8 is Latin-1,
// as older sets have it.
func read(fsys fs.FS, name string, f func(line string) error) error {
	file, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, text.MaxBytes)
	n := 0
	for lines.Scan() {
		n++
		line := lines.Text()
		if !utf8.ValidString(line) {
			line = latin1(line)
		}
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if strings.ContainsRune(line, 0) {
			err = errors.New("it is no text")
		} else {
			err = f(line)
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", name, n, err)
		}
		if n > samples.MaxItems {
			return fmt.Errorf("%s has more than %d lines", name, samples.MaxItems)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s, line %d: %w", name, n+1, err)
	}
	return nil
}

func latin1(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// add adds a text, whose label is the number of a class, unless it is empty.
func (s *Set) add(to *samples.Set, label, content, name string, part parts.Part) error {
	class := -1
	for i := range s.Classes {
		if label == fmt.Sprint(i) {
			class = i
		}
	}
	if class < 0 {
		return fmt.Errorf("want a text and the number of a class from 0 to %d, got %.60q and %.20q", len(s.Classes)-1, content, label)
	}
	content = strings.TrimSpace(content)
	if content == "" {
		return nil // one of the customers said nothing
	}
	to.Items = append(to.Items, samples.Item{Label: s.Classes[class], Text: content, Where: name, Part: part})
	return nil
}

// numbered opens files of lines with the number of a class in front.
func numbered(s *Set, fsys fs.FS) (*samples.Set, error) {
	to := &samples.Set{Kind: samples.Texts, Form: "set", FS: fsys}
	for _, f := range s.Files {
		part, _ := parts.Of(strings.TrimSuffix(f.Name, path.Ext(f.Name)))
		if strings.HasPrefix(f.Name, "stsa.binary.") {
			part, _ = parts.Of(strings.TrimPrefix(f.Name, "stsa.binary."))
		}
		err := read(fsys, f.Name, func(line string) error {
			label, content, _ := strings.Cut(line, " ")
			return s.add(to, label, content, f.Name, part)
		})
		if err != nil {
			return nil, err
		}
	}
	return to, nil
}

// byFile opens a file for each class, in their order.
func byFile(s *Set, fsys fs.FS) (*samples.Set, error) {
	to := &samples.Set{Kind: samples.Texts, Form: "set", FS: fsys}
	for i, f := range s.Files {
		err := read(fsys, f.Name, func(line string) error {
			return s.add(to, fmt.Sprint(i), line, f.Name, parts.None)
		})
		if err != nil {
			return nil, err
		}
	}
	return to, nil
}

// tabbed opens the files of a part each that have a text, a tab and the number of a class;
// class.txt, which names these, is known.
func tabbed(s *Set, fsys fs.FS) (*samples.Set, error) {
	to := &samples.Set{Kind: samples.Texts, Form: "set", FS: fsys}
	for _, f := range s.Files {
		part, _ := parts.Of(strings.TrimSuffix(f.Name, path.Ext(f.Name)))
		err := read(fsys, f.Name, func(line string) error {
			at := strings.LastIndexByte(line, '\t')
			if at < 0 {
				return fmt.Errorf("there is no tab in it: %.60q", line)
			}
			return s.add(to, strings.TrimSpace(line[at+1:]), line[:at], f.Name, part)
		})
		if err != nil {
			return nil, err
		}
	}
	return to, nil
}

// table opens one table with a header, whose labels are numbers of classes, or their names.
func table(s *Set, fsys fs.FS) (*samples.Set, error) {
	to, err := samples.OpenTable(fsys, s.Files[0].Name, samples.Options{})
	if err != nil {
		return nil, err
	}
	to.Form = "set"
	for i := range to.Items {
		item := &to.Items[i]
		named := false
		for k, class := range s.Classes {
			if item.Label == fmt.Sprint(k) || item.Label == class {
				item.Label, named = class, true
				break
			}
		}
		if !named {
			return nil, fmt.Errorf("%s: want the number of a class from 0 to %d, got %.20q", item.Where, len(s.Classes)-1, item.Label)
		}
	}
	return to, nil
}

// zipped opens a zip archive that has recordings in a folder.
func zipped(s *Set, fsys fs.FS) (*samples.Set, error) {
	f := s.Files[0]
	file, err := fsys.Open(f.Name)
	if err != nil {
		return nil, err
	}
	// It stays open as long as its recordings may be read.
	at, ok := file.(io.ReaderAt)
	info, err := file.Stat()
	if !ok || err != nil {
		file.Close()
		return nil, fmt.Errorf("%s cannot be read at any place: unpack it", f.Name)
	}
	inside, err := archive.OpenZip(at, info.Size())
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	below, err := folderIn(inside, f.Folder)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	found, err := samples.Find(below, samples.Options{})
	if err == nil && (found == nil || found.Kind != s.Kind) {
		err = fmt.Errorf("its folder %s has no %s", f.Folder, s.Kind)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	found.Form, found.Notes = "set", nil
	return found, nil
}

// folderIn is a folder of an archive, or of the one folder that is in it.
func folderIn(fsys fs.FS, folder string) (fs.FS, error) {
	names, err := fs.Glob(fsys, "*/"+folder)
	if err != nil {
		return nil, err
	}
	for _, name := range append(names, folder) {
		if info, err := fs.Stat(fsys, name); err == nil && info.IsDir() {
			return fs.Sub(fsys, name)
		}
	}
	return nil, fmt.Errorf("there is no folder %s in it", folder)
}
