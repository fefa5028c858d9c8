import { describe, expect, it } from 'vitest';
import { createKinds } from '../../../src/nodes/catalog.ts';
import type { NodeKind } from '../../../src/nodes/node-kind.ts';
import { publish } from '../../../src/nodes/publish.ts';
import { LocalStorage } from '../../../src/storage/local-storage.ts';
import { unusedTools } from '../../support/node-attempt.ts';

// Neither touches anything before it is used.
const storage = new LocalStorage('/storage');
const recognizeSpeech: NodeKind = { ...publish(storage), name: 'recognize-speech' };

describe('createKinds', () => {
  it('knows the seven kinds by name', () => {
    const kinds = createKinds({ tools: unusedTools, storage, recognizeSpeech });
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
    const kinds = createKinds({ tools: unusedTools, storage, recognizeSpeech });
    for (const kind of kinds.values()) {
      const { properties = {} } = kind.params.toJSONSchema();
      for (const property of Object.values(properties)) {
        expect(property).toHaveProperty('description');
      }
    }
  });
});
