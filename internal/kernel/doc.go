// Package kernel holds the loops in which a network spends its time.
//
// Every kernel exists as plain Go, which is its definition, its fallback and
// what the tests compare the others with. A Set holds the twins that a family of
// processors runs in its place; each is a file that registers itself, and the
// best set that the processor can run is chosen at the start. The environment variable
// INKLING_KERNELS chooses another, and the build tag purego leaves plain Go alone. Twins
// agree within float32 rounding, not in bits: the order of summation differs. One set gives the same bits for the same call, always, and
// a row's bits do not depend on how many rows a call has.
//
// Kernels do not check what they are given: slices must be as long as their
// contracts say. Nothing needs to be aligned, and no slice that is written may
// overlap another argument.
package kernel

//go:generate go run -C _asm . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg kernel
//go:generate go run -C _asm . -set avx512 -out ../kernels512_amd64.s -stubs ../kernels512_amd64.go -pkg kernel
//go:generate go run -C _asm ./neon -out ../kernels_arm64.s -stubs ../kernels_arm64.go
