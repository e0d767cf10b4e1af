package download

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"inkling/internal/atomicfile"
)

// SumsFile is the file of a folder that has the SHA-256 sums of what was
// downloaded into it, in the format of the command sha256sum.
const SumsFile = "SHA256SUMS"

// Sums returns the noted SHA-256 sum, in hexadecimal digits, of every file that
// was downloaded into a folder: none if there is no SumsFile.
func Sums(dir string) (map[string]string, error) {
	sums := map[string]string{}
	content, err := os.ReadFile(filepath.Join(dir, SumsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return sums, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the noted sums cannot be read: %w", err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
		sum, name, ok := strings.Cut(line, "  ")
		if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != sha256.Size || name == "" {
			return nil, fmt.Errorf("%s in %s is damaged: line %d is %.80q, want a sum and a name: delete the file and download again", SumsFile, dir, i+1, line)
		}
		sums[name] = sum
	}
	return sums, nil
}

// Sum returns the SHA-256 sum of a file in hexadecimal digits.
func Sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// note adds the sum of a file to those of the folder, which is locked.
func note(dir, name, sum string) error {
	sums, err := Sums(dir)
	if err != nil {
		sums = map[string]string{} // what is damaged is of no use
	}
	sums[name] = sum
	var names []string
	for name := range sums {
		names = append(names, name)
	}
	slices.Sort(names)
	var text bytes.Buffer
	for _, name := range names {
		fmt.Fprintf(&text, "%s  %s\n", sums[name], name)
	}
	return atomicfile.Write(filepath.Join(dir, SumsFile), func(w io.Writer) error {
		_, err := text.WriteTo(w)
		return err
	})
}
