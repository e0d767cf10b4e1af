//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"inkling"
)

// startTraining starts a training that would last for hours, and waits until
// its first steps are done. Out is what it prints.
func startTraining(t *testing.T, dir string, args ...string) (command *exec.Cmd, out io.ReadCloser, lines *bufio.Scanner, stderr *strings.Builder) {
	t.Helper()
	command, out, lines, stderr = start(t, dir, append([]string{"train", "--data", "mnist", "--limit", "2000", "--epochs", "100000", "--log-every", "100"}, args...)...)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "loss:") {
			return command, out, lines, stderr
		}
	}
	t.Fatalf("no line about the loss; standard error: %s", stderr)
	return nil, nil, nil, nil
}

// start starts the command in a folder.
func start(t *testing.T, dir string, args ...string) (command *exec.Cmd, out io.ReadCloser, lines *bufio.Scanner, stderr *strings.Builder) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command = exec.Command(self, args...)
	command.Env = append(os.Environ(), runAsCommand+"=1")
	command.Dir = dir
	stderr = &strings.Builder{}
	command.Stderr = stderr
	if out, err = command.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() })
	return command, out, bufio.NewScanner(out), stderr
}

// ended waits for the command's end, which must have a status.
func ended(t *testing.T, name string, command *exec.Cmd, status int) {
	t.Helper()
	err := command.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != status {
		t.Errorf("%s: %v, want status %d", name, err, status)
	}
}

// savedInterrupted checks the model of a training that was interrupted, and that
// nothing else was left.
func savedInterrupted(t *testing.T, name, dir string) {
	t.Helper()
	m, err := inkling.Open(filepath.Join(dir, "model.pth"))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if m.About.Extra["interrupted"] != "true" {
		t.Errorf("%s: the model does not say that its training was interrupted", name)
	}
	if got := names(t, dir); got != "model.pth" {
		t.Errorf("%s: it left %s", name, got)
	}
}

func TestInterruptSaves(t *testing.T) {
	// Where the tests were started with a signal ignored, as by nohup, a child
	// would ignore it, too; one that is heeded it does not inherit.
	heeded := make(chan os.Signal, 1)
	signal.Notify(heeded, os.Interrupt, syscall.SIGHUP)
	defer signal.Stop(heeded)
	for name, signal := range map[string]os.Signal{"SIGINT": os.Interrupt, "SIGTERM": syscall.SIGTERM, "SIGHUP": syscall.SIGHUP} {
		dir := t.TempDir()
		command, _, lines, stderr := startTraining(t, dir)
		if err := command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		saved := false
		for lines.Scan() {
			saved = saved || lines.Text() == "Saved the model in model.pth."
		}
		ended(t, name, command, 130)
		if text := stderr.String(); !saved || !strings.Contains(text, "interrupted; the model was saved as it was then") || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: it did not say that the model was saved: %q", name, text)
		}
		savedInterrupted(t, name, dir)
	}
}

// A training whose output nobody reads any more, as behind "| head", saves and
// ends.
func TestClosedOutputSaves(t *testing.T) {
	for _, args := range [][]string{nil, {"--json"}} {
		dir := t.TempDir()
		name := "without flags"
		var command *exec.Cmd
		var out io.ReadCloser
		var stderr *strings.Builder
		if args == nil {
			command, out, _, stderr = startTraining(t, dir)
		} else {
			name = "--json"
			command, out, _, stderr = start(t, dir, append([]string{"train", "--data", "mnist", "--limit", "2000", "--epochs", "100000", "--log-every", "100"}, args...)...)
			if _, err := io.ReadFull(out, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		out.Close()
		ended(t, name, command, 141)
		if text := stderr.String(); !strings.Contains(text, "interrupted, for nobody reads the output any more; the model was saved as it was then") || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: it did not say that the model was saved: %q", name, text)
		}
		savedInterrupted(t, name, dir)
	}
}

// A training that nohup has started does not care about the terminal's end.
func TestNohup(t *testing.T) {
	signal.Ignore(syscall.SIGHUP) // which a child inherits, as from nohup
	defer signal.Reset(syscall.SIGHUP)
	dir := t.TempDir()
	command, _, lines, _ := startTraining(t, dir)
	if err := command.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for range 40 { // more than the pipe may have held when the signal came
		if !lines.Scan() {
			t.Fatal("it ended")
		}
	}
	command.Process.Signal(syscall.SIGTERM)
	for lines.Scan() {
	}
	ended(t, "nohup", command, 130)
	savedInterrupted(t, "nohup", dir)
}

// Of two trainings that write one file the second is refused.
func TestTwoTrainings(t *testing.T) {
	dir := t.TempDir()
	command, _, lines, _ := startTraining(t, dir)
	second, _, _, stderr := start(t, dir, "train", "--limit", "10")
	ended(t, "the second training", second, 1)
	if want := fmt.Sprintf("process %d is writing model.pth: wait for it, stop it, or choose another name with --out\n", command.Process.Pid); !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("it said %q, want %q", stderr, want)
	}
	// A killed one is no hindrance, and leaves nothing for the next.
	command.Process.Kill()
	for lines.Scan() {
	}
	command.Wait()
	third, out, _, stderr := start(t, dir, "train", "--limit", "10", "--force")
	io.Copy(io.Discard, out)
	if err := third.Wait(); err != nil || names(t, dir) != "model.pth" {
		t.Errorf("after a killed training: %v, %s, files %s", err, stderr, names(t, dir))
	}
}

// A signal is heard while the pictures are looked for and read.
func TestInterruptWhileReading(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "list.csv")
	if err := syscall.Mkfifo(list, 0o600); err != nil {
		t.Skip("no named pipes here:", err)
	}
	pipe, err := os.OpenFile(list, os.O_RDWR, 0) // so the list has no end
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	command, out, _, stderr := start(t, dir, "train", "--data", "list.csv")
	for names(t, dir) == "list.csv" { // until it has claimed model.pth, which it does first
		time.Sleep(time.Millisecond)
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, out)
	ended(t, "SIGTERM", command, 130)
	if !strings.Contains(stderr.String(), "interrupted before the first step; nothing was saved") {
		t.Errorf("it said %q", stderr)
	}
	if got := names(t, dir); got != "list.csv" {
		t.Errorf("it left %s", got)
	}
}
