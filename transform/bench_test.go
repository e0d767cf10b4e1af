package transform

import "testing"

func BenchmarkPipeline(b *testing.B) {
	p, err := Compile(Compose{ToTensor{}, Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}}, 1, 28, 28)
	if err != nil {
		b.Fatal(err)
	}
	src := make([]byte, 784)
	for i := range src {
		src[i] = byte(i * 7)
	}
	dst := make([]float32, 784)
	b.ReportAllocs()
	for b.Loop() {
		p.Apply(dst, src)
	}
}
