package main

import (
	"slices"
	"time"
)

// kind is the failure's type as workflows, retry policies and dashboards see it. The list is closed.
type kind string

const (
	// The API refused the access token (401). The token is dropped; the retry gets a new one.
	tokenExpired kind = "TokenExpired"
	// The identity provider says that the grant or the client is no longer good. Only a person can help.
	tokenRevoked kind = "TokenRevoked"
	// The token is good, but not for this (RFC 6750 §3.1). A refresh cannot widen it.
	insufficientScope kind = "InsufficientScope"
	// The API refused for another reason (403). Proxies and firewalls answer so too, hence retryable.
	forbidden kind = "Forbidden"
	// 429, or another refusal that says when to come back.
	rateLimited kind = "RateLimited"
	// The token endpoint gave no usable answer.
	idpUnavailable kind = "IdpUnavailable"
	// The API gave no usable answer.
	apiUnavailable kind = "ApiUnavailable"
	// The API understood the request and will never accept it.
	apiRejected kind = "ApiRejected"
	// The refresh token's file cannot be read, locked or written.
	tokenStoreUnavailable kind = "TokenStoreUnavailable"
	// A mistake in this worker. Retried: the next release may know better.
	unexpected kind = "Unexpected"
)

// permanent are the kinds that end the workflow; everything else is retried for as long as the retry policy allows.
var permanent = []kind{tokenRevoked, insufficientScope, apiRejected}

func (k kind) isPermanent() bool { return slices.Contains(permanent, k) }

// failure is one failed step of an activity.
//
// Its text is made of numbers and words of this program only, never of a URL, a header, a body or another error, and it
// wraps nothing. Failure messages and their causes are stored in plain text in the workflow's history; with this type a
// secret cannot get there by accident.
type failure struct {
	kind kind
	text string
	// retryAfter is the delay that the other side asked for; 0 leaves it to the retry policy.
	retryAfter time.Duration
}

func (f *failure) Error() string { return f.text }
