import { expect, test } from 'vitest';
import { isWorking, renderChecks, type Check } from '../../../src/cli/checks.ts';
import { renderLines } from '../../../src/cli/text.ts';

const fine: Check = { title: 'Cores', verdict: 'fine', finding: '2.' };
const note: Check = {
  title: 'Speech',
  verdict: 'note',
  finding: 'No model.',
  remedy: 'Fetch one.',
};
const broken: Check = { title: 'ffmpeg', verdict: 'broken', finding: 'None.' };

function draw(checks: readonly Check[], unicode = true): string {
  const style = { color: false, unicode };
  return renderLines(renderChecks(checks, style), style);
}

test('checks are listed with what was found and what to do', () => {
  expect(draw([fine, note, broken])).toBe(
    '✔ Cores   2.\n! Speech  No model.\n          Fetch one.\n✖ ffmpeg  None.\n\n1 broken, 1 to know of.\n',
  );
});

test('checks end with how things are as a whole', () => {
  expect(draw([fine]).split('\n').at(-2)).toBe('All is well.');
  expect(draw([fine, note]).split('\n').at(-2)).toBe('It works; 1 to know of.');
});

test('checks do without symbols where there are none', () => {
  expect(draw([fine, note, broken], false)).toMatch(/^[ -~\n]*$/);
});

test('only what is broken keeps the service from working', () => {
  expect(isWorking([fine, note])).toBe(true);
  expect(isWorking([fine, broken])).toBe(false);
});
