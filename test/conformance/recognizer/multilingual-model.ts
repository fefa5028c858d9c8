import { readFile } from 'node:fs/promises';
import { modelPath } from './sounds.ts';

/** A tensor of a model file: where its parts lie, as byte offsets. */
interface Tensor {
  readonly name: string;
  readonly offset: number;
  readonly dataOffset: number;
  readonly bytes: number;
  readonly dimensions: readonly number[];
}

const englishVocabularySize = 51_864;

/** The token that ends a text, in English-only models; all special tokens come behind it. */
const endToken = 50_256;

/**
 * The tiny model as a multilingual one: with one more row in its vocabulary, in front of the special
 * tokens, whisper.cpp takes it for one that knows many languages. What it recognizes then is
 * not sensible, as it never learned to hear a language; but engines go all the way of detecting one.
 */
export async function createMultilingualModel(): Promise<Buffer> {
  const model = await readFile(modelPath);
  const embedding = findTensor(model, 'decoder.token_embedding.weight');
  const [width = 0] = embedding.dimensions;
  const bytesPerRow = embedding.bytes / englishVocabularySize;
  const rowOffset = embedding.dataOffset + endToken * bytesPerRow;
  const larger = Buffer.concat([
    model.subarray(0, rowOffset),
    // Some word's row: it is not needed.
    model.subarray(rowOffset - bytesPerRow, rowOffset),
    model.subarray(rowOffset),
  ]);
  larger.writeInt32LE(englishVocabularySize + 1, 4);
  // The header of a tensor: number of dimensions, length of the name, type, then the dimensions.
  larger.writeInt32LE(width, embedding.offset + 12);
  larger.writeInt32LE(englishVocabularySize + 1, embedding.offset + 16);
  return larger;
}

/** Reads a ggml file of whisper.cpp up to a tensor (`convert-pt-to-ggml.py` documents the format). */
function findTensor(model: Buffer, name: string): Tensor {
  let offset = skipVocabulary(model);
  while (offset < model.length) {
    const tensor = readTensor(model, offset);
    if (tensor.name === name) return tensor;
    offset = tensor.dataOffset + tensor.bytes;
  }
  throw new Error(`There is no tensor ${name}.`);
}

function skipVocabulary(model: Buffer): number {
  // The magic number and eleven hyperparameters, then the mel filters: rows × columns of 4 bytes.
  const filters = 4 + 11 * 4;
  const cells = model.readInt32LE(filters) * model.readInt32LE(filters + 4);
  let offset = filters + 8 + cells * 4;
  const count = model.readInt32LE(offset);
  offset += 4;
  for (let index = 0; index < count; index += 1) offset += 4 + model.readInt32LE(offset);
  return offset;
}

function readTensor(model: Buffer, offset: number): Tensor {
  const dimensionCount = model.readInt32LE(offset);
  const nameLength = model.readInt32LE(offset + 4);
  const bytesPerValue = model.readInt32LE(offset + 8) === 0 ? 4 : 2;
  const dimensions = Array.from({ length: dimensionCount }, (_, index) =>
    model.readInt32LE(offset + 12 + index * 4),
  );
  const nameOffset = offset + 12 + dimensionCount * 4;
  return {
    name: model.toString('latin1', nameOffset, nameOffset + nameLength),
    offset,
    dataOffset: nameOffset + nameLength,
    bytes: dimensions.reduce((product, size) => product * size, bytesPerValue),
    dimensions,
  };
}
