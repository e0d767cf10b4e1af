// Package static makes a page that needs no server: the sketchpad, and the engine with the
// built-in network as WebAssembly. Any host of files will do, also below a path.
package static

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"inkling/web"
)

// The engine is web/wasm, built and packed by scripts/page-wasm, and wasm_exec.js what Go
// starts such programs with.
var (
	//go:embed engine.wasm.gz
	engineFile []byte
	//go:embed wasm_exec.js
	wasmExec []byte
	//go:embed opened.js
	opened []byte
	//go:embed LICENSES.txt
	licenses []byte
)

// policy lets the page load from its own host alone, with nothing inline.
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'"

// What is another in index.html than before a server.
var changes = []struct{ from, to string }{
	{`<meta charset="utf-8">` + "\n", `<meta charset="utf-8">` + "\n" + `<meta http-equiv="Content-Security-Policy" content="` + policy + `">` + "\n"},
	{`<script type="module" src="main.mjs"></script>`, `<script type="module" src="alone.mjs"></script>` + "\n" + `<script src="opened.js" defer></script>`},
	{"<main>\n", "<p class=\"card notice\" id=\"opened-as-file\" hidden>Browsers run such a page from a server only: open its folder with one, such as <code>python3 -m http.server</code>. <span lang=\"zh-CN\">浏览器只能通过服务器运行这样的页面，请用服务器（例如 <code>python3 -m http.server</code>）打开此文件夹。</span></p>\n\n<main>\n"},
	{`<section class="card program" `, `<section class="card program" hidden `},
}

// Files are the site's files, by their names in one folder.
func Files() (map[string][]byte, error) {
	page := web.PageFiles()
	index, err := fs.ReadFile(page, "index.html")
	if err != nil {
		return nil, err
	}
	for _, change := range changes {
		if bytes.Count(index, []byte(change.from)) != 1 {
			return nil, fmt.Errorf("static: index.html has %q not once", change.from)
		}
		index = bytes.Replace(index, []byte(change.from), []byte(change.to), 1)
	}
	named := map[string][]byte{"index.html": index}
	if err := addNamed(named, page, index); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, content := range named {
		files[renamed(name)] = []byte(renamed(string(content)))
	}
	files["engine.wasm.gz"], files["wasm_exec.js"], files["opened.js"], files["LICENSES.txt"] = engineFile, wasmExec, opened, licenses
	worker, err := serviceWorker(files)
	files["offline.js"] = worker
	return files, err
}

// nameOf finds another file of the page that a line names, not in a comment.
var nameOf = regexp.MustCompile(`(?m)^[^*\n]*?"(?:\./)?([\w-]+\.(?:mjs|css|svg))[#"]`)

// addNamed adds the files of the page that a file names, and those that these name.
func addNamed(files map[string][]byte, page fs.FS, content []byte) error {
	for line := range bytes.Lines(content) {
		for _, match := range nameOf.FindAllSubmatch(line, -1) {
			name := string(match[1])
			if files[name] != nil {
				continue
			}
			of, err := fs.ReadFile(page, name)
			if err != nil {
				return fmt.Errorf("static: the page names a file that it does not have: %w", err)
			}
			files[name] = of
			if err := addNamed(files, page, of); err != nil {
				return err
			}
		}
	}
	return nil
}

// renamed says .js for .mjs, which some hosts do not know for JavaScript.
func renamed(text string) string { return strings.ReplaceAll(text, ".mjs", ".js") }

// serviceWorker is what keeps the site in the browser: it knows the other files, and a
// version that is another one with any other content.
func serviceWorker(files map[string][]byte) ([]byte, error) {
	names := slices.Sorted(maps.Keys(files))
	sum := sha256.New()
	kept := []string{"./"}
	for _, name := range names {
		fmt.Fprintf(sum, "%s %d\n", name, len(files[name]))
		sum.Write(files[name])
		if name != "offline.js" && name != "LICENSES.txt" {
			kept = append(kept, name)
		}
	}
	site, err := json.Marshal(map[string]any{"version": hex.EncodeToString(sum.Sum(nil)[:8]), "files": kept})
	return fmt.Appendf(nil, "globalThis.site = %s;\n%s", site, files["offline.js"]), err
}
