package syncorders;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * All settings of the worker; the README lists the variables.
 *
 * @param temporalApiKey null if there is none
 * @param temporalApiKeyFile where that bearer lies instead, read again while the worker runs; null if there is none
 * @param httpTimeout how long one HTTP request may take; less than an activity's own timeout
 */
record Settings(
        String temporalAddress,
        String temporalNamespace,
        Secret temporalApiKey,
        Path temporalApiKeyFile,
        boolean temporalTls,
        OAuth oauth,
        URI apiUrl,
        String taskQueue,
        Duration httpTimeout) {
    /**
     * What the token source needs to know. Exactly one of tokenUrl and issuer is there, the other is null.
     *
     * @param secretInBody client_secret_post instead of client_secret_basic
     * @param audience which API tokens are for, where the identity provider asks for that (Auth0), else null
     * @param refreshTokenFile if there, the grant is refresh_token; if null, client_credentials
     */
    record OAuth(
            URI tokenUrl,
            URI issuer,
            String clientId,
            Secret clientSecret,
            boolean secretInBody,
            List<String> scopes,
            String audience,
            Path refreshTokenFile) {}

    /** Its text names the setting and does not show its value, which may be a secret. */
    static final class Wrong extends Exception {
        private static final long serialVersionUID = 1;

        Wrong(String text) {
            super(text);
        }
    }

    /**
     * Reads them from a lookup, so that tests need not touch the process environment. An empty string is the same as
     * none.
     */
    static Settings read(UnaryOperator<String> lookup) throws Wrong {
        Reader from = new Reader(lookup);
        String address = from.required("TEMPORAL_ADDRESS");
        // A key that was read from a file often ends in a newline.
        Optional<Secret> key =
                from.optional("TEMPORAL_API_KEY").map(String::strip).filter(text -> !text.isEmpty()).map(Secret::new);
        Optional<Path> keyFile = from.optional("TEMPORAL_API_KEY_FILE").map(Path::of);
        boolean keyTravels = (key.isPresent() || keyFile.isPresent()) && !isThisMachine(address);
        URI tokenUrl = from.optional("OAUTH_TOKEN_URL").isPresent() ? from.url("OAUTH_TOKEN_URL") : null;
        return new Settings(
                address,
                from.optional("TEMPORAL_NAMESPACE").orElse("default"),
                key.orElse(null),
                keyFile.orElse(null),
                from.oneOf("TEMPORAL_TLS", Map.of("true", true, "false", false), keyTravels),
                new OAuth(
                        tokenUrl,
                        tokenUrl == null ? from.url("OAUTH_ISSUER") : null,
                        from.required("OAUTH_CLIENT_ID"),
                        new Secret(from.required("OAUTH_CLIENT_SECRET")),
                        from.oneOf(
                                "OAUTH_CLIENT_AUTH",
                                Map.of("client_secret_basic", false, "client_secret_post", true),
                                false),
                        Arrays.stream(from.optional("OAUTH_SCOPES").orElse("").split("[ ,]+"))
                                .filter(scope -> !scope.isEmpty())
                                .toList(),
                        from.optional("OAUTH_AUDIENCE").orElse(null),
                        from.optional("OAUTH_REFRESH_TOKEN_FILE").map(Path::of).orElse(null)),
                from.url("API_URL"),
                from.required("TASK_QUEUE"),
                from.millis("HTTP_TIMEOUT_MS", 5_000));
    }

    private record Reader(UnaryOperator<String> lookup) {
        Optional<String> optional(String name) {
            return Optional.ofNullable(lookup.apply(name)).filter(value -> !value.isEmpty());
        }

        String required(String name) throws Wrong {
            return optional(name).orElseThrow(() -> new Wrong(name + " is not set"));
        }

        URI url(String name) throws Wrong {
            return httpUrl(required(name)).orElseThrow(() -> new Wrong(name + " is not a URL"));
        }

        boolean oneOf(String name, Map<String, Boolean> choices, boolean otherwise) throws Wrong {
            Optional<String> value = optional(name);
            if (value.isEmpty()) {
                return otherwise;
            }
            Boolean chosen = choices.get(value.get());
            if (chosen == null) {
                throw new Wrong(name + " is not " + String.join(" or ", choices.keySet().stream().sorted().toList()));
            }
            return chosen;
        }

        Duration millis(String name, int otherwise) throws Wrong {
            try {
                int millis = optional(name).map(Integer::parseInt).orElse(otherwise);
                if (millis > 0) {
                    return Duration.ofMillis(millis);
                }
            } catch (NumberFormatException e) {
                // The same as a wrong number.
            }
            throw new Wrong(name + " is not a whole number of milliseconds");
        }
    }

    private static boolean isThisMachine(String address) {
        return address.matches("(localhost|127(\\.\\d{1,3}){3}|\\[::1\\])(:\\d+)?");
    }

    /** The text as an address of HTTP, if it is one. */
    static Optional<URI> httpUrl(String text) {
        try {
            URI url = new URI(text);
            boolean http = "http".equalsIgnoreCase(url.getScheme()) || "https".equalsIgnoreCase(url.getScheme());
            return http && url.getHost() != null ? Optional.of(url) : Optional.empty();
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }
}
