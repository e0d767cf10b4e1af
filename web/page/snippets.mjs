/**
 * Programs that ask a server what a drawing shows. Each runs as it stands.
 */

/** A seven: points [x, y] on a pad of 280 by 280. */
const SEVEN = '{"strokes": [[[70, 60], [210, 60], [130, 230]]], "width": 280, "height": 280, "brush": 18}';

/** @typedef {"curl" | "javascript" | "python" | "go"} SnippetName */

/**
 * @param {string} url of the endpoint, such as http://localhost:7860/api/predict
 * @returns {Record<SnippetName, string>}
 */
export function snippets(url) {
  return {
    curl: `curl ${url} \\
  -H 'Content-Type: application/json' \\
  -d '${SEVEN}'
`,
    javascript: `const drawing = ${SEVEN};

const response = await fetch("${url}", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(drawing),
});
const answer = await response.json();
console.log(answer.label, answer.probabilities);
`,
    python: `import json
import urllib.request

drawing = ${SEVEN}

request = urllib.request.Request(
    "${url}",
    data=json.dumps(drawing).encode(),
    headers={"Content-Type": "application/json"},
)
with urllib.request.urlopen(request) as response:
    answer = json.load(response)
print(answer["label"], answer["probabilities"])
`,
    go: `package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strings"
)

func main() {
	drawing := \`${SEVEN}\`
	response, err := http.Post("${url}", "application/json", strings.NewReader(drawing))
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Label         string
		Probabilities []float64
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Label, answer.Probabilities)
}
`,
  };
}
