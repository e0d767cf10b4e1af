package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Both languages tell the same: ten chapters with the same numbers and pictures, each
// with something to try and to think of; and what was made of them is there.
func TestTexts(t *testing.T) {
	blanks := regexp.MustCompile(`\{\{\.\w+\}\}|images/\w+\.png`)
	told := map[string][]string{}
	for _, text := range []struct{ language, content, try, question, made string }{
		{"English", english, "- Try: ", "- Question: ", "README.md"},
		{"Chinese", chinese, "- 试一试：", "- 想一想：", "README.zh-CN.md"},
	} {
		chapters := strings.Split(text.content, "\n## ")[1:]
		if len(chapters) != 10 {
			t.Errorf("%s: %d chapters, want 10", text.language, len(chapters))
		}
		for i, chapter := range chapters {
			if strings.Count(chapter, text.try) != 1 || strings.Count(chapter, text.question) != 1 {
				t.Errorf("%s: chapter %d does not end with one command and one question", text.language, i+1)
			}
			told[text.language] = append(told[text.language], blanks.FindAllString(chapter, -1)...)
		}
		made, err := os.ReadFile(filepath.Join("..", "..", folder, text.made))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range regexp.MustCompile(`\{\{\.\w+\}\}`).Split(text.content, -1) {
			if !strings.Contains(string(made), part) {
				t.Errorf("%s: %s has not %.60q: run scripts/lesson", text.language, text.made, part)
			}
		}
	}
	if !slices.Equal(told["English"], told["Chinese"]) {
		t.Errorf("the numbers and pictures are\n%v and\n%v", told["English"], told["Chinese"])
	}
}
