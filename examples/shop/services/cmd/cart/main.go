// Cart keeps what customers want to buy.
package main

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/google/uuid"

	"example.com/shop/platform/events"
	"example.com/shop/platform/server"
)

type carts struct {
	mu    sync.Mutex
	goods map[string][]string
	log   events.Log
}

func (c *carts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := r.URL.Query().Get("cart")
	if id == "" {
		id = uuid.NewString()
		c.log.Add("new cart", id)
	}
	if good := r.URL.Query().Get("add"); good != "" {
		c.goods[id] = append(c.goods[id], good)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"cart": id, "goods": c.goods[id]})
}

func main() {
	c := &carts{goods: map[string][]string{}}
	s := server.New("cart")
	s.Handle("/cart", c)
	s.Handle("/events", &c.log)
	s.Run()
}
