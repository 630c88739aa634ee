package main

import (
	"context"
	"net/http"
	"testing"
	"time"
)

var aCall = call{"wf-1", "2"}

// ordersAt is the API with a token that is kept already.
func ordersAt(url string, timeout time.Duration) *orders {
	return &orders{base: url, tokens: &tokenSource{cached: newSecret("t0k")}, http: newHTTPClient(timeout)}
}

func TestEveryRequestNamesItsWorkflowAndCarriesTheToken(t *testing.T) {
	api := serve(t, reply(200, true))
	o := ordersAt(api.url+"/", 5*time.Second)
	got, err := o.fetch(t.Context(), aCall, "a/b")
	if err != nil {
		t.Fatal(err)
	}
	is(t, string(got), "true")
	if _, err := o.items(t.Context(), aCall, "7", 3); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ship(t.Context(), aCall, "7"); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ method, path, key string }{
		{"GET", "/orders/a%2Fb", ""},
		{"GET", "/orders/7/items?page=3", ""},
		{"POST", "/orders/7/ship", "wf-1/2"},
	} {
		got := api.seen()[i]
		is(t, got.method+got.path+got.header.Get("Idempotency-Key"), want.method+want.path+want.key)
		is(t, got.header.Get("Authorization"), "Bearer t0k")
		is(t, got.header.Get("X-Workflow-Id"), "wf-1")
	}
}

func TestAnEmptyAnswerIsOne(t *testing.T) {
	got, err := ordersAt(serve(t, reply(201, "")).url, 5*time.Second).ship(t.Context(), aCall, "7")
	is(t, string(got), "")
	is(t, err, nil)
}

func TestRefusalsHaveTypesAndOnlyA401DropsTheToken(t *testing.T) {
	challenge := func(status int, value string) http.HandlerFunc {
		return reply(status, "t0k hush-hush", "WWW-Authenticate", value)
	}
	waits := func(status int) http.HandlerFunc { return reply(status, "", "Retry-After", "3") }
	for i, c := range []struct {
		answer http.HandlerFunc
		want   kind
		wait   time.Duration
	}{
		{challenge(401, `Bearer error="invalid_token"`), tokenExpired, 0},
		{reply(401, ""), tokenExpired, 0},
		{challenge(403, `Bearer error="insufficient_scope"`), insufficientScope, 0},
		{challenge(403, "Bearer"), forbidden, 0},
		{waits(403), rateLimited, 3 * time.Second},
		{waits(429), rateLimited, 3 * time.Second},
		{reply(429, ""), rateLimited, 0},
		{reply(500, ""), apiUnavailable, 0},
		{waits(503), apiUnavailable, 3 * time.Second},
		{reply(302, "", "Location", "/login"), apiUnavailable, 0},
		{reply(409, ""), apiUnavailable, 0},
		{reply(404, ""), apiRejected, 0},
		{reply(200, "<html>hush-hush</html>"), apiUnavailable, 0},
	} {
		api := serve(t, c.answer)
		o := ordersAt(api.url, 5*time.Second)
		_, err := o.fetch(t.Context(), aCall, "7")
		got := failed(t, err)
		if got.kind != c.want || got.retryAfter != c.wait {
			t.Errorf("case %d: %+v", i, got)
		}
		if dropped := o.tokens.cached.isZero(); dropped != (c.want == tokenExpired) {
			t.Errorf("case %d: dropped is %v", i, dropped)
		}
		is(t, len(api.seen()), 1)
	}
}

func TestNoAnswerInTimeIsAnOutage(t *testing.T) {
	for _, answer := range []http.HandlerFunc{silence, dribble} {
		_, err := ordersAt(serve(t, answer).url, 50*time.Millisecond).fetch(t.Context(), aCall, "7")
		is(t, failed(t, err).text, "API: no answer in time")
	}
}

func TestAWorkflowIDThatIsNoHeaderIsNotShown(t *testing.T) {
	api := serve(t, reply(200, true))
	_, err := ordersAt(api.url, 5*time.Second).fetch(t.Context(), call{"hush\r\nX: 1", "2"}, "7")
	is(t, failed(t, err).kind, apiUnavailable)
	is(t, len(api.seen()), 0)
}

func TestACancelledActivityIsNoOutage(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		silence(w, r)
	})
	_, err := ordersAt(api.url, 5*time.Second).fetch(ctx, aCall, "7")
	is(t, err, context.Canceled)
}
