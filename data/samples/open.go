package samples

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"inkling/data"
	"inkling/data/folder"
	"inkling/data/parts"
	"inkling/internal/wording"
	"inkling/text"
)

// recordingEndings are those of files that package sound reads, or says that it does not.
var recordingEndings = []string{".wav", ".wave", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".webm"}

// KindOfTable tells whether a file is a table of texts or of vectors, "" if it is neither: by
// its ending and by the options, else, as tables may be of pictures, too, by whether it has a
// column of texts and names no files of pictures, or has numbers that are not those of
// pictures.
func KindOfTable(fsys fs.FS, name string, o Options) Kind {
	if !slices.Contains(endings, endingOf(name)) {
		return ""
	}
	switch {
	case len(o.Columns) > 0:
		return Vectors
	case o.TextColumn != "":
		return Texts
	}
	// What is wrong further down is said when it is opened.
	if first, _ := lookAt(fsys, name); len(first) > 0 && looksLikeVectors(first) {
		return Vectors
	}
	if o.LabelColumn != "" || endingOf(name) == ".jsonl" || endingOf(name) == ".ndjson" || hasTexts(fsys, name) {
		return Texts
	}
	return ""
}

// hasTexts tells whether lines mostly have a text, and no names of pictures.
func hasTexts(fsys fs.FS, name string) bool {
	letters, fields, pictures := 0, 0, 0
	// What is wrong further down is said when it is opened, if it began as texts.
	_ = rows(fsys, name, func(x row) error {
		longest := ""
		for _, field := range x.fields {
			if len(field) > len(longest) {
				longest = field
			}
			if folder.IsPicture(path.Base(field)) {
				pictures++
			}
		}
		if fields++; wordsIn(longest) {
			letters++
		}
		if fields == 60 {
			return errEnough
		}
		return nil
	})
	return fields > 0 && 2*letters > fields && 4*pictures < fields
}

// wordsIn tells a text from a name or a number: it has letters, and a space or signs of
// Chinese.
func wordsIn(s string) bool {
	letters, spaces, wide := 0, 0, 0
	for _, r := range s {
		switch {
		case r == ' ':
			spaces++
		case r >= 0x2e80:
			wide++
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127:
			letters++
		}
	}
	return letters > 2 && spaces > 0 || wide > 1
}

// OpenTable opens one table. That of a part, such as train.tsv, has those beside it that
// belong to it opened too.
func OpenTable(fsys fs.FS, name string, o Options) (*Set, error) {
	s := &Set{Kind: cmp.Or(KindOfTable(fsys, name, o), Texts), Form: "table", FS: fsys}
	var bytes int64
	part, _ := parts.Of(stem(name))
	if part != parts.Train {
		if err := s.add(name, parts.None, o, &bytes); err != nil {
			return s, err
		}
		return s, s.measure(o)
	}
	if err := s.add(name, parts.Train, o, &bytes); err != nil {
		return s, err
	}
	if err := s.beside(path.Dir(name), name, o, &bytes); err != nil {
		return s, err
	}
	return s, s.measure(o)
}

// add adds the rows of a file.
func (s *Set) add(name string, part parts.Part, o Options, bytes *int64) error {
	if s.Kind == Vectors {
		return s.vectors(name, part, o)
	}
	return s.table(name, part, o, bytes)
}

func stem(name string) string {
	name = strings.TrimSuffix(path.Base(name), ".gz")
	return strings.TrimSuffix(name, path.Ext(name))
}

// beside adds tables in a folder that are parts as name is, with its ending.
func (s *Set) beside(dir, name string, o Options, bytes *int64) error {
	entries, err := fs.ReadDir(s.FS, dir)
	if err != nil {
		return err
	}
	_, frame := parts.Of(stem(name))
	for _, e := range entries {
		other := path.Join(dir, e.Name())
		part, own := parts.Of(stem(e.Name()))
		if e.IsDir() || other == name || part == parts.None || part == parts.Train || own != frame || endingOf(other) != endingOf(name) {
			continue
		}
		if err := s.add(other, part, o, bytes); err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
		s.note("%s is the part %s.", e.Name(), part)
	}
	return nil
}

// Find opens what lies in a folder: tables of texts called after their parts, recordings, or
// texts in files, in a folder for every class. It returns nil if there is none of these.
func Find(fsys fs.FS, o Options) (*Set, error) {
	if s, err := findTables(fsys, o); s != nil || err != nil {
		return s, err
	}
	s, err := findFiles(fsys, o)
	if s == nil || err != nil {
		return s, err
	}
	if o.Labels == "" {
		o.Labels = data.ClassLabels // the names of folders and files
	}
	return s, s.measure(o)
}

func findTables(fsys fs.FS, o Options) (*Set, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var tables []string
	for _, e := range entries {
		if !e.IsDir() && slices.Contains(endings, endingOf(e.Name())) && endingOf(e.Name()) != ".txt" && KindOfTable(fsys, e.Name(), o) != "" {
			tables = append(tables, e.Name())
		}
	}
	if len(tables) > 0 && o.TextColumn == "" && o.LabelColumn == "" && len(o.Columns) == 0 {
		// A table beside pictures tells of these, unless its columns are named.
		if pictures, err := holdsPictures(fsys); pictures || err != nil {
			return nil, err
		}
	}
	for _, name := range tables {
		if part, _ := parts.Of(stem(name)); part == parts.Train {
			s, err := OpenTable(fsys, name, o)
			s.Form = "folder"
			return s, err
		}
	}
	switch len(tables) {
	case 0:
		return nil, nil
	case 1:
		s, err := OpenTable(fsys, tables[0], o)
		s.Form = "folder"
		return s, err
	}
	return nil, fmt.Errorf("there are several tables in it (%s), and none is called train: name one of them", strings.Join(tables[:min(len(tables), 6)], ", "))
}

// holdsPictures tells whether there are pictures in the folder or below.
func holdsPictures(fsys fs.FS) (bool, error) {
	found := false
	err := fs.WalkDir(fsys, ".", func(name string, _ fs.DirEntry, err error) error {
		if found = folder.IsPicture(path.Base(name)); found {
			return errEnough
		}
		return err
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// findFiles looks for recordings and texts in the folder and below.
func findFiles(fsys fs.FS, o Options) (*Set, error) {
	const deepest = 6
	var recordings, texts []string
	other := 0
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case name != "." && (strings.HasPrefix(base, ".") || base == "__MACOSX"):
			if e.IsDir() {
				return fs.SkipDir
			}
		case e.IsDir():
			if strings.Count(name, "/") >= deepest {
				return fs.SkipDir
			}
		case slices.Contains(recordingEndings, strings.ToLower(path.Ext(name))):
			recordings = append(recordings, name)
		case strings.ToLower(path.Ext(name)) == ".txt":
			texts = append(texts, name)
		default:
			if other++; other > 1000 && len(recordings)+len(texts) == 0 {
				return errEnough // it is full of something else
			}
		}
		if len(recordings)+len(texts) > MaxItems {
			return fmt.Errorf("there are more than %d files, want fewer", MaxItems)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	inFolders := slices.DeleteFunc(slices.Clone(texts), func(name string) bool { return path.Dir(name) == "." })
	switch {
	case len(recordings) > 0 && len(recordings) >= len(inFolders):
		s := &Set{Kind: Recordings, Form: "folder", FS: fsys}
		return s, s.recordings(recordings, o)
	case len(inFolders) > other:
		s := &Set{Kind: Texts, Form: "folder", FS: fsys}
		return s, s.files(inFolders, func(item *Item, name string) error {
			file, err := fsys.Open(name)
			if err != nil {
				return err
			}
			defer file.Close()
			content, err := io.ReadAll(io.LimitReader(file, text.MaxBytes+1))
			switch {
			case err != nil:
				return err
			case len(content) > text.MaxBytes:
				return fmt.Errorf("%s has more than %d bytes, want fewer: divide it", name, text.MaxBytes)
			}
			if of := what(content[:min(len(content), 512)]); of != "" {
				return fmt.Errorf("%s is no text, but %s", name, of)
			}
			item.Text = strings.TrimSpace(strings.ToValidUTF8(string(content), "\x00"))
			if strings.Contains(item.Text, "\x00") {
				return fmt.Errorf("%s is not UTF-8: save it as UTF-8, or take it out", name)
			}
			return nil
		})
	}
	return nil, nil
}

// files adds files in folders: of the classes, or of parts with those of the classes in them.
func (s *Set) files(names []string, read func(item *Item, name string) error) error {
	empty, firstEmpty := 0, ""
	for _, name := range names {
		folders := strings.Split(path.Dir(name), "/")
		item := Item{File: name, Where: name, Label: folders[len(folders)-1]}
		if folders[0] == "." {
			return fmt.Errorf("%s lies in no folder, and its class is not known: put the %s of every class in a folder of their own, or tell with --names how the names tell it, such as {class}_{speaker}_{number}", name, s.Kind)
		}
		for _, folder := range folders[:len(folders)-1] {
			if parts.Plain(folder) {
				item.Part, _ = parts.Of(folder)
			}
		}
		if len(folders) == 1 && parts.Plain(folders[0]) {
			return fmt.Errorf("%s lies in a folder of a part, and its class is not known: put the %s of every class in a folder of their own in it", name, s.Kind)
		}
		if err := read(&item, name); err != nil {
			return err
		}
		if s.Kind == Texts && item.Text == "" {
			if empty++; empty == 1 {
				firstEmpty = name
			}
			continue
		}
		s.Items = append(s.Items, item)
	}
	if empty > 0 {
		s.note("%s without a text left out, the first %s.", wording.Number(empty, "file"), firstEmpty)
	}
	return nil
}

// fsdd is how the Free Spoken Digit Dataset names its files; of each digit and speaker
// those with numbers below 5 are the authors' test set.
const (
	fsdd     = "{class}_{speaker}_{number}"
	fsddTest = "number<5"
)

func (s *Set) recordings(names []string, o Options) error {
	pattern, guessed := o.Names, false
	flat := !slices.ContainsFunc(names, func(name string) bool { return path.Dir(name) != path.Dir(names[0]) })
	if pattern == "" && flat {
		guessed = !slices.ContainsFunc(names, func(name string) bool { return !fsddName.MatchString(stem(name)) })
		if guessed {
			pattern, s.natural = fsdd, fsddTest
			s.note("The names are taken for CLASS_SPEAKER_NUMBER, as those of the Free Spoken Digit Dataset.")
		}
	}
	if pattern == "" {
		return s.files(names, func(*Item, string) error { return nil })
	}
	matcher, fields, err := parsePattern(pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		found := matcher.FindStringSubmatch(stem(name))
		if found == nil {
			return fmt.Errorf("the name of %s is not as %s has it", name, pattern)
		}
		item := Item{File: name, Where: name, Names: map[string]string{}}
		for i, field := range fields {
			item.Names[field] = found[i+1]
		}
		item.Label = item.Names["class"]
		s.Items = append(s.Items, item)
	}
	return nil
}

var fsddName = regexp.MustCompile(`^[0-9]+_[A-Za-z]+_[0-9]+$`)

// parsePattern makes an expression of a pattern with fields in braces.
func parsePattern(pattern string) (*regexp.Regexp, []string, error) {
	pattern = strings.TrimSuffix(strings.TrimSuffix(pattern, ".wav"), ".flac")
	var fields []string
	expression := strings.Builder{}
	rest := pattern
	for {
		before, after, found := strings.Cut(rest, "{")
		expression.WriteString(regexp.QuoteMeta(before))
		if !found {
			break
		}
		field, behind, closed := strings.Cut(after, "}")
		if !closed || field == "" || slices.Contains(fields, field) {
			return nil, nil, fmt.Errorf("the pattern %q is no row of names in braces, each once, such as {class}_{speaker}_{number}", pattern)
		}
		fields = append(fields, field)
		expression.WriteString("(.+?)")
		rest = behind
	}
	if !slices.Contains(fields, "class") {
		return nil, nil, fmt.Errorf("the pattern %q has no {class}", pattern)
	}
	compiled, err := regexp.Compile("^" + expression.String() + "$")
	return compiled, fields, err
}
