import type { MediaTools } from '../ffmpeg/media-tools.ts';
import type { Storage } from '../storage/storage.ts';
import { extractAudio } from './extract-audio.ts';
import { merge } from './merge.ts';
import type { NodeKind } from './node-kind.ts';
import { publish } from './publish.ts';
import { thumbnail } from './thumbnail.ts';
import { transcode } from './transcode.ts';
import { validate } from './validate.ts';

/** What the kinds work with. */
export interface KindServices {
  readonly tools: MediaTools;
  readonly storage: Storage;
  /** The kind `recognize-speech`, with its engine. */
  readonly recognizeSpeech: NodeKind;
}

/** All node kinds by name. */
export function createKinds(services: KindServices): ReadonlyMap<string, NodeKind> {
  const { tools, storage, recognizeSpeech } = services;
  const kinds: readonly NodeKind[] = [
    validate(tools),
    extractAudio(tools),
    thumbnail(tools),
    transcode(tools),
    recognizeSpeech,
    merge(tools),
    publish(storage),
  ];
  return new Map(kinds.map((kind) => [kind.name, kind]));
}
