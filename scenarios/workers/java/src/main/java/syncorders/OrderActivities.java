package syncorders;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.activity.ActivityInterface;

/** The activities as the workflow sees them. Their names begin with a capital letter: {@code FetchOrder}. */
@ActivityInterface
public interface OrderActivities {
    /** What fetchOrder and shipOrder get. */
    record OrderInput(String order) {}

    /** What listItems gets. */
    record ItemsInput(String order, int pages) {}

    /** Reads an order. */
    JsonNode fetchOrder(OrderInput input);

    /** Reads all pages of an order's items. */
    int listItems(ItemsInput input);

    /** Ships an order, once, however often it is attempted. */
    JsonNode shipOrder(OrderInput input);
}
