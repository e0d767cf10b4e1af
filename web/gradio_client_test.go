package web

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Gradio's official JavaScript client must be able to call the server. It is
// installed with npm into a folder of the test's own.
func TestGradioJavaScriptClient(t *testing.T) {
	if testing.Short() {
		t.Skip("short: installing Gradio's client takes seconds")
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s, which Gradio's client needs, is not there: %v", program, err)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "gradio-client"))); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install Gradio's client, perhaps for want of a network: %v: %s", err, out)
	}
	picture := filepath.Join(dir, "seven.png")
	if err := os.WriteFile(picture, toPNG(digitPicture()), 0o644); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newTestServer(t, nil).Handler())
	defer server.Close()
	client := exec.CommandContext(t.Context(), "node", "client.mjs", server.URL, picture, "300")
	client.Dir = dir
	out, err := client.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "300 overlapped calls settled") {
		t.Errorf("Gradio's client failed: %v\n%s", err, out)
	}
}

// eventually waits until a condition holds, for as long as a slow machine needs.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 1000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("this did not happen: %s", what)
}
