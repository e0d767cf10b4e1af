// Stops counts requests that are lost when a server is stopped under load. It is
// part of scripts/bench-server.
//
// Usage: stops INKLING STOPS < BODIES
//
// It starts "INKLING serve" so many times and sends the lines of BODIES to
// /api/predict over connections that it keeps until it is told to close them,
// as wrk does. After half a second it sends SIGTERM. A request is lost when it was
// sent, or had begun to be, and no answer has come.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "stops:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: stops INKLING STOPS < BODIES")
	}
	stops, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return fmt.Errorf("%q is no number of stops", os.Args[2])
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	bodies := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for _, connections := range []int{10, 256} {
		var all count
		var longest time.Duration
		for range stops {
			took, err := all.stop(os.Args[1], bodies, connections)
			if err != nil {
				return err
			}
			longest = max(longest, took)
		}
		fmt.Printf("%d stops, %d connections: %d requests answered, %d of them refused, %d lost; the longest stop took %.1f s\n",
			stops, connections, all.answered.Load(), all.refused.Load(), all.lost.Load(), longest.Seconds())
	}
	return nil
}

// A count is what has become of requests.
type count struct{ answered, refused, lost atomic.Int64 }

// stop starts a server, puts it under load and stops it.
func (c *count) stop(inkling string, bodies [][]byte, connections int) (took time.Duration, err error) {
	server := exec.Command(inkling, "serve", "--addr", "127.0.0.1:0", "--log-level", "error")
	server.Stderr = os.Stderr
	said, err := server.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := server.Start(); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	_, rest, _ := strings.Cut(line, "http://")
	address, _, _ := strings.Cut(rest, "/")
	if err != nil || address == "" {
		server.Process.Kill()
		server.Wait()
		return 0, fmt.Errorf("the server said %q: %v", line, err)
	}
	var clients sync.WaitGroup
	for i := range connections {
		clients.Go(func() {
			for turn := i; c.keep(address, bodies, turn); turn++ {
			}
		})
	}
	time.Sleep(500 * time.Millisecond)
	started := time.Now()
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	clients.Wait()
	err = server.Wait()
	return time.Since(started), err
}

// keep sends requests over one connection until that is closed, and tells whether
// another one can be opened.
func (c *count) keep(address string, bodies [][]byte, turn int) (again bool) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false // nobody listens any more: nothing was asked
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for ; ; turn++ {
		body := bodies[turn%len(bodies)]
		_, err := fmt.Fprintf(conn, "POST /api/predict HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", address, len(body), body)
		var response *http.Response
		if err == nil {
			response, err = http.ReadResponse(reader, nil)
		}
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
		}
		if err != nil {
			c.lost.Add(1)
			return true
		}
		c.answered.Add(1)
		if response.StatusCode != http.StatusOK {
			c.refused.Add(1)
		}
		if response.Close {
			return true
		}
	}
}
