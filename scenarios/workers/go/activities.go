package main

import (
	"context"
	"encoding/json"

	"go.temporal.io/sdk/activity"
)

// orderInput is what FetchOrder and ShipOrder get.
type orderInput struct {
	Order string `json:"order"`
}

// itemsInput is what ListItems gets.
type itemsInput struct {
	Order string `json:"order"`
	Pages int    `json:"pages"`
}

// orderActivities are the activities: thin, so that everything that can go wrong lies in parts that are tested alone.
// All exported methods are registered, under their names.
type orderActivities struct{ orders *orders }

// FetchOrder reads an order.
func (a *orderActivities) FetchOrder(ctx context.Context, input orderInput) (json.RawMessage, error) {
	return a.orders.fetch(ctx, callOf(ctx), input.Order)
}

// ListItems reads all pages of an order's items. A retry goes on after the last page that was reported; a cancelled
// activity stops at once, because the SDK cancels its context when a heartbeat brings the news.
func (a *orderActivities) ListItems(ctx context.Context, input itemsInput) (int, error) {
	done := 0
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &done); err != nil {
			return 0, err
		}
	}
	for page := done + 1; page <= input.Pages; page++ {
		if _, err := a.orders.items(ctx, callOf(ctx), input.Order, page); err != nil {
			return 0, err
		}
		// The number and nothing else: details are stored in plain text.
		activity.RecordHeartbeat(ctx, page)
	}
	return input.Pages, nil
}

// ShipOrder ships an order, once, however often it is attempted.
func (a *orderActivities) ShipOrder(ctx context.Context, input orderInput) (json.RawMessage, error) {
	return a.orders.ship(ctx, callOf(ctx), input.Order)
}

func callOf(ctx context.Context) call {
	info := activity.GetInfo(ctx)
	return call{info.WorkflowExecution.ID, info.ActivityID}
}
