package data

import (
	"context"
	"io"
	"io/fs"
)

// WithContext returns fsys such that its files cannot be read any further when ctx
// is done: the error is the cause of that. So whatever reads a data set, however
// large, ends soon when it is called off.
func WithContext(ctx context.Context, fsys fs.FS) fs.FS { return contextFS{ctx, fsys} }

type contextFS struct {
	ctx  context.Context
	fsys fs.FS
}

func (c contextFS) Open(name string) (fs.File, error) {
	if err := context.Cause(c.ctx); err != nil {
		return nil, err
	}
	f, err := c.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	file := contextFile{f, c.ctx}
	if folder, ok := f.(fs.ReadDirFile); ok {
		if random, ok := f.(random); ok { // a file of package os has all methods
			return contextRandom{contextFile: file, random: random, folder: folder}, nil
		}
		return contextFolder{file, folder}, nil
	}
	if random, ok := f.(random); ok {
		return contextRandom{contextFile: file, random: random}, nil
	}
	return file, nil
}

// random is what files can do that do not lie in an archive.
type random interface {
	io.Seeker
	io.ReaderAt
}

type contextFile struct {
	fs.File
	ctx context.Context
}

func (f contextFile) Read(b []byte) (int, error) {
	if err := context.Cause(f.ctx); err != nil {
		return 0, err
	}
	return f.File.Read(b)
}

type contextFolder struct {
	contextFile
	folder fs.ReadDirFile
}

func (f contextFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if err := context.Cause(f.ctx); err != nil {
		return nil, err
	}
	return f.folder.ReadDir(n)
}

type contextRandom struct {
	contextFile
	random
	folder fs.ReadDirFile // nil if it is none
}

func (f contextRandom) ReadAt(b []byte, at int64) (int, error) {
	if err := context.Cause(f.ctx); err != nil {
		return 0, err
	}
	return f.random.ReadAt(b, at)
}

func (f contextRandom) ReadDir(n int) ([]fs.DirEntry, error) {
	if f.folder == nil {
		return nil, fs.ErrInvalid
	}
	return contextFolder{f.contextFile, f.folder}.ReadDir(n)
}
