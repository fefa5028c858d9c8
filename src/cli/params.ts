import { failure, type Failure } from '../base/failure.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { err, ok, type Result } from '../base/result.ts';

/**
 * Reads `--param` values, each `name=value`. A value that is a JSON number, `true`, `false`, `null` or
 * a quoted string is that; everything else is text as it stands. Failure: `invalid_request`.
 */
export function parseParams(values: readonly string[]): Result<JsonObject, Failure> {
  const params = new Map<string, Json>();
  for (const value of values) {
    const separator = value.indexOf('=');
    if (separator === -1) {
      const message = `"--param ${value}" has no value. Write --param name=value.`;
      return err(failure('invalid_request', message));
    }
    const name = value.slice(0, Math.max(0, separator)).trim();
    if (name === '') {
      const message = `"--param ${value}" has no name. Write --param name=value.`;
      return err(failure('invalid_request', message));
    }
    if (params.has(name)) {
      return err(failure('invalid_request', `--param ${name} is given twice. Keep one.`));
    }
    params.set(name, parseValue(value.slice(separator + 1)));
  }
  return ok(Object.fromEntries(params));
}

const jsonScalar = /^(true|false|null|-?\d+(\.\d+)?([eE][+-]?\d+)?|"(\\.|[^"\\])*")$/;

function parseValue(text: string): Json {
  if (!jsonScalar.test(text)) return text;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonScalar(value) ? value : text;
  } catch {
    // Such as `007`, which looks like a number and is none in JSON.
    return text;
  }
}

function isJsonScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}
