package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"inkling/internal/atomicfile"
	"inkling/web/static"
)

func newPage() *cobra.Command {
	var folder string
	var force bool
	c := &cobra.Command{
		Use:   "page --out FOLDER",
		Short: "Write the sketchpad as a page that needs no server",
		Long: `Write the page of serve as files that any host of files can show: the sketchpad, the
engine as WebAssembly, and the built-in LeNet, which reads digits and numbers. Browsers
run it themselves, load nothing from elsewhere, and open it again without a network. It
may lie below a path, as on GitHub Pages. A drawing stays in the browser.

What needs a server is not on it: training, keeping feedback, and the API for programs.`,
		Example: `  inkling page --out site
  inkling page --out site --force           write it anew after an update`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if folder == "" {
				return usagef("--out is missing, want the folder to write the page into")
			}
			files, err := static.Files()
			if err != nil {
				return err
			}
			if err := emptyFolder(folder, force); err != nil {
				return err
			}
			names := slices.Sorted(maps.Keys(files))
			names = append(slices.DeleteFunc(names, func(name string) bool { return name == "index.html" }), "index.html") // which names the others
			size := 0
			for _, name := range names {
				size += len(files[name])
				if err := atomicfile.Write(filepath.Join(folder, name), func(w io.Writer) error {
					_, err := w.Write(files[name])
					return err
				}); err != nil {
					return err
				}
			}
			fmt.Fprintf(c.OutOrStdout(), "%s has the page: %d files, %.1f MB. Any host of files shows it; here, for one:\n  python3 -m http.server --directory %[1]s\n", folder, len(files), float64(size)/1e6)
			return nil
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&folder, "out", "", "write the page into this `FOLDER`, which is made if it is not there")
	f.BoolVar(&force, "force", false, "write into a folder that is not empty, over files of the same names")
	return c
}

// emptyFolder makes a folder, or sees to it that it is empty, unless that is forced.
func emptyFolder(path string, force bool) error {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(path, 0o777); err != nil {
			return fmt.Errorf("%s cannot be made: %w", path, err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("%s cannot be written into: %w", path, err)
	case len(entries) > 0 && !force:
		return fmt.Errorf("%s is not empty: choose another folder with --out, or give --force to write into this one, over files of the same names", path)
	}
	return nil
}
