// Package events is a small in-memory log of what happened in a service.
package events

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Event is one thing that happened.
type Event struct {
	Time time.Time `json:"time"`
	Kind string    `json:"kind"`
	Data any       `json:"data,omitempty"`
}

// Log keeps the latest events.
type Log struct {
	mu     sync.Mutex
	events []Event
}

const limit = 1000

// Add appends an event; the oldest ones are dropped.
func (l *Log) Add(kind string, data any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, Event{time.Now(), kind, data})
	if len(l.events) > limit {
		l.events = l.events[len(l.events)-limit:]
	}
}

// ServeHTTP shows the events as JSON.
func (l *Log) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(l.events)
}
