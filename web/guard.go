package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// contentPolicy lets the page load from this server alone, with nothing inline.
// The pictures in answers are data URLs, and those that are dropped on the page
// blob URLs.
const contentPolicy = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

// A guard keeps other people's pages from using the server through the browser
// of somebody who can reach it.
type guard struct {
	// names are further host names that the server answers to.
	names hostNames
	// anyAddress lets it answer to every IP address, because it listens on more
	// than loopback.
	anyAddress bool
	// proxy lets it answer to every name that a trusted proxy was asked by, if
	// names are not given: the proxy then chooses what it passes on.
	proxy bool
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
		if !g.knows(r) {
			fail(w, r, unknownHost(r))
			return
		}
		origins := r.Header.Values("Origin")
		site := r.Header.Get("Sec-Fetch-Site")
		if len(origins) == 0 {
			if !harmless(r.Method) && (site == "cross-site" || site == "same-site") {
				fail(w, r, errForeign)
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		if len(origins) > 1 {
			fail(w, r, errForeign) // no browser sends several
			return
		}
		same, neighbour := compareOrigin(origins[0], r.Host)
		same = same || g.ownPage(r, origins[0], site)
		if !same && !neighbour {
			fail(w, r, foreignOrigin(r, origins[0], site))
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

// foreignOrigin refuses a request of a page that is not of the host which the
// request names. That may also be the own page, when a proxy has changed the
// name.
func foreignOrigin(r *http.Request, origin, site string) error {
	u, err := url.Parse(origin)
	if err != nil || site == "cross-site" || site == "same-site" {
		return errForeign
	}
	name, err := ParseHost(hostname(u.Host))
	if err != nil {
		return errForeign
	}
	return problemf(http.StatusForbidden, "this request comes from a page at %.100q, but names this server %.100q, so the page may be another site's, which may not use this server; "+
		"if it is this server's page behind a proxy, start the server with --host %s, or with --trust-proxy if the proxy sets X-Forwarded-Host", origin, r.Host, name)
}

// unknownHost refuses a request by its Host header.
func unknownHost(r *http.Request) error {
	allow := "--host and a name to allow one"
	if name, err := ParseHost(hostname(r.Host)); err == nil {
		allow = "--host " + name + " to allow it"
	}
	if r.Header.Get("X-Forwarded-Host") != "" && !frontOf(r).named {
		allow += ", or with --trust-proxy to heed the X-Forwarded-Host of the proxy in front of it"
	}
	return problemf(http.StatusForbidden, "this server does not answer to the host name %.100q; start it with %s", r.Host, allow)
}

// ownPage tells whether an origin that differs from the Host header is this
// server's all the same, because a proxy has changed that header: browsers say
// so themselves (Sec-Fetch-Site, which no page can set) wherever nobody can
// listen, and elsewhere it is by a name that the server was told.
func (g *guard) ownPage(r *http.Request, origin, site string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	name := hostname(u.Host)
	switch site {
	case "same-origin":
		return true
	case "", "none":
		// Proxies often leave the port out.
		return g.names.have(name) || frontOf(r).named && name == hostname(r.Host)
	}
	return false
}

// knows tells whether a request's Host header names this server.
func (g *guard) knows(r *http.Request) bool {
	name := hostname(r.Host)
	if isLoopback(name) || g.names.have(name) || g.proxy && len(g.names) == 0 && frontOf(r).named {
		return true
	}
	// An address in place of a name cannot be rebound.
	_, err := netip.ParseAddr(name)
	return g.anyAddress && err == nil
}

// hostname is a host without port and brackets, in lower case; an address as it
// is usually written.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if address, err := netip.ParseAddr(host); err == nil {
		return address.String()
	}
	return host
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
