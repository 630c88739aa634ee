package syncorders;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.function.Executable;

/** What all failures must hold to. */
final class Failures {
    private Failures() {}

    /** The failure that this ends with, whose text and causes hold no secret. */
    static Failure failure(Executable work) {
        Failure failure = assertThrows(Failure.class, work);
        assertNull(failure.getCause());
        for (String secret : List.of("hush", "t0k", "127.0.0.1", "s3cret")) {
            assertFalse(failure.toString().contains(secret), failure.toString());
        }
        return failure;
    }
}
