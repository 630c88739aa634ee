package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// call says which activity makes a call; the same for all its attempts.
type call struct{ workflowID, activityID string }

// idempotencyKey is the same for every attempt, also after a reset of the workflow to an earlier point: neither the
// attempt nor the run is part of it. It relies on workflow ids that are not used again for other work.
func (c call) idempotencyKey() string { return c.workflowID + "/" + c.activityID }

// orders is the protected API over HTTP with a bearer token.
type orders struct {
	base   string
	tokens *tokenSource
	http   *http.Client
}

// fetch reads an order.
func (o *orders) fetch(ctx context.Context, c call, order string) (json.RawMessage, error) {
	return o.send(ctx, c, http.MethodGet, "/orders/"+url.PathEscape(order), nil)
}

// items reads one page of its items; pages count from 1.
func (o *orders) items(ctx context.Context, c call, order string, page int) (json.RawMessage, error) {
	path := "/orders/" + url.PathEscape(order) + "/items?page=" + strconv.Itoa(page)
	return o.send(ctx, c, http.MethodGet, path, nil)
}

// ship ships it, an effect: the API does it once per idempotency key.
func (o *orders) ship(ctx context.Context, c call, order string) (json.RawMessage, error) {
	header := http.Header{"Idempotency-Key": {c.idempotencyKey()}}
	return o.send(ctx, c, http.MethodPost, "/orders/"+url.PathEscape(order)+"/ship", header)
}

// send makes one request. A refused token is dropped here and nowhere else; the next attempt gets a new one, so the retry
// policy, and not a loop in this process, paces the refreshes.
func (o *orders) send(ctx context.Context, c call, method, path string, header http.Header) (json.RawMessage, error) {
	token, err := o.tokens.token(ctx)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(o.base, "/")+path, nil)
	if err != nil {
		return nil, noAnswer(ctx, apiUnavailable, "API", err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Authorization", "Bearer "+token.reveal())
	request.Header.Set("X-Workflow-Id", c.workflowID)
	reply, err := o.http.Do(request)
	if err != nil {
		return nil, noAnswer(ctx, apiUnavailable, "API", err)
	}
	defer reply.Body.Close()
	if reply.StatusCode < 200 || reply.StatusCode > 299 {
		refused := apiRefused(reply)
		if refused.kind == tokenExpired {
			o.tokens.invalidate(token)
		}
		return nil, refused
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, largestAnswer))
	switch {
	case err != nil:
		return nil, noAnswer(ctx, apiUnavailable, "API", err)
	case len(body) == 0:
		return nil, nil
	case !json.Valid(body):
		// A login page with status 200 is no order.
		return nil, &failure{kind: apiUnavailable, text: "API: answer cannot be read"}
	}
	return body, nil
}

func apiRefused(reply *http.Response) *failure {
	delay := retryAfter(reply.Header)
	refused := &failure{apiUnavailable, fmt.Sprintf("API: status %d", reply.StatusCode), delay}
	switch status := reply.StatusCode; {
	case status == http.StatusUnauthorized:
		refused.kind = tokenExpired
	case status == http.StatusForbidden && lacksScope(reply.Header):
		refused.kind = insufficientScope
	case status == http.StatusForbidden && delay == 0:
		refused.kind = forbidden
	case status == http.StatusForbidden, status == http.StatusTooManyRequests:
		// A 403 with a wish to wait is a rate limit in disguise.
		refused.kind = rateLimited
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooEarly:
		// 409: the first request with this idempotency key is still being worked on.
	case status >= 400 && status < 500:
		refused.kind = apiRejected
	default:
		// Redirects included: they lead to a login page, and are not followed.
	}
	return refused
}

func lacksScope(header http.Header) bool {
	return strings.Contains(strings.Join(header.Values("WWW-Authenticate"), ","), "insufficient_scope")
}
