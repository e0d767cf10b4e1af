package cookbook

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// photographs writes pictures of each colour.
func photographs(t *testing.T, colours map[string]color.RGBA) string {
	t.Helper()
	dir, r := t.TempDir(), rand.New(rand.NewPCG(1, 1))
	for name, c := range colours {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			img := image.NewRGBA(image.Rect(0, 0, 20, 20))
			for at := 0; at < len(img.Pix); at += 4 {
				for k, v := range []byte{c.R, c.G, c.B} {
					img.Pix[at+k] = v/2 + byte(r.IntN(80))
				}
				img.Pix[at+3] = 255
			}
			f, err := os.Create(filepath.Join(dir, name, fmt.Sprint(i, ".png")))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, img); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	return dir
}

// TestRecipes goes through the cookbook: train, predict, fine-tune, serve.
func TestRecipes(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains networks")
	}
	ctx := t.Context()
	model, tuned := filepath.Join(t.TempDir(), "colours.pth"), filepath.Join(t.TempDir(), "tuned.pth")
	pictures := photographs(t, map[string]color.RGBA{"red": {R: 255}, "green": {G: 255}})
	others := photographs(t, map[string]color.RGBA{"blue": {B: 255}, "yellow": {R: 255, G: 255}, "white": {255, 255, 255, 255}})
	red := filepath.Join(pictures, "red", "0.png")
	for name, err := range map[string]error{
		"train": trainOnFolder(ctx, pictures, model), "predict": predictOne(model, red), "fine-tune": fineTune(ctx, model, others, tuned),
		"predict by the tuned one": predictOne(tuned, filepath.Join(others, "blue", "0.png")), "layer": customLayer(), "head": trainHead(make([]float32, 4*3*16*16), []int{0, 1, 2, 3}),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- serve(ctx, model, listener) }()
	answer, err := http.Get(fmt.Sprintf("http://%s/api/model", listener.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Architecture, Name string }
	err = json.NewDecoder(answer.Body).Decode(&said)
	answer.Body.Close()
	if err != nil || said.Architecture != "resnet9" || said.Name != "my model" {
		t.Errorf("the server says that it serves %+v, %v", said, err)
	}
	stop()
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
}

// TestPages holds the pages to the recipes that are compiled here, all of them, and each
// to less than 30 lines.
func TestPages(t *testing.T) {
	source, err := os.ReadFile("cookbook.go")
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, "cookbook.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var recipes []string
	for _, d := range parsed.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			continue
		}
		text := string(source[files.Position(d.Pos()).Offset:files.Position(d.End()).Offset])
		if n := strings.Count(text, "\n") + 1; n >= 30 {
			t.Errorf("a recipe has %d lines, want less than 30:\n%s", n, text)
		}
		recipes = append(recipes, text)
	}
	for _, page := range []string{"cookbook.md", "cookbook.zh-CN.md"} {
		content, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		shown := map[string]bool{}
		for _, block := range regexp.MustCompile("(?s)```go\n(.*?)\n```").FindAllStringSubmatch(string(content), -1) {
			for _, part := range strings.Split(block[1], "\n\n") {
				if !slices.ContainsFunc(recipes, func(r string) bool { return strings.Contains(part, r) || strings.Contains(r, part) }) {
					t.Errorf("%s shows what is not compiled:\n%s", page, part)
				}
			}
			for _, r := range recipes {
				shown[r] = shown[r] || strings.Contains(block[1], r)
			}
		}
		for _, r := range recipes {
			if !shown[r] {
				t.Errorf("%s lacks the recipe\n%s", page, r)
			}
		}
	}
}
