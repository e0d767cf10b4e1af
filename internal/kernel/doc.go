// Package kernel holds the loops in which a network spends its time.
//
// Every kernel exists as plain Go, which is its definition, its fallback and
// what the tests compare the others with. On amd64 with AVX2 and FMA an
// assembly twin runs instead; the build tag purego leaves the plain version
// alone. Twins agree within float32 rounding, not in bits: the order of
// summation differs. One implementation gives the same bits for the same call,
// always, and a row's bits do not depend on how many rows a call has.
//
// Kernels do not check what they are given: slices must be as long as their
// contracts say. Nothing needs to be aligned, and no slice that is written may
// overlap another argument.
package kernel

// Implementation names the set of kernels in use: "avx2+fma" or "go".
func Implementation() string {
	if useAssembly {
		return "avx2+fma"
	}
	return "go"
}
