// Shipping says which ship a parcel is on.
package main

import (
	"fmt"
	"net/http"

	"example.com/shop/platform/server"
)

func main() {
	s := server.New("shipping")
	s.HandleFunc("/ship", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "on board of %s\n", ship())
	})
	s.Run()
}
