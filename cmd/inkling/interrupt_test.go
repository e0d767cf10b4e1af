//go:build unix

package main

import (
	"bufio"
	"errors"
	"inkling"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"inkling/nn"
	"inkling/weights"
)

// startTraining starts a training that would last for hours, and waits until
// its first steps are done.
func startTraining(t *testing.T, dir string) (command *exec.Cmd, out *bufio.Scanner, stderr *strings.Builder) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command = exec.Command(self, "train", "--data", "mnist", "--limit", "2000", "--epochs", "100000", "--log-every", "100")
	command.Env = append(os.Environ(), runAsCommand+"=1")
	command.Dir = dir
	stderr = &strings.Builder{}
	command.Stderr = stderr
	pipe, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() })
	out = bufio.NewScanner(pipe)
	for out.Scan() {
		if strings.Contains(out.Text(), "loss:") {
			return command, out, stderr
		}
	}
	t.Fatalf("no line about the loss; standard error: %s", stderr)
	return nil, nil, nil
}

func TestInterruptSaves(t *testing.T) {
	for name, signal := range map[string]os.Signal{"SIGINT": os.Interrupt, "SIGTERM": syscall.SIGTERM} {
		dir := t.TempDir()
		command, out, stderr := startTraining(t, dir)
		if err := command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		saved := false
		for out.Scan() {
			saved = saved || out.Text() == "Saved the model in model.pth."
		}
		err := command.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 130 {
			t.Errorf("%s: %v, want status 130", name, err)
		}
		if text := stderr.String(); !saved || !strings.Contains(text, "interrupted; the model was saved as it was then") || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: it did not say that the model was saved: %q", name, text)
		}
		file, err := weights.Read(filepath.Join(dir, "model.pth"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if file.Metadata == nil || file.Metadata.Extra["interrupted"] != "true" {
			t.Errorf("%s: the model does not say that its training was interrupted", name)
		}
		m, err := inkling.Open(filepath.Join(dir, "model.pth"))
		if err != nil || len(nn.State(m.Network)) != 10 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
