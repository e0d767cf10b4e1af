package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says in a sentence what is wrong with a flag.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		return noFlag(c, unknown.GetSpecifiedName())
	case errors.As(err, &missing):
		return usagef("--%s wants a value behind it", missing.GetSpecifiedName())
	case errors.As(err, &invalid):
		want := map[string]string{
			"bool": "true or false", "int": "a whole number", "uint64": "a whole number of 0 or more", "float64": "a number such as 0.01",
			"duration": "a time such as 50ms or 2s", "stringSlice": "words with commas between them, in double quotes where they have commas",
		}[invalid.GetFlag().Value.Type()]
		switch {
		case want == "": // a type of our own, with its own sentence
			return usagef("--%s is %q: %w", invalid.GetFlag().Name, invalid.GetValue(), errors.Unwrap(err))
		case errors.Is(err, strconv.ErrRange):
			return usagef("--%s is %s, which is out of range: want %s that is smaller", invalid.GetFlag().Name, invalid.GetValue(), want)
		}
		return usagef("--%s is %q, want %s", invalid.GetFlag().Name, invalid.GetValue(), want)
	}
	return err
}

// otherNames are what other tools call our flags.
var otherNames = map[string][]string{
	"augment":      {"augmentation", "aug", "transforms"},
	"batch":        {"batch-size", "batchsize", "bs"},
	"classes":      {"labels", "names"},
	"data":         {"dataset", "dataset-path", "data-dir", "source"},
	"epochs":       {"num-epochs", "n-epochs"},
	"from":         {"pretrained", "finetune", "weights"},
	"lr":           {"learning-rate", "rate", "lr0"},
	"max-time":     {"time", "timeout"},
	"model":        {"arch", "architecture", "network", "net"},
	"optimizer":    {"optimiser", "opt"},
	"out":          {"output", "output-dir", "save", "save-dir", "save-model"},
	"patience":     {"early-stop", "early-stopping"},
	"run":          {"project", "experiment"},
	"schedule":     {"scheduler", "lr-scheduler", "sched"},
	"size":         {"image-size", "img-size", "imgsz", "input-size", "resize"},
	"val-split":    {"validation-split", "split", "validation"},
	"weight-decay": {"wd", "decay"},
	"workers":      {"num-workers", "threads", "jobs", "cpus"},
}

// noFlag says that a command has no such flag, and which its user may have meant.
func noFlag(c *cobra.Command, name string) error {
	flags := &cobra.Command{SuggestionsMinimumDistance: 2} // letters that may differ
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			flags.AddCommand(&cobra.Command{Use: f.Name, SuggestFor: otherNames[f.Name], Run: func(*cobra.Command, []string) {}})
		}
	})
	if near := flags.SuggestionsFor(name); len(near) > 0 {
		return usagef("there is no flag --%s; did you mean --%s?", name, strings.Join(near, " or --"))
	}
	return usagef("there is no flag --%s", name)
}

// sentence is the text of an error without the words of Go's own packages in it,
// which mean nothing to most people: "open x: no such file or directory".
func sentence(err error) string {
	text := err.Error()
	replace := func(theirs error, name, reason string) {
		old := theirs.Error()
		before, after, found := strings.Cut(text, old)
		if !found {
			return
		}
		ours := reason
		if name != "" && !strings.Contains(before, name) && !strings.Contains(after, name) {
			ours = name + ": " + reason
		}
		text = before + ours + after
	}
	walk(err, func(err error) {
		switch e := err.(type) {
		case *fs.PathError:
			replace(e, e.Path, e.Err.Error())
		case *os.LinkError:
			replace(e, e.New, e.Err.Error())
		case *os.SyscallError:
			replace(e, "", e.Err.Error())
		case *json.SyntaxError:
			reason := fmt.Sprintf("byte %d does not belong there", e.Offset)
			if strings.HasPrefix(e.Error(), "unexpected end") {
				reason = "it ends in the middle"
			}
			replace(e, "", reason)
		case *url.Error:
			replace(e, e.URL, e.Err.Error())
		case *net.OpError:
			name := ""
			if e.Addr != nil {
				name = e.Addr.String()
			}
			replace(e, name, e.Err.Error())
		case *net.DNSError:
			reason := "the name service does not answer"
			if e.IsNotFound {
				reason = "there is no host of that name"
			}
			replace(e, e.Name, reason)
		case *net.AddrError:
			replace(e, e.Addr, e.Err)
		case *strconv.NumError:
			reason := fmt.Sprintf("%q is no number", e.Num)
			if errors.Is(e, strconv.ErrRange) {
				reason = e.Num + " is out of range"
			}
			replace(e, "", reason)
		}
	})
	if errors.Is(err, io.ErrUnexpectedEOF) {
		text = strings.ReplaceAll(text, io.ErrUnexpectedEOF.Error(), "it ends too early")
	}
	return text
}

// walk calls f for an error and those that it wraps, the outer ones first.
func walk(err error, f func(error)) {
	if err == nil {
		return
	}
	f(err)
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		walk(e.Unwrap(), f)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			walk(one, f)
		}
	}
}
