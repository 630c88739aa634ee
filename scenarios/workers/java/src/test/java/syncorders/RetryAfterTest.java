package syncorders;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.http.HttpHeaders;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetryAfterTest {
    private static final String NOW = "Sun, 06 Nov 1994 08:49:37 GMT";

    private static Duration read(Map<String, List<String>> headers) {
        return RetryAfter.of(HttpHeaders.of(headers, (name, value) -> true));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            ignoreLeadingAndTrailingWhitespace = false,
            textBlock =
                    """
                    3|3000
                     7 |7000
                    1.5|1500
                    0.0001|1
                    Sun, 06 Nov 1994 08:49:40 GMT|3000
                    Sunday, 06-Nov-94 08:49:41 GMT|4000
                    Sun Nov  6 08:49:42 1994|5000
                    Mon, 06 Nov 1994 08:49:43 GMT|6000
                    0|0
                    -5|0
                    Sun, 06 Nov 1994 08:49:36 GMT|0
                    Sun, 06 Nov 1994 08:49:37 GMT|0
                    soon|0
                    ''|0
                    NaN|0
                    3s|0
                    1d|0
                    1.2.3|0
                    1000000|3600000
                    1e300|3600000
                    1e999999999|3600000
                    1e-999999999|0
                    Sun, 06 Nov 2044 08:49:37 GMT|3600000
                    Sunday, 06-Nov-44 08:49:41 GMT|3600000
                    """)
    void everyFormIsRead(String value, long millis) {
        assertEquals(Duration.ofMillis(millis), read(Map.of("Date", List.of(NOW), "Retry-After", List.of(value))));
    }

    @Test
    void withoutADateHeaderTheOwnClockDecides() {
        assertEquals(RetryAfter.LONGEST, read(Map.of("Retry-After", List.of("Fri, 01 Jan 2100 00:00:00 GMT"))));
        assertEquals(Duration.ZERO, read(Map.of("Retry-After", List.of(NOW))));
    }

    @Test
    void noneIsNoWish() {
        assertEquals(Duration.ZERO, read(Map.of()));
    }
}
