package syncorders;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;

/** The workflow as its clients see it. */
@WorkflowInterface
public interface SyncOrders {
    /**
     * What the workflow is started with.
     *
     * @param pages how many pages of items to read; absent means none
     * @param retry may be absent, too
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Input(String order, Integer pages, Retry retry) {}

    /**
     * The retry policy of all activities. It is input, not environment: a workflow must be deterministic.
     *
     * @param initialMs the time before the first retry, in milliseconds; it doubles with each
     * @param maxMs the longest wait, in milliseconds
     * @param attempts how many; 0 is no limit, so that no outage, however long, ends a workflow
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Retry(
            @JsonProperty("initial_ms") Long initialMs, @JsonProperty("max_ms") Long maxMs, int attempts) {}

    /** Reads an order, reads its items, ships it. The result is what the API said to the shipment. */
    @WorkflowMethod(name = "SyncOrders")
    JsonNode sync(Input input);
}
