/** Any value that survives `JSON.stringify` and `JSON.parse` unchanged. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A JSON object; an absent key and `undefined` mean the same. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}
