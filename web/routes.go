package web

import (
	"net/http"
	"strings"
)

// routes finds the handler of a request.
type routes struct {
	mux         *http.ServeMux
	connections *connections
}

func (t *routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Body == http.NoBody {
		t.connections.serving(r.Context())
	}
	t.mux.ServeHTTP(w, r)
}

// serves tells whether there is something at a request's path for its method.
func (t *routes) serves(r *http.Request) bool {
	_, pattern := t.mux.Handler(r)
	if strings.HasSuffix(pattern, gradioFiles) {
		return strings.Contains(r.URL.Path, "/"+gradioFile) // the pattern fits everything
	}
	return pattern != "/"
}

// methods are those that something is served for; GET stands for HEAD, too.
var methods = []string{http.MethodGet, http.MethodPost}

// nothing answers what no other route takes.
func (t *routes) nothing(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range methods {
		other := *r
		if other.Method = method; method != r.Method && t.serves(&other) {
			allowed = append(allowed, method)
			if method == http.MethodGet {
				allowed = append(allowed, http.MethodHead)
			}
		}
	}
	if allowed == nil {
		fail(w, r, problemf(http.StatusNotFound, "there is nothing at %.100q; /openapi.json lists what there is", r.URL.Path))
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	fail(w, r, problemf(http.StatusMethodNotAllowed, "%.100q takes %s, not %.20s", r.URL.Path, strings.Join(allowed, " and "), r.Method))
}
