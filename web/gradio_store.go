package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// maxStore is the memory for uploaded files and pictures in answers.
	maxStore = 32 << 20
	// fileTime is how long a file is kept after it was last of use.
	fileTime = time.Hour
	// fileOverhead is about what a file takes beside its content.
	fileOverhead = 1024
	// maxFileName is how long a file's name may be, cleaned or not.
	maxFileName = 200
)

// fileStore keeps files in memory under paths that are made of their content and
// their name, so that no path of the machine is ever named. When it is full, the
// file goes that has been of no use for the longest, of the client that has most.
type fileStore struct {
	mutex  sync.Mutex
	files  map[string]*storedFile
	shares *shares
	swept  time.Time
}

type storedFile struct {
	path    string // ASCII that needs no escaping in a URL
	name    string // as the client called it
	content []byte
	used    time.Time
	share   *holding
}

func newFileStore() *fileStore {
	return &fileStore{files: map[string]*storedFile{}, shares: newShares(maxStore, false)}
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

// cleanName is what is left of an original name that can stand in a URL unescaped:
// letters and digits of ASCII, dots, hyphens and underscores, and no dot in
// front. Where nothing is left, the file is called image.
func cleanName(name string, content []byte) string {
	clean := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' {
			return c
		}
		return -1
	}, name)
	ending := path.Ext(clean)
	stem := strings.Trim(strings.TrimSuffix(clean, ending), ".")
	if stem == "" {
		stem = "image"
	}
	if ending = strings.TrimSuffix(ending, "."); ending == "" && stem == "image" {
		kind, _ := kindOf(content)
		ending = "." + kind
	}
	return stem + ending
}

// originalName is a client's name for a file as it is told again, "" if it is
// none.
func originalName(name string) string {
	// Browsers have sent whole paths.
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	if strings.Trim(name, "./") == "" {
		return ""
	}
	stem, ending := name, path.Ext(name)
	if len(ending) > maxFileName/2 {
		ending = ""
	}
	stem = strings.TrimSuffix(stem, ending)
	for len(stem)+len(ending) > maxFileName {
		_, last := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-last]
	}
	return stem + ending
}

// add keeps a client's file of some name, "" for none, and returns it. The
// content is copied.
func (s *fileStore) add(owner client, name string, content []byte) storedFile {
	sum := sha256.Sum256(content)
	name = originalName(name)
	clean := cleanName(name, content)
	if name == "" {
		name = clean
	}
	place := hex.EncodeToString(sum[:16]) + "/" + clean
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.sweep()
	file := s.files[place]
	if file != nil {
		file.name, file.used = name, time.Now()
		s.shares.renew(file.share)
		return *file
	}
	file = &storedFile{path: place, name: name, content: append([]byte(nil), content...), used: time.Now()}
	s.files[place] = file
	file.share = s.shares.take(owner, len(content)+fileOverhead, func() { delete(s.files, place) })
	if file.share == nil {
		delete(s.files, place) // it is larger than all there is
	}
	return *file
}

// get returns the file at path, and whether there is one. Its content must not be
// modified.
func (s *fileStore) get(place string) (file storedFile, found bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	kept := s.files[place]
	if kept == nil || time.Since(kept.used) > fileTime {
		return storedFile{}, false
	}
	kept.used = time.Now()
	s.shares.renew(kept.share)
	return *kept, true
}

// sweep forgets, now and then, what has been of no use for too long.
func (s *fileStore) sweep() {
	if time.Since(s.swept) < fileTime/60 {
		return
	}
	s.swept = time.Now()
	for place, file := range s.files {
		if time.Since(file.used) > fileTime {
			s.shares.give(file.share)
			delete(s.files, place)
		}
	}
}
