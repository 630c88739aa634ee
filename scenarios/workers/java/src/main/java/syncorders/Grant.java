package syncorders;

/** Gets one new access token. Whatever must survive is on disk before it returns. */
interface Grant {
    Secret token();
}
