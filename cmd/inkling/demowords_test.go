package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestDemoWords(t *testing.T) {
	for _, c := range []struct {
		flag string
		env  map[string]string
		want string
	}{
		{"auto", nil, "en"},
		{"auto", map[string]string{"LANG": "zh_CN.UTF-8"}, "zh"},
		{"auto", map[string]string{"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"},
		{"auto", map[string]string{"LANG": "de_DE.UTF-8"}, "en"},
		{"zh", nil, "zh"},
		{"en", map[string]string{"LANG": "zh_CN.UTF-8"}, "en"},
	} {
		if got, err := demoWordsFor(c.flag, func(name string) string { return c.env[name] }); err != nil || got != demoLanguages[c.want] {
			t.Errorf("--lang %s with %v: not %s (%v)", c.flag, c.env, c.want, err)
		}
	}
	if _, err := demoWordsFor("fr", func(string) string { return "" }); err == nil {
		t.Error("--lang fr is taken")
	}
	// Both say everything, with as many blanks.
	english, chinese := reflect.ValueOf(*demoLanguages["en"]), reflect.ValueOf(*demoLanguages["zh"])
	for i := range english.NumField() {
		counts := []int{strings.Count(english.Field(i).String(), "%s"), strings.Count(chinese.Field(i).String(), "%s")}
		if counts[0] != counts[1] || slices.Contains([]string{english.Field(i).String(), chinese.Field(i).String()}, "") {
			t.Errorf("%s: %d and %d blanks", english.Type().Field(i).Name, counts[0], counts[1])
		}
	}
}
