package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
)

var errUnusableKey = errors.New("no header can carry what lies there")

// frontendKey is the bearer for Temporal's frontend, in a file that somebody else renews: a sidecar, or a volume of
// Kubernetes.
type frontendKey struct {
	path string

	mu   sync.Mutex
	held secret // guarded by mu
}

// openFrontendKey wants a usable bearer to start with.
func openFrontendKey(path string) (*frontendKey, error) {
	held, err := readKey(path)
	return &frontendKey{path: path, held: held}, err
}

// current is called by the SDK for each attempt of each call, and reads the file each time: calls are rare, since polls
// are long. What cannot be read or used leaves the one of before.
func (k *frontendKey) current(context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, err := readKey(k.path)
	if err != nil {
		slog.Warn("the frontend's bearer cannot be used; the one of before stays", "reason", err)
	} else {
		k.held = key
	}
	return k.held.reveal(), nil
}

// readKey reads the file, without the newline that files end in.
func readKey(path string) (secret, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return secret{}, err
	}
	key := strings.TrimSpace(string(content))
	if !isBearer(key) {
		return secret{}, errUnusableKey
	}
	return newSecret(key), nil
}
