package nn

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"inkling/internal/kernel"
)

// TestRefusedKernels runs itself with kernels that there are not: Compile has to
// say so.
func TestRefusedKernels(t *testing.T) {
	const refused = "INKLING_TEST_REFUSED"
	if os.Getenv(refused) != "" {
		if _, err := Compile(&PReLU{}, 1, 8); err == nil {
			t.Error("Compile took no notice")
		} else {
			t.Log(err)
		}
		return
	}
	command := exec.Command(os.Args[0], "-test.run=^TestRefusedKernels$", "-test.v")
	command.Env = append(os.Environ(), refused+"=1", kernel.Variable+"=abacus")
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `INKLING_KERNELS is "abacus", which is no set of kernels`) {
		t.Errorf("%v: %s", err, out)
	}
}
