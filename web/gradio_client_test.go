package web

import (
	"archive/zip"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkling/web/reading"
)

// install copies a folder of testdata and lets npm install there what it asks
// for. Where that is not possible, the test is skipped.
func install(t *testing.T, folder string, programs ...string) (dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("short: installing Gradio's client takes seconds")
	}
	for _, program := range append(programs, "npm") {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s, which Gradio's client needs, is not there: %v", program, err)
		}
	}
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", folder))); err != nil {
		t.Fatal(err)
	}
	npm := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install Gradio's client, perhaps for want of a network: %v: %s", err, out)
	}
	return dir
}

// callWith lets a client call a server, and wants it to say something in the end.
func callWith(t *testing.T, dir, want string, environment []string, command ...string) {
	t.Helper()
	picture := filepath.Join(dir, "seven.png")
	if err := os.WriteFile(picture, reading.ToPNG(digitPicture()), 0o644); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newTestServer(t, nil).Handler())
	defer server.Close()
	client := exec.CommandContext(t.Context(), command[0], append(command[1:], server.URL, picture)...)
	client.Dir = dir
	client.Env = append(os.Environ(), environment...)
	out, err := client.CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		t.Errorf("Gradio's client failed: %v\n%s", err, out)
	}
}

// Gradio's official JavaScript client must be able to call the server.
func TestGradioJavaScriptClient(t *testing.T) {
	dir := install(t, "gradio-client", "node")
	callWith(t, dir, "1300 overlapped calls settled", nil, "node", "client.mjs", "300")
}

// Gradio's official Python client must be able to call the server. An npm
// package of Gradio's has it; what it imports is Debian's, but for what talks to
// a service that is not needed here.
func TestGradioPythonClient(t *testing.T) {
	const python = "/usr/bin/python3"
	imports := exec.Command(python, "-c", "import httpx, fsspec, packaging, websockets, typing_extensions")
	if out, err := imports.CombinedOutput(); err != nil {
		t.Skipf("%s lacks what Gradio's client imports (Debian has python3-httpx, python3-fsspec, python3-packaging, python3-websockets, python3-typing-extensions): %v: %s", python, err, out)
	}
	dir := install(t, "gradio-python")
	wheels, err := filepath.Glob(filepath.Join(dir, "node_modules", "@gradio", "lite", "dist", "assets", "gradio_client-*.whl"))
	if err != nil || len(wheels) != 1 {
		t.Fatalf("the npm package has the wheels %q, want one (%v)", wheels, err)
	}
	wheel, err := zip.OpenReader(wheels[0])
	if err != nil {
		t.Fatal(err)
	}
	defer wheel.Close()
	if err := os.CopyFS(filepath.Join(dir, "wheel"), wheel); err != nil {
		t.Fatal(err)
	}
	path := strings.Join([]string{filepath.Join(dir, "wheel"), filepath.Join(dir, "stub")}, string(os.PathListSeparator))
	callWith(t, dir, "20 calls settled", []string{"PYTHONPATH=" + path, "GRADIO_ANALYTICS_ENABLED=False"}, python, "client.py", "20")
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
