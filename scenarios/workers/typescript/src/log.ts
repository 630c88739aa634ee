/** The log, on standard error. */

const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];

let threshold = LEVELS.indexOf('INFO');

/** Sets the lowest level that is said; false if there is no such level. */
export function setLevel(level: string): boolean {
  const found = LEVELS.indexOf(level);
  if (found >= 0) threshold = found;
  return found >= 0;
}

export const warn = (text: string): void => say('WARNING', text);
export const error = (text: string): void => say('ERROR', text);

function say(level: string, text: string): void {
  if (LEVELS.indexOf(level) >= threshold) console.error(`${new Date().toISOString()} ${level} ${text}`);
}
