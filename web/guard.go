package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// contentPolicy lets the page load from this server alone, with nothing inline.
// The pictures in answers are data URLs, and those that are dropped on the page
// blob URLs.
const contentPolicy = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

// A guard keeps other people's pages from using the server through the browser
// of somebody who can reach it.
type guard struct {
	// names are further host names that the server answers to, in lower case.
	names []string
	// anyAddress lets it answer to every IP address, because it listens on more
	// than loopback.
	anyAddress bool
}

// protect refuses what comes from foreign pages.
//
// A page of another origin whose name resolves to this machine (DNS rebinding)
// is told by the Host header, which then is that name. Any other request across
// origins carries Origin or, from older calls, Sec-Fetch-Site. Pages of other
// ports of this machine may call a server on this machine, as with Gradio; they
// are answered with their own origin, never with a star.
func (g *guard) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Security-Policy", contentPolicy)
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-site")
		header.Set("Referrer-Policy", "same-origin")
		header.Add("Vary", "Origin")
		if !g.knows(r.Host) {
			fail(w, r, problemf(http.StatusForbidden, "this server does not answer to the host name %.100q; start it with --host to allow a name", r.Host))
			return
		}
		origins := r.Header.Values("Origin")
		if len(origins) == 0 {
			if site := r.Header.Get("Sec-Fetch-Site"); !harmless(r.Method) && (site == "cross-site" || site == "same-site") {
				fail(w, r, errForeign)
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		same, neighbour := compareOrigin(origins[0], r.Host)
		if len(origins) > 1 || !same && !neighbour {
			fail(w, r, errForeign)
			return
		}
		if !same {
			header.Set("Access-Control-Allow-Origin", origins[0])
			header.Set("Access-Control-Allow-Credentials", "true")
			header.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				header.Add("Vary", "Access-Control-Request-Headers")
				header.Set("Access-Control-Allow-Methods", "GET, POST")
				header.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
				header.Set("Access-Control-Max-Age", "600")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

var errForeign error = problemf(http.StatusForbidden, "this request comes from a page of another site, which may not use this server")

// harmless tells whether requests of a method change nothing.
func harmless(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// knows tells whether a Host header names this server.
func (g *guard) knows(host string) bool {
	name := hostname(host)
	if isLoopback(name) || slices.Contains(g.names, name) {
		return true
	}
	// An address in place of a name cannot be rebound.
	_, err := netip.ParseAddr(name)
	return g.anyAddress && err == nil
}

// hostname is a host without port and brackets, in lower case.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// isLoopback tells whether a name always means this machine (RFC 6761, section
// 6.3, for localhost).
func isLoopback(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(name)
	return err == nil && address.Unmap().IsLoopback()
}

// compareOrigin tells whether an origin is that of the host, and whether both
// are of this machine.
func compareOrigin(origin, host string) (same, neighbour bool) {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return false, false // such as null
	}
	// The scheme is not compared: behind a proxy that speaks TLS it differs.
	same = withoutDefaultPort(u.Host) == withoutDefaultPort(host)
	return same, isLoopback(hostname(u.Host)) && isLoopback(hostname(host))
}

func withoutDefaultPort(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(host), ":80"), ":443")
}
