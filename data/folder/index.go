package folder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
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
var extensions = []string{".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"}

func isPicture(name string) bool {
	return !strings.HasPrefix(name, ".") && slices.Contains(extensions, strings.ToLower(path.Ext(name)))
}

// addAll adds the pictures in a folder and below it, in the order of their
// paths. A link to a picture is one; a link to a folder is not followed.
func (x *index) addAll(fsys fs.FS, dir string, label int) error {
	var folders, files []string
	err := eachEntry(fsys, dir, func(e fs.DirEntry) error {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."):
		case e.IsDir():
			folders = append(folders, name)
		case !isPicture(name):
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
		x.add(dir+"/"+name, label)
	}
	slices.Sort(folders)
	for _, name := range folders {
		if err := x.addAll(fsys, dir+"/"+name, label); err != nil {
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
