package syncorders;

import java.time.Duration;

/**
 * One failed step of an activity.
 *
 * <p>Its text is made of numbers and words of this program only, never of a URL, a header, a body or another exception,
 * and it has no cause. Failure messages and their causes are stored in plain text in the workflow's history; with this
 * type a secret cannot get there by accident.
 */
final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1;

    final Kind kind;

    /** The delay that the other side asked for; zero leaves it to the retry policy. */
    final Duration retryAfter;

    Failure(Kind kind, String text) {
        this(kind, text, Duration.ZERO);
    }

    Failure(Kind kind, String text, Duration retryAfter) {
        super(text, null);
        this.kind = kind;
        this.retryAfter = retryAfter;
    }
}
