// Frontend shows the shop's pages; the templates are part of the program.
package main

import (
	"embed"
	"html/template"
	"net/http"

	"example.com/shop/platform/server"
	"example.com/shop/services/internal/price"
)

//go:embed templates
var templates embed.FS

type item struct {
	Name  string
	Price price.Cents
}

func main() {
	pages := template.Must(template.ParseFS(templates, "templates/*.html"))
	items := []item{{"Gopher", 1999}, {"Container", 4900}, {"Ship's wheel", 12000}}

	s := server.New("frontend")
	s.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		if err := pages.ExecuteTemplate(w, "index.html", items); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	s.Run()
}
