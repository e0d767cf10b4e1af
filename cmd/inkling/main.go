// Command inkling trains, tests and inspects small networks that recognise
// handwritten characters. Run "inkling demo" for the whole tour.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
