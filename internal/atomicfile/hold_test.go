package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// holdFile makes the test program hold a file until its input ends, and so lets
// the tests have another process.
const holdFile = "INKLING_TEST_HOLD_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdFile); path != "" {
		if _, err := Hold(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0) // without releasing it
	}
	os.Exit(m.Run())
}

// holder is another process that holds a file.
func holder(t *testing.T, path string) (pid int, kill func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), holdFile+"="+path)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		command.Process.Kill()
		command.Wait()
	}
	t.Cleanup(kill)
	line, _ := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(line) != "held" {
		t.Skipf("files are not locked here: %s", line)
	}
	return command.Process.Pid, kill
}

func TestHold(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "model.pth")
	pid, kill := holder(t, path)

	var held *HeldError
	if _, err := Hold(path); !errors.As(err, &held) || held.PID != pid || !strings.Contains(err.Error(), fmt.Sprintf("process %d is writing %s", pid, path)) {
		t.Fatalf("error %v, want one that names process %d", err, pid)
	}
	// Writing into the folder does not take the lock for abandoned.
	if err := Write(filepath.Join(folder, "other.pth"), text("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := Hold(path); !errors.As(err, &held) {
		t.Fatalf("error %v, want that it is held still", err)
	}
	// Another name of the same file.
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if link := filepath.Join(t.TempDir(), "latest.pth"); os.Symlink(path, link) == nil {
		if _, err := Hold(link); !errors.As(err, &held) {
			t.Errorf("through a link: error %v, want that it is held", err)
		}
	}

	kill()
	release, err := Hold(path)
	if err != nil {
		t.Fatalf("after the holder's death: %v", err)
	}
	if _, err := Hold(path); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("a second time in one process: error %v, want that it is held by %d", err, os.Getpid())
	}
	release()
	os.Remove(filepath.Join(folder, "other.pth"))
	onlyEntry(t, path)
	if release, err = Hold(path); err != nil {
		t.Fatalf("after the release: %v", err)
	}
	release()
}

// TestHoldLeftOver checks that the file of a killed holder goes away.
func TestHoldLeftOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pth")
	_, kill := holder(t, path)
	kill()
	if err := Write(path, text("x")); err != nil {
		t.Fatal(err)
	}
	onlyEntry(t, path)
}

func TestHoldBadPlaces(t *testing.T) {
	folder := t.TempDir()
	for path, says := range map[string]string{
		filepath.Join(folder, "missing", "model.pth"): "does not exist; create it",
		folder: "it is a folder",
	} {
		if _, err := Hold(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want one with %q", path, err, says)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a folder appeared")
	}
}
