//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

func init() {
	c := candidate{Set: avx2()}
	if lacksAVX2() {
		c.lacking = "AVX2 or FMA"
	}
	register(c)
}

func avx2() Set {
	s := assembly
	s.Name = "avx2"
	s.WinogradGather, s.WinogradScatter, s.PanelProduct = winogradAVX2.gather, winogradAVX2.scatter, panelProductAssembly
	s.CurveValues, s.CurveSlopes = curveValuesAssembly, curveSlopesAssembly
	s.UpdateAdam = updateAdamAssembly
	return s
}

func lacksAVX2() bool { return !cpu.X86.HasAVX2 || !cpu.X86.HasFMA }
