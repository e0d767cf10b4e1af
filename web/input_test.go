package web

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzPredictRequest(f *testing.F) {
	for _, seed := range []string{"{" + seven + "}", `{"pixels": [[1]]}`, `{"image": "data:image/png;base64,AA=="}`, `{"instances": [{}], "details": true}`} {
		f.Add("application/json", seed)
	}
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nabc\r\n--x--\r\n")
	s := newTestServer(f, nil)
	f.Fuzz(func(t *testing.T, kind, body string) {
		w := ask(s, "POST", "/api/predict", kind, strings.NewReader(body))
		if w.Code >= 500 {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		var value map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &value); err != nil {
			t.Fatalf("the answer is no JSON: %v", err)
		}
	})
}
