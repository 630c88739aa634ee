package syncorders;

import io.temporal.client.ActivityCompletionException;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptor;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptorBase;
import io.temporal.common.interceptors.WorkerInterceptorBase;
import io.temporal.failure.ApplicationFailure;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells Temporal what failed, for all activities at once, so that none can forget it: every failure becomes a typed
 * application failure without a cause.
 *
 * <p>Left alone, the SDK makes a retryable failure of any exception, and stores its text and the text of every exception
 * that led to it in the workflow's history. Texts of HTTP and JSON libraries hold URLs, headers and bodies.
 */
final class TypedFailures extends WorkerInterceptorBase {
    private static final Logger LOG = LoggerFactory.getLogger(TypedFailures.class);

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
                    throw applicationFailure(failure);
                } catch (Throwable mistake) {
                    // Errors too: the SDK would store their texts as well.
                    LOG.error("{} at {}", mistake.getClass().getName(), places(mistake));
                    throw applicationFailure(
                            new Failure(Kind.UNEXPECTED, "worker: " + mistake.getClass().getSimpleName()));
                }
            }
        };
    }

    /** Not retried if permanent, else at the time that the other side asked for. */
    static ApplicationFailure applicationFailure(Failure failure) {
        Duration wait = failure.retryAfter;
        return ApplicationFailure.newBuilder()
                .setMessage(failure.getMessage())
                .setType(failure.kind.type)
                .setNonRetryable(failure.kind.permanent)
                .setNextRetryDelay(wait.isZero() ? null : wait)
                .build();
    }

    /** Where it happened, without the text. */
    private static String places(Throwable mistake) {
        StringBuilder places = new StringBuilder();
        for (StackTraceElement place : mistake.getStackTrace()) {
            places.append("\n\t").append(place);
        }
        return places.toString();
    }
}
