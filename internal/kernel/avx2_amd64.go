//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

func init() {
	c := candidate{Set: assembly}
	c.Name = "avx2"
	c.WinogradGather, c.WinogradScatter, c.PanelProduct = winogradGatherAssembly, winogradScatterAssembly, panelProductAssembly
	c.CurveValues, c.CurveSlopes = curveValuesAssembly, curveSlopesAssembly
	c.UpdateAdam = updateAdamAssembly
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		c.lacking = "AVX2 or FMA"
	}
	register(c)
}
