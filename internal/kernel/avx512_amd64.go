//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

// The set for AVX-512 is that of AVX2 with wider kernels in place of many. Where a processor
// has none, scripts/emulate-avx512 tests them.
func init() {
	c := candidate{Set: avx2()}
	c.Name = "avx512"
	c.TileBlocks, c.PanelBlocks, c.OuterBlocks = 4, 2, 2
	c.IndirectTile, c.PointTiles, c.DepthwiseTile = indirectTileAVX512, pointTilesAVX512, depthwiseTileAVX512
	c.Forward, c.WeightGradient, c.InputGradient = forwardAVX512, weightGradientAVX512, inputGradientAVX512
	c.OuterTile, c.ProductTile = outerTileAVX512, productTileAVX512
	c.LinearForward = linearForwardAVX512
	c.MatMul, c.PanelProduct = matMulAVX512, panelProductAVX512
	c.WinogradGather, c.WinogradScatter = winogradAVX512.gather, winogradAVX512.scatter
	c.ChannelSums, c.ChannelSquares, c.ScaleChannels = channelSumsAVX512, channelSquaresAVX512, scaleChannelsAVX512
	c.ChannelProducts, c.CombineChannels = channelProductsAVX512, combineChannelsAVX512
	c.Add, c.Rectify, c.MaskPositive = addVectorsWide, rectifyVectorsWide, maskVectorsWide
	c.UpdateSGD, c.UpdateAdam = updateSGDAVX512, updateAdamAVX512
	c.PeakLoop, c.PeakOperations, c.LoadLoop = fmaLoopWide, 16*16*2, loadLoopWide
	// x says that these are there only where the operating system keeps their registers, as
	// XCR0 tells.
	if x := cpu.X86; lacksAVX2() || !x.HasAVX512F || !x.HasAVX512DQ || !x.HasAVX512BW || !x.HasAVX512VL || !x.HasBMI2 {
		c.lacking = "AVX-512 (F, DQ, BW and VL)"
	}
	register(c)
}
