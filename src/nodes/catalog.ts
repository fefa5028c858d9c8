import type { MediaTools } from '../ffmpeg/media-tools.ts';
import type { Recognizer } from '../speech/recognizer.ts';
import type { Storage } from '../storage/storage.ts';
import { extractAudio } from './extract-audio.ts';
import { merge } from './merge.ts';
import type { NodeKind } from './node-kind.ts';
import { publish } from './publish.ts';
import { recognizeSpeech } from './recognize-speech.ts';
import { thumbnail } from './thumbnail.ts';
import { transcode } from './transcode.ts';
import { validate } from './validate.ts';

/** What the kinds work with. */
export interface KindServices {
  readonly tools: MediaTools;
  readonly storage: Storage;
  readonly recognizer: Recognizer;
  /** The model of jobs that name none: a published name, or the path of a file. */
  readonly speechModel: string;
}

/** All node kinds by name. */
export function createKinds(services: KindServices): ReadonlyMap<string, NodeKind> {
  const { tools, storage, recognizer, speechModel } = services;
  const kinds: readonly NodeKind[] = [
    validate(tools),
    extractAudio(tools),
    thumbnail(tools),
    transcode(tools),
    recognizeSpeech(recognizer, speechModel),
    merge(tools),
    publish(storage),
  ];
  return new Map(kinds.map((kind) => [kind.name, kind]));
}
