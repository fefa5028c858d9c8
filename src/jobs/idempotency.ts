import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/json.ts';
import { defaultTenant } from '../scheduler/job-state.ts';
import type { SubmitRequest } from './job-service.ts';

/** What a request asks for, besides the film and what to call it. */
export type RequestOptions = Pick<
  SubmitRequest,
  'pipeline' | 'params' | 'priority' | 'tenant' | 'usesCache'
>;

/**
 * What tells one request from another, as 64 hexadecimal digits: SHA-256 over the options, with their
 * defaults, and the SHA-256 of the film (lowercase hex). The film's name is a label and does not count.
 * Keys of requests are compared by it, as the draft for the header field suggests (2.4,
 * draft-ietf-httpapi-idempotency-key-header).
 */
export function fingerprintOf(options: RequestOptions, film: { readonly sha256: string }): string {
  const { pipeline, params, priority, tenant = defaultTenant, usesCache = true } = options;
  const asked = { pipeline, params, priority, tenant, usesCache, film: film.sha256 };
  return createHash('sha256').update(canonicalJson(asked)).digest('hex');
}
