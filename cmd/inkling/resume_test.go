//go:build unix

package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilled kills trainings at random instants and goes on with them, until each
// has come to its end: the model must be that of a training which nobody killed, to
// the bit, and nothing may be left behind. INKLING_KILLS is how many times as many are
// killed: 10 for some thousand.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the command many times")
	}
	for _, test := range []struct {
		name  string
		kills int
		args  []string
	}{
		{"LeNet", 70, []string{"--limit", "1500", "--save-every", "20ms", "--val-split", "0.1"}},
		{"average, groups", 22, []string{"--model", "digitnet", "--limit", "160", "--batch", "8", "--optimizer", "muon", "--lr", "0.02", "--optimizer-for", "*.bias=sgd lr=0.1",
			"--optimizer-for", "features.[159].weight=adamw", "--optimizer-for", "features.12.weight=adamw", "--augment", "auto", "--ema", "0.9", "--save-every", "1"}},
		{"residuals, BatchNorm, dropout, augmentation, average", 8, []string{"--model", "mobilenet_v3_small", "--limit", "120", "--batch", "8", "--optimizer", "adamw",
			"--augment", "auto", "--schedule", "OneCycleLR", "--ema", "0.9", "--save-every", "1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"train", "--data", "mnist", "--test=false"}, test.args...)
			whole := filepath.Join(t.TempDir(), "whole.pth")
			finishes(t, t.TempDir(), append(args, "--run", "whole", "--out", whole))
			want, err := os.ReadFile(whole)
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)) // other instants each time
			kills, ends := 0, 0
			if times, err := strconv.Atoi(os.Getenv("INKLING_KILLS")); err == nil {
				test.kills *= times
			}
			for kills < test.kills || ends == 0 {
				dir := t.TempDir()
				next := append(args, "--run", "broken", "--out", "model.pth")
				for round := 0; ; round++ {
					command, out, _, stderr := start(t, dir, next...)
					go func() { // so that it is not held up
						var all bytes.Buffer
						all.ReadFrom(out)
					}()
					if kills < test.kills {
						time.Sleep(time.Duration(30+r.IntN(200)) * time.Millisecond)
						command.Process.Signal(syscall.SIGKILL)
					}
					err := command.Wait()
					if err == nil {
						ends++
						break
					}
					if command.ProcessState.ExitCode() >= 0 {
						t.Fatalf("%v ended with %v: %s", next, err, stderr)
					}
					kills++
					if _, err := os.Stat(filepath.Join(dir, "runs", "broken", "config.yaml")); err == nil {
						next = []string{"train", "--resume", filepath.Join("runs", "broken"), "--workers", []string{"1", "2"}[round%2], "--force"}
					} else if err := os.RemoveAll(filepath.Join(dir, "runs")); err != nil {
						t.Fatal(err)
					}
				}
				got, err := os.ReadFile(filepath.Join(dir, "model.pth"))
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("after %d kills the model is another than without", kills)
				}
				for _, folder := range []string{dir, filepath.Join(dir, "runs", "broken")} {
					for _, name := range strings.Fields(names(t, folder)) {
						if strings.HasPrefix(name, ".") {
							t.Errorf("%s was left in %s", name, folder)
						}
					}
				}
			}
			t.Logf("%d kills, %d trainings came to their end", kills, ends)
		})
	}
}

// finishes runs the command in a folder to its end, which must be a good one.
func finishes(t *testing.T, dir string, args []string) {
	t.Helper()
	command, out, _, stderr := start(t, dir, args...)
	var all bytes.Buffer
	all.ReadFrom(out)
	if err := command.Wait(); err != nil {
		t.Fatalf("%v: %v: %s", args, err, stderr)
	}
}
