package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// received is a request as a test looks at it.
type received struct {
	method, path string
	header       http.Header
	body         string
}

// server answers on loopback and remembers what it was asked.
type server struct {
	url string

	mu       sync.Mutex
	requests []received
}

func serve(t *testing.T, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	http := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, received{r.Method, r.URL.RequestURI(), r.Header, string(body)})
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(func() {
		http.CloseClientConnections()
		http.Close()
	})
	s.url = http.URL
	return s
}

func (s *server) seen() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// reply answers always the same; a body that is no string is sent as JSON.
func reply(status int, body any, header ...string) http.HandlerFunc {
	text, isText := body.(string)
	if !isText {
		encoded, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		text = string(encoded)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// silence never answers.
func silence(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// dribble answers in little bits for ever, so that no single read waits long.
func dribble(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, " ")
		w.(http.Flusher).Flush()
		time.Sleep(5 * time.Millisecond)
	}
}

// failed is the failure that err is, whose text and causes hold no secret.
func failed(t *testing.T, err error) *failure {
	t.Helper()
	var f *failure
	if !errors.As(err, &f) {
		t.Fatalf("%T is no failure: %v", err, err)
	}
	if errors.Unwrap(f) != nil {
		t.Errorf("%v wraps something", f)
	}
	for _, secret := range []string{"hush", "t0k", "127.0.0.1", "s3cret"} {
		if strings.Contains(f.Error(), secret) {
			t.Errorf("%v holds %v", f, secret)
		}
	}
	return f
}

func is[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
