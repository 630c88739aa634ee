package main

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// gate is a grant that waits until it is let go, and then fails or gives `t1`, `t2`, …
type gate struct {
	begun atomic.Int32
	goOn  chan error
}

func (g *gate) token(context.Context) (secret, error) {
	n := g.begun.Add(1)
	if err := <-g.goOn; err != nil {
		return secret{}, err
	}
	return newSecret("t" + strconv.Itoa(int(n))), nil
}

type outcome struct {
	token secret
	err   error
}

// ask makes so many callers, who wait when it returns.
func ask(s *tokenSource, callers int) chan outcome {
	outcomes := make(chan outcome, callers)
	for range callers {
		go func() {
			token, err := s.token(context.Background())
			outcomes <- outcome{token, err}
		}()
	}
	synctest.Wait()
	return outcomes
}

func TestCallersShareOneGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{goOn: make(chan error)}
		s := &tokenSource{grant: g}
		outcomes := ask(s, 20)
		g.goOn <- nil
		for range 20 {
			is(t, <-outcomes, outcome{token: newSecret("t1")})
		}
		// It is kept.
		is(t, <-ask(s, 1), outcome{token: newSecret("t1")})
		is(t, g.begun.Load(), 1)
	})
}

func TestAFailedGrantFailsItsWaitersAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{goOn: make(chan error)}
		s := &tokenSource{grant: g}
		down := idpFailure("status 503")
		outcomes := ask(s, 3)
		g.goOn <- down
		for range 3 {
			is(t, <-outcomes, outcome{err: down})
		}
		outcomes = ask(s, 1)
		g.goOn <- nil
		is(t, <-outcomes, outcome{token: newSecret("t2")})
	})
}

func TestOnlyTheVeryTokenThatWasRefusedIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{goOn: make(chan error, 2)}
		g.goOn <- nil
		g.goOn <- nil
		s := &tokenSource{grant: g}
		first, second := newSecret("t1"), newSecret("t2")
		is(t, (<-ask(s, 1)).token, first)
		s.invalidate(first)
		is(t, (<-ask(s, 1)).token, second)
		// A late refusal of the old one.
		s.invalidate(first)
		is(t, (<-ask(s, 1)).token, second)
	})
}

func TestACancelledCallerDoesNotEndTheGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{goOn: make(chan error)}
		s := &tokenSource{grant: g}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.token(ctx)
		is(t, err, context.Canceled)
		settled := make(chan struct{})
		go func() {
			s.settle()
			close(settled)
		}()
		synctest.Wait()
		select {
		case <-settled:
			t.Error("settled while a grant was under way")
		default:
		}
		g.goOn <- nil
		<-settled
		is(t, (<-ask(s, 1)).token, newSecret("t1"))
		is(t, g.begun.Load(), 1)
	})
}
