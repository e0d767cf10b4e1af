package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"inkling"
	"inkling/data"
	"inkling/data/download"
	"inkling/internal/wording"
)

// dataOptions are what the commands below "inkling data" share.
type dataOptions struct {
	root     string
	mirrors  []string
	offline  bool
	json     bool
	pictures pictureOptions // of info
}

func newData() *cobra.Command {
	o := &dataOptions{}
	c := &cobra.Command{
		Use:   "data",
		Short: "List, download and check data sets",
		Long: `List the data sets that Inkling knows, download them, check their files and look
at what is in them. Files are kept in the cache of the user (XDG_CACHE_HOME); --root
names a folder to use instead, such as one that torchvision has filled.

A download that breaks off goes on where it was when the command is given again.
Of EMNIST's archive of 536 MB only the files of the wanted split are read. Proxies
are those of HTTPS_PROXY and HTTP_PROXY, except for NO_PROXY.

A mirror is a server that has the folders of the cache, such as the cache of another
machine: URL/fashion-mnist/train-images-idx3-ubyte.gz. Those of --mirror are asked
first, then those that INKLING_MIRRORS names, then the published places. Wherever a
file comes from, it must have its published sum; those of EMNIST, which have none,
must be whole and fit each other. Texts and recordings come from repositories, and
their sums are Git's.`,
		Example: `  inkling data list
  inkling data get fashion-mnist
  inkling data get emnist:letters
  inkling data get trec
  inkling data get cifar-10 --mirror http://classroom.local:8000
  inkling data info mnist --grid mnist.png
  inkling data check ~/photos`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	f := c.PersistentFlags()
	f.StringVar(&o.root, "root", "", "use the files in `FOLDER` instead of the cache")
	f.StringSliceVar(&o.mirrors, "mirror", nil, "ask this `URL` before the published places; may be given again")
	f.BoolVar(&o.offline, "offline", false, "download nothing")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	run := func(use, short string, args cobra.PositionalArgs, do func(c *cobra.Command, args []string) error) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: args, RunE: do}
	}
	check := run("check NAME[:SPLIT]|FOLDER|FILE", "Look for what is wrong with a data set before a training does", wantArgs("NAME"),
		func(c *cobra.Command, args []string) error {
			ctx, stop := interruptible()
			defer stop()
			return o.check(ctx, c.OutOrStdout(), args[0])
		})
	check.Long = `Read all pictures of a data set and tell what is probably not as it was meant: one
class alone, classes with few pictures or far fewer than others, pictures that
cannot be read or have nothing on them, the same picture under two labels, and
pictures to test with that are among those to train on. Pictures are compared by
their samples, so that a copy in another format is found, too. A training looks at
the same, as far as that takes no time.

Of a set that "inkling data list" names, the files are compared with their sums
first, as "inkling data verify" does it. The status is 1 if the data are of no use
as they are.`
	check.Flags().StringVar(&o.pictures.size, "size", "", "resize pictures of one's own to `N` or HEIGHTxWIDTH pixels before they are compared")
	var grid string
	info := run("info NAME[:SPLIT]|FOLDER|FILE", "Count the pictures of each class, with mean and standard deviation", wantArgs("NAME"),
		func(c *cobra.Command, args []string) error {
			ctx, stop := interruptible()
			defer stop()
			return o.info(ctx, c.OutOrStdout(), args[0], grid)
		})
	info.Flags().StringVar(&grid, "grid", "", "draw some of the pictures in `FILE`, a PNG")
	o.pictures.flags(info.Flags())
	c.AddCommand(
		run("list", "List the data sets that are known", noArgs, func(c *cobra.Command, _ []string) error { return o.list(c.OutOrStdout()) }),
		run("get NAME[:SPLIT]", "Download a data set, unless it is there", wantArgs("NAME"), func(c *cobra.Command, args []string) error { return o.get(c, args[0]) }),
		run("verify NAME[:SPLIT]", "Compare the files of a data set with their sums", wantArgs("NAME"), func(c *cobra.Command, args []string) error { return o.verify(c.OutOrStdout(), args[0]) }),
		run("path NAME[:SPLIT]", "Print the folder that a data set is in", wantArgs("NAME"), func(c *cobra.Command, args []string) error { return o.path(c.OutOrStdout(), args[0]) }),
		check,
		info,
	)
	return c
}

func (o *dataOptions) list(out io.Writer) error {
	type line struct {
		Name    string `json:"name"`
		Train   int    `json:"train"`
		Test    int    `json:"test"`
		Classes int    `json:"classes"`
		Shape   string `json:"shape"`
		Bytes   int64  `json:"bytes"` // about
		Licence string `json:"licence"`
		Home    string `json:"home"`
		Dir     string `json:"dir"`
		There   bool   `json:"there"`
		Builtin bool   `json:"builtin"`
	}
	var lines []line
	for _, s := range catalog() {
		dir, there, err := s.there(o.root)
		if err != nil {
			return err
		}
		lines = append(lines, line{s.fullName(), s.TrainLen, s.TestLen, len(s.Classes), s.shape(), s.Bytes, s.Licence, s.Home, dir, there, s.builtin != nil})
	}
	if o.json {
		return writeJSON(out, lines)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "name\tto train on\tto test with\tclasses\tshape\tdownload\tlicence\there\n")
	for _, l := range lines {
		here := "no"
		switch {
		case l.There:
			here = "yes"
		case l.Builtin:
			here = "built in"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", l.Name, thousands(l.Train), thousands(l.Test), l.Classes, l.Shape, sizeOf(l.Bytes), l.Licence, here)
	}
	return table.Flush()
}

func (o *dataOptions) get(c *cobra.Command, name string) error {
	s, err := wantPublished(name)
	if err != nil {
		return err
	}
	dir, there, err := s.there(o.root)
	if err != nil {
		return err
	}
	if o.offline {
		if !there {
			return fmt.Errorf("%w; --offline forbids that", s.missing(dir))
		}
	} else if !there {
		ctx, stop := interruptible()
		defer stop()
		progress := io.Writer(c.ErrOrStderr())
		if o.json {
			progress = nil
		}
		from, err := mirrors(o.mirrors)
		if err != nil {
			return err
		}
		if err := s.download(ctx, dir, from, progress); err != nil {
			return err
		}
	}
	if o.json {
		return writeJSON(c.OutOrStdout(), map[string]any{"name": s.fullName(), "dir": dir, "downloaded": !there})
	}
	if there {
		fmt.Fprintf(c.OutOrStdout(), "%s is in %s already.\n", s.Title, dir)
	} else {
		fmt.Fprintf(c.OutOrStdout(), "%s is in %s now: use it with --data %s.\n", s.Title, dir, s.fullName())
	}
	return nil
}

func (o *dataOptions) path(out io.Writer, name string) error {
	s, err := wantPublished(name)
	if err != nil {
		return err
	}
	dir, there, err := s.there(o.root)
	switch {
	case err != nil:
		return err
	case !there:
		return s.missing(dir)
	case o.json:
		return writeJSON(out, map[string]any{"name": s.fullName(), "dir": dir})
	}
	_, err = fmt.Fprintln(out, dir)
	return err
}

// fileCheck is what was found of a file.
type fileCheck struct {
	What  string `json:"what"`
	Fault string `json:"fault,omitempty"`
}

// checkFiles compares the sums of a set's files that are published or were noted,
// and reads everything through.
func (s *publishedSet) checkFiles(dir string) (checks []fileCheck, faults int, err error) {
	sums, err := download.Sums(dir)
	if err != nil {
		return nil, 0, err
	}
	add := func(what string, err error) {
		c := fileCheck{What: what}
		if err != nil {
			c.Fault = err.Error()
			faults++
		}
		checks = append(checks, c)
	}
	for _, file := range s.Files {
		f, err := os.Open(filepath.Join(dir, file.Name))
		if errors.Is(err, os.ErrNotExist) {
			continue // it lies elsewhere, unpacked
		}
		if err == nil {
			err = file.Compare(f)
			f.Close()
		}
		kind := "md5"
		if file.MD5 == "" {
			kind = "sum of Git"
		}
		add(file.Name+", published "+kind, err)
	}
	for _, file := range slices.Sorted(maps.Keys(sums)) {
		got, err := download.Sum(filepath.Join(dir, filepath.Base(file)))
		if err == nil && got != sums[file] {
			err = fmt.Errorf("it has sha256 %s, noted was %s: delete it and get it again", got, sums[file])
		}
		add(file+", noted sha256", err)
	}
	if s.samples != nil {
		_, err := s.samples(os.DirFS(dir))
		add(string(s.kind)+", read through", err)
		return checks, faults, nil
	}
	for _, part := range []struct {
		name  string
		train bool
	}{{"pictures to train on", true}, {"pictures to test with", false}} {
		_, err := s.open(os.DirFS(dir), part.train)
		add(part.name+", read through", err)
	}
	return checks, faults, nil
}

func printChecks(out io.Writer, checks []fileCheck) {
	for _, c := range checks {
		verdict := "good"
		if c.Fault != "" {
			verdict = "BAD: " + c.Fault
		}
		fmt.Fprintf(out, "%s: %s\n", c.What, verdict)
	}
}

// verify checks the files of a set that is known by name.
func (o *dataOptions) verify(out io.Writer, name string) error {
	s, err := wantPublished(name)
	if err != nil {
		if _, err := os.Stat(name); err == nil {
			return usagef("verify compares the files of a published data set with their sums; \"inkling data check %s\" looks at pictures of one's own", name)
		}
		return err
	}
	dir, there, err := s.there(o.root)
	if err != nil {
		return err
	}
	if !there {
		return s.missing(dir)
	}
	checks, faults, err := s.checkFiles(dir)
	if err != nil {
		return err
	}
	if o.json {
		if err := writeJSON(out, map[string]any{"name": s.fullName(), "dir": dir, "checks": checks, "good": faults == 0}); err != nil {
			return err
		}
	} else {
		printChecks(out, checks)
	}
	return s.verdict(dir, checks, faults)
}

func (s *publishedSet) verdict(dir string, checks []fileCheck, faults int) error {
	if faults == 0 {
		return nil
	}
	return fmt.Errorf("%s in %s is not as it should be: %d of %d checks failed", s.Title, dir, faults, len(checks))
}

// statistics are what there is to know of some pictures.
type statistics struct {
	Pictures int       `json:"pictures"`
	Counts   []int     `json:"counts"`
	Mean     []float64 `json:"mean,omitempty"` // of each channel, with samples from 0 to 1; of pictures alone
	Std      []float64 `json:"std,omitempty"`
}

// sampleCounts are the counts of some pictures of a set.
type sampleCounts struct {
	counts     []int      // of each class
	histograms [][256]int // of the samples of each channel
}

func (t *sampleCounts) add(d data.Dataset, from, to int) error {
	channels, height, width := d.Shape()
	plane := height * width
	t.counts, t.histograms = make([]int, len(d.Classes())), make([][256]int, channels)
	for i := from; i < to; i++ {
		pixels, label, err := d.Example(i)
		if err != nil {
			return err
		}
		t.counts[label]++
		for c := range channels {
			for _, v := range pixels[c*plane : (c+1)*plane] {
				t.histograms[c][v]++
			}
		}
	}
	return nil
}

// measure reads all pictures, on all processors.
func measure(d data.Dataset) (*statistics, error) {
	n := runtime.GOMAXPROCS(0)
	tallies, errs := make([]sampleCounts, n), make([]error, n)
	var all sync.WaitGroup
	for w := range n {
		all.Go(func() { errs[w] = tallies[w].add(d, w*d.Len()/n, (w+1)*d.Len()/n) })
	}
	all.Wait()
	s := &statistics{Pictures: d.Len(), Counts: make([]int, len(d.Classes()))}
	histograms := make([][256]int, len(tallies[0].histograms))
	for w, t := range tallies {
		if errs[w] != nil {
			return nil, errs[w]
		}
		for label, count := range t.counts {
			s.Counts[label] += count
		}
		for c, histogram := range t.histograms {
			for v, count := range histogram {
				histograms[c][v] += count
			}
		}
	}
	for _, histogram := range histograms {
		n, sum, squares := 0., 0., 0.
		for v, count := range histogram {
			x := float64(v) / 255
			n, sum, squares = n+float64(count), sum+x*float64(count), squares+x*x*float64(count)
		}
		mean := sum / n
		s.Mean = append(s.Mean, mean)
		s.Std = append(s.Std, math.Sqrt(max(squares/n-mean*mean, 0)))
	}
	return s, nil
}

func (o *dataOptions) info(ctx context.Context, out io.Writer, name, grid string) error {
	set, err := o.find(ctx, name)
	if err != nil {
		return err
	}
	kind := set.kind()
	if grid != "" && kind != inkling.Pictures {
		return usagef("--grid draws pictures, and these are %s: \"inkling show\" shows some", kind)
	}
	parts := map[string]*statistics{}
	var classes []string
	for part, train := range map[string]bool{"train": true, "test": false} {
		d, err := set.open(train)
		if err != nil {
			return err
		}
		if parts[part], err = measure(d); err != nil {
			return err
		}
		if kind != inkling.Pictures {
			parts[part].Mean, parts[part].Std = nil, nil
		}
		classes = d.Classes()
		if train && grid != "" {
			some, err := randomBatch(d, 64, 1)
			if err != nil {
				return err
			}
			if err := writeGrid(grid, some); err != nil {
				return err
			}
		}
	}
	train, test := parts["train"], parts["test"]
	if o.json {
		return writeJSON(out, map[string]any{"name": name, "note": set.reason, "left_out": len(set.bad()), "classes": classes, "train": train, "test": test})
	}
	fmt.Fprintf(out, "%s: %s to train on, %s to test with, %s.\n", set.title, count(train.Pictures, kind.One()), thousands(test.Pictures), wording.Count(len(classes), "class"))
	if set.reason != "" {
		fmt.Fprintf(out, "%s\n", set.reason)
	}
	if note := set.leftOut(); note != "" {
		fmt.Fprintf(out, "%s\n", note)
	}
	if kind == inkling.Pictures {
		fmt.Fprintf(out, "Samples from 0 to 1, to train on: mean %.4f, standard deviation %.4f.\n\n", train.Mean, train.Std)
	} else {
		fmt.Fprintf(out, "A network reads %s.\n\n", set.describe())
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "class\tto train on\tto test with\n")
	for i, class := range classes {
		fmt.Fprintf(table, "%s\t%s\t%s\n", printable(class), thousands(train.Counts[i]), thousands(test.Counts[i]))
	}
	return table.Flush()
}

// find returns a set of a known name, or what --data takes else.
func (o *dataOptions) find(ctx context.Context, name string) (*pictureSet, error) {
	if s := findPublished(name); s != nil {
		return s.pictures(ctx, o.root, o.pictures)
	}
	if _, err := os.Stat(name); err == nil {
		if o.root != "" {
			return nil, usagef("--root names the folder of a data set that is known by name, and %s is a place itself: leave --root out", name)
		}
		return findPicturesAs(ctx, name, o.pictures)
	}
	_, err := wantPublished(name)
	return nil, err
}
