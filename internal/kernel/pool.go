package kernel

// Poolings of pictures with the channels innermost. Where the pixels of a window are is
// said by a table, as for tiles.

// MaxPool computes the maxima of windows. table has, for each output, the offsets of the
// window pixels under it, at least one:
//
//	best, which = in[table[0]+c], table[0]
//	for each further offset o, v = in[o+c]: if v > best or v is a NaN: best, which = v, o
//	out[c], chosen[c] = best, which
//
// for c < channels; chosen may be nil. The next output lies outStep floats further, what
// it chose channels further.
func MaxPool(out, in []float32, chosen, table []int32, window, channels, outStep int) {
	count := len(table) / window
	if count == 0 {
		return
	}
	whole := channels &^ 7
	if whole > 0 {
		active.MaxPool(out, in, chosen, table, window, whole, outStep, channels)
	}
	if whole < channels {
		if chosen != nil {
			chosen = chosen[whole:]
		}
		maxPoolPlain(out[whole:], in[whole:], chosen, table, window, channels-whole, outStep, channels)
	}
}

// MaxPoolGradient takes gradients back to the pixels that were chosen. Offsets that are
// negative are left out:
//
//	for each offset o of the window: gradient[o+c] = (adds ? gradient[o+c] : 0) + (chosen[c] == o ? slopes[c] : 0)
//
// for c < channels, output by output, which lie as those of MaxPool.
func MaxPoolGradient(gradient, slopes []float32, chosen, table []int32, window, channels, step int, adds bool) {
	count := len(table) / window
	if count == 0 {
		return
	}
	whole := channels &^ 7
	if whole > 0 {
		active.MaxPoolGradient(gradient, slopes, chosen, table, window, whole, step, channels, adds)
	}
	if whole < channels {
		maxPoolGradientPlain(gradient[whole:], slopes[whole:], chosen[whole:], table, window, channels-whole, step, channels, adds)
	}
}

func maxPoolPlain(out, in []float32, chosen, table []int32, window, channels, outStep, chosenStep int) {
	for p := range len(table) / window {
		best, offsets := out[p*outStep:][:channels], table[p*window:][:window]
		copy(best, in[offsets[0]:])
		var which []int32
		if chosen != nil {
			which = chosen[p*chosenStep:][:channels]
			for c := range which {
				which[c] = offsets[0]
			}
		}
		for _, o := range offsets[1:] {
			for c, v := range in[o:][:channels] {
				if v > best[c] || v != v {
					if best[c] = v; which != nil {
						which[c] = o
					}
				}
			}
		}
	}
}

func maxPoolGradientPlain(gradient, slopes []float32, chosen, table []int32, window, channels, step, chosenStep int, adds bool) {
	for p := range len(table) / window {
		from, which := slopes[p*step:][:channels], chosen[p*chosenStep:][:channels]
		for _, o := range table[p*window:][:window] {
			if o < 0 {
				continue
			}
			to := gradient[o:][:channels]
			for c, at := range which {
				switch {
				case at == o && adds:
					to[c] += from[c]
				case at == o:
					to[c] = from[c]
				case !adds:
					to[c] = 0
				}
			}
		}
	}
}
