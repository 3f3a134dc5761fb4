// Reads SPDX documents with the SPDX project's own library and checks what it leaves to others:
// identifiers, references, times, package URLs. Prints the names and versions of packages.
package main

import (
	"fmt"
	"os"
	"regexp"
	"time"

	"github.com/package-url/packageurl-go"
	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/spdxlib"
)

var id = regexp.MustCompile(`^[A-Za-z0-9.-]+$`)

func check(doc *v2_3.Document) error {
	if err := spdxlib.ValidateDocument(doc); err != nil {
		return err
	}
	if _, err := time.Parse("2006-01-02T15:04:05Z", doc.CreationInfo.Created); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, p := range doc.Packages {
		name := string(p.PackageSPDXIdentifier)
		if !id.MatchString(name) || seen[name] {
			return fmt.Errorf("identifier %q", name)
		}
		seen[name] = true
		for _, ref := range p.PackageExternalReferences {
			purl, err := packageurl.FromString(ref.Locator)
			if err != nil {
				return fmt.Errorf("%s: %w", ref.Locator, err)
			}
			if err := purl.Normalize(); err != nil {
				return fmt.Errorf("%s: %w", ref.Locator, err)
			}
		}
	}
	return nil
}

func main() {
	for _, path := range os.Args[1:] {
		file, err := os.Open(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		doc, err := json.Read(file)
		if err == nil {
			err = check(doc)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
		for _, p := range doc.Packages {
			fmt.Println(p.PackageName, p.PackageVersion)
		}
	}
}
