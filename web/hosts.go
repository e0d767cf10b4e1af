package web

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// internationalNames writes names in the form in which browsers send them. Names
// inside a company may have underscores, which those of the internet have not.
var internationalNames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))

// ParseHost returns the form in which a host name to answer to is compared: in
// lower case, other letters than ASCII's as browsers send them, addresses as
// they are usually written. A name may begin with "*.", for all names that end
// in the rest, but not for that itself. What no Host header could ever be equal
// to is an error that says why.
func ParseHost(given string) (string, error) {
	name := strings.TrimSuffix(given, ".")
	if address, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return address.String(), nil
	}
	wrong := func(format string, values ...any) (string, error) {
		return "", fmt.Errorf("%q can never be the name of this server: %w", given, fmt.Errorf(format, values...))
	}
	switch {
	case strings.TrimSpace(name) == "":
		return wrong("it is empty; want a name such as digits.example.org")
	case name == "*":
		return wrong("every name would let in every page of the internet; name the server's own, or all below a domain such as *.example.org")
	case strings.Contains(name, "://"):
		_, rest, _ := strings.Cut(name, "://")
		rest, _, _ = strings.Cut(rest, "/")
		return wrong("a name has no scheme; want %s", hostname(rest))
	case strings.ContainsAny(name, "/?#"):
		return wrong("a name has no path; want %s", hostname(name[:strings.IndexAny(name, "/?#")]))
	case strings.Contains(name, "@"):
		return wrong("a name has no user; want what comes after the @")
	}
	if host, port, err := net.SplitHostPort(name); err == nil {
		return wrong("a name has no port, for the server answers whatever the port %s is; want %s", port, host)
	}
	star := strings.HasPrefix(name, "*.")
	plain := strings.TrimPrefix(name, "*.")
	if strings.Contains(plain, "*") {
		return wrong("a star stands only for the beginning of a name, as in *.example.org")
	}
	ascii, err := internationalNames.ToASCII(plain)
	if err != nil {
		return wrong("it is no host name; want one such as digits.example.org")
	}
	if err := checkName(ascii); err != nil {
		return wrong("%w; want a name such as digits.example.org", err)
	}
	if star {
		return "*." + ascii, nil
	}
	return ascii, nil
}

// checkName wants labels of letters, digits, hyphens and underscores (RFC 1123,
// section 2.1, but for the underscores).
func checkName(name string) error {
	const longest, longestLabel = 253, 63
	if len(name) > longest {
		return fmt.Errorf("it has %d characters, and names have at most %d", len(name), longest)
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > longestLabel {
			return fmt.Errorf("the part %.70q of it has %d characters, and parts have 1 to %d", label, len(label), longestLabel)
		}
		for _, c := range label {
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return fmt.Errorf("names have no %q", c)
			}
		}
	}
	return nil
}

// hostNames are names as ParseHost returns them.
type hostNames []string

func parseHosts(given []string) (names hostNames, err error) {
	for _, each := range given {
		name, wrong := ParseHost(each)
		if wrong != nil {
			err = errors.Join(err, wrong)
		}
		names = append(names, name)
	}
	return names, err
}

// have tells whether a host name, as hostname returns it, is among the names.
func (names hostNames) have(host string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		if domain, found := strings.CutPrefix(name, "*"); found {
			return len(host) > len(domain) && strings.HasSuffix(host, domain)
		}
		return host == name
	})
}
