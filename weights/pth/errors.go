package pth

import (
	"fmt"
	"strconv"
	"strings"
)

// FormatError tells why a file was refused and where in it.
type FormatError struct {
	// Path is the file, empty if it was not read by name.
	Path string
	// Record is the member of the zip archive without the archive's folder,
	// such as "data.pkl", empty if the fault is in the archive itself.
	Record string
	// Offset counts bytes from the start of the record, or of the file if
	// Record is empty; it is negative if the fault has no one place.
	Offset int64
	// Reason is what was found, what was wanted and, where something can be
	// done, what to do.
	Reason string
}

// Error returns one sentence: file, record, offset and reason.
func (e *FormatError) Error() string {
	var place []string
	if e.Path != "" {
		place = append(place, e.Path)
	}
	if e.Record != "" {
		place = append(place, "record "+shorten(e.Record))
	}
	if e.Offset >= 0 {
		place = append(place, fmt.Sprintf("byte %d", e.Offset))
	}
	if len(place) == 0 {
		return e.Reason
	}
	return strings.Join(place, ", ") + ": " + e.Reason
}

func fault(offset int64, format string, arguments ...any) error {
	return &FormatError{Offset: offset, Reason: fmt.Sprintf(format, arguments...)}
}

// within adds the record to an error whose offset counts from its start.
func within(record string, err error) error {
	if f, ok := err.(*FormatError); ok && f.Record == "" {
		f.Record = record
	}
	return err
}

// shorten quotes text from a file for a message, so that neither its length
// nor its control characters reach a terminal.
func shorten(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "..."
	}
	quoted := strconv.Quote(s)
	if quoted == `"`+s+`"` && !strings.ContainsAny(s, " ,:") && s != "" {
		return s
	}
	return quoted
}

// budget bounds the memory that reading a file may take, so that a small file
// cannot ask for a large amount. Everything whose size the file decides is
// paid for before it is allocated.
type budget struct{ left, all int64 }

// newBudget gives a file of size bytes 6 times its size and half a megabyte.
// The file's own bytes are held once on top of that, which stays below the
// promised 8 times and 1 MB with room for what is not counted.
func newBudget(size int64) *budget {
	all := 6*size + 512<<10
	return &budget{left: all, all: all}
}

func (b *budget) spend(bytes int64) bool {
	if bytes < 0 || bytes > b.left {
		return false
	}
	b.left -= bytes
	return true
}
