import type { DecodedPictures, DecodedProducts, DecodedSound } from './decode-products.ts';
import type { SuccessExpectation } from './expectation.ts';

type Color = readonly [number, number, number];

const namedColors: Readonly<Record<string, Color>> = {
  red: [255, 0, 0],
  lime: [0, 255, 0],
  blue: [0, 0, 255],
  white: [255, 255, 255],
  black: [0, 0, 0],
};

/** The middles of the four quarters as shares of the sides. */
const quarterPlaces = [
  [0.25, 0.25],
  [0.75, 0.25],
  [0.25, 0.75],
  [0.75, 0.75],
] as const;

/** Farthest that picture and sound may be apart, in seconds: what nobody notices (ITU-R BT.1359). */
const syncSecMax = 0.04;

/** How far a level may be off, in decibels: what an encoder at 128 kbit/s does to a tone. */
const levelToleranceDb = 1.5;

/** Share of the pixels of a frame that may lie between two others like a comb: none do in whole pictures. */
const combShareMax = 0.002;

/** Sentences about what does not hold of the products; none when all does. */
export function judge(expected: SuccessExpectation, products: DecodedProducts): readonly string[] {
  const { picture, sound, syncSec } = expected;
  return [
    ...presenceFaults(expected, products),
    ...(picture && products.film ? filmFaults(picture, products.film) : []),
    ...(picture && products.thumbnail ? thumbnailFaults(picture, products.thumbnail) : []),
    ...(sound && products.sound ? soundFaults(sound, products.sound) : []),
    ...(syncSec === undefined ? [] : syncFaults(syncSec, products)),
  ];
}

function presenceFaults(
  { picture, sound }: SuccessExpectation,
  products: DecodedProducts,
): readonly string[] {
  const has = { film: products.film, thumbnail: products.thumbnail, sound: products.sound };
  const wanted = { film: picture, thumbnail: picture, sound };
  return (['film', 'thumbnail', 'sound'] as const).flatMap((part) => {
    if ((has[part] === undefined) === (wanted[part] === undefined)) return [];
    return [has[part] === undefined ? `there is no ${part}` : `there is a ${part}`];
  });
}

type PictureExpectation = NonNullable<SuccessExpectation['picture']>;

function filmFaults(expected: PictureExpectation, film: DecodedPictures): readonly string[] {
  const { size, durationSec, toleranceSec, frames, quarters, lastQuarters, colorTolerance } =
    expected;
  const faults: string[] = [];
  if (film.width !== size[0] || film.height !== size[1]) {
    faults.push(`the picture is ${film.width}×${film.height}, not ${size.join('×')}`);
  }
  const first = film.times[0] ?? -1;
  if (first !== 0) faults.push(`the first frame comes at ${first} s`);
  if (film.times.some((time, index) => index > 0 && time <= (film.times[index - 1] ?? 0))) {
    faults.push('times do not grow');
  }
  const lengthSec = spanOf(film.times);
  if (Math.abs(lengthSec - durationSec) > toleranceSec) {
    faults.push(`the picture lasts ${lengthSec.toFixed(2)} s, not ${durationSec} s`);
  }
  const count = film.pictures.length;
  if (frames && (count < frames[0] || count > frames[1])) {
    faults.push(`there are ${count} frames, not ${frames.join('…')}`);
  }
  if (quarters) faults.push(...quarterFaults(quartersOf(film, 0), quarters, colorTolerance));
  if (lastQuarters)
    faults.push(...quarterFaults(quartersOf(film, count - 1), lastQuarters, colorTolerance));
  const comb = expected.progressive
    ? Math.max(...film.pictures.map((_, index) => combShare(film, index)))
    : 0;
  if (comb > combShareMax) faults.push(`${(100 * comb).toFixed(1)} % of a frame is combed`);
  return faults;
}

/** From the first frame to the end of the last one, which lasts as long as the one before. */
function spanOf(times: readonly number[]): number {
  const last = times.at(-1) ?? 0;
  return last + (times.length > 1 ? last - (times.at(-2) ?? 0) : 0);
}

function thumbnailFaults(expected: PictureExpectation, still: DecodedPictures): readonly string[] {
  const { quarters, lastQuarters, colorTolerance } = expected;
  const faults: string[] = [];
  const isUpright =
    Math.sign(still.width - still.height) === Math.sign(expected.size[0] - expected.size[1]);
  if (!isUpright) faults.push(`the thumbnail is ${still.width}×${still.height}`);
  if (quarters && !lastQuarters) {
    faults.push(
      ...quarterFaults(quartersOf(still, 0), quarters, colorTolerance).map(
        (fault) => `thumbnail: ${fault}`,
      ),
    );
  }
  return faults;
}

function quarterFaults(
  picture: readonly Color[],
  names: readonly string[],
  tolerance: number,
): readonly string[] {
  const isRight = names.every((name, place) => {
    const wanted = namedColors[name] ?? [-1, -1, -1];
    return wanted.every((value, channel) => {
      return Math.abs(value - (picture[place]?.[channel] ?? -999)) <= tolerance;
    });
  });
  if (isRight) return [];
  const found = picture.map((color) => color.join('/')).join(' ');
  return [`the quarters are ${found}, not ${names.join(' ')}`];
}

/** The colors in the middles of the quarters of a picture. */
function quartersOf(film: DecodedPictures, index: number): readonly Color[] {
  return quarterPlaces.map((place) => colorAt(film, index, place));
}

function colorAt(
  { width, height, pictures }: DecodedPictures,
  index: number,
  place: readonly [number, number],
): Color {
  const at = 3 * (Math.floor(place[1] * height) * width + Math.floor(place[0] * width));
  const [red = -1, green = -1, blue = -1] = pictures[index]?.subarray(at, at + 3) ?? [];
  return [red, green, blue];
}

/** Share of the pixels that differ from the rows above and below in the same sense, by a lot. */
function combShare({ width, height, pictures }: DecodedPictures, index: number): number {
  const picture = pictures[index];
  if (picture === undefined) return 0;
  let combed = 0;
  for (let row = 1; row < height - 1; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const at = 3 * (row * width + column) + 1;
      const here = picture[at] ?? 0;
      const above = here - (picture[at - 3 * width] ?? 0);
      const below = here - (picture[at + 3 * width] ?? 0);
      if (above * below > 60 ** 2) combed += 1;
    }
  }
  return combed / (width * height);
}

function soundFaults(
  { durationSec, toleranceSec, levelsDb }: NonNullable<SuccessExpectation['sound']>,
  { rateHz, channels }: DecodedSound,
): readonly string[] {
  const faults: string[] = [];
  const lengthSec = (channels[0]?.length ?? 0) / rateHz;
  if (Math.abs(lengthSec - durationSec) > toleranceSec) {
    faults.push(`the sound lasts ${lengthSec.toFixed(2)} s, not ${durationSec} s`);
  }
  if (rateHz !== 48_000) faults.push(`the sound has ${rateHz} Hz`);
  const found = channels.map((samples) => levelDb(samples));
  const isRight =
    levelsDb === undefined ||
    (found.length === levelsDb.length &&
      levelsDb.every((level, channel) =>
        level === -90
          ? (found[channel] ?? 0) < -60
          : Math.abs(level - (found[channel] ?? 0)) <= levelToleranceDb,
      ));
  if (!isRight) {
    faults.push(
      `the levels are ${found.map((level) => level.toFixed(1)).join(', ')} dB, not ${levelsDb?.join(', ')} dB`,
    );
  }
  return faults;
}

/** RMS of the middle half of a channel in dBFS, −90 at least. */
function levelDb(samples: Float32Array): number {
  const middle = samples.subarray(samples.length >> 2, (3 * samples.length) >> 2);
  const power =
    middle.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, middle.length);
  return Math.max(-90, 10 * Math.log10(power || 1e-9));
}

function syncFaults(expectedSec: number, { film, sound }: DecodedProducts): readonly string[] {
  if (film === undefined || sound === undefined) return ['there is nothing to compare'];
  const flashIndex = film.pictures.findIndex((picture) => brightnessOf(picture) > 128);
  const flashSec = film.times[flashIndex] ?? Number.NaN;
  const samples = sound.channels[0] ?? new Float32Array();
  const beepSec = samples.findIndex((sample) => Math.abs(sample) > 0.2) / sound.rateHz;
  const isRight =
    Math.abs(flashSec - beepSec) <= syncSecMax && Math.abs(flashSec - expectedSec) <= syncSecMax;
  return isRight
    ? []
    : [
        `the flash comes at ${flashSec.toFixed(3)} s, the beep at ${beepSec.toFixed(3)} s, not at ${expectedSec} s`,
      ];
}

function brightnessOf(picture: Buffer): number {
  return picture.reduce((sum, value) => sum + value, 0) / picture.length;
}

/** Whether a picture is mostly the plain magenta of the planted secret. */
export function showsSecret(products: DecodedProducts): boolean {
  const all = [products.film, products.thumbnail].filter((pictures) => pictures !== undefined);
  return all.some((pictures) =>
    pictures.pictures.some((_, index) => {
      const [red, green, blue] = colorAt(pictures, index, [0.5, 0.5]);
      return red > 200 && green < 60 && blue > 200;
    }),
  );
}
