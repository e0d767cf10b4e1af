package published

import (
	"archive/zip"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// maxGitFile is how large a file may be that is compared with Git's sum of it, which is
// of its size and its content, so that it is read whole.
const maxGitFile = 128 << 20

// Compare reads a file and compares it with the sums that are published of it. What is
// in a zip archive, but not in Folder, counts for nothing.
func (f File) Compare(r io.Reader) error {
	if f.MD5 != "" {
		sum := md5.New()
		if _, err := io.Copy(sum, r); err != nil {
			return err
		}
		return differ("md5", hex.EncodeToString(sum.Sum(nil)), f.MD5)
	}
	if f.Git == "" {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(r, maxGitFile+1))
	switch {
	case err != nil:
		return err
	case len(content) > maxGitFile:
		return fmt.Errorf("it has more than %d MB, want fewer", maxGitFile>>20)
	case f.Folder == "":
		return differ("sum of Git", hex.EncodeToString(gitObject("blob", content)), f.Git)
	}
	tree, err := gitTree(content, f.Folder)
	if err != nil {
		return err
	}
	return differ("sum of Git for its folder "+f.Folder, hex.EncodeToString(tree), f.Git)
}

func differ(kind, got, want string) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("it has the %s %s, published is %s: delete it and get it again", kind, got, want)
}

// gitObject is the name that Git gives an object.
func gitObject(kind string, content []byte) []byte {
	sum := sha1.New()
	fmt.Fprintf(sum, "%s %d\x00", kind, len(content))
	sum.Write(content)
	return sum.Sum(nil)
}

// gitTree is the name that Git gives a folder of files, without folders in it, that stands
// in a zip archive, where there may be one more folder around all.
func gitTree(archive []byte, folder string) ([]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("it is no zip archive: %w", err)
	}
	type entry struct {
		name string
		line []byte
	}
	var entries []entry
	left := int64(4 * maxGitFile)
	for _, file := range z.File {
		inside := file.Name
		if !strings.HasPrefix(inside, folder+"/") {
			_, inside, _ = strings.Cut(inside, "/")
		}
		name, in := strings.CutPrefix(inside, folder+"/")
		if !in || name == "" {
			continue
		}
		if path.Base(name) != name {
			return nil, fmt.Errorf("its folder %s has folders in it, such as that of %s", folder, name)
		}
		content, err := unpack(file, left)
		if err != nil {
			return nil, fmt.Errorf("%s in it: %w", file.Name, err)
		}
		left -= int64(len(content))
		mode := "100644"
		if file.Mode()&0o100 != 0 {
			mode = "100755"
		}
		entries = append(entries, entry{name, append([]byte(mode+" "+name+"\x00"), gitObject("blob", content)...)})
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("it has no folder %s", folder)
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	var tree []byte
	for _, e := range entries {
		tree = append(tree, e.line...)
	}
	return gitObject("tree", tree), nil
}

// unpack reads a file of an archive, of no more than so many bytes.
func unpack(file *zip.File, most int64) ([]byte, error) {
	r, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(content)) > most {
		err = errors.New("there is more in it than can be")
	}
	return content, err
}
