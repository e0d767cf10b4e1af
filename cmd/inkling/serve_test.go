//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A runningServer is "inkling serve" or "inkling demo" under a script.
type runningServer struct {
	command *exec.Cmd
	mutex   sync.Mutex
	output  bytes.Buffer
}

func (s *runningServer) Write(b []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.output.Write(b)
}

func (s *runningServer) said() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.output.String()
}

// waitFor waits until the server has said something.
func (s *runningServer) waitFor(ts *testscript.TestScript, pattern string) []string {
	expression, err := regexp.Compile("(?m)" + pattern)
	ts.Check(err)
	for range 3000 {
		if found := expression.FindStringSubmatch(s.said()); found != nil {
			return found
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("the server did not say %q but %q", pattern, s.said())
	return nil
}

// servers are those of the scripts that are running.
var servers sync.Map // *testscript.TestScript to *runningServer

func serverOf(ts *testscript.TestScript) *runningServer {
	s, found := servers.Load(ts)
	if !found {
		ts.Fatalf("no server is running")
	}
	return s.(*runningServer)
}

func init() {
	// start COMMAND ARGS... starts "inkling serve" or "inkling demo" on a port
	// that is free, whose address is $SERVER then.
	scriptCommands["start"] = func(ts *testscript.TestScript, neg bool, args []string) {
		self, err := os.Executable()
		ts.Check(err)
		s := &runningServer{command: exec.Command(self, append(args, "--addr", "127.0.0.1:0")...)}
		s.command.Env = append(os.Environ(), runAsCommand+"=1")
		s.command.Dir = ts.Getenv("WORK")
		s.command.Stdout, s.command.Stderr = s, s
		ts.Check(s.command.Start())
		servers.Store(ts, s)
		ts.Defer(func() {
			if _, running := servers.LoadAndDelete(ts); running {
				s.command.Process.Kill()
				s.command.Wait()
			}
		})
		ts.Setenv("SERVER", s.waitFor(ts, `^Draw at http://(.*)/ - `)[1])
	}

	// endserver tells the server to end, which it must do well.
	scriptCommands["endserver"] = func(ts *testscript.TestScript, neg bool, args []string) {
		s := serverOf(ts)
		servers.Delete(ts)
		ts.Check(s.command.Process.Signal(os.Interrupt))
		if err := s.command.Wait(); err != nil {
			ts.Fatalf("the server ended with %v: %s", err, s.said())
		}
		conn, err := net.Dial("tcp", ts.Getenv("SERVER"))
		if err == nil {
			conn.Close()
			ts.Fatalf("somebody still listens")
		}
	}

	// served PATTERN wants the server to have said something.
	scriptCommands["served"] = func(ts *testscript.TestScript, neg bool, args []string) {
		serverOf(ts).waitFor(ts, args[0])
	}

	// get PATH STATUS PATTERN asks the server for something.
	scriptCommands["get"] = func(ts *testscript.TestScript, neg bool, args []string) {
		response, err := http.Get(fmt.Sprintf("http://%s/%s", ts.Getenv("SERVER"), strings.TrimPrefix(args[0], "/")))
		ts.Check(err)
		checkResponse(ts, response, args[1:])
	}

	// send NAME BODY STATUS [PATTERN] sends JSON to /api/NAME.
	scriptCommands["send"] = func(ts *testscript.TestScript, neg bool, args []string) {
		response, err := http.Post(fmt.Sprintf("http://%s/api/%s", ts.Getenv("SERVER"), args[0]), "application/json", strings.NewReader(args[1]))
		ts.Check(err)
		checkResponse(ts, response, args[2:])
	}
}

func checkResponse(ts *testscript.TestScript, response *http.Response, want []string) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if got := strconv.Itoa(response.StatusCode); got != want[0] {
		ts.Fatalf("status %s, want %s: %s", got, want[0], body)
	}
	if len(want) > 1 && !regexp.MustCompile(want[1]).Match(body) {
		ts.Fatalf("the answer has no %q: %s", want[1], body)
	}
}
