// Payment charges cards, once checkout is well.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"example.com/shop/platform/server"
)

func checkoutStatus(ctx context.Context, address string) (string, error) {
	conn, err := grpc.Dial(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	reply, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return "", err
	}
	return reply.GetStatus().String(), nil
}

func main() {
	s := server.New("payment")
	s.HandleFunc("/charge", func(w http.ResponseWriter, r *http.Request) {
		status, err := checkoutStatus(r.Context(), os.Getenv("CHECKOUT"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		fmt.Fprintln(w, "checkout is", status)
	})
	s.Run()
}
