package web

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"inkling"
)

// gradioPrefix is where Gradio 5 and 6 have their routes. Gradio 4 and many
// guides for curl have them at the root.
const gradioPrefix = "/gradio_api"

// gradioVersion is the version that the protocol is of. Clients look at it to
// know what they may ask for.
const gradioVersion = "6.0.0"

// The functions that Gradio's clients may call: /predict in Gradio 4 and 5 and
// /predict_digit in 6, for the same function of the tutorial's application. Only
// one may be public: Python's client chooses the function itself when there is
// no other.
var gradioNames = [...]string{"predict", "predict_digit"}

// gradio speaks the protocol of Gradio's official clients (sse_v3), so that what
// called the tutorial's application can call this server. It works with Gradio's
// clients and has no code of theirs.
type gradio struct {
	server *Server
	appID  string
	store  *fileStore

	mutex    sync.Mutex
	sessions map[string]*gradioSession
	events   map[string]*gradioEvent
	swept    time.Time
	// What clients may have of the server, see the limits in gradio_queue.go.
	ofStreams  *shares
	ofSessions *shares
	ofCalls    *shares       // that are not completed
	ofMemory   *shares       // calls' inputs, and messages that wait for a stream
	working    chan struct{} // has an element for every function that runs
	tasks      sync.WaitGroup
	stop       context.CancelFunc
	context    context.Context
}

func newGradio(s *Server) *gradio {
	g := &gradio{
		server: s, appID: rand.Text(), sessions: map[string]*gradioSession{}, events: map[string]*gradioEvent{},
		store: newFileStore(), working: make(chan struct{}, maxWorking),
		ofStreams: newShares(maxStreams, false), ofSessions: newShares(maxSessions, false),
		ofCalls: newShares(maxQueued, true), ofMemory: newShares(maxKept, true),
	}
	g.context, g.stop = context.WithCancel(context.Background())
	return g
}

// close ends what is running.
func (g *gradio) close() {
	g.mutex.Lock() // so that no call is just being started
	g.stop()
	g.mutex.Unlock()
	g.tasks.Wait()
}

// gradioFiles is the pattern of the files' paths, which begin with gradioFile;
// patterns cannot say that.
const (
	gradioFiles = "/{path...}"
	gradioFile  = "file="
)

// routes adds the routes. What the pattern of the files has caught without being
// one is given to nothing.
func (g *gradio) routes(mux *http.ServeMux, nothing http.HandlerFunc) {
	mux.HandleFunc("GET /config", g.config)
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		gradioFail(w, r, problemf(http.StatusUnauthorized, "this server has no accounts; connect without a login"))
	})
	for _, prefix := range []string{"", gradioPrefix} {
		get := func(path string, handler http.HandlerFunc) { mux.HandleFunc("GET "+prefix+path, handler) }
		post := func(path string, serve func(http.ResponseWriter, *http.Request) error) {
			mux.HandleFunc("POST "+prefix+path, func(w http.ResponseWriter, r *http.Request) {
				if err := serve(w, r); err != nil {
					gradioFail(w, r, err)
				}
			})
		}
		get("/info", g.info)
		get("/app_id", func(w http.ResponseWriter, r *http.Request) { answer(w, r, map[string]string{"app_id": g.appID}) })
		get("/startup-events", func(w http.ResponseWriter, r *http.Request) { answer(w, r, false) })
		get("/heartbeat/{session}", g.heartbeat)
		get("/queue/data", g.queueData)
		get("/call/{name}/{event}", g.callData)
		get(gradioFiles, func(w http.ResponseWriter, r *http.Request) {
			if path, found := strings.CutPrefix(r.PathValue("path"), gradioFile); found {
				g.file(w, r, path)
			} else {
				nothing(w, r)
			}
		})
		post("/queue/join", g.queueJoin)
		post("/call/{name}", g.call)
		post("/call/v2/{name}", g.callKeywords)
		post("/run/{name}", g.run)
		post("/upload", g.upload)
		post("/cancel", g.cancel)
		post("/reset", g.reset)
	}
}

// gradioFail answers with a problem as Gradio's clients read it.
func gradioFail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(r, err)
	noteFailure(r, p)
	var body any = map[string]any{"detail": p.Detail, "error": p.Detail}
	if p.Status == http.StatusUnauthorized {
		body = map[string]any{"detail": map[string]string{"auth_message": p.Detail}}
	}
	text, _ := json.Marshal(body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	setRetryAfter(p, w.Header())
	w.WriteHeader(p.Status)
	w.Write(text)
}

// functionIndex returns the place of a function of that name, -1 for none.
func functionIndex(name string) int {
	for i, known := range gradioNames {
		if known == name {
			return i
		}
	}
	return -1
}

// The components of the application: what goes in and what comes out.
const (
	padComponent = iota + 1
	drawingComponent
	processedComponent
	textComponent
)

// config serves GET /config.
func (g *gradio) config(w http.ResponseWriter, r *http.Request) {
	component := func(id int, kind, label string) map[string]any {
		return map[string]any{"id": id, "type": kind, "props": map[string]any{"label": label, "name": kind}}
	}
	components, outputs := []any{
		component(padComponent, "imageeditor", "image"), component(drawingComponent, "image", "drawing"),
		component(processedComponent, "image", "processed image"), component(textComponent, "textbox", "prediction"),
	}, []int{drawingComponent, processedComponent, textComponent}
	if g.server.kind() != inkling.Pictures {
		input, name := g.sampleComponent()
		components, outputs = []any{component(padComponent, input, name), component(textComponent, "label", "prediction")}, []int{textComponent}
	}
	var functions []map[string]any
	for i, name := range gradioNames {
		visibility := "public"
		if i > 0 {
			visibility = "undocumented"
		}
		functions = append(functions, map[string]any{
			"id": i, "api_name": name, "targets": []any{},
			"inputs": []int{padComponent}, "outputs": outputs,
			"queue": true, "backend_fn": true, "show_api": i == 0, "api_visibility": visibility,
			"types": map[string]bool{"generator": false, "cancel": false},
			"batch": false, "max_batch_size": 1, "cancels": []any{}, "connection": "sse", "zerogpu": false,
		})
	}
	config := map[string]any{
		"version": gradioVersion, "api_prefix": gradioPrefix, "protocol": "sse_v3", "app_id": g.appID,
		"mode": "interface", "title": "Inkling",
		"enable_queue": true, "connect_heartbeat": false, "is_space": false, "dev_mode": false,
		"max_file_size": maxFile,
		"components":    components,
		"dependencies":  functions,
	}
	// Without a root, clients take the address that they were given, which is
	// right where a proxy hides it from the server.
	if !frontOf(r).hidden {
		config["root"] = rootURL(r)
	}
	answer(w, r, config)
}

// rootURL is the server's address as the client has it.
func rootURL(r *http.Request) string {
	seen := frontOf(r)
	return seen.scheme + "://" + r.Host + seen.prefix
}

// info serves GET /info.
func (g *gradio) info(w http.ResponseWriter, r *http.Request) {
	if g.server.kind() != inkling.Pictures {
		answer(w, r, g.sampleInfo())
		return
	}
	does := "Says which digit a drawing shows."
	if g.server.target != nil {
		does = "Tells the number " + g.server.target.Name + " of a picture."
	}
	type kind = map[string]any
	file := kind{"type": "dict(path: str | None, url: str | None, size: int | None, orig_name: str | None, mime_type: str | None, is_stream: bool, meta: dict())", "description": ""}
	editor := kind{"type": "dict(background: filepath | None, layers: list[filepath], composite: filepath | None, id: str | None)", "description": ""}
	object := kind{"title": "FileData", "type": "object"}
	answer(w, r, map[string]any{
		"unnamed_endpoints": map[string]any{},
		"named_endpoints": map[string]any{"/" + gradioNames[0]: map[string]any{
			"description":    does,
			"api_visibility": "public", "show_api": true,
			"parameters": []any{map[string]any{
				"label": "image", "parameter_name": "image", "parameter_has_default": false, "parameter_default": nil,
				"component": "Imageeditor", "type": kind{"title": "EditorData", "type": "object"}, "python_type": editor,
				"example_input": nil,
			}},
			"returns": []any{
				map[string]any{"label": "drawing", "component": "Image", "type": object, "python_type": file},
				map[string]any{"label": "processed image", "component": "Image", "type": object, "python_type": file},
				map[string]any{"label": "prediction", "component": "Textbox", "type": kind{"type": "string"}, "python_type": kind{"type": "str", "description": ""}},
			},
		}},
	})
}

// upload serves POST /upload. It keeps the files in memory for a while, and
// answers with the paths by which they can be named.
func (g *gradio) upload(w http.ResponseWriter, r *http.Request) error {
	name, parameters := mediaType(r)
	if name != "multipart/form-data" {
		return problemf(http.StatusBadRequest, "the request's Content-Type is %.60q, want multipart/form-data", r.Header.Get("Content-Type"))
	}
	body, leave, err := g.server.enter(w, r, g.server.bodies.readAny)
	if err != nil {
		return err
	}
	defer leave()
	form, err := parseForm(body, parameters["boundary"])
	if err != nil {
		return err
	}
	paths := []string{}
	for _, part := range form {
		if part.name != "files" {
			continue
		}
		if len(part.content) > maxFile {
			return problemf(http.StatusRequestEntityTooLarge, "the file has %d bytes, and %d are the most that is taken", len(part.content), maxFile)
		}
		paths = append(paths, g.store.add(clientOf(r), part.fileName, part.content).path)
	}
	if len(paths) == 0 {
		return problemf(http.StatusBadRequest, "the form has no field files, which the files must be in")
	}
	answer(w, r, paths)
	return nil
}

// file serves GET /file=PATH, where only paths of the store are known.
func (g *gradio) file(w http.ResponseWriter, r *http.Request, path string) {
	file, found := g.store.get(path)
	if !found {
		fail(w, r, problemf(http.StatusForbidden, "there is no such file; uploaded files are kept for %d minutes, as long as there is room", fileTime/time.Minute))
		return
	}
	header := w.Header()
	// What somebody uploaded must not run in this server's name.
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Cache-Control", "private, max-age=600")
	_, kind := kindOf(file.content)
	header.Set("Content-Type", kind)
	if kind == anyKind {
		header.Set("Content-Disposition", "attachment") // under the last part of its path
	}
	w.Write(file.content)
}

// reset serves POST /reset, which clients call after a cancel.
func (g *gradio) reset(w http.ResponseWriter, r *http.Request) error {
	_, release, err := g.server.bodies.read(w, r, 64<<10)
	if err != nil {
		return err
	}
	release()
	answer(w, r, map[string]bool{"success": true})
	return nil
}
