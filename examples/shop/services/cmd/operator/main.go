// Operator watches the shop's own resources in the cluster and lists them.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"example.com/shop/platform/server"
)

var sales = schema.GroupVersionResource{Group: "shop.example.com", Version: "v1", Resource: "sales"}

func main() {
	config, err := rest.InClusterConfig()
	if err != nil {
		log.Print("not in a cluster: ", err)
		os.Exit(1)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		log.Print("no client: ", err)
		os.Exit(1)
	}
	s := server.New("operator")
	s.HandleFunc("/sales", func(w http.ResponseWriter, r *http.Request) {
		list, err := client.Resource(sales).List(r.Context(), metav1.ListOptions{})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		names := []string{}
		for _, item := range list.Items {
			names = append(names, item.GetName())
		}
		_ = json.NewEncoder(w).Encode(names)
	})
	s.Run()
}
