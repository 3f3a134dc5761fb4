package main

import (
	"fmt"
	"net/http"
)

func main() {
	// Listen on port 8080 for the container runtime to expose
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello from Ko")
	})
	// Start the server; os.Exit ensures the process terminates on signal
	if err := http.ListenAndServe(":8080", nil); err != nil {
		fmt.Println(err)
	}
}
