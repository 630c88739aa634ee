package main

import (
	"net/http"
	"testing"
	"time"
)

const now = "Sun, 06 Nov 1994 08:49:37 GMT"

func TestEveryFormOfRetryAfterIsRead(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"3":                              3 * time.Second,
		" 7 ":                            7 * time.Second,
		"1.5":                            1500 * time.Millisecond,
		"0.0001":                         time.Millisecond,
		"Sun, 06 Nov 1994 08:49:40 GMT":  3 * time.Second,
		"Sunday, 06-Nov-94 08:49:41 GMT": 4 * time.Second,
		"Sun Nov  6 08:49:42 1994":       5 * time.Second,
		"0":                              0,
		"-5":                             0,
		"Sun, 06 Nov 1994 08:49:36 GMT":  0,
		now:                              0,
		"soon":                           0,
		"":                               0,
		"NaN":                            0,
		"1000000":                        longestWait,
		"1e300":                          longestWait,
		"inf":                            longestWait,
		"Sun, 06 Nov 2094 08:49:37 GMT":  longestWait,
	} {
		t.Run(value, func(t *testing.T) {
			is(t, retryAfter(http.Header{"Date": {now}, "Retry-After": {value}}), want)
		})
	}
}

func TestWithoutADateHeaderTheOwnClockDecides(t *testing.T) {
	is(t, retryAfter(http.Header{"Retry-After": {"Fri, 01 Jan 2100 00:00:00 GMT"}}), longestWait)
	is(t, retryAfter(http.Header{"Retry-After": {now}}), 0)
}

func TestNoRetryAfterIsNoWish(t *testing.T) {
	is(t, retryAfter(http.Header{}), 0)
}
