// golang.org/x/oauth2 and coreos/go-oidc: discovery, client credentials, validation of the JWT, refresh with rotation.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	provider, err := oidc.NewProvider(ctx, os.Getenv("ISSUER"))
	if err != nil {
		return fmt.Errorf("discovery: %w", err)
	}
	fmt.Println("discovery")

	endpoint := provider.Endpoint()
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		config := clientcredentials.Config{
			ClientID:     os.Getenv("CLIENT_ID"),
			ClientSecret: os.Getenv("CLIENT_SECRET"),
			TokenURL:     endpoint.TokenURL,
			Scopes:       []string{"orders.read"},
			AuthStyle:    style,
		}
		token, err := config.Token(ctx)
		if err != nil {
			return fmt.Errorf("token: %w", err)
		}
		fmt.Println("token", style)

		verifier := provider.Verifier(&oidc.Config{
			ClientID:             os.Getenv("AUDIENCE"),
			SupportedSigningAlgs: []string{"ES256", "RS256"},
		})
		verified, err := verifier.Verify(ctx, token.AccessToken)
		if err != nil {
			return fmt.Errorf("validation: %w", err)
		}
		if verified.Subject != os.Getenv("CLIENT_ID") {
			return fmt.Errorf("sub is %q", verified.Subject)
		}
		fmt.Println("validation")
	}

	config := oauth2.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		Endpoint:     endpoint,
	}
	first := os.Getenv("REFRESH_TOKEN")
	dead := &oauth2.Token{RefreshToken: first, Expiry: time.Now().Add(-time.Minute)}
	refreshed, err := config.TokenSource(ctx, dead).Token()
	if err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	if refreshed.RefreshToken == first {
		return errors.New("it does not rotate")
	}
	unknown := &oauth2.Token{RefreshToken: "tlrt_neverIssued", Expiry: time.Now().Add(-time.Minute)}
	_, err = config.TokenSource(ctx, unknown).Token()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
		return fmt.Errorf("an unknown refresh token: %v", err)
	}
	fmt.Println("refresh")
	return nil
}
