package main

import (
	"context"
	"sync"
)

// tokenSource caches one token, and asks for a new one only when there is none. One per identity: client, scopes,
// audience.
//
//   - Single flight: callers that find no token await the same grant, so an expiry that hits a hundred activities costs
//     one request. A grant that fails fails its waiters; the next caller starts afresh.
//   - Refresh on retry: a token is used until the API refuses it. No clock and no `expires_in` is read, so neither a
//     skewed clock nor a wrong lifetime can hurt; oauth2.ReuseTokenSource goes by both, and cannot be told of a refusal.
//   - Only the very token that was refused is dropped; a late refusal of the old one does not throw away the new one.
//   - A grant runs apart from its callers: a cancelled activity cannot interrupt a rotation half-way.
type tokenSource struct {
	grant grant

	mu     sync.Mutex
	cached secret  // guarded by mu; zero if there is none
	flight *flight // guarded by mu; nil if no grant is under way
}

// flight is one grant; its outcome may be read once it has landed.
type flight struct {
	landed chan struct{}
	token  secret
	err    error
}

// token gives one that, as far as is known, is good.
func (s *tokenSource) token(ctx context.Context) (secret, error) {
	s.mu.Lock()
	cached, awaited := s.cached, s.flight
	if cached.isZero() && awaited == nil {
		awaited = &flight{landed: make(chan struct{})}
		s.flight = awaited
		go s.fly(awaited)
	}
	s.mu.Unlock()
	if !cached.isZero() {
		return cached, nil
	}
	select {
	case <-awaited.landed:
		return awaited.token, awaited.err
	case <-ctx.Done():
		return secret{}, ctx.Err()
	}
}

// invalidate says that refused was refused. A newer token stays.
func (s *tokenSource) invalidate(refused secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cached == refused {
		s.cached = secret{}
	}
}

// settle waits until no grant is under way, so that a rotated refresh token is not lost on shutdown.
func (s *tokenSource) settle() {
	s.mu.Lock()
	awaited := s.flight
	s.mu.Unlock()
	if awaited != nil {
		<-awaited.landed
	}
}

// fly has no caller's context: each request and each lock has a limit of its own.
func (s *tokenSource) fly(f *flight) {
	f.token, f.err = s.grant.token(context.Background())
	s.mu.Lock()
	if f.err == nil {
		s.cached = f.token
	}
	s.flight = nil
	s.mu.Unlock()
	close(f.landed)
}
