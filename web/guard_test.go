package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	local := newTestServer(t, nil)
	named := newTestServer(t, func(c *Config) { c.Hosts = []string{"Digits.example.org"}; c.AnyAddress = true })
	type headers map[string]string
	for _, test := range []struct {
		server  *Server
		method  string
		host    string
		headers headers
		status  int
		allowed string // Access-Control-Allow-Origin
	}{
		// The Host header.
		{local, "GET", "localhost:7860", nil, 200, ""},
		{local, "GET", "LOCALHOST", nil, 200, ""},
		{local, "GET", "page.localhost:1", nil, 200, ""},
		{local, "GET", "127.0.0.1:7860", nil, 200, ""},
		{local, "GET", "127.8.9.1", nil, 200, ""},
		{local, "GET", "[::1]:7860", nil, 200, ""},
		{local, "GET", "[::ffff:127.0.0.1]", nil, 200, ""},
		{local, "GET", "evil.example", nil, 403, ""},
		{local, "GET", "localhost.evil.example", nil, 403, ""},
		{local, "GET", "notlocalhost", nil, 403, ""},
		{local, "GET", "192.168.1.5:7860", nil, 403, ""},
		{local, "GET", "digits.example.org", nil, 403, ""},
		{local, "GET", "127.0.0.1.evil.example", nil, 403, ""},
		{named, "GET", "digits.example.org:443", nil, 200, ""},
		{named, "GET", "digits.example.org.", nil, 200, ""},
		{named, "GET", "192.168.1.5:7860", nil, 200, ""},
		{named, "GET", "[2001:db8::1]", nil, 200, ""},
		{named, "GET", "evil.example", nil, 403, ""},
		{named, "GET", "localhost", nil, 200, ""},

		// Programs send neither Origin nor Sec-Fetch-Site.
		{local, "POST", "localhost:7860", nil, 200, ""},
		// The page itself.
		{local, "POST", "localhost:7860", headers{"Origin": "http://localhost:7860", "Sec-Fetch-Site": "same-origin"}, 200, ""},
		{named, "POST", "digits.example.org", headers{"Origin": "https://digits.example.org"}, 200, ""},
		{local, "POST", "localhost:7860", headers{"Sec-Fetch-Site": "same-origin"}, 200, ""},
		{local, "POST", "localhost:7860", headers{"Sec-Fetch-Site": "none"}, 200, ""},
		// Pages of other ports of this machine.
		{local, "POST", "localhost:7860", headers{"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}, 200, "http://localhost:3000"},
		{local, "POST", "127.0.0.1:7860", headers{"Origin": "http://[::1]:8080", "Sec-Fetch-Site": "cross-site"}, 200, "http://[::1]:8080"},
		{local, "GET", "localhost:7860", headers{"Origin": "http://127.0.0.1:3000"}, 200, "http://127.0.0.1:3000"},
		{named, "POST", "192.168.1.5", headers{"Origin": "http://localhost:3000"}, 403, ""},
		// Pages of others.
		{local, "POST", "localhost:7860", headers{"Origin": "http://evil.example"}, 403, ""},
		{local, "POST", "localhost:7860", headers{"Origin": "null"}, 403, ""},
		{local, "GET", "localhost:7860", headers{"Origin": "null"}, 403, ""},
		{local, "GET", "localhost:7860", headers{"Origin": "https://evil.example"}, 403, ""},
		{local, "POST", "localhost:7860", headers{"Origin": ""}, 403, ""},
		{local, "POST", "localhost:7860", headers{"Origin": "file://localhost"}, 403, ""},
		{local, "POST", "localhost:7860", headers{"Origin": "http://localhost.evil.example"}, 403, ""},
		{local, "POST", "localhost:7860", headers{"Origin": "http://localhost@evil.example"}, 403, ""},
		{local, "POST", "localhost:7860", headers{"Sec-Fetch-Site": "cross-site"}, 403, ""},
		{local, "POST", "localhost:7860", headers{"Sec-Fetch-Site": "same-site"}, 403, ""},
		{named, "POST", "digits.example.org", headers{"Origin": "http://other.example.org", "Sec-Fetch-Site": "same-site"}, 403, ""},
		// A link on another page.
		{local, "GET", "localhost:7860", headers{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200, ""},
		// What a browser asks before it calls.
		{local, "OPTIONS", "localhost:7860", headers{"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-gradio-user"}, 204, "http://localhost:3000"},
		{local, "OPTIONS", "localhost:7860", headers{"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}, 403, ""},
	} {
		path, body := "/", ""
		if test.method != "GET" {
			path, body = "/api/predict", `{"strokes": []}`
		}
		r := httptest.NewRequest(test.method, path, strings.NewReader(body))
		r.Host = test.host
		r.Header.Set("Content-Type", "application/json")
		for name, value := range test.headers {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		test.server.Handler().ServeHTTP(w, r)
		allowed := w.Header().Get("Access-Control-Allow-Origin")
		if w.Code != test.status || allowed != test.allowed {
			t.Errorf("%s of %s with %v: status %d, allowed %q; want %d, %q", test.method, test.host, test.headers, w.Code, allowed, test.status, test.allowed)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(w.Header().Get("Vary"), "Origin") {
			t.Errorf("%s of %s: headers %v", test.method, test.host, w.Header())
		}
	}
}

// Every route that changes something refuses a foreign page.
func TestGuardsAllRoutes(t *testing.T) {
	s := newTestServer(t, nil)
	for _, path := range []string{"/api/predict", "/api/feedback", "/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/call/predict", "/run/predict", "/gradio_api/cancel", "/login"} {
		r := httptest.NewRequest("POST", "http://localhost"+path, strings.NewReader("{}"))
		r.Header.Set("Origin", "https://evil.example")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

func TestRequestID(t *testing.T) {
	s := newTestServer(t, nil)
	id := func(given string) string {
		r := httptest.NewRequest("GET", "http://localhost/healthz", nil)
		r.Header.Set("X-Request-Id", given)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Header().Get("X-Request-Id")
	}
	if got := id("abc-123"); got != "abc-123" {
		t.Errorf("the client's id became %q", got)
	}
	for _, bad := range []string{"", "a b", "a\tb", `a"b`, strings.Repeat("x", 65), "ü"} {
		if got := id(bad); got == bad || len(got) < 8 {
			t.Errorf("the id %q was answered by %q", bad, got)
		}
	}
}
