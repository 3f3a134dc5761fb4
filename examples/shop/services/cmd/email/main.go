// Email tells customers about their orders.
package main

import (
	"net/http"
	"text/template"

	"example.com/shop/platform/events"
	"example.com/shop/platform/server"
	"example.com/shop/services/internal/price"
)

var letter = template.Must(template.New("letter").Parse(
	"Dear {{.Name}},\n\nyour order for {{.Total}} is on its way.\n"))

func main() {
	var log events.Log
	s := server.New("email")
	s.Handle("/events", &log)
	s.HandleFunc("/preview", func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("name")
		log.Add("preview", name)
		_ = letter.Execute(w, struct {
			Name  string
			Total price.Cents
		}{name, 6899})
	})
	s.Run()
}
