// Package server is what all services of the shop have in common: an HTTP server with health and
// metrics endpoints that ends in an orderly way.
package server

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var requests = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "shop_requests_total",
	Help: "Requests by service and path.",
}, []string{"service", "path"})

// Server serves a service's own handlers beside /healthz and /metrics.
type Server struct {
	name string
	mux  *http.ServeMux
}

// New makes the server of a service.
func New(name string) *Server {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.Handler())
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	return &Server{name: name, mux: mux}
}

// Handle adds a handler and counts its requests.
func (s *Server) Handle(path string, handler http.Handler) {
	counter := requests.WithLabelValues(s.name, path)
	s.mux.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counter.Inc()
		handler.ServeHTTP(w, r)
	}))
}

// HandleFunc adds a function as handler.
func (s *Server) HandleFunc(path string, handler http.HandlerFunc) { s.Handle(path, handler) }

// Address is where a service listens: $LISTEN, or port 8080.
func Address() string {
	if address := os.Getenv("LISTEN"); address != "" {
		return address
	}
	return ":8080"
}

// Run serves until the process is told to end.
func (s *Server) Run() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	srv := &http.Server{Addr: Address(), Handler: s.mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = srv.Shutdown(end)
	}()
	log.Printf("%s listens on %s", s.name, srv.Addr)
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Printf("%s failed: %v", s.name, err)
		os.Exit(1)
	}
}
