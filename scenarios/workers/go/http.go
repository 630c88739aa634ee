package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// largestAnswer is how many bytes of an answer are read.
const largestAnswer = 1 << 20

// newHTTPClient is the HTTP client for identity provider and API alike.
//
// Its timeout is for the whole request, the body included, so a server that dribbles cannot hold an activity. It follows
// no redirect: that would carry the client's secret or the token to another host (RFC 9700 §4.12). Proxy variables and
// `NO_PROXY` are obeyed. What net/http sends again by itself, when a kept connection ends before any answer, is only
// what that cannot hurt: a GET, or a request with an `Idempotency-Key`. A token request is neither, and a refresh that
// is sent twice would kill the token family.
func newHTTPClient(timeout time.Duration) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: min(timeout, 2*time.Second)}).DialContext
	return &http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// noAnswer says why a request has none. The error's own text is dropped: it holds the URL.
func noAnswer(ctx context.Context, kind kind, party string, err error) error {
	if ctx.Err() != nil {
		// The caller gave up; that says nothing of the other side.
		return ctx.Err()
	}
	text := "no answer"
	var network net.Error
	var dialing *net.OpError
	switch {
	case errors.As(err, &network) && network.Timeout():
		text = "no answer in time"
	case errors.As(err, &dialing) && dialing.Op == "dial":
		text = "cannot connect"
	}
	return &failure{kind: kind, text: party + ": " + text}
}
