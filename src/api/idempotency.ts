import type { IncomingHttpHeaders } from 'node:http';
import { failure, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import { fingerprintOf, type RequestOptions } from '../jobs/idempotency.ts';
import type { KeyedJob } from '../jobs/job-service.ts';

/** Longest key in characters. */
const keyLengthMax = 255;

/** A string of structured fields (RFC 8941, 3.3.3): printable ASCII in quotes. */
const quotedPattern = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/;

/** What many clients send instead: the key without quotes, and so without spaces. */
const barePattern = /^[!#-~][!-~]*$/;

/**
 * The key in the `Idempotency-Key` header field (draft-ietf-httpapi-idempotency-key-header, 2.1), which is
 * the same with and without the quotes that the draft asks for; undefined when there is none. Failure:
 * `invalid_request`.
 */
export function parseIdempotencyKey(
  headers: IncomingHttpHeaders,
): Result<string | undefined, Failure> {
  const field = headers['idempotency-key'];
  if (field === undefined) return ok(undefined);
  const text = String(field).trim();
  const quoted = quotedPattern.exec(text)?.[1]?.replaceAll(/\\(["\\])/g, '$1');
  const key = quoted ?? (barePattern.test(text) ? text : '');
  if (key.length >= 1 && key.length <= keyLengthMax) return ok(key);
  const message = `An Idempotency-Key has from 1 to ${keyLengthMax} printable ASCII characters, once.`;
  return err(failure('invalid_request', message));
}

/**
 * The SHA-256 that a client states of a body (RFC 9530: `Repr-Digest`, or `Content-Digest`, which is the
 * same here, as no content coding is taken), lowercase hex. Undefined when it states none, or another sort.
 */
export function parseSha256Digest(headers: IncomingHttpHeaders): string | undefined {
  for (const name of ['repr-digest', 'content-digest']) {
    const encoded = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)/.exec(
      String(headers[name] ?? ''),
    )?.[1];
    if (encoded !== undefined) return Buffer.from(encoded, 'base64').toString('hex');
  }
  return undefined;
}

/** What is known of a request with a film as its body, before the body is read. */
export interface RequestHead {
  readonly options: RequestOptions;
  /** As announced. */
  readonly bytes: number | undefined;
  /** As announced, lowercase hex. */
  readonly sha256: string | undefined;
}

/** Whether a request is the one that a job was made by; `unknown` is one whose body decides. */
export function recognize(known: KeyedJob, head: RequestHead): 'same' | 'other' | 'unknown' {
  const { upload } = known.job;
  // With the film of then, only the options can make the difference.
  if (fingerprintOf(head.options, upload) !== known.fingerprint) return 'other';
  if (head.bytes !== undefined && head.bytes !== upload.bytes) return 'other';
  if (head.sha256 === undefined) return 'unknown';
  return head.sha256 === upload.sha256 ? 'same' : 'other';
}
