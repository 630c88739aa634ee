package syncorders;

import io.temporal.activity.Activity;
import io.temporal.activity.ActivityExecutionContext;
import io.temporal.activity.ActivityInfo;
import io.temporal.common.CancellationToken;

/**
 * Which activity makes a call, and what tells that it is no longer wanted. The ids are the same for all its attempts.
 */
record Call(String workflowId, String activityId, CancellationToken<?> cancellation) {
    /** That of the activity which runs in this thread. */
    static Call current() {
        ActivityExecutionContext context = Activity.getExecutionContext();
        ActivityInfo info = context.getInfo();
        return new Call(info.getWorkflowId(), info.getActivityId(), context.getCancellationToken());
    }

    /**
     * The same for every attempt, also after a reset of the workflow to an earlier point: neither the attempt nor the
     * run is part of it. It relies on workflow ids that are not used again for other work.
     */
    String idempotencyKey() {
        return workflowId + "/" + activityId;
    }
}
