package main

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// settings are all settings of the worker; the README lists the variables.
type settings struct {
	temporalAddress   string
	temporalNamespace string
	temporalAPIKey    secret
	// temporalAPIKeyFile is where that bearer lies instead; it is read again while the worker runs.
	temporalAPIKeyFile string
	temporalTLS        bool
	oauth              oauthSettings
	apiURL             string
	taskQueue          string
	// httpTimeout is how long one HTTP request may take; less than an activity's own timeout.
	httpTimeout time.Duration
}

// oauthSettings are what the token source needs to know. Exactly one of tokenURL and issuer is set.
type oauthSettings struct {
	tokenURL     string
	issuer       string
	clientID     string
	clientSecret secret
	// authStyle is never oauth2.AuthStyleAutoDetect: that tries a refused request again in the other style.
	authStyle oauth2.AuthStyle
	scopes    []string
	// audience is which API tokens are for, where the identity provider asks for that (Auth0).
	audience string
	// refreshTokenFile present means grant `refresh_token`, else `client_credentials`.
	refreshTokenFile string
}

// readSettings reads them from a lookup, so that tests need not touch the process environment. An empty string is the
// same as none. An error names the setting and does not show its value, which may be a secret.
func readSettings(lookup func(string) string) (settings, error) {
	r := reader{lookup: lookup}
	address := r.required("TEMPORAL_ADDRESS")
	// A key that was read from a file often ends in a newline.
	apiKey := strings.TrimSpace(lookup("TEMPORAL_API_KEY"))
	s := settings{
		temporalAddress:    address,
		temporalNamespace:  cmp.Or(lookup("TEMPORAL_NAMESPACE"), "default"),
		temporalAPIKeyFile: lookup("TEMPORAL_API_KEY_FILE"),
		oauth: oauthSettings{
			tokenURL:         r.url("OAUTH_TOKEN_URL", lookup("OAUTH_TOKEN_URL")),
			clientID:         r.required("OAUTH_CLIENT_ID"),
			clientSecret:     newSecret(r.required("OAUTH_CLIENT_SECRET")),
			scopes:           strings.FieldsFunc(lookup("OAUTH_SCOPES"), func(c rune) bool { return c == ' ' || c == ',' }),
			audience:         lookup("OAUTH_AUDIENCE"),
			refreshTokenFile: lookup("OAUTH_REFRESH_TOKEN_FILE"),
		},
		apiURL:    r.url("API_URL", r.required("API_URL")),
		taskQueue: r.required("TASK_QUEUE"),
	}
	if apiKey != "" {
		s.temporalAPIKey = newSecret(apiKey)
	}
	if s.oauth.tokenURL == "" {
		s.oauth.issuer = r.url("OAUTH_ISSUER", r.required("OAUTH_ISSUER"))
	}
	switch lookup("OAUTH_CLIENT_AUTH") {
	case "", "client_secret_basic":
		s.oauth.authStyle = oauth2.AuthStyleInHeader
	case "client_secret_post":
		s.oauth.authStyle = oauth2.AuthStyleInParams
	default:
		r.wrong("OAUTH_CLIENT_AUTH", "client_secret_basic or client_secret_post")
	}
	switch lookup("TEMPORAL_TLS") {
	case "":
		s.temporalTLS = (apiKey != "" || s.temporalAPIKeyFile != "") && !isThisMachine(address)
	case "true":
		s.temporalTLS = true
	case "false":
	default:
		r.wrong("TEMPORAL_TLS", "true or false")
	}
	millis, err := strconv.ParseUint(cmp.Or(lookup("HTTP_TIMEOUT_MS"), "5000"), 10, 31)
	if err != nil || millis == 0 {
		r.wrong("HTTP_TIMEOUT_MS", "a whole number of milliseconds")
	}
	s.httpTimeout = time.Duration(millis) * time.Millisecond
	return s, r.err
}

// reader keeps the first error.
type reader struct {
	lookup func(string) string
	err    error
}

func (r *reader) required(name string) string {
	value := r.lookup(name)
	if value == "" && r.err == nil {
		r.err = fmt.Errorf("%s is not set", name)
	}
	return value
}

func (r *reader) url(name, value string) string {
	if value != "" && !isHTTP(value) {
		r.wrong(name, "a URL")
	}
	return value
}

func (r *reader) wrong(name, expected string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s is not %s", name, expected)
	}
}

func isThisMachine(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func isHTTP(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Hostname() != ""
}
