package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
)

// typedFailures tells Temporal what failed, for all activities at once, so that none can forget it: every failure
// becomes a typed application failure without a cause.
//
// Left alone, the SDK makes a retryable failure of any error or panic, and stores its text and the text of every error
// that it wraps in the workflow's history. Texts of net/http hold URLs.
type typedFailures struct {
	interceptor.WorkerInterceptorBase
}

func (*typedFailures) InterceptActivity(
	_ context.Context, next interceptor.ActivityInboundInterceptor,
) interceptor.ActivityInboundInterceptor {
	return &typedActivity{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type typedActivity struct {
	interceptor.ActivityInboundInterceptorBase
}

func (a *typedActivity) ExecuteActivity(
	ctx context.Context, input *interceptor.ExecuteActivityInput,
) (result any, err error) {
	defer func() {
		if mistake := recover(); mistake != nil {
			// Where it happened, without the text.
			slog.Error("panic", "type", fmt.Sprintf("%T", mistake), "stack", string(debug.Stack()))
			result, err = nil, applicationError(mistakeOf(mistake))
		}
	}()
	result, err = a.Next.ExecuteActivity(ctx, input)
	return result, reported(ctx, err)
}

func reported(ctx context.Context, err error) error {
	var failed *failure
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return ctx.Err()
	case errors.As(err, &failed):
		return applicationError(failed)
	default:
		return applicationError(mistakeOf(err))
	}
}

func mistakeOf(mistake any) *failure {
	return &failure{kind: unexpected, text: fmt.Sprintf("worker: %T", mistake)}
}

// applicationError is not retried if permanent, else at the time that the other side asked for.
func applicationError(f *failure) error {
	return temporal.NewApplicationErrorWithOptions(f.text, string(f.kind), temporal.ApplicationErrorOptions{
		NonRetryable:   f.kind.isPermanent(),
		NextRetryDelay: f.retryAfter,
	})
}
