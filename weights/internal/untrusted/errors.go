// Package untrusted has what the readers of weight files share: they read
// files that anybody may have made.
package untrusted

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// FormatError tells why a file was refused and where in it.
type FormatError struct {
	// Path is the file, empty if it was not read by name.
	Path string
	// Record is the member of a zip archive, such as "data.pkl", empty if the
	// file is none or the fault is in the archive itself.
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
		place = append(place, "record "+Shorten(e.Record))
	}
	if e.Offset >= 0 {
		place = append(place, fmt.Sprintf("byte %d", e.Offset))
	}
	if len(place) == 0 {
		return e.Reason
	}
	return strings.Join(place, ", ") + ": " + e.Reason
}

// Fault returns a *FormatError without a path and a record. A format counts things
// in the plural, as in "%d bytes follow"; of one thing it says so.
func Fault(offset int64, format string, arguments ...any) error {
	return &FormatError{Offset: offset, Reason: one.ReplaceAllStringFunc(fmt.Sprintf(format, arguments...), func(text string) string {
		if counted, verb, follows := strings.Cut(text, "s follow"); follows {
			return counted + " follows" + verb
		}
		if counted, _, are := strings.Cut(text, "s are"); are {
			return counted + " is"
		}
		return strings.TrimSuffix(text, "s")
	})}
}

// one finds a single thing in the plural.
var one = regexp.MustCompile(`(?:\bof |[^.,\w-]|^)1 (?:bytes|elements|dimensions|tensors|numbers|records|strides)\b(?: follow\b| are\b)?`)

// Within adds the record to an error whose offset counts from its start.
func Within(record string, err error) error {
	if f, ok := err.(*FormatError); ok && f.Record == "" {
		f.Record = record
	}
	return err
}

// Shorten quotes text from a file for a message, so that neither its length
// nor its control characters reach a terminal.
func Shorten(s string) string {
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

// Guess names what a file is that is of no format for weights at all, by its
// first bytes; it returns "" if it does not know.
func Guess(head []byte) string {
	text := string(head[:min(len(head), 64)])
	switch {
	case strings.HasPrefix(strings.TrimLeft(text, " \t\r\n\ufeff"), "<"):
		return "this is a web page or another text with tags, perhaps an error page saved by a download"
	case strings.HasPrefix(text, "version https://git-lfs"):
		return "this is a Git LFS pointer, not the file it stands for; run git lfs pull"
	case strings.HasPrefix(text, "\x1f\x8b"):
		return "this is compressed with gzip; unpack it first"
	case strings.HasPrefix(text, "\x08") && len(text) > 2 && text[1] < 32 && text[2] == 0x12:
		// The version of the format, and the name of the program that wrote it.
		return "this looks like an ONNX file"
	case strings.HasPrefix(text, "\x89HDF"):
		return "this is an HDF5 file, as Keras writes; export the network as .onnx, or its weights with numpy.savez"
	case strings.HasPrefix(text, "GGUF"):
		return "this is a GGUF file of a language model"
	case len(text) >= 8 && text[4:8] == "TFL3":
		return "this is a TensorFlow Lite file; export the network as .onnx"
	}
	return ""
}
