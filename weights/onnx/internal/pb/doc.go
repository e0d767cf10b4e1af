// Package pb is ONNX's file format as Go, generated from onnx-ml.proto of ONNX
// 1.12 (github.com/onnx/onnx, Apache-2.0), which lies beside it unchanged.
package pb

// protoc is Debian's (package protobuf-compiler), protoc-gen-go that of
// google.golang.org/protobuf/cmd/protoc-gen-go at the version in go.mod.
//
//go:generate protoc --go_out=. --go_opt=paths=source_relative --go_opt=Monnx-ml.proto=inkling/weights/onnx/internal/pb onnx-ml.proto
