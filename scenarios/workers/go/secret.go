package main

import "unique"

// secret is a string that must not be shown: comparable by value, and a pointer to whoever prints it, also as a field of
// something else, where fmt calls no String method.
type secret struct{ handle unique.Handle[string] }

func newSecret(value string) secret { return secret{unique.Make(value)} }

// reveal is for the one place that sends or stores it.
func (s secret) reveal() string {
	if s.isZero() {
		return ""
	}
	return s.handle.Value()
}

func (s secret) isZero() bool { return s == secret{} }

// isBearer tells whether a header can carry the text after `Bearer`.
func isBearer(text string) bool {
	for i := range len(text) {
		if text[i] < '!' || text[i] > '~' {
			return false
		}
	}
	return text != ""
}
