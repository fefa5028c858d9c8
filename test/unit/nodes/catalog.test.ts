import { describe, expect, it } from 'vitest';
import { createKinds } from '../../../src/nodes/catalog.ts';
import { LocalStorage } from '../../../src/storage/local-storage.ts';
import { unusedTools } from '../../support/node-attempt.ts';

// Nothing is touched before it is used.
const services = {
  tools: unusedTools,
  storage: new LocalStorage('/storage'),
  recognizer: {
    name: 'unused',
    recognize: () => Promise.reject(new Error('nothing to recognize')),
  },
  speechModel: 'base',
};

describe('createKinds', () => {
  it('knows the seven kinds by name', () => {
    const kinds = createKinds(services);
    expect([...kinds.keys()]).toEqual([
      'validate',
      'extract-audio',
      'thumbnail',
      'transcode',
      'recognize-speech',
      'merge',
      'publish',
    ]);
    for (const [name, kind] of kinds) expect(kind.name).toBe(name);
  });

  it('describes every parameter', () => {
    const kinds = createKinds(services);
    for (const kind of kinds.values()) {
      const { properties = {} } = kind.params.toJSONSchema();
      for (const property of Object.values(properties)) {
        expect(property).toHaveProperty('description');
      }
    }
  });
});
