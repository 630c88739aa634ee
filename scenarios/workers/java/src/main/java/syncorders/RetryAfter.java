package syncorders;

import java.net.http.HttpHeaders;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How long the other side wants us to wait (RFC 9110 §10.2.3). */
final class RetryAfter {
    /** What it is cut at: a wrong header must not look like an outage. */
    static final Duration LONGEST = Duration.ofHours(1);

    /** The three date forms of RFC 9110 §5.6.7, without the day of the week, which adds nothing. */
    private static final List<DateTimeFormatter> DATES = List.of(
            DateTimeFormatter.ofPattern("dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH),
            new DateTimeFormatterBuilder()
                    .appendPattern("dd-MMM-")
                    // Two digits mean a year at most 50 years ahead.
                    .appendValueReduced(ChronoField.YEAR, 2, 2, LocalDate.now(Clock.systemUTC()).minusYears(49))
                    .appendPattern(" HH:mm:ss 'GMT'")
                    .toFormatter(Locale.ENGLISH),
            DateTimeFormatter.ofPattern("MMM ppd HH:mm:ss yyyy", Locale.ENGLISH));

    private RetryAfter() {}

    /**
     * Reads it; zero leaves it to the retry policy.
     *
     * <p>Seconds, whole or fractional, and dates. A date is compared with the answer's own {@code Date}, so a worker
     * whose clock is wrong still waits the right time; this machine's clock is asked only if there is none. Zero, the
     * past, negative numbers and garbage mean no wish: {@code 0} must not become a tight loop.
     */
    static Duration of(HttpHeaders headers) {
        String value = headers.firstValue("Retry-After").orElse("").strip();
        double seconds;
        if (value.matches("[-+]?[0-9.]+([eE][-+]?[0-9]+)?")) {
            seconds = number(value);
        } else {
            Optional<Instant> until = date(value);
            if (until.isEmpty()) {
                return Duration.ZERO;
            }
            Instant now = date(headers.firstValue("Date").orElse("")).orElseGet(Clock.systemUTC()::instant);
            seconds = Duration.between(now, until.get()).toSeconds();
        }
        if (!(seconds > 0)) {
            return Duration.ZERO;
        }
        if (seconds >= LONGEST.toSeconds()) {
            return LONGEST;
        }
        // Rounded up: a little late is right, a little early is not.
        return Duration.ofMillis((long) Math.ceil(seconds * 1000));
    }

    private static double number(String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException several) {
            return 0;
        }
    }

    private static Optional<Instant> date(String text) {
        String date = text.strip().replaceFirst("^[A-Za-z]+,? ", "");
        for (DateTimeFormatter form : DATES) {
            try {
                return Optional.of(LocalDateTime.parse(date, form).toInstant(ZoneOffset.UTC));
            } catch (DateTimeException another) {
                // Try the next.
            }
        }
        return Optional.empty();
    }
}
