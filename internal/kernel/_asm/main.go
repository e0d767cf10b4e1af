// Command _asm writes the assembly of package kernel for amd64: with AVX2 and FMA, or
// with AVX-512. Each function is declared by the Go loop it replaces.
package main

import (
	"flag"
	"log"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ofSet are what writes the functions of a set.
var ofSet = map[string]func(){"avx2": narrow, "avx512": wide}

func main() {
	set := flag.String("set", "avx2", "the set: avx2 or avx512")
	flag.Parse()
	write, ok := ofSet[*set]
	if !ok {
		log.Fatalf("there is no set %q", *set)
	}
	ConstraintExpr("!purego")
	if *set == "avx512" {
		register, registerBytes, suffix = ZMM, wideBytes, wideSuffix
	}
	write()
	Generate()
}

// What registers the functions that both sets have are written with, and what their names
// end in.
var (
	register      = YMM
	registerBytes = 32
	suffix        = ""
)

// narrow writes the kernels of AVX2.
func narrow() {
	convForward()
	pack()
	collect()
	weightGradients()
	inputGradients()
	linearForward()
	matMul()
	elementwise()
	indirectTiles()
	depthwiseTiles()
	pointTiles()
	outerTiles()
	products()
	copyRows()
	winogradTransforms()
	panelProducts()
	strips()
	norms()
	pools()
	curves()
	adam()
	peak()
	loads()
}

// load puts a parameter into a register of its own.
func load(name string) reg.Register { return Load(Param(name), GP64()) }

// data and length are those of a parameter that is a slice.
func data(name string) reg.Register   { return Load(Param(name).Base(), GP64()) }
func length(name string) reg.Register { return Load(Param(name).Len(), GP64()) }

// argument reads a parameter into an existing register, for values that are
// needed too seldom to hold a register.
func argument(name string, to reg.Register) { Load(Param(name), to) }

func ymms(n int) []reg.VecVirtual {
	list := make([]reg.VecVirtual, n)
	for i := range list {
		list[i] = YMM()
	}
	return list
}

func at(base reg.Register, offset int) Mem { return Mem{Base: base, Disp: offset} }

func indexed(base, index reg.Register, scale uint8, offset int) Mem {
	if index == nil {
		return at(base, offset)
	}
	return Mem{Base: base, Index: index, Scale: scale, Disp: offset}
}
