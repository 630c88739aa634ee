package syncorders;

import io.temporal.client.ActivityCompletionException;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptor;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptorBase;
import io.temporal.common.interceptors.WorkerInterceptorBase;
import io.temporal.failure.ApplicationFailure;
import java.time.Duration;

/**
 * Tells Temporal what failed, for all activities at once, so that none can forget it: every failure becomes a typed
 * application failure without a cause.
 *
 * <p>Left alone, the SDK makes a retryable failure of any exception, and stores its text and the text of every
 * exception that led to it in the workflow's history. Texts of HTTP and JSON libraries hold URLs, headers and bodies.
 */
final class TypedFailures extends WorkerInterceptorBase {
    @Override
    public ActivityInboundCallsInterceptor interceptActivity(ActivityInboundCallsInterceptor next) {
        return new ActivityInboundCallsInterceptorBase(next) {
            @Override
            public ActivityOutput execute(ActivityInput input) {
                try {
                    return super.execute(input);
                } catch (ActivityCompletionException cancelledOrGone) {
                    throw cancelledOrGone;
                } catch (Failure failure) {
                    throw reported(failure, failure);
                } catch (Throwable mistake) {
                    // Errors too: the SDK would store their texts as well.
                    String text = "worker: " + mistake.getClass().getSimpleName();
                    throw reported(new Failure(Kind.UNEXPECTED, text), mistake);
                }
            }
        };
    }

    /** Not retried if permanent, else at the time that the other side asked for. */
    private static ApplicationFailure reported(Failure failure, Throwable origin) {
        Duration wait = failure.retryAfter;
        ApplicationFailure reported = ApplicationFailure.newBuilder()
                .setMessage(failure.getMessage())
                .setType(failure.kind.type)
                .setNonRetryable(failure.kind.permanent)
                .setNextRetryDelay(wait.isZero() ? null : wait)
                .build();
        // The SDK logs and stores where it happened: names of classes and methods, and no text.
        reported.setStackTrace(origin.getStackTrace());
        return reported;
    }
}
