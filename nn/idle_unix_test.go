//go:build unix

package nn

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// processorTime is how long this process has been on processors.
func processorTime(t *testing.T) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// pause is long beside all that members do before they park, and restful is how much
// of it a process may be on processors: a member that spins would take all of it.
const (
	pause   = 400 * time.Millisecond
	restful = pause / 4
)

// TestIdleProgramsRest runs itself with one to four processors in Go's eyes, and on
// one that there is: the weights are the same, and neither programs that wait for the
// next step nor members that wait for another use a processor.
func TestIdleProgramsRest(t *testing.T) {
	const child = "INKLING_TEST_IDLE"
	if os.Getenv(child) != "" {
		restAndReport(t)
		return
	}
	self := []string{os.Args[0], "-test.run=^TestIdleProgramsRest$", "-test.v"}
	var lines [][]string
	for procs := 1; procs <= 4; procs++ {
		lines = append(lines, append([]string{"env", fmt.Sprintf("GOMAXPROCS=%d", procs)}, self...))
	}
	if exec.Command("taskset", "-c", "0", "true").Run() == nil {
		lines = append(lines, append([]string{"taskset", "-c", "0"}, self...), append([]string{"taskset", "-c", "0", "env", "GOMAXPROCS=4"}, self...))
	}
	digests := make([]string, len(lines))
	var group sync.WaitGroup
	for i, line := range lines {
		group.Go(func() {
			command := exec.Command(line[0], line[1:]...)
			command.Env = append(os.Environ(), child+"=1")
			out, err := command.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", strings.Join(line, " "), err, out)
			}
			_, after, _ := strings.Cut(string(out), "weights ")
			digests[i], _, _ = strings.Cut(after, "\n")
		})
	}
	group.Wait()
	for i, d := range digests {
		if d == "" || d != digests[0] {
			t.Errorf("%s: the weights are %q, those of %s are %q", strings.Join(lines[i], " "), d, strings.Join(lines[0], " "), digests[0])
		}
	}
}

// restAndReport is the process that is looked at.
func restAndReport(t *testing.T) {
	images, labels := goldenImages(t, 64)
	net := newLeNet(7)
	p, err := CompileTrain(net, CrossEntropy{}, newSGD(), 64, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	predictor, err := Compile(net, 64, 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		p.Step(images, labels)
		predictor.Forward(images)
	}
	before := processorTime(t)
	time.Sleep(pause)
	if used := processorTime(t) - before; used > restful {
		t.Errorf("between two steps the process used %v of processors in %v", used, pause)
	}

	slow := newTeam(3)
	defer slow.close()
	before = processorTime(t)
	slow.run(slow.size, func(worker int) {
		if worker == 1 {
			time.Sleep(pause)
		}
	})
	if used := processorTime(t) - before; used > restful {
		t.Errorf("members that waited for another used %v of processors in %v", used, pause)
	}
	t.Logf("weights %s", digest(net))
}
