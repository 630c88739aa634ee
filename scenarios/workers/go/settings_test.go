package main

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func read(changes map[string]string) (settings, error) {
	given := map[string]string{
		"TEMPORAL_ADDRESS":    "127.0.0.1:7233",
		"OAUTH_TOKEN_URL":     "http://127.0.0.1:1/token",
		"OAUTH_CLIENT_ID":     "id",
		"OAUTH_CLIENT_SECRET": "s3cr3t-value",
		"OAUTH_SCOPES":        "orders.read,orders.write",
		"API_URL":             "http://127.0.0.1:2",
		"TASK_QUEUE":          "orders",
	}
	maps.Copy(given, changes)
	return readSettings(func(name string) string { return given[name] })
}

func good(t *testing.T, changes map[string]string) settings {
	t.Helper()
	s, err := read(changes)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAllSettingsAreRead(t *testing.T) {
	s := good(t, nil)
	is(t, strings.Join(s.oauth.scopes, " "), "orders.read orders.write")
	is(t, s.temporalNamespace, "default")
	is(t, s.httpTimeout, 5*time.Second)
	is(t, s.oauth.refreshTokenFile, "")
	is(t, s.oauth.authStyle, oauth2.AuthStyleInHeader)
	s = good(t, map[string]string{"OAUTH_AUDIENCE": "api", "OAUTH_CLIENT_AUTH": "client_secret_post"})
	is(t, s.oauth.audience, "api")
	is(t, s.oauth.authStyle, oauth2.AuthStyleInParams)
}

func TestAnIssuerWillDo(t *testing.T) {
	s := good(t, map[string]string{"OAUTH_TOKEN_URL": "", "OAUTH_ISSUER": "http://127.0.0.1:3"})
	is(t, s.oauth.tokenURL, "")
	is(t, s.oauth.issuer, "http://127.0.0.1:3")
}

func TestAKeyIsTrimmedAndTurnsTLSOnOnlyAwayFromHome(t *testing.T) {
	const away = "temporal.example:7233"
	is(t, good(t, map[string]string{"TEMPORAL_API_KEY": "key\n"}).temporalAPIKey, newSecret("key"))
	for _, c := range []struct {
		address, key, file, tls string
		want                    bool
	}{
		{"127.0.0.1:7233", "key", "", "", false},
		{"localhost:7233", "key", "", "", false},
		{"[::1]:7233", "key", "", "", false},
		{"127.0.0.1:7233", "key", "", "true", true},
		{away, "", "", "", false},
		{away, "key", "", "", true},
		{away, "", "/run/key", "", true},
		{away, "key", "", "false", false},
	} {
		s := good(t, map[string]string{
			"TEMPORAL_ADDRESS": c.address, "TEMPORAL_API_KEY": c.key, "TEMPORAL_API_KEY_FILE": c.file, "TEMPORAL_TLS": c.tls,
		})
		if s.temporalTLS != c.want {
			t.Errorf("%+v", c)
		}
	}
}

func TestWrongSettingsAreNamedAndNotShown(t *testing.T) {
	for name, value := range map[string]string{
		"API_URL":           "no url s3cr3t-value",
		"OAUTH_TOKEN_URL":   "http://127.0.0.1:s3cr3t-value",
		"OAUTH_CLIENT_AUTH": "s3cr3t-value",
		"HTTP_TIMEOUT_MS":   "-5",
		"TEMPORAL_TLS":      "yes",
	} {
		_, err := read(map[string]string{name: value})
		if err == nil || !strings.HasPrefix(err.Error(), name+" is not ") || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, changes := range map[string]map[string]string{
		"TASK_QUEUE":   {"TASK_QUEUE": ""},
		"OAUTH_ISSUER": {"OAUTH_TOKEN_URL": ""},
	} {
		_, err := read(changes)
		if err == nil || err.Error() != name+" is not set" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoSecretIsShown(t *testing.T) {
	s := good(t, map[string]string{"TEMPORAL_API_KEY": "frontend-key"})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		shown := fmt.Sprintf(verb+verb, s, &s)
		if strings.Contains(shown, "s3cr3t-value") || strings.Contains(shown, "frontend-key") {
			t.Errorf("%s shows a secret: %s", verb, shown)
		}
	}
}
