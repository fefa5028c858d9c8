/** A model file that is published, with what makes sure that a copy is the published one. */
export interface PublishedModel {
  /** What people call it: `base.en`. */
  readonly name: string;
  readonly fileName: string;
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Where it is below the root of the host (or of a mirror), without a leading slash. */
  readonly path: string;
}

/**
 * The models that `reelgraph model fetch` knows, small ones first. A name in `.en` is an English-only
 * model; `q5` stands for weights of five bits: less than half the size and memory for slightly worse text.
 *
 * Sizes and digests are those of the files in the Hugging Face repository `ggerganov/whisper.cpp`, as
 * its large-file records give them. Each was confirmed by at least three tables that unrelated public
 * programs check their own downloads with. The files have not changed since they were published
 * (2023 and 2024), so a digest that differs means a broken or foreign file.
 */
export const publishedModels: readonly PublishedModel[] = [
  whisper('tiny', 77_691_713, 'be07e048e1e599ad46341c8d2a135645097a538221678b7acdd1b1919c6e1b21'),
  whisper(
    'tiny.en',
    77_704_715,
    '921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f',
  ),
  whisper(
    'base-q5_1',
    59_707_625,
    '422f1ae452ade6f30a004d7e5c6a43195e4433bc370bf23fac9cc591f01a8898',
  ),
  whisper('base', 147_951_465, '60ed5bc3dd14eea856493d334349b405782ddcaf0028d4b5df4088345fba2efe'),
  whisper(
    'base.en',
    147_964_211,
    'a03779c86df3323075f5e796cb2ce5029f00ec8869eee3fdfb897afe36c6d002',
  ),
  whisper(
    'small-q5_1',
    190_085_487,
    'ae85e4a935d7a567bd102fe55afc16bb595bdb618e11b2fc7591bc08120411bb',
  ),
  whisper('small', 487_601_967, '1be3a9b2063867b937e64e2ec7483364a79917e157fa98c5d94b5c1fffea987b'),
  whisper(
    'small.en',
    487_614_201,
    'c6138d6d58ecc8322097e0f987c32f1be8bb0a18532a3f88f734d1bbf9c41e5d',
  ),
  whisper(
    'medium-q5_0',
    539_212_467,
    '19fea4b380c3a618ec4723c3eef2eb785ffba0d0538cf43f8f235e7b3b34220f',
  ),
  whisper(
    'medium',
    1_533_763_059,
    '6c14d5adee5f86394037b4e4e8b59f1673b6cee10e3cf0b11bbdbee79c156208',
  ),
  whisper(
    'medium.en',
    1_533_774_781,
    'cc37e93478338ec7700281a7ac30a10128929eb8f427dda2e865faa8f6da4356',
  ),
  whisper(
    'large-v3-turbo-q5_0',
    574_041_195,
    '394221709cd5ad1f40c46e6031ca61bce88931e6e088c188294c6d5a55ffa7e2',
  ),
  whisper(
    'large-v3-turbo',
    1_624_555_275,
    '1fc70f774d38eb169993ac391eea357ef47c88757ef72ee5943879b7e8e2bc69',
  ),
  whisper(
    'large-v3-q5_0',
    1_081_140_203,
    'd75795ecff3f83b5faa89d1900604ad8c780abd5739fae406de19f23ecd98ad1',
  ),
  whisper(
    'large-v3',
    3_095_033_483,
    '64d182b440b98d5203c4f9bd541544d84c605196c4f7b845dfa11fb23594d1e2',
  ),
];

/**
 * Silero's voice-activity model, which finds where somebody speaks. Published as `ggml-org/whisper-vad`;
 * size and digest confirmed as those of {@link publishedModels} are.
 */
export const sileroModel: PublishedModel = {
  name: 'silero',
  fileName: 'ggml-silero-v6.2.0.bin',
  bytes: 885_098,
  sha256: '2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987',
  path: 'ggml-org/whisper-vad/resolve/main/ggml-silero-v6.2.0.bin',
};

/** The published speech model of that name; undefined when there is none, as for Silero, which is no speech model. */
export function findPublishedModel(name: string): PublishedModel | undefined {
  return publishedModels.find((model) => model.name === name);
}

function whisper(name: string, bytes: number, sha256: string): PublishedModel {
  const fileName = `ggml-${name}.bin`;
  return { name, fileName, bytes, sha256, path: `ggerganov/whisper.cpp/resolve/main/${fileName}` };
}
