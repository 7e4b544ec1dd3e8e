package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"acme.example/creditscore/acme/bank"
)

// decoder walks a YAML tree beside the types. The yaml package's own strict
// decoding (KnownFields) stops at Go type names and line numbers; this names
// each key by its path and finds every fault.
type decoder struct{ faults []*Fault }

func (d *decoder) fault(f *Fault) { d.faults = append(d.faults, f) }

func (d *decoder) config(root *yaml.Node, cfg *Config) {
	d.section(root, reflect.ValueOf(cfg).Elem(), "")
}

// section fills a struct from a mapping.
func (d *decoder) section(n *yaml.Node, v reflect.Value, prefix string) {
	keys := keysOf(v.Type())
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, child := n.Content[i].Value, resolve(n.Content[i+1])
		path := prefix + shown(name)
		if seen[name] {
			d.fault(&Fault{Key: path, Problem: "given twice", Allowed: "once"})
			continue
		}
		seen[name] = true
		found := false
		for _, k := range keys {
			if found = k.name == name; found {
				d.value(child, v.FieldByIndex(k.field.Index), k, path)
				break
			}
		}
		if !found {
			// Its value is not quoted: it may be a secret under a misspelt key.
			d.fault(unknown(path, names(keys)))
		}
	}
}

// value fills one field. A key without a value counts as not given.
func (d *decoder) value(n *yaml.Node, v reflect.Value, k key, path string) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	t := v.Type()
	switch {
	case isSection(t):
		if n.Kind != yaml.MappingNode {
			d.fault(&Fault{Key: path, Value: scalar(n), Problem: "not a section",
				Allowed: "a section with the keys " + strings.Join(names(keysOf(t)), ", ")})
			return
		}
		d.section(n, v, path+".")
	case t.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.fault(invalid(k, path, scalar(n)))
			return
		}
		v.Set(reflect.MakeSlice(t, len(n.Content), len(n.Content)))
		for i, child := range n.Content {
			d.element(resolve(child), v.Index(i), k, fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		if n.Kind != yaml.ScalarNode || !setScalar(v, n.Value) {
			d.fault(invalid(k, path, scalar(n)))
		}
	}
}

// element fills one element of a list.
func (d *decoder) element(n *yaml.Node, v reflect.Value, k key, path string) {
	switch {
	case !isSection(v.Type()):
		if n.Kind != yaml.ScalarNode || !setScalar(v, n.Value) {
			d.fault(invalid(k, path, scalar(n)))
		}
	case n.Kind != yaml.MappingNode:
		d.fault(&Fault{Key: path, Problem: "not a section",
			Allowed: "a section with the keys " + strings.Join(names(keysOf(v.Type())), ", ")})
	default:
		if e, ok := v.Addr().Interface().(interface{ setDefaults() }); ok {
			e.setDefaults()
		}
		d.section(n, v, path+".")
	}
}

// setScalar reads text as the type of v; false when it is none.
func setScalar(v reflect.Value, text string) bool {
	switch v.Type() {
	case typeToken:
		v.Set(reflect.ValueOf(bank.NewToken(text)))
		return true
	case typeDuration:
		span, err := time.ParseDuration(text)
		if err == nil {
			v.SetInt(int64(span))
		}
		return err == nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return false
		}
		v.SetInt(n)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return false
		}
		v.SetBool(text == "true")
	default:
		return false
	}
	return true
}

// resolve follows aliases; the parser has refused those that go in circles.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func scalar(n *yaml.Node) string {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value
	case yaml.SequenceNode:
		return "a list"
	}
	return "a section"
}

var pathStep = regexp.MustCompile(`([a-z_]+)(?:\[(\d+)\])?`)

// set puts text at path into the tree, over what was there. The path is that
// of a key there is.
func (d *decoder) set(root *yaml.Node, path, text string) {
	n := root
	steps := pathStep.FindAllStringSubmatch(path, -1)
	for i, step := range steps {
		name, index := step[1], step[2]
		if i == len(steps)-1 {
			child, err := d.given(path, text)
			if err != nil {
				d.fault(err)
				return
			}
			put(n, name, child)
			return
		}
		want := yaml.MappingNode
		if index != "" {
			want = yaml.SequenceNode
		}
		child := get(n, name)
		if child == nil || child.Kind != want {
			child = &yaml.Node{Kind: want}
			put(n, name, child)
		}
		if index == "" {
			n = child
			continue
		}
		at, _ := strconv.Atoi(index) // the pattern has digits only
		if at > len(child.Content) {
			d.fault(&Fault{Key: path, Problem: fmt.Sprintf("%s has %d elements", name, len(child.Content)),
				Allowed: "an index of one of them, or the next"})
			return
		}
		if at == len(child.Content) {
			child.Content = append(child.Content, &yaml.Node{Kind: yaml.MappingNode})
		}
		n = resolve(child.Content[at])
	}
}

// given makes a node of a flag's or a variable's text: a list's is YAML or
// words between commas, any other is taken as it stands.
func (d *decoder) given(path, text string) (*yaml.Node, *Fault) {
	var list, table bool
	for _, k := range Keys() {
		if k.Path == indexes.ReplaceAllString(path, "[]") {
			list = k.List
			table = k.Path == "partners" || k.Path == "banks"
		}
	}
	switch {
	case !list:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}, nil
	case table || strings.HasPrefix(strings.TrimSpace(text), "["):
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) != 1 || resolve(doc.Content[0]).Kind != yaml.SequenceNode {
			return nil, &Fault{Key: path, Problem: "not a YAML list", Allowed: "a YAML list such as [{id: a}, {id: b}]"}
		}
		return resolve(doc.Content[0]), nil
	}
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for word := range strings.SplitSeq(text, ",") {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimSpace(word)})
	}
	return n, nil
}

var indexes = regexp.MustCompile(`\[\d+\]`)

func get(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return resolve(n.Content[i+1])
		}
	}
	return nil
}

func put(n *yaml.Node, name string, child *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			n.Content[i+1] = child
			return
		}
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, child)
}
