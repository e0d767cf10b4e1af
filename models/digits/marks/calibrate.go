package main

import (
	"fmt"
	"math"
	"slices"

	"inkling/metrics"
	"inkling/models/digits"
	"inkling/nn"
	"inkling/sketch"
)

// calibrate finds the temperature with which the network's probabilities are most likely, and
// from which probability a mark is called none, on every other picture of the sets to test
// on, and tells how all others are read with these.
func calibrate(folder string) error {
	_, tests, err := gather(folder, false)
	if err != nil {
		return err
	}
	network, err := digits.LoadMarks()
	if err != nil {
		return err
	}
	program, err := nn.Compile(network, 256, 1, sketch.Size, sketch.Size)
	if err != nil {
		return err
	}
	single, _, err := digits.Load()
	if err != nil {
		return err
	}
	reading, err := nn.Compile(single, 256, 1, sketch.Size, sketch.Size)
	if err != nil {
		return err
	}
	logits, read := make([][]float32, len(tests)), make([][]float32, len(tests)) // of each set
	input := make([]float32, 256*size)
	for k, t := range tests {
		for from := 0; from < len(t.labels); from += 256 {
			n := min(len(t.labels)-from, 256)
			for i, v := range t.pixels[from*size : (from+n)*size] {
				input[i] = float32(v)/127.5 - 1
			}
			logits[k] = append(logits[k], program.Forward(input[:n*size])...)
			read[k] = append(read[k], reading.Forward(input[:n*size])...)
		}
	}
	// Letters and scribbles are as many as somebody thinks fit, digits are what is written.
	best, least := 1.0, math.Inf(1)
	for temperature := 0.8; temperature < 2.5; temperature += 0.05 {
		loss := 0.0
		for k, t := range tests {
			sum, n := 0.0, 0
			for i := 0; i < len(t.labels); i += 2 {
				sum -= math.Log(max(probabilities(logits[k][i*(none+1):][:none+1], temperature)[t.labels[i]], 1e-12))
				n++
			}
			loss += sum / float64(n)
		}
		if loss < least {
			best, least = temperature, loss
		}
	}
	// Of the same pictures: the lowest threshold at which not more digits, drawn or
	// written, are called none.
	const most = 0.0045
	threshold := 0.5
	for ; threshold < 0.99; threshold += 0.01 {
		cost := 0.0
		for k, t := range tests[:2] {
			called := 0
			for i := 0; i < len(t.labels); i += 2 {
				if probabilities(logits[k][i*(none+1):][:none+1], best)[none] >= threshold {
					called++
				}
			}
			cost = max(cost, float64(called)/float64((len(t.labels)+1)/2))
		}
		if cost <= most {
			break
		}
	}
	fmt.Printf("temperature %.2f, none from %.2f\n", best, threshold)
	for k, t := range tests {
		const bins = 15
		calibration := metrics.NewCalibration(bins)
		sure, called, n := 0, 0, 0
		for i := 1; i < len(t.labels); i += 2 {
			p := probabilities(logits[k][i*(none+1):][:none+1], best)
			top := 0
			for c, v := range p {
				if v > p[top] {
					top = c
				}
			}
			n++
			calibration.Add(p[top], top == int(t.labels[i]))
			// As the page has it: the built-in network is sure, and it is not called none.
			if p[none] >= threshold {
				called++
			} else if slices.Max(probabilities(read[k][i*none:][:none], 1)) >= 0.9 {
				sure++
			}
		}
		fmt.Printf("  %-44s %6d pictures: %6.2f %% sure digits, %6.2f %% called none, calibration error %.2f %%\n", t.name, n,
			100*float64(sure)/float64(n), 100*float64(called)/float64(n), 100*calibration.Error())
	}
	return nil
}

func probabilities(logits []float32, temperature float64) []float64 {
	largest, sum := float64(logits[0]), 0.0
	for _, v := range logits {
		largest = max(largest, float64(v))
	}
	p := make([]float64, len(logits))
	for i, v := range logits {
		p[i] = math.Exp((float64(v) - largest) / temperature)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}
