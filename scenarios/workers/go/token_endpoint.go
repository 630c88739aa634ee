package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// errorCodes tell "never again" from "not now" (RFC 6749 §5.2). Only these are shown: another text could hold anything.
var errorCodes = map[string]kind{
	"invalid_grant":           tokenRevoked,
	"invalid_client":          tokenRevoked,
	"unauthorized_client":     tokenRevoked,
	"access_denied":           tokenRevoked,
	"disabled_client":         tokenRevoked,
	"deleted_client":          tokenRevoked,
	"invalid_scope":           insufficientScope,
	"slow_down":               rateLimited,
	"invalid_request":         idpUnavailable,
	"unsupported_grant_type":  idpUnavailable,
	"temporarily_unavailable": idpUnavailable,
	"server_error":            idpUnavailable,
}

// issued is what came back. `expires_in` is left out on purpose: it may be missing or wrong, and nobody here looks at
// the clock.
type issued struct {
	accessToken secret
	// refreshToken is the one to use from now on; zero if it stays.
	refreshToken secret
}

// tokenEndpoint is the token endpoint of one client. Each request is sent once.
//
// golang.org/x/oauth2 would also keep a token and renew it by the clock. It is used for the protocol only: each call
// makes a source of its own, which never holds a token and so never judges a lifetime.
type tokenEndpoint struct {
	settings oauthSettings
	http     *http.Client

	mu       sync.Mutex
	tokenURL string // guarded by mu; empty until it is known
}

// newTokenEndpoint sends nothing yet, discovery included: a worker must be able to start while the identity provider is
// down.
func newTokenEndpoint(settings oauthSettings, client *http.Client) *tokenEndpoint {
	return &tokenEndpoint{settings: settings, http: client, tokenURL: settings.tokenURL}
}

// clientCredentials is RFC 6749 §4.4.
func (e *tokenEndpoint) clientCredentials(ctx context.Context) (issued, error) {
	tokenURL, err := e.url(ctx)
	if err != nil {
		return issued{}, err
	}
	config := clientcredentials.Config{
		ClientID:     e.settings.clientID,
		ClientSecret: e.settings.clientSecret.reveal(),
		TokenURL:     tokenURL,
		Scopes:       e.settings.scopes,
		AuthStyle:    e.settings.authStyle,
	}
	if e.settings.audience != "" {
		config.EndpointParams = url.Values{"audience": {e.settings.audience}}
	}
	token, err := config.Token(e.wire(ctx))
	return e.read(ctx, token, err)
}

// refresh is RFC 6749 §6; without `scope`, which asks for what was consented to.
func (e *tokenEndpoint) refresh(ctx context.Context, presented secret) (issued, error) {
	tokenURL, err := e.url(ctx)
	if err != nil {
		return issued{}, err
	}
	config := oauth2.Config{
		ClientID:     e.settings.clientID,
		ClientSecret: e.settings.clientSecret.reveal(),
		Endpoint:     oauth2.Endpoint{TokenURL: tokenURL, AuthStyle: e.settings.authStyle},
	}
	token, err := config.TokenSource(e.wire(ctx), &oauth2.Token{RefreshToken: presented.reveal()}).Token()
	got, err := e.read(ctx, token, err)
	if got.refreshToken == presented {
		// The library repeats what was presented where the answer has none.
		got.refreshToken = secret{}
	}
	return got, err
}

// wire makes the library use our HTTP client.
func (e *tokenEndpoint) wire(ctx context.Context) context.Context {
	client := *e.http
	client.Transport = lenient{e.http.Transport}
	return context.WithValue(ctx, oauth2.HTTPClient, &client)
}

func (e *tokenEndpoint) read(ctx context.Context, token *oauth2.Token, err error) (issued, error) {
	if err != nil {
		return issued{}, refusal(ctx, err)
	}
	if !isBearer(token.AccessToken) {
		return issued{}, idpFailure("access token cannot be sent")
	}
	got := issued{accessToken: newSecret(token.AccessToken)}
	if token.RefreshToken != "" {
		got.refreshToken = newSecret(token.RefreshToken)
	}
	return got, nil
}

// url is configured, or found in the issuer's metadata once.
func (e *tokenEndpoint) url(ctx context.Context) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tokenURL == "" {
		found, err := e.discover(ctx)
		if err != nil {
			return "", err
		}
		e.tokenURL = found
	}
	return e.tokenURL, nil
}

// discover refuses a document of another issuer (RFC 8414 §3.3).
func (e *tokenEndpoint) discover(ctx context.Context) (string, error) {
	base := strings.TrimRight(e.settings.issuer, "/")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/.well-known/openid-configuration", nil)
	if err != nil {
		return "", noAnswer(ctx, idpUnavailable, "identity provider", err)
	}
	reply, err := e.http.Do(request)
	if err != nil {
		return "", noAnswer(ctx, idpUnavailable, "identity provider", err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return "", idpRefused(reply)
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, largestAnswer))
	if err != nil {
		return "", noAnswer(ctx, idpUnavailable, "identity provider", err)
	}
	var metadata struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
	}
	if json.Unmarshal(body, &metadata) != nil || !isHTTP(metadata.TokenEndpoint) {
		return "", idpFailure("discovery document cannot be read")
	}
	if strings.TrimRight(metadata.Issuer, "/") != base {
		return "", idpFailure("discovery document is another issuer's")
	}
	return metadata.TokenEndpoint, nil
}

// lenient leaves of an answer only what the library must read, whatever the content type says. A lifetime or a type of
// another shape (`"1h"`) is an error to the library, and a rotated refresh token would be lost with it.
type lenient struct{ next http.RoundTripper }

func (l lenient) RoundTrip(request *http.Request) (*http.Response, error) {
	reply, err := l.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, largestAnswer))
	reply.Body.Close()
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) == nil {
		maps.DeleteFunc(fields, func(name string, _ json.RawMessage) bool {
			return name != "access_token" && name != "refresh_token" && name != "error"
		})
		if body, err = json.Marshal(fields); err != nil {
			return nil, err
		}
		reply.Header.Set("Content-Type", "application/json")
	}
	reply.Body = io.NopCloser(bytes.NewReader(body))
	reply.ContentLength = int64(len(body))
	return reply, nil
}

// refusal judges why there is no token. Nothing of the error is kept: an oauth2.RetrieveError holds the whole answer.
func refusal(ctx context.Context, err error) error {
	var unanswered *url.Error
	if errors.As(err, &unanswered) {
		return noAnswer(ctx, idpUnavailable, "identity provider", err)
	}
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return idpFailure("answer cannot be read")
	}
	known, ok := errorCodes[refused.ErrorCode]
	switch refused.Response.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized:
	case http.StatusForbidden:
		// Auth0 refuses a dead refresh token so. It is a proxy's favourite, too, hence that one word only.
		ok = refused.ErrorCode == "invalid_grant"
	default:
		// The right words from elsewhere are a fault (RFC 6749 §5.2).
		ok = false
	}
	if !ok {
		return idpRefused(refused.Response)
	}
	return &failure{kind: known, text: "identity provider: " + refused.ErrorCode}
}

func idpRefused(reply *http.Response) error {
	delay := retryAfter(reply.Header)
	kind := idpUnavailable
	if reply.StatusCode == http.StatusTooManyRequests || (reply.StatusCode == http.StatusServiceUnavailable && delay > 0) {
		kind = rateLimited
	}
	return &failure{kind, fmt.Sprintf("identity provider: status %d", reply.StatusCode), delay}
}

func idpFailure(text string) error {
	return &failure{kind: idpUnavailable, text: "identity provider: " + text}
}
