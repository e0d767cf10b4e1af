package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"inkling/data/parts"
	"inkling/internal/wording"
)

// classFolder is a folder that is a class, and what is in it.
type classFolder struct {
	name     string
	pictures int
	*survey
}

// lookAtClasses tells what is strange about the folders of classes, and what of them
// is hidden: it is an error if they cannot be classes, and else a note or a warning in
// the data set.
func (d *Dataset) lookAtClasses(found []classFolder, hidden *survey, given bool) error {
	var used, empty, nested, flat []string
	for _, c := range found {
		for _, name := range c.junk {
			hidden.addJunk(name)
		}
		hidden.more += c.more
		ext, n := c.unreadable()
		switch {
		case c.pictures > 0:
			used = append(used, c.name)
			if n > 0 {
				d.warn("The class %q has %s in formats that are not read (%s): convert them to PNG or JPEG.", c.name, wording.Number(n, "picture"), strings.Join(ext, " "))
			}
		case n > 0:
			return fmt.Errorf("the folder of class %q has only pictures in formats that are not read (%s): convert them to PNG or JPEG", c.name, strings.Join(ext, " "))
		default:
			empty = append(empty, c.name)
		}
		if c.pictures > 0 && len(c.folders) > 0 {
			nested = append(nested, c.name)
		}
		if c.direct > 0 {
			flat = append(flat, c.name)
		}
	}
	if text := hidden.sentence(); text != "" {
		d.remark("%s", text)
	}
	if given { // these are the folders of a second part, and the first has passed
		return nil
	}
	if err := refuseParts(found, flat, nested); err != nil {
		return err
	}
	switch {
	case len(nested) > 0 && len(flat) == 0 && len(nested) > 1 && alike(found):
		return fmt.Errorf("the folders %s hold folders of the same names (%s), as the parts of a data set do and classes do not: "+
			"call the one to train on train and the other test, or give one of them alone; to take all that is in one for a class, put its pictures into one folder",
			list(nested, 4), list(found[slices.IndexFunc(found, func(c classFolder) bool { return c.name == nested[0] })].folders, 6))
	case len(nested) > 0:
		d.warn("The class %s %s %s folders: all pictures in them are taken for the class of the outer folder.", plural(len(nested), "folder", "folders"), list(nested, 4), plural(len(nested), "holds", "hold"))
	}
	for _, name := range used {
		if part, _ := parts.Of(name); part != parts.None && parts.Plain(name) {
			d.warn("A class is called %q, like a part of a data set: if it is one, put a folder for every class into it.", name)
		}
	}
	byFold := map[string]string{}
	for _, name := range used {
		fold := strings.ToLower(strings.TrimSpace(name))
		if other, ok := byFold[fold]; ok {
			d.warn("The classes %q and %q differ in capitals or spaces alone: if they are one, put their pictures together.", other, name)
		}
		byFold[fold] = name
	}
	if len(empty) > 0 {
		d.remark("%s %s no pictures and %s skipped.", list(quoted(empty), 6), plural(len(empty), "has", "have"), plural(len(empty), "is", "are"))
	}
	return nil
}

// refuseParts refuses folders that are the parts of a data set and no classes: if
// all that have pictures are called so, or if classes hold parts.
func refuseParts(found []classFolder, flat, nested []string) error {
	named := 0
	for _, name := range flat {
		if parts.Plain(name) {
			named++
		}
	}
	if named > 0 && named == len(flat) && len(nested) == 0 {
		return fmt.Errorf("%s %s pictures, but no folder for every class: what a picture shows has to be said by the folder that it is in, as in %s/cat/1.png, or by a list of paths and labels (.csv)",
			list(flat, 4), plural(len(flat), "holds", "hold"), flat[0])
	}
	for _, c := range found {
		for _, below := range c.folders {
			if part, frame := parts.Of(below); c.pictures > 0 && c.direct == 0 && part != parts.None && frame == "" {
				return fmt.Errorf("the folder %s holds the folder %s, which is called like a part of a data set: want the parts outside and the classes in them, as %s/%s; or give %s alone with --data, if it is a data set",
					c.name, below, below, c.name, c.name)
			}
		}
	}
	return nil
}

// alike tells whether at least two of the folders hold folders of which most have
// the same names.
func alike(found []classFolder) bool {
	for i, a := range found {
		for _, b := range found[:i] {
			if a.pictures == 0 || b.pictures == 0 {
				continue
			}
			same := 0
			for _, name := range a.folders {
				if slices.Contains(b.folders, name) {
					same++
				}
			}
			if fewer := min(len(a.folders), len(b.folders)); same >= 2 && 2*same >= fewer || same > 0 && same == fewer {
				return true
			}
		}
	}
	return false
}

func (d *Dataset) remark(format string, values ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, values...))
}

func (d *Dataset) warn(format string, values ...any) {
	d.warnings = append(d.warnings, fmt.Sprintf(format, values...))
}

// sentence says what was left alone.
func (s *survey) sentence() string {
	if len(s.junk) == 0 {
		return ""
	}
	text := strings.Join(s.junk, ", ")
	if s.more > 0 {
		text += fmt.Sprintf(" and %d more", s.more)
	}
	return "Left alone, as hidden or left behind by a system: " + text + "."
}

// list writes some of the names.
func list(names []string, most int) string {
	switch {
	case len(names) > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	case len(names) > 1:
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
	return strings.Join(names, "")
}

func quoted(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, fmt.Sprintf("%.60q", name))
	}
	return all
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Wrapped returns the name of the one folder in fsys that can hold data, if there
// is just one and beside it nothing but texts and what systems leave behind: an
// archive often unpacks to a folder within a folder.
func Wrapped(fsys fs.FS) (name string, ok bool) {
	folders := 0
	err := eachEntry(fsys, ".", func(e fs.DirEntry) error {
		switch {
		case isJunk(e.Name()):
		case isFolder(fsys, e):
			folders++
			name = e.Name()
		case IsPicture(e.Name()):
			return errFound
		}
		return nil
	})
	if err != nil || folders != 1 {
		return "", false
	}
	// A folder of pictures is a class, even if it is the only one.
	below, err := fs.Sub(fsys, name)
	if err != nil {
		return "", false
	}
	err = eachEntry(below, ".", func(e fs.DirEntry) error {
		if IsPicture(e.Name()) && !e.IsDir() {
			return errFound
		}
		return nil
	})
	return name, err == nil
}

var errFound = errors.New("found")
