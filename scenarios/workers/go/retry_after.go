package main

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestWait is what `Retry-After` is cut at: a wrong header must not look like an outage.
const longestWait = time.Hour

// retryAfter reads how long the other side wants us to wait (RFC 9110 §10.2.3); 0 leaves it to the retry policy.
//
// Seconds, whole or fractional, and all three date forms of RFC 9110 §5.6.7. A date is compared with the answer's own
// `Date`, so a worker whose clock is wrong still waits the right time; this machine's clock is asked only if there is
// none. Zero, the past, negative numbers and garbage mean no wish: `0` must not become a tight loop.
func retryAfter(header http.Header) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil {
		until, err := http.ParseTime(value)
		if err != nil {
			return 0
		}
		now, err := http.ParseTime(header.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		seconds = until.Sub(now).Seconds()
	}
	switch {
	case !(seconds > 0): // NaN too
		return 0
	case seconds >= longestWait.Seconds():
		return longestWait
	default:
		// Rounded up: a little late is right, a little early is not.
		return time.Duration(math.Ceil(seconds*1000)) * time.Millisecond
	}
}
