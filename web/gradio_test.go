package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"inkling/web/reading"
)

// uploadFiles uploads files as Gradio's clients do, and returns their paths.
func uploadFiles(t testing.TB, s *Server, prefix string, files ...[]byte) []string {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for _, file := range files {
		part, err := form.CreateFormFile("files", "../../blob 文.exe")
		if err != nil {
			t.Fatal(err)
		}
		part.Write(file)
	}
	form.Close()
	return decoded[[]string](t, ask(s, "POST", prefix+"/upload?upload_id=x", form.FormDataContentType(), &b))
}

func asFile(path string) string {
	return fmt.Sprintf(`{"path": %q, "url": null, "orig_name": "blob", "size": 3, "mime_type": "", "is_stream": false, "meta": {"_type": "gradio.FileData"}}`, path)
}

// outputs are the three values that a call gives.
type outputs struct {
	Data []json.RawMessage
}

func (o outputs) text(t testing.TB) string {
	t.Helper()
	var text string
	if len(o.Data) != 3 || json.Unmarshal(o.Data[2], &text) != nil {
		t.Fatalf("outputs %s", o.Data)
	}
	return text
}

func TestGradioConfig(t *testing.T) {
	s := newTestServer(t, nil)
	config := decoded[struct {
		APIPrefix   string `json:"api_prefix"`
		Protocol    string
		Version     string
		AppID       string `json:"app_id"`
		Root        string
		EnableQueue bool `json:"enable_queue"`
		Components  []struct {
			ID   int
			Type string
		}
		Dependencies []struct {
			ID              int
			APIName         string `json:"api_name"`
			Inputs, Outputs []int
			ShowAPI         bool   `json:"show_api"`
			Visibility      string `json:"api_visibility"`
		}
	}](t, ask(s, "GET", "/config", "", nil))
	if config.APIPrefix != "/gradio_api" || config.Protocol != "sse_v3" || config.Version == "" || config.AppID == "" || !config.EnableQueue || config.Root != "http://localhost:7860" {
		t.Errorf("got %+v", config)
	}
	known := map[int]bool{}
	for _, c := range config.Components {
		known[c.ID] = c.Type != ""
	}
	public := 0
	for i, d := range config.Dependencies {
		if d.ID != i || len(d.Inputs) != 1 || len(d.Outputs) != 3 {
			t.Errorf("function %+v", d)
		}
		for _, id := range append(d.Inputs, d.Outputs...) {
			if !known[id] {
				t.Errorf("%s has the component %d, which is not there", d.APIName, id)
			}
		}
		if d.ShowAPI != (d.Visibility == "public") {
			t.Errorf("%s: %v, %s", d.APIName, d.ShowAPI, d.Visibility)
		}
		if d.ShowAPI {
			public++
		}
	}
	if public != 1 || config.Dependencies[0].APIName != "predict" || config.Dependencies[1].APIName != "predict_digit" {
		t.Errorf("functions %+v", config.Dependencies)
	}
	for _, prefix := range []string{"", gradioPrefix} {
		info := decoded[struct {
			Named map[string]struct {
				Parameters []struct {
					Name string `json:"parameter_name"`
				}
				Returns []any
			} `json:"named_endpoints"`
		}](t, ask(s, "GET", prefix+"/info", "", nil))
		predict := info.Named["/predict"]
		if len(info.Named) != 1 || len(predict.Parameters) != 1 || predict.Parameters[0].Name != "image" || len(predict.Returns) != 3 {
			t.Errorf("info %+v", info)
		}
		if id := decoded[map[string]string](t, ask(s, "GET", prefix+"/app_id", "", nil)); id["app_id"] != config.AppID {
			t.Errorf("app_id %v, want %s", id, config.AppID)
		}
		if decoded[bool](t, ask(s, "GET", prefix+"/startup-events", "", nil)) {
			t.Error("startup events")
		}
		if !decoded[map[string]bool](t, askJSON(s, prefix+"/reset", `{"event_id": "x"}`))["success"] {
			t.Error("no success of a reset")
		}
	}
	if w := ask(s, "POST", "/login", "application/x-www-form-urlencoded", strings.NewReader("username=a&password=b")); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "auth_message") {
		t.Errorf("a login: status %d: %s", w.Code, w.Body)
	}
}

func TestGradioInputs(t *testing.T) {
	s := newTestServer(t, nil)
	blank := reading.ToPNG(drawnBlank())
	paths := uploadFiles(t, s, gradioPrefix, reading.ToPNG(digitPicture()), blank)
	picture, empty := asFile(paths[0]), asFile(paths[1])
	data := reading.DataURL(digitPicture())
	for name, test := range map[string]struct{ input, want string }{
		"first layer":            {`{"background": null, "layers": [` + picture + `, ` + empty + `], "composite": ` + empty + `}`, "预测结果: 7"},
		"composite":              {`{"background": null, "layers": [], "composite": ` + picture + `}`, "预测结果: 7"},
		"blank layer":            {`{"background": null, "layers": [` + empty + `], "composite": ` + picture + `}`, "预测结果: 7"},
		"background":             {`{"background": ` + picture + `, "layers": [], "composite": null}`, "预测结果: 7"},
		"more fields":            {`{"id": "x", "layers": [` + picture + `, null]}`, "预测结果: 7"},
		"a file":                 {picture, "预测结果: 7"},
		"the URL of a file":      {asFile("http://localhost:7860/gradio_api/file=" + paths[0]), "预测结果: 7"},
		"a path":                 {`"` + paths[0] + `"`, "预测结果: 7"},
		"a data URL":             {`"` + data + `"`, "预测结果: 7"},
		"a data URL in a file":   {`{"path": null, "url": "` + data + `"}`, "预测结果: 7"},
		"all blank":              {`{"background": null, "layers": [` + empty + `], "composite": ` + empty + `}`, "预测结果: 无"},
		"nothing in the editor":  {`{"background": null, "layers": [], "composite": null}`, "预测结果: 无"},
		"null":                   {`null`, "预测结果: 无"},
		"an object of something": {`{}`, "预测结果: 无"},
	} {
		for _, path := range []string{gradioPrefix + "/run/predict", "/run/predict_digit"} {
			o := decoded[outputs](t, askJSON(s, path, `{"data": [`+test.input+`], "fn_index": 0, "session_hash": "x"}`))
			if got := o.text(t); got != test.want {
				t.Errorf("%s: %q, want %q", name, got, test.want)
			}
			if strings.HasSuffix(test.want, "7") {
				checkOutputFiles(t, s, o)
			}
		}
	}
	for body, status := range map[string]int{
		`{"data": []}`:     422,
		`{"data": [1, 2]}`: 422,
		`{"data": [7]}`:    422,
		`{"data": ["x"]}`:  422,
		`{"data": "x"}`:    422,
		`{}`:               422,
		`{`:                400,
		`{"data": [` + asFile("/etc/passwd") + `]}`:                422,
		`{"data": [` + asFile("../../../../etc/passwd") + `]}`:     422,
		`{"data": [` + asFile("https://example.com/7.png") + `]}`:  422,
		`{"data": [` + asFile("data:image/png;base64,AAAA") + `]}`: 422,
		`{"data": [{"layers": 3}]}`:                                422,
		`{"data": [{"path": 3}]}`:                                  422,
	} {
		w := askJSON(s, "/gradio_api/run/predict", body)
		var failure struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &failure); err != nil || w.Code != status || failure.Error == "" {
			t.Errorf("%s: status %d, want %d: %s", body, w.Code, status, w.Body)
		}
	}
	if w := askJSON(s, "/gradio_api/run/none", `{"data": [null]}`); w.Code != http.StatusNotFound {
		t.Errorf("a function that is not there: status %d", w.Code)
	}
}

func checkOutputFiles(t *testing.T, s *Server, o outputs) {
	t.Helper()
	for _, text := range o.Data[:2] {
		var file fileData
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s is no file: %v", text, err)
		}
		path := strings.TrimPrefix(file.URL, "http://localhost:7860")
		w := ask(s, "GET", path, "", nil)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/png" || w.Body.Len() != file.Size || file.Kind != "image/png" || file.Meta["_type"] != "gradio.FileData" {
			t.Errorf("%s: status %d, %s", text, w.Code, w.Header().Get("Content-Type"))
		}
		if short := ask(s, "GET", "/file="+file.Path, "", nil); short.Code != http.StatusOK {
			t.Errorf("/file= without prefix: status %d", short.Code)
		}
	}
}

func TestGradioFiles(t *testing.T) {
	s := newTestServer(t, nil)
	html := []byte("<html><script>alert(1)</script></html>")
	paths := uploadFiles(t, s, "", html, reading.ToPNG(digitPicture()), nil)
	for _, path := range paths {
		for _, c := range []byte(path) {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789./", rune(c)) {
				t.Errorf("the path %q has %q", path, c)
			}
		}
	}
	w := ask(s, "GET", "/gradio_api/file="+paths[0], "", nil)
	if w.Body.String() != string(html) || w.Header().Get("Content-Type") != "application/octet-stream" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") || w.Header().Get("Content-Disposition") != "attachment" {
		t.Errorf("an uploaded page could run: %v", w.Header())
	}
	for _, path := range []string{"", "/etc/passwd", "../server.go", "x", paths[0] + "x", "http://example.com/"} {
		if w := ask(s, "GET", "/gradio_api/file="+path, "", nil); w.Code != http.StatusForbidden && w.Code < 300 {
			t.Errorf("file=%s: status %d", path, w.Code)
		}
	}
	for body, status := range map[string]int{
		"": 400, "--x--\r\n": 400, "--x\r\n": 400,
		"--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nabc\r\n--x--\r\n":                                    400,
		"--x\r\nContent-Disposition: form-data; name=\"files\"\r\n\r\n" + strings.Repeat("x", maxFile+1) + "\r\n--x--\r\n": 413,
		strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"files\"\r\n\r\nabc\r\n", maxParts+1) + "--x--\r\n":   413,
	} {
		if w := ask(s, "POST", "/gradio_api/upload", "multipart/form-data; boundary=x", strings.NewReader(body)); w.Code != status {
			t.Errorf("%.40q: status %d, want %d", body, w.Code, status)
		}
	}
	if w := ask(s, "POST", "/gradio_api/upload", "application/json", strings.NewReader("{}")); w.Code != http.StatusBadRequest {
		t.Errorf("an upload of JSON: status %d", w.Code)
	}
}

// An uploaded file keeps its name: cleaned in its path, and as it was in what the
// function gives back.
func TestGradioNames(t *testing.T) {
	s := newTestServer(t, nil)
	picture := reading.ToPNG(digitPicture())
	for name, want := range map[string]string{
		"drawing.png": "drawing.png", "My Seven (2).PNG": "MySeven2.PNG", "../../blob 文.exe": "blob.exe", "文.png": "image.png",
		"文": "image.png", "..": "image.png", "blob": "blob", "a.b.c_d-e.png": "a.b.c_d-e.png", ".htaccess": "image.htaccess",
		strings.Repeat("x", 300) + ".png": strings.Repeat("x", 196) + ".png", `C:\pictures\7.png`: "7.png", "": "image.png",
	} {
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		part, err := form.CreateFormFile("files", name)
		if err != nil {
			t.Fatal(err)
		}
		part.Write(picture)
		form.Close()
		path := decoded[[]string](t, ask(s, "POST", "/gradio_api/upload", form.FormDataContentType(), &b))[0]
		if folder, base, _ := strings.Cut(path, "/"); len(folder) != 32 || base != want {
			t.Errorf("%q is kept as %q, want its cleaned name %q", name, path, want)
		}
		if w := ask(s, "GET", "/gradio_api/file="+path, "", nil); !bytes.Equal(w.Body.Bytes(), picture) || w.Header().Get("Content-Type") != "image/png" {
			t.Errorf("%q: status %d, %s", name, w.Code, w.Header().Get("Content-Type"))
		}
		original := originalName(name)
		if original == "" {
			original = "image.png"
		}
		for given, want := range map[string]string{"": original, `, "orig_name": null`: original, `, "orig_name": "Mine 文.png"`: "Mine 文.png"} {
			body := fmt.Sprintf(`{"data": [{"path": %q%s, "meta": {"_type": "gradio.FileData"}}]}`, path, given)
			data := decoded[outputs](t, askJSON(s, "/gradio_api/run/predict", body)).Data
			var drawing, processed fileData
			if err := json.Unmarshal(data[0], &drawing); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data[1], &processed); err != nil {
				t.Fatal(err)
			}
			if drawing.Name != want || processed.Name != "image.png" || given == "" && drawing.Path != path {
				t.Errorf("%q%s came back as %+v, want the name %q and the path %s", name, given, drawing, want, path)
			}
		}
	}
}

// A client that uploads more than is kept loses its own files, not those of
// others.
func TestFileStoreShares(t *testing.T) {
	s := newFileStore()
	greedy, modest := testClient(t, "192.0.2.1"), testClient(t, "192.0.2.2")
	own := s.add(modest, "own.png", make([]byte, 1<<20))
	var last storedFile
	has := func(file storedFile) bool { _, found := s.get(file.path); return found }
	for i := range 300 {
		last = s.add(greedy, "", append(make([]byte, 1<<20), byte(i), byte(i>>8)))
	}
	if !has(own) || !has(last) || s.shares.used > maxStore {
		t.Errorf("own file: %v, last file: %v, %d bytes are kept", has(own), has(last), s.shares.used)
	}
	if file := s.add(greedy, "", make([]byte, maxStore)); has(file) {
		t.Error("a file larger than the store is kept")
	}
}

// The store keeps what was used last, and no more than it may.
func TestFileStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFileStore()
		owner := testClient(t, "192.0.2.1")
		block := func(i int) []byte { return append(bytes.Repeat([]byte{byte(i)}, 1<<20), byte(i)) }
		has := func(path string) bool { _, found := s.get(path); return found }
		var paths []string
		for i := range 20 {
			paths = append(paths, s.add(owner, "", block(i)).path)
		}
		if s.add(owner, "", block(3)).path != paths[3] || len(s.files) != 20 {
			t.Error("the same content was kept twice")
		}
		s.get(paths[0]) // is now newer than number 1
		for i := range 30 {
			s.add(owner, "", block(100+i))
			if s.shares.used > maxStore {
				t.Fatalf("%d bytes are kept", s.shares.used)
			}
			if !has(paths[0]) {
				t.Fatal("a file that is in use has gone")
			}
		}
		if has(paths[1]) || has(paths[3]) {
			t.Error("files that were not used are still there")
		}
		if got, _ := s.get(paths[0]); !bytes.Equal(got.content, block(0)) {
			t.Error("the content is another")
		}
		time.Sleep(fileTime + time.Second)
		if has(paths[0]) {
			t.Error("an old file is still there")
		}
		s.add(owner, "", []byte("new"))
		if len(s.files) != 1 || s.shares.used != 3+fileOverhead {
			t.Errorf("%d files of %d bytes are kept", len(s.files), s.shares.used)
		}
	})
}

// An events reader reads an event stream of a real connection.
type events struct {
	response *http.Response
	reader   *bufio.Reader
}

func listen(t testing.TB, url string) *events {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return &events{response, bufio.NewReader(response.Body)}
}

// next returns the next line that is not empty, "" at the end.
func (e *events) next(t testing.TB) string {
	t.Helper()
	for {
		line, err := e.reader.ReadString('\n')
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
		if err == io.EOF {
			return ""
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

type message struct {
	Message string `json:"msg"`
	EventID string `json:"event_id"`
	Success *bool
	Output  struct {
		Data  []any
		Error string
	}
	NotFound bool `json:"session_not_found"`
}

func (e *events) message(t testing.TB) (m message) {
	t.Helper()
	line := e.next(t)
	text, found := strings.CutPrefix(line, "data: ")
	if !found || json.Unmarshal([]byte(text), &m) != nil {
		t.Fatalf("%q is no message", line)
	}
	return m
}

// join makes a call in a session.
func join(t testing.TB, url, session, input string) string {
	t.Helper()
	body := fmt.Sprintf(`{"data": [%s], "fn_index": 0, "session_hash": %q, "event_data": null, "trigger_id": null}`, input, session)
	response, err := http.Post(url+"/gradio_api/queue/join", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answered struct {
		EventID string `json:"event_id"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answered); err != nil || answered.EventID == "" {
		t.Fatalf("status %d: %v", response.StatusCode, err)
	}
	return answered.EventID
}

func TestGradioQueue(t *testing.T) {
	s := newTestServer(t, nil)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	data := `"` + reading.DataURL(digitPicture()) + `"`
	for range 2 { // a session is used again after its stream was closed
		good := join(t, server.URL, "abc", data)
		bad := join(t, server.URL, "abc", `"data:image/png;base64,AAAA"`)
		stream := listen(t, server.URL+"/gradio_api/queue/data?session_hash=abc")
		if kind := stream.response.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
			t.Errorf("Content-Type %s", kind)
		}
		seen := map[string][]string{}
		var last message
		for last = stream.message(t); last.Message != "close_stream"; last = stream.message(t) {
			seen[last.EventID] = append(seen[last.EventID], last.Message)
			switch {
			case last.Success == nil:
				t.Errorf("%+v has no success", last)
			case last.Message != "process_completed":
			case last.EventID == good && (!*last.Success || len(last.Output.Data) != 3 || last.Output.Data[2] != "预测结果: 7"):
				t.Errorf("the good call gave %+v", last.Output)
			case last.EventID == bad && (*last.Success || !strings.Contains(last.Output.Error, "no known format")):
				t.Errorf("the bad call gave %+v", last.Output)
			}
		}
		for _, id := range []string{good, bad} {
			if got := strings.Join(seen[id], " "); got != "estimation process_starts process_completed" {
				t.Errorf("the messages of a call: %s", got)
			}
		}
		if rest := stream.next(t); rest != "" {
			t.Errorf("after the end: %q", rest)
		}
	}
	stream := listen(t, server.URL+"/queue/data?session_hash=none")
	if m := stream.message(t); m.Message != "unexpected_error" || !m.NotFound {
		t.Errorf("a session that is not there: %+v", m)
	}
	for _, body := range []string{
		`{"data": [null], "session_hash": "abc"}`, `{"data": [null], "fn_index": 2, "session_hash": "abc"}`,
		`{"data": [null], "fn_index": -1, "session_hash": "abc"}`, `{"data": [null], "fn_index": 0}`,
		`{"data": [], "fn_index": 0, "session_hash": "abc"}`, `{"data": [null], "fn_index": 0, "session_hash": "` + strings.Repeat("x", 129) + `"}`,
	} {
		if w := askJSON(s, "/gradio_api/queue/join", body); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "detail") {
			t.Errorf("%.80s: status %d: %s", body, w.Code, w.Body)
		}
	}
}

// A session's second stream takes over from the first.
func TestGradioStreamTakesOver(t *testing.T) {
	s := newTestServer(t, nil)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	release, err := s.pictures.Hold(t.Context()) // so that the call waits
	if err != nil {
		t.Fatal(err)
	}
	id := join(t, server.URL, "abc", `"`+reading.DataURL(digitPicture())+`"`)
	first := listen(t, server.URL+"/gradio_api/queue/data?session_hash=abc")
	for range 2 { // estimation, process_starts
		first.message(t)
	}
	second := listen(t, server.URL+"/gradio_api/queue/data?session_hash=abc")
	if rest := first.next(t); rest != "" {
		t.Errorf("the first stream goes on with %q", rest)
	}
	release()
	if m := second.message(t); m.Message != "process_completed" || m.EventID != id || !*m.Success {
		t.Errorf("got %+v", m)
	}
}

func TestGradioCancel(t *testing.T) {
	s := newTestServer(t, nil)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	release, err := s.pictures.Hold(t.Context()) // so that the call waits
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	id := join(t, server.URL, "abc", `"`+reading.DataURL(digitPicture())+`"`)
	for range 2 { // the second time there is nothing to cancel
		if w := askJSON(s, "/gradio_api/cancel", `{"event_id": "`+id+`", "session_hash": "abc", "fn_index": 0}`); w.Code != http.StatusOK {
			t.Errorf("status %d", w.Code)
		}
	}
	stream := listen(t, server.URL+"/gradio_api/queue/data?session_hash=abc")
	m := stream.message(t)
	for m.Message != "process_completed" {
		m = stream.message(t)
	}
	if m.EventID != id || *m.Success || m.Output.Error != "cancelled" {
		t.Errorf("got %+v", m)
	}
	eventually(t, "the call has returned", func() bool { s.gradio.mutex.Lock(); defer s.gradio.mutex.Unlock(); return s.gradio.ofCalls.used == 0 })
	if m := stream.message(t); m.Message != "close_stream" {
		t.Errorf("a cancelled call goes on with %+v", m)
	}
}

func TestGradioCall(t *testing.T) {
	s := newTestServer(t, nil)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	data := `"` + reading.DataURL(digitPicture()) + `"`
	for path, body := range map[string]string{
		"/gradio_api/call/predict":          `{"data": [` + data + `]}`,
		"/call/predict_digit":               `{"data": [` + data + `]}`,
		"/gradio_api/call/v2/predict_digit": `{"image": ` + data + `}`,
	} {
		id := decoded[map[string]string](t, askJSON(s, path, body))["event_id"]
		stream := listen(t, server.URL+"/gradio_api/call/predict/"+id)
		if event, data := stream.next(t), stream.next(t); event != "event: complete" || !strings.HasPrefix(data, "data: [") || !strings.Contains(data, "预测结果: 7") || stream.next(t) != "" {
			t.Errorf("%s: %s, %s", path, event, data)
		}
		if again := listen(t, server.URL+"/gradio_api/call/predict/"+id); again.response.StatusCode != http.StatusNotFound {
			t.Errorf("fetched again: status %d", again.response.StatusCode)
		}
	}
	id := decoded[map[string]string](t, askJSON(s, "/gradio_api/call/predict", `{"data": ["data:,"]}`))["event_id"]
	stream := listen(t, server.URL+"/gradio_api/call/predict/"+id)
	if event, data := stream.next(t), stream.next(t); event != "event: error" || !strings.Contains(data, "the picture is empty") {
		t.Errorf("a bad picture: %s, %s", event, data)
	}
	for path, status := range map[string]int{"/gradio_api/call/none": 404, "/gradio_api/call/predict": 422, "/gradio_api/call/v2/predict": 422} {
		if w := askJSON(s, path, "{}"); w.Code != status {
			t.Errorf("%s: status %d, want %d", path, w.Code, status)
		}
	}
}

// Who makes calls and does not read their answers is stopped, and forgotten.
func TestGradioForgets(t *testing.T) {
	s := newTestServer(t, nil)
	joined, refused := 0, 0
	for range maxUndelivered/callMessages + 10 {
		switch w := askJSON(s, "/gradio_api/queue/join", `{"data": [null], "fn_index": 0, "session_hash": "abc"}`); w.Code {
		case http.StatusOK:
			joined++
		case http.StatusServiceUnavailable:
			refused++
		default:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
	if joined < 1000 || refused == 0 {
		t.Errorf("%d calls were let in, %d refused", joined, refused)
	}
	g := s.gradio
	eventually(t, "all calls have returned", func() bool { g.mutex.Lock(); defer g.mutex.Unlock(); return g.ofCalls.used == 0 })
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if n := len(g.sessions["abc"].messages); n > maxUndelivered || g.ofMemory.used < 100*n || g.ofMemory.used > maxKept {
		t.Errorf("%d messages are kept, of %d bytes", n, g.ofMemory.used)
	}
	g.sessions["abc"].touched = time.Now().Add(-2 * sessionTime)
	g.swept = time.Time{}
	g.sweep()
	if len(g.sessions) != 0 || len(g.events) != 0 || g.ofMemory.used != 0 {
		t.Errorf("%d sessions and %d events are still there, and %d bytes", len(g.sessions), len(g.events), g.ofMemory.used)
	}
}

// Calls with large inputs, and sessions whose messages nobody reads, cannot take
// more than their memory together.
func TestGradioLimitsMemory(t *testing.T) {
	s := newTestServer(t, nil)
	g := s.gradio
	for range maxWorking {
		g.working <- struct{}{} // so that calls wait
	}
	input := `{"path": "` + strings.Repeat("x", 1<<20) + `"}`
	joined, busy := 0, 0
	for i := range 2 * maxKept >> 20 {
		body := fmt.Sprintf(`{"data": [%s], "fn_index": 0, "session_hash": "s%d"}`, input, i)
		switch w := askJSON(s, "/gradio_api/queue/join", body); {
		case w.Code == http.StatusOK:
			joined++
		case w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") != "":
			busy++
		default:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
	if most := maxKept >> 20; joined < most-2 || joined > most || busy == 0 {
		t.Errorf("%d calls of a megabyte are kept, want about %d; %d were refused", joined, most, busy)
	}
	for range maxWorking {
		<-g.working
	}
	eventually(t, "all calls have returned", func() bool { g.mutex.Lock(); defer g.mutex.Unlock(); return g.ofCalls.used == 0 })
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.ofMemory.used > joined*callMemory {
		t.Errorf("%d bytes are kept of %d calls", g.ofMemory.used, joined)
	}
}

// Event streams whose readers stop reading end, and take no memory meanwhile.
func TestGradioStalledReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGradio(&Server{metrics: newMetrics(), draining: make(chan struct{})})
		stalled := &stalledWriter{header: http.Header{}}
		ended := make(chan struct{})
		go func() {
			g.heartbeat(stalled, httptest.NewRequest("GET", "/heartbeat/x", nil))
			close(ended)
		}()
		time.Sleep(time.Hour)
		select {
		case <-ended:
		default:
			t.Error("the stream goes on")
		}
		if g.ofStreams.used != 0 || stalled.writes > 3 {
			t.Errorf("%d streams are open after %d writes", g.ofStreams.used, stalled.writes)
		}
	})
}

// A stalledWriter takes two writes, and the next ones until their deadline.
type stalledWriter struct {
	header   http.Header
	writes   int
	deadline time.Time
}

func (w *stalledWriter) Header() http.Header                { return w.header }
func (w *stalledWriter) WriteHeader(int)                    {}
func (w *stalledWriter) FlushError() error                  { return nil }
func (w *stalledWriter) SetReadDeadline(time.Time) error    { return nil }
func (w *stalledWriter) SetWriteDeadline(d time.Time) error { w.deadline = d; return nil }

func (w *stalledWriter) Write(b []byte) (int, error) {
	if w.writes++; w.writes <= 2 {
		return len(b), nil
	}
	time.Sleep(time.Until(w.deadline)) // without a deadline it would return at once and be written to for ever
	return 0, context.DeadlineExceeded
}

// Whoever opens as many event streams as there may be loses those when somebody
// else comes, and his oldest when he opens more.
func TestGradioLimitsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{metrics: newMetrics(), draining: make(chan struct{})}
		g := newGradio(s)
		s.observer = &observer{log: slog.New(slog.DiscardHandler), metrics: s.metrics}
		handler := s.observer.observe((&forwarded{}).heed(http.HandlerFunc(g.heartbeat)))
		ctx, cancel := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		open := func(address string) (ended chan struct{}) {
			r := httptest.NewRequestWithContext(ctx, "GET", "/gradio_api/heartbeat/x", nil)
			r.RemoteAddr = address
			ended = make(chan struct{})
			wait.Go(func() { handler.ServeHTTP(httptest.NewRecorder(), r); close(ended) })
			synctest.Wait()
			return ended
		}
		var greedy []chan struct{}
		for range maxStreams {
			greedy = append(greedy, open("192.0.2.1:80"))
		}
		modest := open("192.0.2.2:80")
		open("192.0.2.1:80")
		for i, ended := range append(greedy, modest) {
			select {
			case <-ended:
				if i > 1 {
					t.Errorf("stream %d has ended", i)
				}
			default:
				if i <= 1 {
					t.Errorf("stream %d goes on", i)
				}
			}
		}
		cancel()
		wait.Wait()
		if g.ofStreams.used != 0 {
			t.Errorf("%d streams are counted at the end", g.ofStreams.used)
		}
	})
}

// Whoever makes as many sessions as there may be loses his oldest ones.
func TestGradioLimitsSessions(t *testing.T) {
	g := newGradio(newTestServer(t, nil))
	defer g.close()
	greedy, modest := testClient(t, "192.0.2.1"), testClient(t, "192.0.2.2")
	g.mutex.Lock()
	defer g.mutex.Unlock()
	own := g.session(modest, "own")
	for i := range 2 * maxSessions {
		g.session(greedy, fmt.Sprint(i))
	}
	if len(g.sessions) != maxSessions || g.sessions["own"] != own || own.lost || g.sessions["0"] != nil || g.sessions[fmt.Sprint(2*maxSessions-1)] == nil {
		t.Errorf("there are %d sessions, own lost: %v", len(g.sessions), own.lost)
	}
	if other := g.session(modest, "other"); other.lost {
		t.Error("the modest client's second session is lost")
	}
}

// Whoever makes as many calls as there may be is told to come again, and loses
// those made last when somebody else makes one.
func TestGradioLimitsCalls(t *testing.T) {
	g := newGradio(newTestServer(t, nil))
	defer g.close()
	for range maxWorking {
		g.working <- struct{}{} // so that calls wait
	}
	greedy, modest := caller{client: testClient(t, "192.0.2.1")}, caller{client: testClient(t, "192.0.2.2")}
	var last *gradioEvent
	for range maxQueued {
		event, err := g.start("", greedy, json.RawMessage("null"))
		if err != nil {
			t.Fatal(err)
		}
		last = event
	}
	if _, err := g.start("", greedy, json.RawMessage("null")); err != errBusy {
		t.Errorf("one more call of the greedy client: %v", err)
	}
	if _, err := g.start("", modest, json.RawMessage("null")); err != nil {
		t.Errorf("a call of the modest client: %v", err)
	}
	<-last.done
	if last.output.Error != errCrowded.Error() {
		t.Errorf("the call that was given up ended with %+v", last.output)
	}
	for range maxWorking {
		<-g.working
	}
	g.tasks.Wait()
	if g.ofCalls.used != 0 {
		t.Errorf("%d calls are counted at the end", g.ofCalls.used)
	}
}

// Many sessions at once, each with calls that overlap, get all their answers.
func TestGradioManySessions(t *testing.T) {
	s := newTestServer(t, nil)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			session := fmt.Sprint("session", i)
			waiting := map[string]bool{}
			for range 5 {
				waiting[join(t, server.URL, session, "null")] = true
			}
			stream := listen(t, server.URL+"/gradio_api/queue/data?session_hash="+session)
			for m := stream.message(t); m.Message != "close_stream"; m = stream.message(t) {
				if m.Message == "process_completed" {
					delete(waiting, m.EventID)
				}
			}
			if len(waiting) > 0 {
				t.Errorf("%d calls of %s were not answered", len(waiting), session)
			}
		})
	}
	wait.Wait()
}

func BenchmarkGradioRun(b *testing.B) {
	s := newTestServer(b, nil)
	paths := uploadFiles(b, s, gradioPrefix, reading.ToPNG(digitPicture()))
	body := `{"data": [{"background": null, "layers": [` + asFile(paths[0]) + `], "composite": null}]}`
	for b.Loop() {
		if w := askJSON(s, "/gradio_api/run/predict", body); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
