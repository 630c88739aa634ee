package syncorders;

/** A string that must not be shown: comparable by value, and without it when printed, also as a field of a record. */
final class Secret {
    private final String value;

    Secret(String value) {
        this.value = value;
    }

    /** For the one place that sends or stores it. */
    String reveal() {
        return value;
    }

    /** Tells whether a header can carry the text after {@code Bearer}. */
    static boolean isBearer(String text) {
        return !text.isEmpty() && text.chars().allMatch(c -> c >= '!' && c <= '~');
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Secret secret && secret.value.equals(value);
    }

    @Override
    public int hashCode() {
        return value.hashCode();
    }

    @Override
    public String toString() {
        return "[secret]";
    }
}
