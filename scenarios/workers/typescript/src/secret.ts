/** Strings that must not be shown. */

/** Whether a header can carry the text after `Bearer`. */
export function isBearer(text: string): boolean {
  return /^[!-~]+$/.test(text);
}

/**
 * A secret: comparable, and never printed; neither JSON nor `console.log` nor a template sees a private field. `reveal`
 * is for the one place that sends or stores it.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  equals(other: Secret | undefined): boolean {
    return this.#value === other?.reveal();
  }
}
