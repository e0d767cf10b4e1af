package folder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"inkling/data"
	"inkling/data/internal/files"
	"inkling/data/parts"
	"inkling/data/pixels"
	"inkling/weights/npy"
)

// openArrays opens a file of arrays, or all arrays of a folder.
func (p *Parts) openArrays(fsys fs.FS, s source, o Options, like *pixels.Samples) (*opened, error) {
	streams, size, done, err := openStreams(fsys, s)
	if err != nil {
		return nil, err
	}
	defer done()
	all, notes, err := pixels.ReadArrays(streams, size, pixelOptions(o, like))
	if err != nil {
		return nil, fmt.Errorf("%s is not usable: %w", s.name, err)
	}
	for _, n := range notes {
		p.note(n)
	}
	result := &opened{parts: map[parts.Part]data.Dataset{}}
	classes := o.Classes
	for _, part := range []parts.Part{parts.None, parts.Train, parts.Validation, parts.Test} {
		if all[part] == nil {
			continue
		}
		d, err := p.samples(all[part], classes, o)
		if errors.Is(err, pixels.ErrNoLabels) && part > parts.Train {
			p.note("The pictures of the part " + part.String() + " have no labels: they are left alone.")
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s is not usable: %w", s.name, err)
		}
		if part == parts.None {
			return &opened{whole: d, like: all[part]}, nil
		}
		result.parts[part] = d
		classes = d.Classes()
	}
	return result, nil
}

// openStreams opens the arrays of a source and tells how many bytes they take.
func openStreams(fsys fs.FS, s source) (streams []*npy.Stream, size int64, done func() error, err error) {
	if s.kind == arrays {
		r, size, closer, err := files.RandomAccess(fsys, s.name)
		if err != nil {
			return nil, 0, nil, fmt.Errorf("%s cannot be opened: %w", s.name, err)
		}
		if streams, err = npy.OpenArchive(r, size); err != nil {
			closer()
			return nil, 0, nil, fmt.Errorf("%s is not usable: %w", s.name, err)
		}
		return streams, size, closer, nil
	}
	entries, err := fs.Glob(fsys, "*.[nN][pP][yY]")
	if err != nil {
		return nil, 0, nil, err
	}
	for _, name := range entries {
		if isJunk(name) {
			continue
		}
		info, err := fs.Stat(fsys, name)
		if err != nil {
			return nil, 0, nil, fmt.Errorf("%s cannot be opened: %w", name, err)
		}
		stream, err := npy.NewStream(strings.TrimSuffix(name, path.Ext(name)), func() (io.ReadCloser, int64, error) {
			f, err := fsys.Open(name)
			return f, info.Size(), err
		})
		if err != nil {
			return nil, 0, nil, fmt.Errorf("%s is not usable: %w", name, err)
		}
		streams = append(streams, stream)
		size += info.Size()
	}
	return streams, size, func() error { return nil }, nil
}
