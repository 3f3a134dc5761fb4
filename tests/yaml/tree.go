// Reads YAML as Go programs do, kubectl among them: for each file named on standard input, prints
// one line of JSON: its documents as trees of [kind, tag, value, children...], or null.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"

	"go.yaml.in/yaml/v3"
)

func tree(n *yaml.Node) []any {
	if n.Kind == yaml.AliasNode {
		return []any{n.Kind, "", n.Value}
	}
	t := []any{n.Kind, n.ShortTag(), n.Value}
	for _, child := range n.Content {
		t = append(t, tree(child))
	}
	return t
}

func read(path string) any {
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	documents := []any{}
	for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var node yaml.Node
		if err := decoder.Decode(&node); errors.Is(err, io.EOF) {
			return documents
		} else if err != nil {
			return nil
		}
		documents = append(documents, tree(&node))
	}
}

func main() {
	out := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := out.Encode(read(lines.Text())); err != nil {
			panic(err)
		}
	}
}
