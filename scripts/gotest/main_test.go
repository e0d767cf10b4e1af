package main

import (
	"slices"
	"strings"
	"testing"
)

func TestLog(t *testing.T) {
	const events = `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"    a_test.go:3: fine\n"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"--- PASS: TestGood (0.00s)\n"}
{"Action":"pass","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestMissing","Output":"=== RUN   TestMissing\n"}
{"Action":"output","Package":"a","Test":"TestMissing","Output":"    a_test.go:9: no data\n"}
{"Action":"output","Package":"a","Test":"TestMissing","Output":"--- SKIP: TestMissing (0.00s)\n"}
{"Action":"skip","Package":"a","Test":"TestMissing"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"=== RUN   TestBad\n"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"    a_test.go:12: wrong\n"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"--- FAIL: TestBad (0.00s)\n"}
{"Action":"fail","Package":"a","Test":"TestBad"}
{"Action":"output","Package":"a","Output":"FAIL\n"}
{"Action":"output","Package":"a","Output":"FAIL\ta\t0.003s\n"}
{"Action":"fail","Package":"a"}
{"ImportPath":"b","Action":"build-output","Output":"b.go:1: broken\n"}
a line that is no event
`
	var out strings.Builder
	l := &log{out: &out, tests: map[string][]string{}}
	l.read(strings.NewReader(events))
	const want = "    a_test.go:12: wrong\n--- FAIL: TestBad (0.00s)\nFAIL\nFAIL\ta\t0.003s\nb.go:1: broken\na line that is no event\n"
	if out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
	if !slices.Equal(l.skipped, []string{"a TestMissing: no data"}) {
		t.Errorf("skipped %q", l.skipped)
	}
}
