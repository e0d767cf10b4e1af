package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

// PageFiles are the files of the page, all in one folder.
func PageFiles() fs.FS {
	page, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic("web: " + err.Error()) // the pattern above is wrong
	}
	return page
}

// addPage serves the files of the page, that of a model's kind at /; those of other kinds
// are not.
func addPage(mux *http.ServeMux, index string) {
	page := PageFiles()
	err := fs.WalkDir(page, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(page, name)
		if err != nil {
			return err
		}
		if strings.HasSuffix(name, ".html") && name != index {
			return nil
		}
		if name != index {
			mux.Handle("GET /"+name, staticFile(name, content))
			return nil
		}
		mux.Handle("GET /index.html", indexPage(content))
		mux.Handle("GET /{$}", indexPage(content))
		return nil
	})
	if err != nil {
		panic("web: " + err.Error())
	}
}

// indexPage serves the page itself. Where it is known below which path the
// browser sees it, it is told, so that its files are found whether the page's
// address ends in a slash or not.
func indexPage(content []byte) http.Handler {
	plain := staticFile("index.html", content)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		prefix := frontOf(r).prefix
		if prefix == "" {
			plain.ServeHTTP(w, r)
			return
		}
		based := bytes.Replace(content, []byte("<head>\n"), []byte("<head>\n<base href=\""+prefix+"/\">\n"), 1)
		staticFile("index.html", based).ServeHTTP(w, r)
	})
}

// pageKinds are the media types of the page's files. Those that the system knows
// differ from one machine to another, and browsers insist on the right ones.
var pageKinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".ico":  "image/x-icon",
	".json": "application/json",

	".webmanifest": "application/manifest+json",
}

// staticFile serves a file that a browser asks for again, but takes from its
// cache as long as it is the same.
func staticFile(name string, content []byte) http.Handler {
	sum := sha256.Sum256(content)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	kind, known := pageKinds[path.Ext(name)]
	if !known {
		panic("web: the page has a file of an unknown kind: " + name)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
}
