package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"inkling"
)

// A visit is what a browser does that opens the page at an address and draws: it
// loads the page, everything that this names, and asks for a prediction. It
// returns the status of the prediction and its body.
func visit(t *testing.T, client *http.Client, page string, headers map[string]string) (status int, body string) {
	t.Helper()
	fetch := func(method, address, body string) (*http.Response, string) {
		r, err := http.NewRequest(method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		if method == "POST" {
			u, _ := url.Parse(address)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Origin", "http://"+u.Host)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(text)
	}
	response, text := fetch("GET", page, "")
	if response.StatusCode != http.StatusOK {
		return response.StatusCode, text
	}
	base := response.Request.URL // after redirects
	if found := regexp.MustCompile(`<base href="([^"]*)">`).FindStringSubmatch(text); found != nil {
		base, _ = base.Parse(found[1])
	}
	for _, found := range regexp.MustCompile(`(?:src|href)="([^"#]+)`).FindAllStringSubmatch(text, -1) {
		if u, _ := base.Parse(found[1]); !strings.HasSuffix(found[1], "/") {
			if response, _ := fetch("GET", u.String(), ""); response.StatusCode != http.StatusOK {
				t.Errorf("%s names %s, which is %s: status %d", page, found[1], u, response.StatusCode)
			}
		}
	}
	u, _ := base.Parse("api/predict")
	response, text = fetch("POST", u.String(), "{"+seven+"}")
	return response.StatusCode, text
}

// named is a server's address by a name of this machine that is not loopback's
// own, as far as the server can tell.
const named = "digits.example.org"

// browser finds this machine under every name.
func browser(t *testing.T) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(address)
		return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// A proxyKind is how a proxy is set up: which headers it sets, and what it makes
// of paths.
type proxyKind struct {
	name    string
	nginx   string // within server { }, with UPSTREAM for the server's address
	rewrite func(to *httputil.ProxyRequest, upstream *url.URL)
	path    string // of the page
	change  func(*Config)
	headers map[string]string // of the browser
	status  int
	says    string // in the answer
}

func toUpstream(to *httputil.ProxyRequest, upstream *url.URL) { to.SetURL(upstream) }

func withXForwarded(to *httputil.ProxyRequest, upstream *url.URL) {
	to.SetURL(upstream)
	to.SetXForwarded()
}

// below passes on what is below /digits.
func below(prefix string, strip bool) func(*httputil.ProxyRequest, *url.URL) {
	return func(to *httputil.ProxyRequest, upstream *url.URL) {
		if strip {
			to.Out.URL.Path = strings.TrimPrefix(to.Out.URL.Path, "/digits")
		}
		withXForwarded(to, upstream)
		if prefix != "" {
			to.Out.Header.Set("X-Forwarded-Prefix", prefix)
		}
	}
}

var (
	trusting = func(c *Config) { c.TrustProxy = true }
	hosting  = func(c *Config) { c.Hosts = []string{"*.example.org"} }
)

const nginxForwards = "proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"

var proxyKinds = []proxyKind{
	{"as it comes", "location / { proxy_pass UPSTREAM; }", toUpstream, "/", nil, nil, 403, "start the server with --host " + named},
	{"as it comes, by a browser that says whose page it is", "location / { proxy_pass UPSTREAM; }", toUpstream, "/", nil, map[string]string{"Sec-Fetch-Site": "same-origin"}, 200, `"label":"7"`},
	{"as it comes, --host", "location / { proxy_pass UPSTREAM; }", toUpstream, "/", hosting, nil, 200, `"label":"7"`},
	{"the host without port, --host", "location / { proxy_pass UPSTREAM; proxy_set_header Host $host; }", func(to *httputil.ProxyRequest, upstream *url.URL) {
		to.SetURL(upstream)
		to.Out.Host = hostname(to.In.Host)
	}, "/", hosting, nil, 200, `"label":"7"`},
	{"forwarded headers, not trusted", "location / { proxy_pass UPSTREAM; " + nginxForwards + " }", withXForwarded, "/", nil, nil, 403, "--trust-proxy if the proxy sets X-Forwarded-Host"},
	{"forwarded headers, trusted", "location / { proxy_pass UPSTREAM; " + nginxForwards + " }", withXForwarded, "/", trusting, nil, 200, `"label":"7"`},
	{"trusted, --host of others", "location / { proxy_pass UPSTREAM; " + nginxForwards + " }", withXForwarded, "/", func(c *Config) { c.TrustProxy = true; c.Hosts = []string{"other.example.org"} }, nil, 403, "start it with --host " + named},
	{"an upstream of another name", "location / { proxy_pass UPSTREAM; proxy_set_header Host backend; }", func(to *httputil.ProxyRequest, upstream *url.URL) {
		to.SetURL(upstream)
		to.Out.Host = "backend"
	}, "/", nil, nil, 403, "start it with --host backend"},
	{"below a path that is cut off", "location /digits/ { proxy_pass UPSTREAM/; " + nginxForwards + " }", below("", true), "/digits/", trusting, nil, 200, `"label":"7"`},
	{"below a path that is told and cut off", "location /digits { proxy_pass UPSTREAM/; proxy_set_header X-Forwarded-Prefix /digits; " + nginxForwards + " }", below("/digits", true), "/digits", trusting, nil, 200, `"label":"7"`},
	{"below a path that is told", "location /digits { proxy_pass UPSTREAM; proxy_set_header X-Forwarded-Prefix /digits/; " + nginxForwards + " }", below("/digits/", false), "/digits", trusting, nil, 200, `"label":"7"`},
	{"below a path that is told, with its slash", "location /digits { proxy_pass UPSTREAM; proxy_set_header X-Forwarded-Prefix /digits; " + nginxForwards + " }", below("/digits", false), "/digits/", trusting, nil, 200, `"label":"7"`},
}

// The page works behind proxies, or the answer says what to set.
func TestBehindProxies(t *testing.T) {
	for _, kind := range proxyKinds {
		t.Run(kind.name, func(t *testing.T) {
			s := newServed(t, kind.change)
			upstream := &url.URL{Scheme: "http", Host: s.address}
			proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(to *httputil.ProxyRequest) { kind.rewrite(to, upstream) }})
			defer proxy.Close()
			kind.check(t, proxy.Listener.Addr().(*net.TCPAddr).Port)
		})
	}
}

func (k *proxyKind) check(t *testing.T, port int) {
	t.Helper()
	status, body := visit(t, browser(t), fmt.Sprintf("http://%s:%d%s", named, port, k.path), k.headers)
	if status != k.status || !strings.Contains(body, k.says) {
		t.Errorf("status %d, want %d with %q: %s", status, k.status, k.says, body)
	}
}

// The same behind a real nginx.
func TestBehindNginx(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if nginx, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			t.Skip("nginx is not there; TestBehindProxies has a proxy of its own")
		}
	}
	dir := t.TempDir()
	var servers strings.Builder
	ports := make([]int, len(proxyKinds))
	// The ports are held until nginx starts, lest they be given to others.
	var held []net.Listener
	for i, kind := range proxyKinds {
		s := newServed(t, kind.change)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = listener.Addr().(*net.TCPAddr).Port
		held = append(held, listener)
		fmt.Fprintf(&servers, "server { listen 127.0.0.1:%d; %s }\n", ports[i], strings.ReplaceAll(kind.nginx, "UPSTREAM", "http://"+s.address))
	}
	settings := fmt.Sprintf("daemon off; master_process off; pid %[1]s/pid; error_log stderr;\nevents {}\nhttp {\naccess_log off; absolute_redirect off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;\n%[2]s}\n", dir, &servers)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(nginx, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"))
	said := &strings.Builder{}
	command.Stderr = said
	for _, listener := range held {
		listener.Close()
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { command.Process.Kill(); command.Wait() }()
	for _, port := range ports {
		eventually(t, "nginx listens", func() bool {
			conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
	for i, kind := range proxyKinds {
		t.Run(kind.name, func(t *testing.T) { kind.check(t, ports[i]) })
	}
}

// asked sends a GET with headers straight to the handler.
func asked(s *Server, path string, headers map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://localhost:7860"+path, nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// Gradio's clients are told where the server is as they see it, or nothing.
func TestGradioRoot(t *testing.T) {
	plain, trusts := newTestServer(t, nil), newTestServer(t, trusting)
	type headers = map[string]string
	for _, test := range []struct {
		server  *Server
		path    string
		headers headers
		root    string
	}{
		{plain, "/config", nil, "http://localhost:7860"},
		{plain, "/config", headers{"X-Forwarded-Host": named}, ""},
		{plain, "/config", headers{"X-Forwarded-For": "192.0.2.1"}, ""},
		{plain, "/config", headers{"Via": "1.1 proxy"}, ""},
		{trusts, "/config", nil, "http://localhost:7860"},
		{trusts, "/config", headers{"X-Forwarded-Host": named}, "http://" + named},
		{trusts, "/config", headers{"X-Forwarded-Host": "first.example.org, " + named, "X-Forwarded-Proto": "https"}, "https://" + named},
		{trusts, "/config", headers{"X-Forwarded-Host": named, "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}, "https://" + named},
		{trusts, "/config", headers{"X-Forwarded-Host": named, "X-Forwarded-Port": "8443"}, "http://" + named + ":8443"},
		{trusts, "/config", headers{"X-Forwarded-Host": named + ":81", "X-Forwarded-Port": "8443"}, "http://" + named + ":81"},
		{trusts, "/config", headers{"X-Forwarded-Host": named, "X-Forwarded-Prefix": "/a/digits/"}, "http://" + named + "/a/digits"},
		{trusts, "/a/digits/config", headers{"X-Forwarded-Host": named, "X-Forwarded-Prefix": "/a/digits"}, "http://" + named + "/a/digits"},
		{trusts, "/config", headers{"X-Forwarded-Host": named, "X-Forwarded-Prefix": `/"><script>`}, "http://" + named},
		{trusts, "//config", headers{"X-Forwarded-Host": named, "X-Forwarded-Prefix": "/../x"}, "http://" + named},
	} {
		w := asked(test.server, test.path, test.headers)
		config := decoded[struct{ Root string }](t, w)
		if config.Root != test.root {
			t.Errorf("%s with %v: the root is %q, want %q", test.path, test.headers, config.Root, test.root)
		}
	}
	// A prefix that is a route of the server's own is not cut off twice.
	if w := asked(trusts, "/api/model", map[string]string{"X-Forwarded-Prefix": "/api"}); w.Code != http.StatusOK {
		t.Errorf("/api/model below /api: status %d", w.Code)
	}
	if w := asked(trusts, "/digitsmore/healthz", map[string]string{"X-Forwarded-Prefix": "/digits"}); w.Code != http.StatusNotFound {
		t.Errorf("a path that only begins as the prefix: status %d", w.Code)
	}
}

// Limits and log are for the client that a trusted proxy tells of.
func TestForwardedClient(t *testing.T) {
	for _, test := range []struct {
		trusted bool
		header  string
		want    string
	}{
		{true, "192.0.2.7", "192.0.2.7"}, {true, "203.0.113.9, 192.0.2.7", "192.0.2.7"}, {true, "[2001:db8::7]:80", "2001:db8::/64"},
		{true, "unknown", "198.51.100.1"}, {true, "", "198.51.100.1"}, {false, "192.0.2.7", "198.51.100.1"},
	} {
		var got client
		handler := (&observer{log: newTestServer(t, nil).log, metrics: newMetrics()}).observe((&forwarded{trusted: test.trusted}).heed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = clientOf(r) })))
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "198.51.100.1:1234"
		r.Header.Set("X-Forwarded-For", test.header)
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if got.String() != test.want {
			t.Errorf("trusted %v, X-Forwarded-For %q: the client is %s, want %s", test.trusted, test.header, got, test.want)
		}
	}
}

func TestParseHost(t *testing.T) {
	for given, want := range map[string]string{
		"digits.example.org": "digits.example.org", "Digits.Example.ORG.": "digits.example.org", "*.example.org": "*.example.org",
		"*.Example.org": "*.example.org", "backend": "backend", "my_app-2": "my_app-2", "192.168.1.5": "192.168.1.5",
		"[2001:DB8:0::1]": "2001:db8::1", "2001:db8::1": "2001:db8::1", "größe.example": "xn--gre-6ka8i.example", "数字.example": "xn--3ds443g.example",
		"xn--gre-6ka8i.example": "xn--gre-6ka8i.example",
	} {
		if got, err := ParseHost(given); err != nil || got != want && given != "数字.example" {
			t.Errorf("%q: got %q, %v; want %q", given, got, err, want)
		}
	}
	for given, want := range map[string]string{
		"": "it is empty", " ": "it is empty", ".": "it is empty", "*": "*.example.org", "http://x": "want x", "https://X:8080/a": "want x", "x:8080": "want x",
		"x/": "want x", "x/y": "want x", "x?y": "want x", "a@x": "no user", "*.": "*.example.org", "*x.org": "a star stands only", "a.*.org": "a star stands only",
		"**.org": "a star stands only", "a b": `no ' '`, "a..b": "0 characters", "a,b": "no ','", strings.Repeat("a", 64): "64 characters",
		strings.Repeat("a.", 130) + "b": "261 characters", "[2001:db8::1]:80": "no port", "x:": "no port", "x\x00": "no",
	} {
		if got, err := ParseHost(given); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "can never be the name of this server") {
			t.Errorf("%q: got %q, %v; want an error with %q", given, got, err, want)
		}
	}
	names, err := parseHosts([]string{"*.Example.org", "One.example"})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"a.example.org": true, "a.b.example.org": true, "example.org": false, ".example.org": false, "xexample.org": false,
		"a.example.org.evil": false, "one.example": true, "two.example": false, "x.one.example": false, "": false,
	} {
		if got := names.have(host); got != want {
			t.Errorf("%q is among the names: %v, want %v", host, got, want)
		}
	}
	if _, err := New(Config{Preparation: inkling.Preparation{Way: "emnist"}, Hosts: []string{"x:1", "*"}}); err == nil || !strings.Contains(err.Error(), `"x:1"`) || !strings.Contains(err.Error(), `"*"`) {
		t.Errorf("New with hosts that cannot be: %v", err)
	}
}

// No browser sends several Origin headers, so they are refused, whatever they
// are.
func TestSeveralOrigins(t *testing.T) {
	s := newServed(t, nil)
	own := "http://" + s.address
	for _, origins := range [][]string{{own, own}, {own, "http://evil.example"}, {"http://evil.example", own}, {own, ""}} {
		headers := ""
		for _, origin := range origins {
			headers += "Origin: " + origin + "\r\n"
		}
		for _, request := range []string{"GET / HTTP/1.1\r\nHost: " + s.address + "\r\n" + headers + "\r\n", "POST /api/predict HTTP/1.1\r\nHost: " + s.address + "\r\nContent-Type: application/json\r\nContent-Length: 0\r\n" + headers + "\r\n"} {
			response, err := http.ReadResponse(bufio.NewReader(s.dial(t, request)), nil)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(response.Body)
			if response.StatusCode != http.StatusForbidden || response.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%q: status %d: %s", request, response.StatusCode, text)
			}
		}
	}
}

// A path that is there with another method says so, one that is not is not found.
func TestMethods(t *testing.T) {
	s := newTestServer(t, nil)
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/api/predict", 405, "POST"}, {"PUT", "/api/predict", 405, "POST"}, {"OPTIONS", "/api/predict", 405, "POST"},
		{"DELETE", "/", 405, "GET, HEAD"}, {"POST", "/", 405, "GET, HEAD"}, {"POST", "/healthz", 405, "GET, HEAD"},
		{"PATCH", "/style.css", 405, "GET, HEAD"}, {"GET", "/gradio_api/upload", 405, "POST"}, {"GET", "/run/predict", 405, "POST"},
		{"POST", "/config", 405, "GET, HEAD"}, {"POST", "/gradio_api/file=x", 405, "GET, HEAD"}, {"GET", "/login", 405, "POST"},
		{"GET", "/none", 404, ""}, {"POST", "/none", 404, ""}, {"PUT", "/gradio_api/none", 404, ""}, {"POST", "/gradio_api/none", 404, ""},
		{"HEAD", "/healthz", 200, ""}, {"HEAD", "/", 200, ""},
	} {
		w := ask(s, test.method, test.path, "", nil)
		if w.Code != test.status || w.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s: status %d, Allow %q; want %d, %q", test.method, test.path, w.Code, w.Header().Get("Allow"), test.status, test.allow)
		}
		if test.status >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: Content-Type %q", test.method, test.path, w.Header().Get("Content-Type"))
		}
	}
}
