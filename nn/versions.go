package nn

import "sync/atomic"

// lastVersion is the newest version of any parameter or buffer: each change gets one
// that nothing had before, so that who remembers a version knows the contents, too.
var lastVersion atomic.Uint64

func newVersion() uint64 { return lastVersion.Add(1) }

// versions are those of parameters and buffers of which something was computed.
type versions struct {
	at   []*uint64
	seen []uint64
}

// versionsOf watches what operations have besides inputs; a nil has nothing.
func versionsOf(nodes ...*node) *versions {
	v := &versions{}
	for _, n := range nodes {
		if n == nil {
			continue
		}
		for _, p := range n.params {
			v.at = append(v.at, &p.version)
		}
		for _, b := range n.buffers {
			v.at = append(v.at, &b.version)
		}
	}
	return v
}

// changed reports whether something has changed since the last call, and is true the
// first time.
func (v *versions) changed() bool {
	if v.seen == nil {
		v.seen = make([]uint64, len(v.at))
		v.follow()
		return true
	}
	for i, at := range v.at {
		if *at != v.seen[i] {
			v.follow()
			return true
		}
	}
	return false
}

// follow takes the versions of now for those of what was computed.
func (v *versions) follow() {
	for i, at := range v.at {
		v.seen[i] = *at
	}
}

// changeBuffers gives the buffers of an operation that has changed them new versions.
func changeBuffers(n *node) {
	for _, b := range n.buffers {
		b.version = newVersion()
	}
}
