//go:build (amd64 || arm64) && !purego

package kernel

func maxPoolAssembly(out, in []float32, chosen, table []int32, window, channels, outStep, chosenStep int) {
	count, vectors := uint64(len(table)/window), uint64(channels/8)
	if chosen == nil {
		maxPool(&out[0], &in[0], &table[0], count, uint64(window), vectors, uint64(4*outStep))
		return
	}
	maxPoolChosen(&out[0], &in[0], &chosen[0], &table[0], count, uint64(window), vectors, uint64(4*outStep), uint64(4*chosenStep))
}

func maxPoolGradientAssembly(gradient, slopes []float32, chosen, table []int32, window, channels, step, chosenStep int, adds bool) {
	do := maxPoolSet
	if adds {
		do = maxPoolAdd
	}
	do(&gradient[0], &slopes[0], &chosen[0], &table[0], uint64(len(table)/window), uint64(window), uint64(channels/8), uint64(4*step), uint64(4*chosenStep))
}
