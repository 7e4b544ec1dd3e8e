package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"acme.example/creditscore/acme/bank"
)

// Sources is where a configuration comes from, weakest first.
type Sources struct {
	// File is the path of the YAML file; "" for none.
	File string
	// Env is the environment as os.Environ gives it. Variables that are
	// empty, or do not begin with ACME_, count as not set.
	Env []string
	// Flags are the flags given, in order.
	Flags []Flag
}

// Flag is one key given on the command line; Path as in the file.
type Flag struct{ Path, Value string }

// Load reads, merges and checks. The error is an *Error with every fault, or
// says why the file could not be read. ignored names variables that begin
// with ACME_ and set no key: they may be another program's (a container
// platform makes such names of its services), so they are no fault.
func Load(src Sources) (cfg Config, ignored []string, err error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	if src.File != "" {
		text, err := os.ReadFile(src.File)
		if err != nil {
			return Config{}, nil, &Error{[]*Fault{{Key: "config", Value: src.File, Problem: readProblem(err), Allowed: "a readable YAML file"}}}
		}
		if root, err = parse(text); err != nil {
			return Config{}, nil, &Error{[]*Fault{{Key: "config", Value: src.File, Problem: err.Error(), Allowed: "a YAML file of keys and values"}}}
		}
	}
	d := &decoder{}
	for _, variable := range slices.Sorted(slices.Values(src.Env)) {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "ACME_") || value == "" || reserved(name) {
			continue
		}
		path, ok := pathOfEnv(name)
		if !ok {
			ignored = append(ignored, name)
			continue
		}
		d.set(root, path, value)
	}
	for _, f := range src.Flags {
		d.set(root, f.Path, f.Value)
	}
	cfg = Default()
	d.config(root, &cfg)
	d.secretFiles(&cfg)
	d.faults = append(d.faults, check(cfg, d.faults)...)
	if len(d.faults) > 0 {
		return Config{}, ignored, &Error{d.faults}
	}
	cfg.DataDir = filepath.Clean(cfg.DataDir)
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	if cfg.KeysetFile == "" {
		cfg.KeysetFile = filepath.Join(cfg.DataDir, "keyset.json")
	}
	return cfg, ignored, nil
}

// reserved are the variables that stand for flags which are no keys.
func reserved(name string) bool { return name == "ACME_CONFIG" || name == "ACME_LOG" }

// parse reads one YAML document, a mapping. The parser's own errors quote the
// line's number and never its content.
func parse(text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return &yaml.Node{Kind: yaml.MappingNode}, nil // an empty file says nothing
	case err != nil:
		return nil, fmt.Errorf("not YAML (%s)", oneLine(err))
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one YAML document")
	}
	root := resolve(doc.Content[0])
	switch {
	case root.Kind == yaml.ScalarNode && root.Tag == "!!null":
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	case root.Kind != yaml.MappingNode:
		return nil, errors.New("not a mapping of keys to values")
	}
	return root, nil
}

// oneLine keeps what the YAML parser says of the place, not what follows.
func oneLine(err error) string {
	text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), "\n")
	if strings.ContainsAny(text, "\"'`") { // it quotes the file
		text, _, _ = strings.Cut(text, ":")
	}
	return text
}

func readProblem(err error) string {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "no such file"
	case errors.Is(err, os.ErrPermission):
		return "no permission to read it"
	}
	return "cannot be read"
}

// secretFiles reads the secrets that are kept in files of their own; what was
// read takes the place of the file's name. One trailing line break is the
// editor's, not the secret's.
func (d *decoder) secretFiles(cfg *Config) {
	read := func(path string, file *string, into *bank.Token) {
		if *file == "" || !into.IsZero() {
			return
		}
		text, err := os.ReadFile(*file)
		secret := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		f := &Fault{Key: path, Value: shown(*file), Allowed: "a readable file that holds the secret"}
		switch {
		case err != nil:
			f.Problem = readProblem(err)
			d.fault(f)
		case secret == "":
			f.Problem = "the file is empty"
			d.fault(f)
		default:
			*into, *file = bank.NewToken(secret), ""
		}
	}
	for i := range cfg.Partners {
		p := &cfg.Partners[i]
		read(fmt.Sprintf("partners[%d].secret_file", i), &p.SecretFile, &p.Secret)
	}
	for i := range cfg.Banks {
		b := &cfg.Banks[i]
		read(fmt.Sprintf("banks[%d].client_secret_file", i), &b.ClientSecretFile, &b.ClientSecret)
	}
}
