package syncorders;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.activity.Activity;
import io.temporal.activity.ActivityExecutionContext;

/** Thin, so that everything that can go wrong lies in parts that are tested alone. */
final class OrderActivitiesImpl implements OrderActivities {
    private final Orders orders;

    OrderActivitiesImpl(Orders orders) {
        this.orders = orders;
    }

    @Override
    public JsonNode fetchOrder(OrderInput input) {
        return orders.fetch(Call.current(), input.order());
    }

    /**
     * A retry goes on after the last page that was reported. A cancelled activity stops at once when a heartbeat brings
     * the news: either heartbeat() throws, or the token of {@link Call} ends the request that is under way.
     */
    @Override
    public int listItems(ItemsInput input) {
        ActivityExecutionContext context = Activity.getExecutionContext();
        int done = context.getHeartbeatDetails(Integer.class).orElse(0);
        for (int page = done + 1; page <= input.pages(); page++) {
            orders.items(Call.current(), input.order(), page);
            // The number and nothing else: details are stored in plain text.
            context.heartbeat(page);
        }
        return input.pages();
    }

    @Override
    public JsonNode shipOrder(OrderInput input) {
        return orders.ship(Call.current(), input.order());
    }
}
