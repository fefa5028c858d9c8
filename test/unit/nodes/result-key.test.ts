import { describe, expect, it } from 'vitest';
import type { NodeKind } from '../../../src/nodes/node-kind.ts';
import { resultKey } from '../../../src/nodes/result-key.ts';
import type { ResultRequest } from '../../../src/nodes/result-key.ts';
import { required } from '../../../src/base/assert.ts';
import { probeOf } from '../../fakes/probes.ts';
import { Puppets } from '../../fakes/puppets.ts';

const { kinds } = new Puppets();

function kindOf(name: string, changes: Partial<NodeKind> = {}): NodeKind {
  return { ...required(kinds.get(name), name), resultVersion: () => 'ffmpeg 5', ...changes };
}

const input = { role: 'source', sha256: 'a'.repeat(64) } as const;

/** A request of `transcode` that has a key. */
function requestOf(changes: Partial<ResultRequest> = {}): ResultRequest {
  return {
    kind: kindOf('transcode'),
    params: { resolution: 720, crf: 23 },
    inputs: [input],
    uploadSha256: 'b'.repeat(64),
    media: probeOf(),
    ...changes,
  };
}

describe('the key of a result', () => {
  const key = resultKey(requestOf());

  it('is a digest, the same for the same request', () => {
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(resultKey(requestOf())).toBe(key);
  });

  it('does not depend on the order of parameters, nor on absent ones', () => {
    const params = { crf: 23, resolution: 720, preset: undefined };
    expect(resultKey(requestOf({ params }))).toBe(key);
  });

  it.each([
    ['a parameter', requestOf({ params: { resolution: 720, crf: 24 } })],
    ['the kind', requestOf({ kind: kindOf('transcode', { name: 'encode' }) })],
    ['its version', requestOf({ kind: kindOf('transcode', { version: 2 }) })],
    ['its tools', requestOf({ kind: kindOf('transcode', { resultVersion: () => 'ffmpeg 6' }) })],
    ['the bytes of an input', requestOf({ inputs: [{ ...input, sha256: 'c'.repeat(64) }] })],
    ['the role of an input', requestOf({ inputs: [{ ...input, role: 'video' }] })],
    ['the number of inputs', requestOf({ inputs: [input, input] })],
    ['the probe', requestOf({ media: probeOf({ durationSec: 61 }) })],
  ])('is another one for another value of %s', (_what, changed) => {
    expect(resultKey(changed)).not.toBe(key);
  });

  it('follows the order of the inputs', () => {
    const other = { ...input, sha256: 'd'.repeat(64) };
    const there = resultKey(requestOf({ inputs: [input, other] }));
    expect(resultKey(requestOf({ inputs: [other, input] }))).not.toBe(there);
  });

  it('of a kind with inputs follows these and not the upload', () => {
    expect(resultKey(requestOf({ uploadSha256: 'e'.repeat(64) }))).toBe(key);
  });

  it('of a kind without inputs follows the upload and not the probe', () => {
    const request = requestOf({ kind: kindOf('validate'), params: {}, inputs: [] });
    expect(resultKey({ ...request, media: undefined })).toBe(resultKey(request));
    expect(resultKey({ ...request, uploadSha256: 'e'.repeat(64) })).not.toBe(resultKey(request));
  });

  it('asks the kind about the parameters, and is none where it knows nothing', () => {
    const resultVersion = ({ model }: Readonly<Record<string, unknown>>) =>
      model === 'there' ? 'model 1' : undefined;
    const kind = kindOf('recognize-speech', { resultVersion });
    expect(resultKey(requestOf({ kind, params: { model: 'there' } }))).toBeDefined();
    expect(resultKey(requestOf({ kind, params: { model: 'gone' } }))).toBeUndefined();
    const silent = required(kinds.get('publish'), 'publish');
    expect(resultKey(requestOf({ kind: silent }))).toBeUndefined();
  });
});
