package web

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// forwarded heeds what a proxy in front of the server says of the requests that
// it passes on, if it is trusted to: X-Forwarded-Host, -Proto, -For and -Prefix.
// Proxies append to what they were sent themselves, so of several values the
// last is that of the proxy that this server was asked by.
type forwarded struct {
	trusted bool
	// serves tells whether there is something at a request's path.
	serves func(r *http.Request) bool
}

// A front is how a client sees the server.
type front struct {
	scheme string
	prefix string // of the paths, "" or such as /digits
	// named is set when a trusted proxy has said by which name it was asked.
	named bool
	// proxied is set when there is a trusted proxy.
	proxied bool
	// hidden is set when the request seems to come from a proxy that is not
	// trusted, so that nobody knows how the client sees the server.
	hidden bool
	client client
}

// A client is who a limit is counted for: an address, or the network of 64 bits
// that one subscriber of IPv6 has. It is zero in tests without connections.
type client netip.Prefix

// asClient makes a client of an address with or without a port.
func asClient(text string) (c client, ok bool) {
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		both, err := netip.ParseAddrPort(text)
		if err != nil {
			return client{}, false
		}
		address = both.Addr()
	}
	address = address.Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	network, err := address.Prefix(bits)
	return client(network), err == nil
}

// clientOf is the client that a request comes from.
func clientOf(r *http.Request) client { return frontOf(r).client }

func (c client) String() string {
	network := netip.Prefix(c)
	if network.IsSingleIP() {
		return network.Addr().String()
	}
	return network.String()
}

// frontOf is how the client of a request sees the server.
func frontOf(r *http.Request) *front {
	if e := exchangeOf(r); e != nil {
		return &e.front
	}
	return &front{scheme: "http"}
}

// heed notes how the client sees the server, and gives the request the host,
// the address and the path that it would have without the proxy.
func (f *forwarded) heed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := frontOf(r)
		seen.client, _ = asClient(r.RemoteAddr)
		seen.scheme = "http"
		if proto := lastValue(r, "X-Forwarded-Proto"); r.TLS != nil || strings.EqualFold(proto, "https") {
			seen.scheme = "https"
		}
		// Where a proxy maps /digits to /, /digits/x becomes //x.
		for strings.HasPrefix(r.URL.Path, "//") {
			r.URL.Path = r.URL.Path[1:]
		}
		if f.trusted {
			f.trust(seen, r)
		} else {
			seen.hidden = passedOn(r)
		}
		next.ServeHTTP(w, r)
	})
}

func (f *forwarded) trust(seen *front, r *http.Request) {
	seen.proxied = true
	if address, ok := asClient(lastValue(r, "X-Forwarded-For")); ok {
		seen.client = address
		r.RemoteAddr = lastValue(r, "X-Forwarded-For")
	}
	if host := lastValue(r, "X-Forwarded-Host"); host != "" {
		seen.named = true
		r.Host = host
		if port := lastValue(r, "X-Forwarded-Port"); !hasPort(host) && isPort(port) {
			r.Host = withoutDefaultPort(host + ":" + port)
		}
	}
	seen.prefix = cleanPrefix(lastValue(r, "X-Forwarded-Prefix"))
	// Some proxies cut the prefix off, some leave it.
	path := r.URL.Path
	if rest, found := strings.CutPrefix(path, seen.prefix); seen.prefix != "" && found && !f.serves(r) {
		if r.URL.Path = rest; rest == "" {
			r.URL.Path = "/"
		} else if rest[0] != '/' {
			r.URL.Path = path // such as /digitsmore
		}
	}
}

// passedOn tells whether a request shows that a proxy has passed it on. One that
// says nothing at all is nginx as it is without settings, which talks HTTP/1.0.
func passedOn(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return !r.ProtoAtLeast(1, 1)
}

// hasPort tells whether a host, which may be an IPv6 address in brackets, has a
// port.
func hasPort(host string) bool {
	_, _, err := net.SplitHostPort(host)
	return err == nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// lastValue is the last of the values of a header that are separated by commas.
func lastValue(r *http.Request, name string) string {
	lines := r.Header.Values(name)
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	return strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:])
}

// cleanPrefix is a prefix of paths with a slash in front and none at the end, ""
// if there is none or it has characters that would have to be escaped.
func cleanPrefix(given string) string {
	prefix := strings.Trim(given, "/")
	for _, c := range []byte(prefix) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0) {
			return ""
		}
	}
	if prefix == "" || strings.Contains("/"+prefix+"/", "/../") || strings.Contains(prefix, "//") {
		return ""
	}
	return "/" + prefix
}
