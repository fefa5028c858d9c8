import { open } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { failure, type Failure } from '../base/failure.ts';
import { nearestName } from '../base/nearest-name.ts';
import { err, ok, type Result } from '../base/result.ts';
import { hintForName } from '../pipeline/suggest.ts';
import { findPublishedModel, publishedModels, sileroModel } from './model-catalog.ts';

/** A speech model on this machine, in whisper.cpp's ggml format. */
export interface SpeechModel {
  /** Absolute. */
  readonly path: string;
  /** Its file name, e.g. `ggml-base.en.bin`; never a path. */
  readonly name: string;
  /** Whether it knows no language but English. */
  readonly isEnglishOnly: boolean;
}

/** Name of the voice-activity model's file in the directory of the models. */
export const sileroFileName = sileroModel.fileName;

/**
 * Finds a model: a published name (`base.en`) in `modelsDir`, or the file of a path (with a separator,
 * or ending in `.bin`). Failure: `model_missing`, when it is not there, is not a Whisper model, or has a
 * name that nobody published; the message holds the command that helps.
 */
export async function findModel(
  nameOrPath: string,
  modelsDir: string,
): Promise<Result<SpeechModel, Failure>> {
  if (isModelPath(nameOrPath)) {
    const remedy = `Correct its path, or take a published model such as \`base\`. ${fetchHint('base')}`;
    return readModel(resolve(nameOrPath), remedy);
  }
  const published = findPublishedModel(nameOrPath);
  if (published === undefined) return err(unknownModel(nameOrPath));
  return readModel(resolve(join(modelsDir, published.fileName)), fetchHint(published.name));
}

/** Whether a configured model is a file's path rather than a published name. */
export function isModelPath(nameOrPath: string): boolean {
  return /[/\\]/.test(nameOrPath) || nameOrPath.endsWith('.bin');
}

/** The failure for a model name that nobody published. */
export function unknownModel(name: string): Failure {
  const names = publishedModels.map((model) => model.name);
  const hint = hintForName(name, names, 'models');
  const remedy = fetchHint(nearestName(name, names) ?? 'base');
  return failure('model_missing', `No speech model \`${name}\` is published. ${hint} ${remedy}`);
}

/** What to run to get a model, as a sentence. */
export function fetchHint(name: string): string {
  return `Run \`reelgraph model fetch ${name}\` (in a checkout \`npm run reelgraph -- model fetch ${name}\`).`;
}

/** The first bytes of a model that are looked at: the magic number and the vocabulary's size. */
const headerBytes = 8;

/** `ggml` as a little-endian number: the first field of every file that whisper.cpp loads. */
const ggmlMagic = 0x67_67_6d_6c;

/**
 * Entries in the vocabulary of OpenAI's English-only models. All others have more (51865, or 51866 from
 * large-v3 on), which is how whisper.cpp tells them apart too; files of other networks have fewer.
 */
const englishVocabularySize = 51_864;

async function readModel(path: string, remedy: string): Promise<Result<SpeechModel, Failure>> {
  const name = basename(path);
  const header = await readHeader(path);
  if (!header.ok) {
    const message = `The speech model \`${name}\` is not there. ${remedy}`;
    return err(failure('model_missing', message, header.error));
  }
  const vocabularySize = toVocabularySize(header.value);
  if (vocabularySize === undefined || vocabularySize < englishVocabularySize) {
    const message = `The file \`${name}\` is not a Whisper model in ggml format. ${remedy}`;
    return err(failure('model_missing', message, path));
  }
  return ok({ path, name, isEnglishOnly: vocabularySize === englishVocabularySize });
}

/** Reads the start of a file; shorter files give fewer bytes. The error is for the operator. */
async function readHeader(path: string): Promise<Result<Buffer, string>> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    return ok(buffer.subarray(0, bytesRead));
  } catch (thrown) {
    return err(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function toVocabularySize(header: Buffer): number | undefined {
  if (header.length < headerBytes || header.readUInt32LE(0) !== ggmlMagic) return undefined;
  return header.readInt32LE(4);
}
