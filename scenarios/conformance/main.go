// Command conformance records how a real Temporal server, with its default authorizer and its default JWT claim mapper,
// decides on the tokens and calls of cases.json. What it says is written to verdicts.json, and the server's own table of
// who may call what to access.json; tokenlapse's gate is held against both.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Authorizer is what an operator may set of the server's authorization.
type Authorizer struct {
	Audience         string `json:"audience,omitempty"`
	PermissionsClaim string `json:"permissions_claim,omitempty"`
	PermissionsRegex string `json:"permissions_regex,omitempty"`
	Header           string `json:"header,omitempty"`
}

type cases struct {
	About  string   `json:"about"`
	RPCs   []string `json:"rpcs"`
	Groups []struct {
		Authorizer Authorizer `json:"authorizer"`
		Tokens     []Shape    `json:"tokens"`
	} `json:"groups"`
}

type verdicts struct {
	Server  string  `json:"server"`
	Refusal refusal `json:"refusal"`
	Groups  []group `json:"groups"`
}

type group struct {
	Authorizer Authorizer `json:"authorizer"`
	Tokens     []row      `json:"tokens"`
}

// row names the calls that a token opens; all others of cases.json were refused.
type row struct {
	Name    string   `json:"name"`
	Allowed []string `json:"allowed"`
}

func main() {
	if err := record(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func record() error {
	text, err := os.ReadFile("cases.json")
	if err != nil {
		return fmt.Errorf("this has to run in the folder of cases.json: %w", err)
	}
	var asked cases
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	// A fraction or an exponent is part of some shapes.
	decoder.UseNumber()
	if err := decoder.Decode(&asked); err != nil {
		return fmt.Errorf("cases.json: %w", err)
	}

	keys, err := newKeys()
	if err != nil {
		return err
	}
	defer os.Remove(keys.jwks)
	told := verdicts{Server: serverVersion(), Groups: []group{}}
	rows := 0
	for _, wanted := range asked.Groups {
		server, err := start(wanted.Authorizer, keys)
		if err != nil {
			return err
		}
		recorded := group{Authorizer: wanted.Authorizer, Tokens: []row{}}
		for _, shape := range wanted.Tokens {
			allowed := []string{}
			for _, rpc := range asked.RPCs {
				credentials, err := shape.credentials(wanted.Authorizer, keys, time.Now())
				if err != nil {
					return fmt.Errorf("token %q: %w", shape.Name, err)
				}
				refused, err := server.call(rpc, credentials)
				if err != nil {
					return fmt.Errorf("token %q, %s: %w", shape.Name, rpc, err)
				}
				rows++
				if refused == nil {
					allowed = append(allowed, rpc)
				} else if told.Refusal == (refusal{}) {
					told.Refusal = *refused
				} else if told.Refusal != *refused {
					return fmt.Errorf("token %q, %s: refused with %+v, others with %+v", shape.Name, rpc, *refused, told.Refusal)
				}
			}
			recorded.Tokens = append(recorded.Tokens, row{Name: shape.Name, Allowed: allowed})
		}
		told.Groups = append(told.Groups, recorded)
		if err := server.stop(); err != nil {
			return err
		}
	}
	if err := write("verdicts.json", told); err != nil {
		return err
	}
	if err := write("access.json", accessTable()); err != nil {
		return err
	}
	fmt.Printf("%d verdicts of Temporal server %s\n", rows, told.Server)
	return nil
}

func write(path string, what any) error {
	text, err := json.MarshalIndent(what, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
