// A bare HTTP server of Go's standard library that answers every request with a fixed token: what the target for opaque
// tokens is measured by. `bare PORT`.
package main

import (
	"log"
	"net/http"
	"os"
)

const body = `{"access_token":"tlat_0123456789012345678901234567890123456789","token_type":"Bearer","expires_in":300,` +
	`"scope":"orders.read orders.write"}`

func main() {
	answer := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte(body))
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(answer)))
}
