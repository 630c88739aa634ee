package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// rotating is an identity provider that adds a `+` at each refresh; before runs while it answers the nth.
func rotating(t *testing.T, before func(n int, w http.ResponseWriter)) *server {
	t.Helper()
	var s *server
	s = serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked := s.seen()
		before(len(asked), w)
		presented := form(t, asked[len(asked)-1].body).Get("refresh_token")
		reply(200, map[string]string{"access_token": "access-" + presented, "refresh_token": presented + "+"})(w, r)
	})
	return s
}

func undisturbed(int, http.ResponseWriter) {}

func (s *server) presented(t *testing.T) string {
	t.Helper()
	all := []string{}
	for _, request := range s.seen() {
		all = append(all, form(t, request.body).Get("refresh_token"))
	}
	return strings.Join(all, " ")
}

// refreshing is a grant whose refresh token is `r`, with the path where that lies.
func refreshing(t *testing.T, idp *server) (*refreshGrant, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "refresh-token")
	write(t, path, "r\n")
	return &refreshGrant{endpoint: endpoint(idp.url, 5*time.Second), file: refreshTokenFile{path, lockPatience}}, path
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	is(t, string(content), want)
}

func obtain(t *testing.T, g grant) secret {
	t.Helper()
	token, err := g.token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestARotatedTokenIsSavedBeforeTheAccessTokenIsOut(t *testing.T) {
	idp := rotating(t, undisturbed)
	g, path := refreshing(t, idp)
	is(t, obtain(t, g), newSecret("access-r"))
	holds(t, path, "r+")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	is(t, info.Mode().Perm(), 0o600)
	if _, err := os.Stat(path + ".new"); !os.IsNotExist(err) {
		t.Errorf("something was left aside: %v", err)
	}
	obtain(t, g)
	is(t, idp.presented(t), "r r+")
}

func TestALostReplyMakesTheRetryPresentTheSameToken(t *testing.T) {
	idp := rotating(t, func(n int, _ http.ResponseWriter) {
		if n == 2 {
			panic(http.ErrAbortHandler)
		}
	})
	g, _ := refreshing(t, idp)
	// The second goes over a connection that was kept, where net/http could send it again by itself.
	obtain(t, g)
	_, err := g.token(t.Context())
	is(t, failed(t, err).text, "identity provider: no answer")
	is(t, idp.presented(t), "r r+")
	obtain(t, g)
	is(t, idp.presented(t), "r r+ r+")
}

func TestARotationThatCannotBeSavedIsNeitherUsedNorForgotten(t *testing.T) {
	var obstacle string
	idp := rotating(t, func(n int, _ http.ResponseWriter) {
		if n == 1 {
			_ = os.Mkdir(obstacle, 0o700)
		}
	})
	g, path := refreshing(t, idp)
	obstacle = path + ".new"
	_, err := g.token(t.Context())
	is(t, failed(t, err).kind, tokenStoreUnavailable)
	_, err = g.token(t.Context())
	is(t, failed(t, err).kind, tokenStoreUnavailable)
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	obtain(t, g)
	is(t, idp.presented(t), "r r+")
	holds(t, path, "r++")
}

func TestAnotherProcessesTokenWinsOverAnUnsavedOne(t *testing.T) {
	idp := rotating(t, undisturbed)
	g, path := refreshing(t, idp)
	g.unsaved = rotation{newSecret("older"), newSecret("older+")}
	obtain(t, g)
	is(t, idp.presented(t), "r")
	holds(t, path, "r+")
}

func TestProcessesRedeemEachTokenOnce(t *testing.T) {
	idp := rotating(t, undisturbed)
	g, path := refreshing(t, idp)
	// A grant of its own takes the lock as another process does.
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			another := &refreshGrant{endpoint: g.endpoint, file: g.file}
			if _, err := another.token(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	is(t, idp.presented(t), "r r+ r++ r+++")
	holds(t, path, "r++++")
}

func TestALockThatNeverComesFreeIsAFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "refresh-token")
	err := refreshTokenFile{path, 0}.locked(func(lockedFile) error {
		return refreshTokenFile{path, 0}.locked(func(lockedFile) error {
			t.Error("locked twice")
			return nil
		})
	})
	is(t, failed(t, err).text, "worker: another process keeps the refresh token")
}

func TestAShorterTokenLeavesNothingOfATornWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "refresh-token")
	write(t, path+".new", "torn-and-long")
	err := refreshTokenFile{path, 0}.locked(func(file lockedFile) error { return file.write(newSecret("new")) })
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
}

func TestAnEmptyOrMissingFileIsAFailure(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	write(t, empty, " \n")
	for _, path := range []string{empty, filepath.Join(folder, "missing"), filepath.Join(folder, "no", "folder")} {
		err := refreshTokenFile{path, 0}.locked(func(file lockedFile) error {
			_, err := file.read()
			return err
		})
		is(t, failed(t, err).kind, tokenStoreUnavailable)
	}
}
