/** `Retry-After` (RFC 9110 §10.2.3), in every form that is seen in the wild. */

/** Milliseconds. No answer may park an activity for longer: a wrong header must not look like an outage. */
export const LONGEST = 3_600_000;

/** What is asked of an answer's header fields. */
export interface HeaderFields {
  get(name: string): string | null;
}

/**
 * How many milliseconds the other side wants us to wait, or `undefined` if the retry policy shall decide.
 *
 * Seconds (whole or fractional) and all three date forms of RFC 9110 §5.6.7. A date is compared with the answer's own
 * `Date`, so a worker whose clock is wrong still waits the right time; this machine's clock is asked only if there is
 * none. Zero, the past, negative numbers and garbage mean no wish: `0` must not become a tight loop.
 */
export function retryAfter(headers: HeaderFields): number | undefined {
  const value = headers.get('Retry-After')?.trim() ?? '';
  const milliseconds = /^\d+(\.\d+)?$/.test(value)
    ? Number(value) * 1000
    : httpDate(value) - (httpDate(headers.get('Date') ?? '') || Date.now());
  if (!(milliseconds > 0)) return undefined; // NaN too
  // Rounded up: a little late is right, a little early is not.
  return Math.min(Math.ceil(milliseconds), LONGEST);
}

/** IMF-fixdate, and the obsolete RFC 850 and asctime forms that a recipient must accept; NaN if it is none of them. */
function httpDate(text: string): number {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return Number.NaN;
  // asctime names no zone; all HTTP dates are GMT.
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
}
