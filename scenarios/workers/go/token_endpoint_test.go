package main

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

var granted = reply(200, map[string]any{"access_token": "t0k", "token_type": "bearer"})

func endpoint(url string, timeout time.Duration, changes ...func(*oauthSettings)) *tokenEndpoint {
	s := oauthSettings{
		tokenURL:     url + "/token",
		clientID:     "client",
		clientSecret: newSecret("s3cret+/:%"),
		authStyle:    oauth2.AuthStyleInHeader,
		scopes:       []string{"orders.read", "orders.write"},
	}
	for _, change := range changes {
		change(&s)
	}
	return newTokenEndpoint(s, newHTTPClient(timeout))
}

func refusedBy(t *testing.T, answer http.HandlerFunc) *failure {
	t.Helper()
	idp := serve(t, answer)
	_, err := endpoint(idp.url, 5*time.Second).clientCredentials(t.Context())
	is(t, len(idp.seen()), 1)
	return failed(t, err)
}

func form(t *testing.T, body string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(body)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestALifetimeOfAnyShapeIsNoConcern(t *testing.T) {
	for _, life := range []any{nil, "3600", -1, 3600.5, "1h", []int{1}} {
		idp := serve(t, reply(200, map[string]any{
			"access_token": "t0k", "refresh_token": "r", "expires_in": life, "token_type": 1, "scope": []int{1},
		}, "Content-Type", "text/plain"))
		got, err := endpoint(idp.url, 5*time.Second).clientCredentials(t.Context())
		if err != nil {
			t.Fatalf("%v: %v", life, err)
		}
		is(t, got, issued{newSecret("t0k"), newSecret("r")})
	}
}

func TestAnswersArePermanentOnlyIfTheProtocolSaysSo(t *testing.T) {
	answer := func(status int, code any) http.HandlerFunc {
		return reply(status, map[string]any{"error": code, "error_description": "hush-hush"})
	}
	const html = "<html>hush-hush</html>"
	for i, c := range []struct {
		answer http.HandlerFunc
		want   kind
	}{
		{answer(400, "invalid_grant"), tokenRevoked},
		{answer(401, "invalid_client"), tokenRevoked},
		{answer(400, "unauthorized_client"), tokenRevoked},
		{answer(400, "access_denied"), tokenRevoked},
		{answer(401, "disabled_client"), tokenRevoked},
		// Auth0 and a dead refresh token.
		{answer(403, "invalid_grant"), tokenRevoked},
		{answer(400, "invalid_scope"), insufficientScope},
		{answer(400, "slow_down"), rateLimited},
		{answer(400, "temporarily_unavailable"), idpUnavailable},
		{answer(400, "hush-hush"), idpUnavailable},
		{answer(400, []string{"invalid_grant"}), idpUnavailable},
		// The right words from the wrong place are a fault.
		{answer(503, "invalid_grant"), idpUnavailable},
		{answer(403, "access_denied"), idpUnavailable},
		{answer(200, "hush-hush"), idpUnavailable},
		{answer(200, "invalid_grant"), idpUnavailable},
		{reply(400, map[string]string{"access_token": "hush-hush"}), idpUnavailable},
		{reply(502, html), idpUnavailable},
		{reply(200, html), idpUnavailable},
		{reply(401, html), idpUnavailable},
		{reply(403, html), idpUnavailable},
		{reply(200, []int{}), idpUnavailable},
		{reply(200, nil), idpUnavailable},
		{reply(200, map[string]string{}), idpUnavailable},
		{reply(200, map[string]string{"access_token": ""}), idpUnavailable},
		{reply(200, map[string]int{"access_token": 7}), idpUnavailable},
		{reply(200, map[string]string{"access_token": "hush-hush\n"}), idpUnavailable},
		{reply(200, `{"access_token": "hush-hush`), idpUnavailable},
		{reply(302, "", "Location", "/login"), idpUnavailable},
		{reply(500, ""), idpUnavailable},
		{reply(503, ""), idpUnavailable},
		{reply(429, ""), rateLimited},
	} {
		if got := refusedBy(t, c.answer); got.kind != c.want {
			t.Errorf("case %d: %s (%v), want %s", i, got.kind, got, c.want)
		}
	}
}

func TestTheIdentityProvidersWishToWaitIsPassedOn(t *testing.T) {
	for _, status := range []int{429, 503} {
		refused := refusedBy(t, reply(status, "", "Retry-After", "2"))
		is(t, refused.kind, rateLimited)
		is(t, refused.retryAfter, 2*time.Second)
	}
}

func TestNobodyThereIsAnOutage(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	_, err := endpoint(gone.URL, time.Second).clientCredentials(t.Context())
	is(t, failed(t, err).text, "identity provider: cannot connect")
}

func TestNoTokenInTimeIsAnOutage(t *testing.T) {
	for _, answer := range []http.HandlerFunc{silence, dribble} {
		idp := serve(t, answer)
		_, err := endpoint(idp.url, 50*time.Millisecond).clientCredentials(t.Context())
		is(t, failed(t, err).text, "identity provider: no answer in time")
		is(t, len(idp.seen()), 1)
	}
}

func TestTheClientAuthenticatesAsConfigured(t *testing.T) {
	idp := serve(t, granted)
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		e := endpoint(idp.url, 5*time.Second, func(s *oauthSettings) { s.authStyle = style })
		if _, err := e.clientCredentials(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	byHeader, byBody := idp.seen()[0], idp.seen()[1]
	// Each half is form-encoded (RFC 6749 §2.3.1).
	pair := base64.StdEncoding.EncodeToString([]byte("client:s3cret%2B%2F%3A%25"))
	is(t, byHeader.header.Get("Authorization"), "Basic "+pair)
	asked := url.Values{"grant_type": {"client_credentials"}, "scope": {"orders.read orders.write"}}
	is(t, byHeader.body, asked.Encode())
	asked.Set("client_id", "client")
	asked.Set("client_secret", "s3cret+/:%")
	is(t, byBody.body, asked.Encode())
	is(t, byBody.header.Get("Authorization"), "")
}

func TestAnAudienceIsAskedForWhereOneIsSet(t *testing.T) {
	idp := serve(t, granted)
	e := endpoint(idp.url, 5*time.Second, func(s *oauthSettings) { s.audience = "https://api.example" })
	if _, err := e.clientCredentials(t.Context()); err != nil {
		t.Fatal(err)
	}
	is(t, form(t, idp.seen()[0].body).Get("audience"), "https://api.example")
}

func TestARefreshPresentsTheTokenAndAsksForNoScope(t *testing.T) {
	answers := []any{
		map[string]any{"access_token": "a", "refresh_token": "new", "expires_in": "1h"},
		map[string]any{"access_token": "b"},
	}
	idp := serve(t, func(w http.ResponseWriter, r *http.Request) {
		next := answers[0]
		answers = answers[1:]
		reply(200, next)(w, r)
	})
	e := endpoint(idp.url, 5*time.Second)
	got, err := e.refresh(t.Context(), newSecret("old+/="))
	if err != nil {
		t.Fatal(err)
	}
	is(t, got, issued{newSecret("a"), newSecret("new")})
	if got, err = e.refresh(t.Context(), newSecret("new")); err != nil {
		t.Fatal(err)
	}
	is(t, got, issued{accessToken: newSecret("b")})
	asked := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"old+/="}}
	is(t, idp.seen()[0].body, asked.Encode())
}

func TestADeadRefreshTokenIsPresentedOnce(t *testing.T) {
	idp := serve(t, reply(400, map[string]string{"error": "invalid_grant"}))
	_, err := endpoint(idp.url, 5*time.Second).refresh(t.Context(), newSecret("dead"))
	is(t, failed(t, err).kind, tokenRevoked)
	is(t, len(idp.seen()), 1)
}

func TestTheEndpointIsFoundByDiscoveryOnce(t *testing.T) {
	var idp *server
	idp = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			granted(w, r)
			return
		}
		reply(200, map[string]string{"issuer": idp.url, "token_endpoint": idp.url + "/token"})(w, r)
	})
	e := endpoint(idp.url, 5*time.Second, func(s *oauthSettings) { s.tokenURL, s.issuer = "", idp.url+"/" })
	for range 2 {
		if _, err := e.clientCredentials(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	paths := ""
	for _, request := range idp.seen() {
		paths += request.path + " "
	}
	is(t, paths, "/.well-known/openid-configuration /token /token ")
}

func TestAUselessDiscoveryDocumentIsAnOutage(t *testing.T) {
	for _, answer := range []http.HandlerFunc{
		reply(200, map[string]string{"issuer": "https://other.example", "token_endpoint": "https://hush.example/token"}),
		reply(200, map[string]string{"issuer": "https://other.example", "token_endpoint": "file:///hush"}),
		reply(200, []int{}),
		reply(200, "<html>hush</html>"),
		reply(503, ""),
		reply(302, "", "Location", "/hush"),
	} {
		idp := serve(t, answer)
		e := endpoint(idp.url, 5*time.Second, func(s *oauthSettings) { s.tokenURL, s.issuer = "", idp.url })
		_, err := e.clientCredentials(t.Context())
		is(t, failed(t, err).kind, idpUnavailable)
		is(t, len(idp.seen()), 1)
	}
}

func TestACallerWhoGivesUpIsNoOutage(t *testing.T) {
	idp := serve(t, silence)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := endpoint(idp.url, 5*time.Second).clientCredentials(ctx)
	is(t, err, context.Canceled)
}
