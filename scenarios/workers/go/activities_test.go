package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
)

func TestEachPageIsReportedAndARetryGoesOnAfterTheLast(t *testing.T) {
	api := serve(t, reply(200, true))
	list := func(details ...any) (paths, reported string) {
		env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
		a := &orderActivities{ordersAt(api.url, 5*time.Second)}
		env.RegisterActivity(a)
		if len(details) > 0 {
			env.SetHeartbeatDetails(details[0])
		}
		env.SetOnActivityHeartbeatListener(func(_ *activity.Info, heartbeat converter.EncodedValues) {
			var page int
			if err := heartbeat.Get(&page); err != nil {
				t.Error(err)
			}
			reported += fmt.Sprint(page)
		})
		before := len(api.seen())
		if _, err := env.ExecuteActivity(a.ListItems, itemsInput{"7", 3}); err != nil {
			t.Fatal(err)
		}
		for _, request := range api.seen()[before:] {
			paths += strings.TrimPrefix(request.path, "/orders/7/items?page=")
		}
		return paths, reported
	}
	paths, reported := list()
	is(t, paths, "123")
	is(t, reported[:1], "1") // The SDK holds back the later ones for a while.
	paths, _ = list(2)
	is(t, paths, "3")
}

// reportedAs runs an activity that ends so, and gives what the SDK would store.
func reportedAs(t *testing.T, body func(context.Context) error) (error, *failurepb.Failure) {
	t.Helper()
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&typedFailures{}}})
	env.RegisterActivityWithOptions(body, activity.RegisterOptions{Name: "Body"})
	_, err := env.ExecuteActivity("Body")
	if err == nil {
		t.Fatal("it did not fail")
	}
	var reported *temporal.ApplicationError
	if !errors.As(err, &reported) {
		return err, nil
	}
	stored := temporal.GetDefaultFailureConverter().ErrorToFailure(reported)
	if stored.Cause != nil || strings.Contains(stored.String(), "hush") {
		t.Errorf("it stores %v", stored)
	}
	return err, stored
}

func TestFailuresAreTypedAndHoldNoCause(t *testing.T) {
	wrapped := func(f *failure) error { return fmt.Errorf("hush-hush: %w", f) }
	for i, c := range []struct {
		body    func(context.Context) error
		kind    kind
		text    string
		forGood bool
		wait    time.Duration
	}{
		{
			func(context.Context) error {
				return wrapped(&failure{tokenRevoked, "identity provider: invalid_grant", 0})
			},
			tokenRevoked, "identity provider: invalid_grant", true, 0,
		},
		{
			func(context.Context) error { return &failure{rateLimited, "API: status 429", 3 * time.Second} },
			rateLimited, "API: status 429", false, 3 * time.Second,
		},
		{
			func(context.Context) error { return errors.New("hush-hush") },
			unexpected, "worker: *errors.errorString", false, 0,
		},
		{
			func(context.Context) error { panic("hush-hush") },
			unexpected, "worker: string", false, 0,
		},
		{
			func(context.Context) error { var none *http.Request; return errors.New(none.Method) },
			unexpected, "worker: runtime.errorString", false, 0,
		},
	} {
		_, stored := reportedAs(t, c.body)
		info := stored.GetApplicationFailureInfo()
		if stored.GetMessage() != c.text || info.GetType() != string(c.kind) || info.GetNonRetryable() != c.forGood ||
			info.GetNextRetryDelay().AsDuration() != c.wait {
			t.Errorf("case %d: %v", i, stored)
		}
	}
}

func TestCancellationPasses(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	is(t, reported(ctx, fmt.Errorf("hush: %w", context.Canceled)), context.Canceled)
	is(t, reported(ctx, nil), nil)
}
