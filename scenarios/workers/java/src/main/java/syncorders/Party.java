package syncorders;

/** Who is on the other side of a request. */
enum Party {
    API("API", Kind.API_UNAVAILABLE),
    IDENTITY_PROVIDER("identity provider", Kind.IDP_UNAVAILABLE);

    final String title;

    /** What it is if it gives no usable answer. */
    final Kind unavailable;

    Party(String title, Kind unavailable) {
        this.title = title;
        this.unavailable = unavailable;
    }

    Failure unavailable(String text) {
        return new Failure(unavailable, title + ": " + text);
    }
}
