package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

const (
	// maxStore is the memory for uploaded files and pictures in answers.
	maxStore = 32 << 20
	// fileTime is how long a file is kept after it was last of use.
	fileTime = time.Hour
	// fileOverhead is about what a file takes beside its content.
	fileOverhead = 512
)

// fileStore keeps files in memory under paths that are made of their content, so
// that no path of the machine is ever named. When it is full, the file goes that
// has been of no use for the longest.
type fileStore struct {
	mutex sync.Mutex
	files map[string]*storedFile
	bytes int
	// The list of the files, from the one that was used last to the one that
	// was used first, is closed to a ring by this element.
	ring storedFile
}

type storedFile struct {
	path           string
	content        []byte
	used           time.Time
	newer, earlier *storedFile
}

// anyKind is the media type of what is no picture.
const anyKind = "application/octet-stream"

// kindOf returns the ending and the media type for a file.
func kindOf(content []byte) (ending, kind string) {
	switch kind := http.DetectContentType(content); kind {
	case "image/png", "image/gif", "image/webp", "image/bmp":
		return kind[len("image/"):], kind
	case "image/jpeg":
		return "jpg", kind
	}
	return "bin", anyKind
}

// add keeps a file and returns its path: ASCII that needs no escaping in a URL
// and whose last part is fit to be a file's name. The content is copied.
func (s *fileStore) add(content []byte) string {
	sum := sha256.Sum256(content)
	ending, _ := kindOf(content)
	path := hex.EncodeToString(sum[:16]) + "/image." + ending
	s.mutex.Lock()
	defer s.mutex.Unlock()
	file := s.files[path]
	if file == nil {
		file = &storedFile{path: path, content: append([]byte(nil), content...)}
		s.files[path] = file
		s.bytes += len(content) + fileOverhead
	} else {
		file.unlink()
	}
	s.touch(file)
	for oldest := s.ring.newer; s.bytes > maxStore || time.Since(oldest.used) > fileTime; oldest = s.ring.newer {
		if oldest == file {
			break
		}
		oldest.unlink()
		delete(s.files, oldest.path)
		s.bytes -= len(oldest.content) + fileOverhead
	}
	return path
}

// get returns the file at path, nil if there is none. It must not be modified.
func (s *fileStore) get(path string) []byte {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	file := s.files[path]
	if file == nil || time.Since(file.used) > fileTime {
		return nil
	}
	file.unlink()
	s.touch(file)
	return file.content
}

// touch makes a file the one that was used last.
func (s *fileStore) touch(file *storedFile) {
	if s.ring.newer == nil {
		s.ring.newer, s.ring.earlier = &s.ring, &s.ring
	}
	file.used = time.Now()
	file.earlier, file.newer = s.ring.earlier, &s.ring
	file.earlier.newer, file.newer.earlier = file, file
}

func (f *storedFile) unlink() { f.newer.earlier, f.earlier.newer = f.earlier, f.newer }
