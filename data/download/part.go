package download

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"inkling/internal/atomicfile"
)

// A record says what a part is a part of, so that a later process can take it
// up again.
type record struct {
	URL       string `json:"url"`
	From      int64  `json:"from"`      // the first byte wanted
	To        int64  `json:"to"`        // the byte after the last one, -1 for all there are
	Total     int64  `json:"total"`     // of the whole file, 0 while it is not known
	Validator string `json:"validator"` // what tells one edition of the file from another: a strong ETag or Last-Modified
}

// want is the number of bytes that the part has when it is complete, -1 if that
// is not known.
func (r record) want() int64 {
	switch {
	case r.To >= 0:
		return r.To - r.From
	case r.Total > 0:
		return r.Total - r.From
	}
	return -1
}

// part is a file on its way.
type part struct {
	file  *os.File
	path  string
	about record
	size  int64
	gone  bool
}

// openPart opens a part. It keeps what is there if that belongs to the same
// bytes of the same edition, which want may know.
func openPart(path string, want record) (*part, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("the download cannot be stored: %w", err)
	}
	p := &part{file: file, path: path, about: want}
	var old record
	content, err := os.ReadFile(path + ".json")
	if err == nil && json.Unmarshal(content, &old) == nil && old.Validator != "" &&
		old.URL == want.URL && old.From == want.From && old.To == want.To &&
		(want.Validator == "" || want.Validator == old.Validator) {
		if p.size, err = file.Seek(0, io.SeekEnd); err == nil && (old.want() < 0 || p.size <= old.want()) {
			p.about = old
			return p, nil
		}
	}
	if err := p.restart(); err != nil {
		file.Close()
		return nil, err
	}
	return p, nil
}

// restart forgets what has come.
func (p *part) restart() error {
	p.size = 0
	os.Remove(p.path + ".json")
	if err := p.file.Truncate(0); err != nil {
		return fmt.Errorf("the download cannot be stored: %w", err)
	}
	return nil
}

// begin notes what the server says of the file.
func (p *part) begin(about record) error {
	if p.about = about; about.Validator == "" {
		return nil // it cannot be taken up again safely
	}
	return atomicfile.Write(p.path+".json", func(w io.Writer) error { return json.NewEncoder(w).Encode(about) })
}

// Write appends to the part.
func (p *part) Write(b []byte) (int, error) {
	n, err := p.file.WriteAt(b, p.size)
	p.size += int64(n)
	return n, err
}

// reader reads the part from its beginning.
func (p *part) reader() *io.SectionReader { return io.NewSectionReader(p.file, 0, p.size) }

// leave closes the part and keeps it if it can be taken up again. It does
// nothing after remove.
func (p *part) leave() {
	if p.gone {
		return
	}
	p.file.Close()
	if p.size == 0 || p.about.Validator == "" {
		p.remove()
	}
}

// remove closes and deletes the part.
func (p *part) remove() {
	p.gone = true
	p.file.Close()
	os.Remove(p.path)
	os.Remove(p.path + ".json")
}
