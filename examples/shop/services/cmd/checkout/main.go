// Checkout takes orders; other services ask it over gRPC whether it is well.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"example.com/shop/platform/server"
	"example.com/shop/services/internal/price"
)

func serveGRPC() error {
	address := os.Getenv("GRPC_LISTEN")
	if address == "" {
		address = ":9090"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s := grpc.NewServer()
	healthpb.RegisterHealthServer(s, health.NewServer())
	return s.Serve(listener)
}

func main() {
	go func() {
		if err := serveGRPC(); err != nil {
			log.Print("grpc: ", err)
			os.Exit(1)
		}
	}()
	s := server.New("checkout")
	s.HandleFunc("/total", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, price.Cents(1999).WithTax(19))
	})
	s.Run()
}
