import { describeSettings } from './setting-specs.ts';

/** Spaces between the columns of the help. */
const gap = '  ';

/**
 * The settings as text for `--help`: per setting a line with flag, environment variable and default,
 * in aligned columns, and the description below it. No trailing line break.
 */
export function settingsHelp(): string {
  const specs = describeSettings();
  const rows = [
    ['Flag', 'Environment', 'Default'],
    ...specs.map((spec) => [
      `--${spec.flag} <${spec.placeholder}>`,
      spec.variable,
      spec.default ?? '',
    ]),
  ];
  const [title = '', ...lines] = align(rows);
  const entries = specs.map((spec, index) => `${lines[index]}\n      ${spec.description}`);
  return [title, ...entries].join('\n');
}

function align(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows.reduce<readonly number[]>(
    (widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    (gap + row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(gap)).trimEnd(),
  );
}
