/**
 * Programs that ask a server what a drawing shows. Each runs as it stands.
 */

/** A seven: points [x, y] on a pad of 280 by 280. */
const SEVEN = '{"strokes": [[[70, 60], [210, 60], [130, 230]]], "width": 280, "height": 280, "brush": 18}';

/** @typedef {"curl" | "javascript" | "python" | "go"} SnippetName */

/**
 * @param {string} url of the endpoint, such as http://localhost:7860/api/predict
 * @param {boolean} [measures] whether it answers with a number in place of classes
 * @returns {Record<SnippetName, string>}
 */
export function snippets(url, measures = false) {
  const fields = measures ? ["number"] : ["label", "probabilities"];
  const types = /** @type {Record<string, string>} */ ({ label: "string", probabilities: "[]float64", number: "float64" });
  const width = Math.max(...fields.map((field) => field.length));
  const inGo = fields.map((field) => field.charAt(0).toUpperCase() + field.slice(1));
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
console.log(${fields.map((field) => `answer.${field}`).join(", ")});
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
print(${fields.map((field) => `answer["${field}"]`).join(", ")})
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
${fields.map((field, i) => `\t\t${inGo[i]?.padEnd(width)} ${types[field]}\n`).join("")}	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	fmt.Println(${inGo.map((field) => `answer.${field}`).join(", ")})
}
`,
  };
}
