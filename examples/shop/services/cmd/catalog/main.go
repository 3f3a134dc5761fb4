// Catalog serves the list of goods and their pictures, which are files in the image (kodata).
package main

import (
	"net/http"
	"os"
	"path/filepath"

	"example.com/shop/platform/server"
)

func main() {
	data := os.Getenv("KO_DATA_PATH")
	s := server.New("catalog")
	s.Handle("/pictures/", http.FileServer(http.Dir(data)))
	s.HandleFunc("/goods", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(data, "goods.json"))
	})
	s.Run()
}
