import { expect, test } from 'vitest';
import { inlineDisposition } from '../../../src/api/content-disposition.ts';

test.each([
  ['720p.mp4', 'inline; filename="720p.mp4"'],
  ['my film.mp4', 'inline; filename="my film.mp4"'],
  ['a"b\\c.mp4', `inline; filename="a_b_c.mp4"; filename*=UTF-8''a%22b%5Cc.mp4`],
  ['100%.mp4', `inline; filename="100_.mp4"; filename*=UTF-8''100%25.mp4`],
  ['naïve €.mp4', `inline; filename="na_ve _.mp4"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.mp4`],
  ["é'(*).mp4", `inline; filename="_'(*).mp4"; filename*=UTF-8''%C3%A9%27%28%2A%29.mp4`],
  ['a\r\nX: y', `inline; filename="a__X: y"; filename*=UTF-8''a%0D%0AX%3A%20y`],
])('The name %j is sent as %s', (name, header) => {
  expect(inlineDisposition(name)).toBe(header);
});
