package config

import (
	"reflect"
	"regexp"
	"strings"
	"time"

	"acme.example/creditscore/acme/bank"
)

// key is what a field's tags say of it.
type key struct {
	name    string // as in the file: "max_wait"
	allowed string
	secret  bool
	field   reflect.StructField
}

// keysOf lists a struct's keys in order.
func keysOf(t reflect.Type) []key {
	keys := make([]key, 0, t.NumField())
	for f := range t.Fields() {
		keys = append(keys, key{
			name:    f.Tag.Get("yaml"),
			allowed: f.Tag.Get("allowed"),
			secret:  f.Tag.Get("secret") == "true",
			field:   f,
		})
	}
	return keys
}

func names(keys []key) []string {
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = k.name
	}
	return list
}

var (
	typeToken    = reflect.TypeFor[bank.Token]()
	typeDuration = reflect.TypeFor[time.Duration]()
)

// isSection tells a struct of further keys from a value.
func isSection(t reflect.Type) bool { return t.Kind() == reflect.Struct && t != typeToken }

// isTable tells a list of sections.
func isTable(t reflect.Type) bool { return t.Kind() == reflect.Slice && isSection(t.Elem()) }

// Key describes one key for those who list them: help texts and tests.
type Key struct {
	// Path is as in the file; elements of a list are "banks[].id".
	Path string
	// Allowed says what values it takes.
	Allowed string
	// List tells that its value is a list, Bool that it is true or false.
	List, Bool bool
}

// Keys lists every key there is, in the order of the types. Sections (limits)
// are not keys, tables (banks) are.
func Keys() []Key { return appendKeys(nil, "", reflect.TypeFor[Config]()) }

func appendKeys(list []Key, prefix string, t reflect.Type) []Key {
	for _, k := range keysOf(t) {
		path, ft := prefix+k.name, k.field.Type
		if isSection(ft) {
			list = appendKeys(list, path+".", ft)
			continue
		}
		list = append(list, Key{Path: path, Allowed: k.allowed, List: ft.Kind() == reflect.Slice, Bool: ft.Kind() == reflect.Bool})
		if isTable(ft) {
			list = appendKeys(list, path+"[].", ft.Elem())
		}
	}
	return list
}

// EnvName is the environment variable of a path: "ACME_LIMITS_MAX_WAIT" for
// "limits.max_wait", "ACME_BANKS_0_BASE_URL" for "banks[0].base_url".
func EnvName(path string) string {
	path = strings.NewReplacer("[", "_", "]", "", ".", "_").Replace(path)
	return "ACME_" + strings.ToUpper(path)
}

// indexedEnv and indexedFlag find the index in the name of a list element's
// key: ACME_BANKS_0_BASE_URL, banks[0].base_url, banks.0.base_url.
var (
	indexedEnv  = regexp.MustCompile(`^(ACME_[A-Z_]+?_)(\d{1,3})(_[A-Z_]+)$`)
	indexedFlag = regexp.MustCompile(`^([a-z_]+)(?:\[(\d{1,3})\]|\.(\d{1,3}))\.([a-z_]+)$`)
)

// pathOfEnv finds the key that a variable sets.
func pathOfEnv(name string) (path string, ok bool) {
	index := ""
	if m := indexedEnv.FindStringSubmatch(name); m != nil {
		name, index = m[1]+m[3][1:], m[2]
	}
	for _, k := range Keys() {
		element := strings.Contains(k.Path, "[].")
		if element == (index != "") && EnvName(strings.ReplaceAll(k.Path, "[]", "")) == name {
			return strings.Replace(k.Path, "[]", "["+index+"]", 1), true
		}
	}
	return "", false
}

// PathOfFlag finds the key that a flag sets, and its path as faults name it.
func PathOfFlag(name string) (path string, ok bool) {
	want := name
	index := ""
	if m := indexedFlag.FindStringSubmatch(name); m != nil {
		index = m[2] + m[3]
		want = m[1] + "[]." + m[4]
	}
	for _, k := range Keys() {
		if k.Path == want && strings.Contains(want, "[].") == (index != "") {
			return strings.Replace(want, "[]", "["+index+"]", 1), true
		}
	}
	return "", false
}
