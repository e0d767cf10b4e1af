package folder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// An index is the paths and labels of pictures, in little more memory than their
// letters: a million pictures are some tens of megabytes.
type index struct {
	text   []byte // all paths, one after another
	ends   []int  // in text, of each path
	labels []int32
}

func (x *index) add(name string, label int) {
	x.text = append(x.text, name...)
	x.ends = append(x.ends, len(x.text))
	x.labels = append(x.labels, int32(label))
}

func (x *index) len() int { return len(x.ends) }

func (x *index) path(i int) string {
	begin := 0
	if i > 0 {
		begin = x.ends[i-1]
	}
	return string(x.text[begin:x.ends[i]])
}

// extensions are those that pictures have. Other files in the folder of a class,
// such as thumbnails' lists, are left alone.
var extensions = []string{".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".tif", ".tiff", ".webp"}

// unreadable are the extensions of pictures that cannot be read.
var unreadable = []string{".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".psd", ".raw", ".nef", ".cr2", ".dng", ".arw", ".pgm", ".ppm", ".pbm", ".pnm", ".dcm", ".ico", ".npy"}

// IsPicture tells by its name, without the folders before it, whether a file is a picture
// that can be read and is not hidden.
func IsPicture(name string) bool {
	return !isJunk(name) && slices.Contains(extensions, strings.ToLower(path.Ext(name)))
}

// isJunk tells whether a file or folder is hidden, or one that a system leaves
// behind.
func isJunk(name string) bool {
	switch strings.ToLower(name) {
	case "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "system volume information", "lost+found", "__pycache__":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// A survey is what was found in a folder beside the pictures that were added.
type survey struct {
	direct  int            // pictures that lie in the folder itself
	folders []string       // those in the folder itself that are no junk
	other   map[string]int // files that are no pictures, by extension
	junk    []string       // paths of some hidden files and folders, and such of systems
	more    int            // how many more of them there are
}

func (s *survey) addJunk(name string) {
	const most = 3
	if len(s.junk) < most {
		s.junk = append(s.junk, name)
	} else {
		s.more++
	}
}

// unreadable returns the extensions of pictures that cannot be read, and how many
// there are.
func (s *survey) unreadable() (found []string, n int) {
	for _, ext := range slices.Sorted(maps.Keys(s.other)) {
		if slices.Contains(unreadable, ext) {
			found = append(found, ext)
			n += s.other[ext]
		}
	}
	return found, n
}

// addAll adds the pictures in a folder and below it, in the order of their
// paths. A link to a picture is one; a link to a folder is not followed.
func (x *index) addAll(fsys fs.FS, dir string, label int) (*survey, error) {
	s := &survey{other: map[string]int{}}
	return s, x.addBelow(fsys, dir, label, s, 0)
}

// deepest is how many folders are looked into one within another.
const deepest = 64

func (x *index) addBelow(fsys fs.FS, dir string, label int, s *survey, depth int) error {
	if depth > deepest {
		return fmt.Errorf("%s lies more than %d folders deep", dir, deepest)
	}
	var folders, files []string
	err := eachEntry(fsys, dir, func(e fs.DirEntry) error {
		name := e.Name()
		switch {
		case isJunk(name):
			s.addJunk(path.Join(dir, name))
		case e.IsDir():
			folders = append(folders, name)
		case !IsPicture(name):
			s.other[strings.ToLower(path.Ext(name))]++
		case e.Type().IsRegular():
			files = append(files, name)
		case e.Type()&fs.ModeSymlink != 0:
			info, err := fs.Stat(fsys, path.Join(dir, name))
			if err != nil {
				return fmt.Errorf("the link %s leads to nothing: %w", path.Join(dir, name), err)
			}
			if info.Mode().IsRegular() {
				files = append(files, name)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, name := range files {
		x.add(path.Join(dir, name), label)
	}
	slices.Sort(folders)
	if depth == 0 {
		s.direct, s.folders = len(files), folders
	}
	for _, name := range folders {
		if err := x.addBelow(fsys, path.Join(dir, name), label, s, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// eachEntry calls f with what is in a folder, in no particular order. It reads
// some entries at a time, as a folder of a million would fill the memory.
func eachEntry(fsys fs.FS, dir string, f func(fs.DirEntry) error) error {
	file, err := fsys.Open(dir)
	if err != nil {
		return err
	}
	defer file.Close()
	folder, ok := file.(fs.ReadDirFile)
	if !ok {
		return fmt.Errorf("%s is no folder", dir)
	}
	for {
		entries, err := folder.ReadDir(1024)
		for _, e := range entries {
			if err := f(e); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
