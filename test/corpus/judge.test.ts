import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { DecodedPictures, DecodedProducts, DecodedSound } from './decode-products.ts';
import type { SuccessExpectation } from './expectation.ts';
import { judge, showsSecret } from './judge.ts';
import { plantListener } from './planted-listener.ts';

const rateHz = 48_000;

/** Pictures of 8×8 pixels, 25 in a second; `colorOf` gives the color of a pixel. */
function film(
  count: number,
  colorOf: (row: number, column: number, index: number) => readonly number[],
): DecodedPictures {
  const indexes = Array.from({ length: count }, (_, index) => index);
  const places = Array.from({ length: 64 }, (_, at) => [at >> 3, at & 7] as const);
  const pictures = indexes.map((index) =>
    Buffer.from(places.flatMap(([row, column]) => colorOf(row, column, index))),
  );
  return { width: 8, height: 8, times: indexes.map((index) => index / 25), pictures };
}

const white = [255, 255, 255];
const black = [0, 0, 0];
const plain = film(25, () => white);

/** A second of a tone on one channel, silent before `fromSec`. */
function tone(peak: number, fromSec = 0): DecodedSound {
  const samples = Float32Array.from({ length: rateHz }, (_, index) =>
    index < fromSec * rateHz ? 0 : peak * Math.sin((2 * Math.PI * 440 * index) / rateHz),
  );
  return { rateHz, channels: [samples] };
}

function faultsOf(
  expected: Omit<SuccessExpectation, 'outcome'>,
  products: DecodedProducts,
): readonly string[] {
  return judge({ outcome: 'succeeded', ...expected }, products);
}

const picture: NonNullable<SuccessExpectation['picture']> = {
  size: [8, 8],
  durationSec: 1,
  toleranceSec: 0.1,
  colorTolerance: 16,
  progressive: true,
};
const sound = { durationSec: 1, toleranceSec: 0.1 };

describe('the judge of the corpus', () => {
  test('finds no fault with what is as it should be', () => {
    const products = { film: plain, thumbnail: plain, sound: tone(0.5) };
    expect(faultsOf({ picture, sound: { ...sound, levelsDb: [-9] } }, products)).toEqual([]);
  });

  test('sees a wrong size, a wrong length, a missing part and times that stand still', () => {
    const products = { film: plain, thumbnail: plain };
    expect(faultsOf({ picture: { ...picture, size: [16, 16] } }, products)).toHaveLength(1);
    expect(faultsOf({ picture: { ...picture, durationSec: 2 } }, products)).toHaveLength(1);
    expect(faultsOf({ picture, sound }, products)).toEqual(['there is no sound']);
    const still = { ...plain, times: plain.times.map((time, index) => (index === 1 ? 0 : time)) };
    expect(faultsOf({ picture }, { ...products, film: still })).toContain('times do not grow');
  });

  test('sees quarters in other colors', () => {
    const quarters = ['white', 'white', 'white', 'white'];
    const products = { film: plain, thumbnail: plain };
    expect(faultsOf({ picture: { ...picture, quarters } }, products)).toEqual([]);
    const dim = film(25, () => [230, 230, 230]);
    const dimmed = { film: dim, thumbnail: dim };
    expect(faultsOf({ picture: { ...picture, quarters } }, dimmed)).toHaveLength(2);
  });

  test('sees the comb of two woven fields', () => {
    const woven = film(25, (row, column) => (column > 3 && row % 2 === 0 ? white : black));
    const faults = faultsOf({ picture }, { film: woven, thumbnail: plain });
    expect(faults).toEqual([expect.stringContaining('combed')]);
  });

  test('hears a level that is off by two decibels, and silence', () => {
    const expected = { sound: { ...sound, levelsDb: [-9] } };
    expect(faultsOf(expected, { sound: tone(0.5) })).toEqual([]);
    expect(faultsOf(expected, { sound: tone(0.39) })).toHaveLength(1);
    expect(faultsOf(expected, { sound: tone(0) })).toHaveLength(1);
  });

  test('notices when flash and beep are more than 40 ms apart', () => {
    const flash = film(25, (_row, _column, index) => (index >= 10 ? white : black));
    const expected = { picture: { ...picture, progressive: false }, sound, syncSec: 0.4 };
    const at = (beepSec: number): DecodedProducts => ({
      film: flash,
      thumbnail: plain,
      sound: tone(0.8, beepSec),
    });
    expect(faultsOf(expected, at(0.42))).toEqual([]);
    expect(faultsOf(expected, at(0.45))).toHaveLength(1);
  });

  test('recognizes the planted secret', () => {
    expect(showsSecret({ film: film(2, () => [250, 10, 250]) })).toBe(true);
    expect(showsSecret({ film: plain })).toBe(false);
  });
});

describe('the planted listener', () => {
  test('notices who connects and who sends', async () => {
    await using listener = await plantListener();
    const socket = connect(listener.port, '127.0.0.1');
    await once(socket, 'close');
    const sender = createSocket('udp4');
    const came = once(listener.arrivals, 'packet');
    sender.send('hello', listener.port, '127.0.0.1');
    await came;
    sender.close();
    expect(listener.visits).toEqual(['a TCP connection', 'a UDP packet']);
  });
});
