package main

import (
	"encoding/json"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// syncInput is what the workflow is started with.
type syncInput struct {
	Order string `json:"order"`
	// Pages is how many pages of items to read; absent means none.
	Pages *int  `json:"pages"`
	Retry retry `json:"retry"`
}

// retry is the retry policy of all activities. It is input, not environment: a workflow must be deterministic.
type retry struct {
	// InitialMS is the time before the first retry, in milliseconds; it doubles with each.
	InitialMS *int64 `json:"initial_ms"`
	// MaxMS is the longest wait, in milliseconds.
	MaxMS *int64 `json:"max_ms"`
	// Attempts is how many; 0 is no limit, so that no outage, however long, ends a workflow.
	Attempts int32 `json:"attempts"`
}

func (r retry) policy() *temporal.RetryPolicy {
	initial, longest := time.Second, time.Minute
	if r.InitialMS != nil {
		initial = time.Duration(*r.InitialMS) * time.Millisecond
	}
	if r.MaxMS != nil {
		longest = time.Duration(*r.MaxMS) * time.Millisecond
	}
	policy := &temporal.RetryPolicy{
		InitialInterval:    initial,
		BackoffCoefficient: 2,
		MaximumInterval:    max(longest, initial),
		MaximumAttempts:    r.Attempts,
	}
	for _, kind := range permanent {
		policy.NonRetryableErrorTypes = append(policy.NonRetryableErrorTypes, string(kind))
	}
	return policy
}

// SyncOrders reads an order, reads its items, ships it. It sees orders and typed failures, never a token, a clock or the
// environment. The result is what the API said to the shipment.
func SyncOrders(ctx workflow.Context, input syncInput) (json.RawMessage, error) {
	var activities *orderActivities // for the names only
	policy := input.Retry.policy()
	short := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		// Longer than the worker's HTTP timeout, so that the activity says what happened and not the server.
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         policy,
	})
	long := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Minute,
		// A dead worker is noticed by its missing heartbeats, long before the work's own limit.
		HeartbeatTimeout: 10 * time.Second,
		RetryPolicy:      policy,
	})
	order := orderInput{input.Order}
	if err := workflow.ExecuteActivity(short, activities.FetchOrder, order).Get(ctx, nil); err != nil {
		return nil, err
	}
	if input.Pages != nil {
		items := itemsInput{input.Order, *input.Pages}
		if err := workflow.ExecuteActivity(long, activities.ListItems, items).Get(ctx, nil); err != nil {
			return nil, err
		}
	}
	var shipped json.RawMessage
	err := workflow.ExecuteActivity(short, activities.ShipOrder, order).Get(ctx, &shipped)
	return shipped, err
}
