package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheFrontendsBearerIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	write(t, path, " first\r\n")
	key, err := openFrontendKey(path)
	if err != nil {
		t.Fatal(err)
	}
	current := func(want string) {
		t.Helper()
		got, err := key.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		is(t, got, want)
	}
	current("first")
	write(t, path, "second\n")
	current("second")
	for _, useless := range []string{"", "\n", "two\nlines", "two words", "k\u00e4y"} {
		write(t, path, useless)
		current("second")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	current("second")
}

func TestAWorkerDoesNotStartWithoutAUsableBearer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := openFrontendKey(path); err == nil {
		t.Error("it is not there")
	}
	write(t, path, "two words")
	if _, err := openFrontendKey(path); err != errUnusableKey {
		t.Error(err)
	}
}
