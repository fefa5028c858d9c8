import type { ByteRange } from '../storage/storage.ts';

/** What a `Range` header asks of an object of a known size. */
export type RangeRequest =
  | { readonly type: 'whole' }
  | { readonly type: 'part'; readonly range: ByteRange }
  | { readonly type: 'unsatisfiable' };

/**
 * Reads a `Range` header (RFC 9110 §14.2) for an object of `bytes` bytes, > 0. A header that is
 * malformed, has another unit or asks for several ranges is ignored, as the RFC allows: the answer is
 * the whole object.
 */
export function parseRange(header: string | undefined, bytes: number): RangeRequest {
  const parts = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '');
  const [, first = '', last = ''] = parts ?? [];
  if (first === '' && last === '') return { type: 'whole' };
  return first === '' ? suffix(Number(last), bytes) : span(Number(first), last, bytes);
}

function suffix(length: number, bytes: number): RangeRequest {
  if (length === 0) return { type: 'unsatisfiable' };
  return { type: 'part', range: { first: Math.max(bytes - length, 0), last: bytes - 1 } };
}

function span(first: number, lastText: string, bytes: number): RangeRequest {
  const last = lastText === '' ? bytes - 1 : Number(lastText);
  if (lastText !== '' && last < first) return { type: 'whole' };
  if (first >= bytes) return { type: 'unsatisfiable' };
  return { type: 'part', range: { first, last: Math.min(last, bytes - 1) } };
}

/**
 * Whether an `If-None-Match` header holds the strong entity tag `etag` (quotes included). Weak tags
 * match too, as RFC 9110 §13.1.2 asks.
 */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
