package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The convolutions of LeNet with AVX-512, for rows of pooled outputs. 16 channels are one
// register, for as many pixels at a time as multipliers need. Of up to 8 channels of a picture
// with one, registers hold neighbouring pixels instead, for no lane of a register to be
// without work.

const widePoolSignature = "func(in, weights, bias, out *float32, chosen *uint8, tiles, rows, run, rowSkip, stepX, second, tileStep, outStep, relu uint64)"

// Where a parameter lies that stays in no register.
var widePoolTiles = NewParamAddr("tiles", 40)

// The tiles: in windows of 2x2 pixels.
var (
	widePoolWindows  = []int{4, 2}
	planePoolWindows = []int{12, 8}
)

func wideConvolutions() {
	for _, windows := range widePoolWindows {
		widePoolRow(windows)
	}
	for channels := 2; channels <= 8; channels += 2 {
		for _, windows := range planePoolWindows {
			planePoolRow(channels, windows)
		}
	}
}

// floorOf is what outputs are raised to: zero for a ReLU, or else what is below all.
func floorOf() reg.VecVirtual {
	floor, relu := ZMM(), GP64()
	argument("relu", relu)
	VPXORD(floor, floor, floor)
	TESTQ(relu, relu)
	JNZ(LabelRef("rectified"))
	MOVL(U32(0xff800000), relu.As32()) // -Inf
	VPBROADCASTD(relu.As32(), floor)
	Label("rectified")
	return floor
}

// largest puts the largest of four into the first, raised to floor, and unless which is nil
// which of them it was, the first of equals. A NaN is larger than any other.
func largest(of [4]reg.VecVirtual, floor reg.VecVirtual, which *reg.VecVirtual) {
	best := of[0]
	if which != nil {
		*which = ZMM()
	}
	for p := 1; p < 4; p++ {
		greater, nan := K(), K()
		VCMPPS(Imm(0x1e), best, of[p], greater) // of[p] > best
		VCMPPS(Imm(3), of[p], of[p], nan)       // unordered
		KORW(greater, nan, greater)
		VMOVAPS(of[p], greater, best)
		if which != nil && p == 1 {
			VPBROADCASTD_Z(positionNumber(p), greater, *which)
		} else if which != nil {
			VPBROADCASTD(positionNumber(p), greater, *which)
		}
	}
	VMAXPS(best, floor, best)
}

// eachTile writes the frame of both kernels: tiles of sums over rows of elements, pooled
// with and without what was chosen.
func eachTile(begin func(bias reg.Register), element func(first, second, weights reg.Register), bytes int, pool func(remember bool, out, chosen, outStep reg.Register)) {
	tileStart, out, chosen := load("in"), load("out"), load("chosen")
	first, second, weights, rows, run := GP64(), GP64(), GP64(), GP64(), GP64()
	Label("tile")
	MOVQ(tileStart, first)
	argument("second", second)
	ADDQ(first, second)
	argument("bias", weights)
	begin(weights)
	argument("weights", weights)
	argument("rows", rows)
	Label("row")
	argument("run", run)
	Label("element")
	element(first, second, weights)
	ADDQ(Imm(uint64(bytes)), weights)
	ADDQ(Imm(4), first)
	ADDQ(Imm(4), second)
	DECQ(run)
	JNZ(LabelRef("element"))
	argument("rowSkip", run)
	ADDQ(run, first)
	ADDQ(run, second)
	DECQ(rows)
	JNZ(LabelRef("row"))
	argument("outStep", second)
	TESTQ(chosen, chosen)
	JZ(LabelRef("forget"))
	pool(true, out, chosen, second)
	JMP(LabelRef("pooled"))
	Label("forget")
	pool(false, out, chosen, second)
	Label("pooled")
	argument("tileStep", first)
	ADDQ(first, tileStart)
	DECQ(widePoolTiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// widePoolRow writes the kernel for blocks of 16 channels. The pixels of a tile are those
// from first, stepX apart, and the same from second.
func widePoolRow(windows int) {
	name := fmt.Sprintf("convPoolRow16x%d%s", windows, wideSuffix)
	TEXT(name, NOSPLIT, widePoolSignature)
	Doc(fmt.Sprintf("%s computes the pooled outputs of one row for a block of 16 channels, %d at a time; see convPoolRow16.", name, windows))
	floor := floorOf()
	var steps [8]reg.Register // odd multiples
	steps[1] = load("stepX")
	for i := 3; i < 2*windows; i += 2 {
		steps[i] = GP64()
		LEAQ(indexed(steps[i-2], steps[1], 2, 0), steps[i])
	}
	pixel := func(base reg.Register, i int) Mem {
		switch i {
		case 0:
			return at(base, 0)
		case 2, 4:
			return indexed(base, steps[1], uint8(i), 0)
		case 6:
			return indexed(base, steps[3], 2, 0)
		}
		return indexed(base, steps[i], 1, 0)
	}
	acc := zmms(4 * windows)
	eachTile(func(bias reg.Register) {
		VMOVUPS(at(bias, 0), acc[0])
		for _, a := range acc[1:] {
			VMOVAPS(acc[0], a)
		}
	}, func(first, second, weights reg.Register) {
		w := ZMM()
		VMOVUPS(at(weights, 0), w)
		for i := range 2 * windows {
			VFMADD231PS_BCST(pixel(first, i), w, acc[i])
			VFMADD231PS_BCST(pixel(second, i), w, acc[2*windows+i])
		}
	}, wideBytes, func(remember bool, out, chosen, outStep reg.Register) {
		for i := range windows {
			window := [4]reg.VecVirtual{acc[2*i], acc[2*i+1], acc[2*windows+2*i], acc[2*windows+2*i+1]}
			if !remember {
				largest(window, floor, nil)
			} else {
				var which reg.VecVirtual
				largest(window, floor, &which)
				VPMOVDB(which, at(chosen, 0))
			}
			VMOVUPS(window[0], at(out, 0))
			ADDQ(outStep, out)
			if remember {
				SHRQ(Imm(2), outStep) // a byte, not a float, a channel
				ADDQ(outStep, chosen)
				SHLQ(Imm(2), outStep)
			}
		}
	})
}

// planeIndices are where the pixels of windows lie in two registers, one of pixels of the
// upper or lower row and one with the eight further ones of both rows: those of even and
// of odd columns, of the upper row and of the lower.
var planeIndices []Mem

func planeIndex(p int) Mem {
	if planeIndices == nil {
		for p := range 4 {
			m := GLOBL(fmt.Sprintf("planeIndex%d", p), RODATA|NOPTR)
			for i := range 16 {
				at := 2*i + p%2
				if i >= 8 {
					at += p / 2 * 8
				}
				DATA(4*i, U32(uint32(at%32)))
			}
			planeIndices = append(planeIndices, m)
		}
	}
	return planeIndices[p]
}

// planePoolRow writes the kernel for up to 8 channels and pixels that lie side by side. A
// tile is 16 pixels of two rows, and for 12 windows also the eight further ones of both,
// in one register.
func planePoolRow(channels, windows int) {
	name := fmt.Sprintf("convPoolPlane%dx%d%s", channels, windows, wideSuffix)
	TEXT(name, NOSPLIT, widePoolSignature)
	Doc(fmt.Sprintf("%s computes the pooled outputs of one row for up to %d channels, %d at a time, of a picture with one; see convPoolRow8. stepX is that of a float.", name, channels, windows))
	floor := floorOf()
	vectors := windows / 4
	acc := make([][]reg.VecVirtual, channels) // upper row, lower row, what is further in both
	for c := range acc {
		acc[c] = zmms(vectors)
	}
	eachTile(func(bias reg.Register) {
		for c, of := range acc {
			VBROADCASTSS(at(bias, 4*c), of[0])
			for _, a := range of[1:] {
				VMOVAPS(of[0], a)
			}
		}
	}, func(first, second, weights reg.Register) {
		x := zmms(vectors)
		VMOVUPS(at(first, 0), x[0])
		VMOVUPS(at(second, 0), x[1])
		if vectors == 3 {
			VBROADCASTF64X4(at(first, wideBytes), x[2])
			VINSERTF64X4(Imm(1), at(second, wideBytes), x[2], x[2])
		}
		for c, of := range acc {
			w := ZMM()
			VBROADCASTSS(at(weights, 4*c), w)
			for v, a := range of {
				VFMADD231PS(x[v], w, a)
			}
		}
	}, 32, func(remember bool, out, chosen, outStep reg.Register) {
		var results [8]reg.VecVirtual
		var chosens [2]reg.VecVirtual
		zero := ZMM()
		VPXORD(zero, zero, zero)
		for i := range results {
			results[i] = zero
		}
		chosens[0], chosens[1] = zero, zero
		for c, of := range acc {
			var window [4]reg.VecVirtual
			for p := range window {
				index := ZMM()
				window[p] = ZMM()
				VMOVDQU32(planeIndex(p), index)
				VMOVAPS(of[p/2], window[p])
				VPERMT2PS(of[vectors-1], index, window[p])
			}
			if !remember {
				largest(window, floor, nil)
			} else {
				var which reg.VecVirtual
				largest(window, floor, &which)
				if c%4 == 0 {
					chosens[c/4] = which
				} else {
					VPSLLD(Imm(uint64(8*(c%4))), which, which)
					VPORD(which, chosens[c/4], chosens[c/4])
				}
			}
			results[c] = window[0]
		}
		storePlanes(results, windows, out, outStep)
		if remember {
			SHRQ(Imm(2), outStep) // a byte, not a float, a channel
			pairs := zmms(2)
			VPUNPCKLDQ(chosens[1], chosens[0], pairs[0])
			VPUNPCKHDQ(chosens[1], chosens[0], pairs[1])
			for w := 0; w < windows; w += 2 {
				part := quarter(pairs[w/2%2], w/4)
				VMOVQ(part, at(chosen, 0))
				ADDQ(outStep, chosen)
				VPEXTRQ(Imm(1), part, at(chosen, 0))
				ADDQ(outStep, chosen)
			}
		}
	})
}

// quarter returns a register with a quarter of another.
func quarter(of reg.VecVirtual, i int) reg.Register {
	if i == 0 {
		return of.AsX()
	}
	part := XMM()
	VEXTRACTF32X4(Imm(uint64(i)), of, part)
	return part
}

// storePlanes stores eight channels of each window, in order: what one store leaves beyond
// its channels, the next overwrites.
func storePlanes(channels [8]reg.VecVirtual, windows int, out, outStep reg.Register) {
	var fours [2][4]reg.VecVirtual // channels by fours of windows w with the same w%4
	for half := range fours {
		from := channels[4*half:]
		t := zmms(4)
		for i := range 2 {
			VUNPCKLPS(from[2*i+1], from[2*i], t[2*i])
			VUNPCKHPS(from[2*i+1], from[2*i], t[2*i+1])
		}
		for i := range 4 {
			fours[half][i] = ZMM()
			VSHUFPS(Imm([]uint64{0x44, 0xee}[i%2]), t[2+i/2], t[i/2], fours[half][i])
		}
	}
	for w := range windows {
		for half := range fours {
			from := fours[half][w%4]
			if w < 4 {
				VMOVUPS(from.AsX(), at(out, 16*half))
			} else {
				VEXTRACTF32X4(Imm(uint64(w/4)), from, at(out, 16*half))
			}
		}
		ADDQ(outStep, out)
	}
}
