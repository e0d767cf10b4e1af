//go:build !purego

package kernel

// Every arm64 processor has NEON, and multiplies and adds in one.
func init() {
	c := candidate{Set: assembly}
	c.Name = "neon"
	register(c)
}
