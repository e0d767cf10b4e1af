// Command gotest runs go test with its arguments, prints what go test prints, and
// appends a line for every skipped test to a file: its name and the reason.
//
//	go run ./scripts/gotest -skips FILE -- [ARGUMENTS OF GO TEST...]
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

func main() {
	skips := flag.String("skips", "", "append skipped tests to `FILE`")
	flag.Parse()
	os.Exit(run(*skips, flag.Args()))
}

func run(skips string, args []string) int {
	command := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		return 1
	}
	l := &log{out: os.Stdout, tests: map[string][]string{}}
	l.read(out)
	if skips != "" && len(l.skipped) > 0 {
		file, err := os.OpenFile(skips, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err == nil {
			_, err = fmt.Fprintln(file, strings.Join(l.skipped, "\n"))
			file.Close()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "gotest:", err)
			return 1
		}
	}
	if err := command.Wait(); err != nil {
		return 1
	}
	return 0
}

// event is a line of go test -json; see "go doc test2json".
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of what is being built
}

// log turns events back into what go test prints without -v.
type log struct {
	out     io.Writer
	tests   map[string][]string // what the tests that run have printed
	skipped []string
}

func (l *log) read(r io.Reader) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		var e event
		switch {
		case strings.TrimSpace(line) == "":
		case json.Unmarshal([]byte(line), &e) != nil:
			fmt.Fprint(l.out, line)
		default:
			l.hear(e)
		}
		if err != nil {
			return
		}
	}
}

func (l *log) hear(e event) {
	key := e.Package + " " + e.Test
	switch {
	case e.Action == "build-output":
		fmt.Fprint(l.out, e.Output)
	case e.Test == "":
		if e.Action == "output" && e.Output != "PASS\n" {
			fmt.Fprint(l.out, e.Output)
		}
	case e.Action == "output":
		l.tests[key] = append(l.tests[key], e.Output)
	case e.Action == "fail":
		for _, text := range l.tests[key] {
			if !strings.HasPrefix(text, "=== ") {
				fmt.Fprint(l.out, text)
			}
		}
		delete(l.tests, key)
	case e.Action == "skip":
		l.skipped = append(l.skipped, fmt.Sprintf("%s: %s", key, reason(l.tests[key])))
		delete(l.tests, key)
	case e.Action == "pass":
		delete(l.tests, key)
	}
}

// place is where a test said something: "    file_test.go:12: ".
var place = regexp.MustCompile(`^\s*[\w.]+\.go:\d+: `)

// reason is the last thing that a test said before it was skipped.
func reason(output []string) string {
	said := ""
	for _, text := range output {
		if place.MatchString(text) {
			said = strings.TrimSpace(place.ReplaceAllString(text, ""))
		}
	}
	if said == "" {
		return "it does not say why"
	}
	return said
}
