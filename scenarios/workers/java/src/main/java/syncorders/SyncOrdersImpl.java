package syncorders;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.activity.ActivityOptions;
import io.temporal.common.RetryOptions;
import io.temporal.workflow.Workflow;
import java.time.Duration;
import syncorders.OrderActivities.ItemsInput;
import syncorders.OrderActivities.OrderInput;

/** It sees orders and typed failures, never a token, a clock or the environment. */
public final class SyncOrdersImpl implements SyncOrders {
    @Override
    public JsonNode sync(Input input) {
        RetryOptions policy = policy(input.retry());
        OrderActivities brief = Workflow.newActivityStub(
                OrderActivities.class,
                ActivityOptions.newBuilder()
                        // Longer than the worker's HTTP timeout, so that the activity says what happened and not the
                        // server.
                        .setStartToCloseTimeout(Duration.ofSeconds(10))
                        .setRetryOptions(policy)
                        .build());
        OrderActivities lengthy = Workflow.newActivityStub(
                OrderActivities.class,
                ActivityOptions.newBuilder()
                        .setStartToCloseTimeout(Duration.ofMinutes(10))
                        // A dead worker is noticed by its missing heartbeats, long before the work's own limit.
                        .setHeartbeatTimeout(Duration.ofSeconds(10))
                        .setRetryOptions(policy)
                        .build());
        OrderInput order = new OrderInput(input.order());
        brief.fetchOrder(order);
        if (input.pages() != null) {
            lengthy.listItems(new ItemsInput(input.order(), input.pages()));
        }
        return brief.shipOrder(order);
    }

    private static RetryOptions policy(Retry asked) {
        Retry retry = asked == null ? new Retry(null, null, 0) : asked;
        long initial = retry.initialMs() == null ? 1_000 : retry.initialMs();
        long longest = retry.maxMs() == null ? 60_000 : retry.maxMs();
        return RetryOptions.newBuilder()
                .setInitialInterval(Duration.ofMillis(initial))
                .setBackoffCoefficient(2)
                .setMaximumInterval(Duration.ofMillis(Math.max(longest, initial)))
                .setMaximumAttempts(retry.attempts())
                .setDoNotRetry(Kind.permanentTypes())
                .build();
    }
}
