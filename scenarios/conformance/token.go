package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v4"
)

// Shape says how a token and the header that carries it are made.
type Shape struct {
	Name string `json:"name"`
	// Header is the header's value, with "{token}" for the token and "{token:cut}" for one with half of its signature;
	// null for no header at all.
	Header     json.RawMessage `json:"header"`
	HeaderName string          `json:"header_name"`
	Algorithm  string          `json:"alg"`
	Key        string          `json:"key"`
	// Kid is the header parameter; null for none, and the key's name where it is not said.
	Kid    json.RawMessage `json:"kid"`
	Typ    json.RawMessage `json:"typ"`
	Crit   []string        `json:"crit"`
	Claims map[string]any  `json:"claims"`
}

// keys sign tokens. All but "unknown" stand in the JWKS under their own names.
type keys struct {
	private map[string]crypto.PrivateKey
	jwks    string
}

func newKeys() (*keys, error) {
	made := &keys{private: map[string]crypto.PrivateKey{}}
	set := jose.JSONWebKeySet{}
	for _, name := range []string{"rsa", "rsa-2", "unknown"} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		made.private[name] = key
		if name != "unknown" {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: name, Algorithm: "RS256", Use: "sig"})
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	made.private["ec"] = key
	set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: "ec", Algorithm: "ES256", Use: "sig"})
	text, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "jwks-*.json")
	if err != nil {
		return nil, err
	}
	made.jwks = file.Name()
	_, err = file.Write(text)
	return made, errors.Join(err, file.Close())
}

// credentials are the metadata of a call.
func (shape Shape) credentials(authorizer Authorizer, keys *keys, now time.Time) (map[string]string, error) {
	header := "Bearer {token}"
	switch {
	case string(shape.Header) == "null":
		return nil, nil
	case len(shape.Header) > 0:
		if err := json.Unmarshal(shape.Header, &header); err != nil {
			return nil, err
		}
	}
	if strings.Contains(header, "{token") {
		token, err := shape.token(keys, now)
		if err != nil {
			return nil, err
		}
		header = strings.ReplaceAll(header, "{token}", token)
		header = strings.ReplaceAll(header, "{token:cut}", token[:len(token)-86])
	}
	name := "authorization"
	if shape.HeaderName != "" {
		name = shape.HeaderName
	}
	return map[string]string{name: header}, nil
}

func (shape Shape) token(keys *keys, now time.Time) (string, error) {
	algorithm, keyName := shape.Algorithm, shape.Key
	if algorithm == "" {
		algorithm = "RS256"
	}
	if keyName == "" {
		keyName = "rsa"
	}
	method := jwt.GetSigningMethod(algorithm)
	if method == nil {
		return "", fmt.Errorf("there is no algorithm %q", algorithm)
	}
	claims := jwt.MapClaims{}
	for name, value := range shape.Claims {
		claims[name] = at(value, now)
	}
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = keyName
	for name, value := range map[string]json.RawMessage{"kid": shape.Kid, "typ": shape.Typ} {
		if len(value) == 0 {
			continue
		}
		delete(token.Header, name)
		if string(value) != "null" {
			token.Header[name] = value
		}
	}
	if shape.Crit != nil {
		token.Header["crit"] = shape.Crit
	}
	var key any = keys.private[keyName]
	switch algorithm {
	case "none":
		key = jwt.UnsafeAllowNoneSignatureType
	case "HS256":
		key = []byte("a secret that nobody has set")
	}
	return token.SignedString(key)
}

// at replaces {"$now": n} by the time n seconds after now.
func at(value any, now time.Time) any {
	relative, ok := value.(map[string]any)
	if !ok {
		return value
	}
	later, ok := relative["$now"].(json.Number)
	if !ok {
		return value
	}
	sum, _ := new(big.Rat).SetString(later.String())
	sum.Add(sum, new(big.Rat).SetInt64(now.Unix()))
	if sum.IsInt() {
		return json.Number(sum.Num().String())
	}
	return json.Number(sum.FloatString(1))
}
