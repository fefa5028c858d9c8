import type { CorpusReport, CorpusRow } from './run-corpus.ts';

/** One line of the table: the case, what came of it, how long it took, what is wrong. */
export function rowLine({ name, outcome, seconds, faults }: CorpusRow): string {
  const mark = faults.length === 0 ? 'ok ' : 'BAD';
  return `${mark} ${name.padEnd(34)} ${outcome.padEnd(34)} ${seconds.toFixed(1).padStart(5)} s  ${faults.join('; ')}`.trimEnd();
}

/** The lines at the end: totals, the slowest case, the service. */
export function reportLines({
  rows,
  faults,
  seconds,
  before,
  after,
}: CorpusReport): readonly string[] {
  const bad = rows.filter((row) => row.faults.length > 0);
  const slowest = rows.reduce(
    (most, row) => (row.seconds > most.seconds ? row : most),
    rows[0] ?? noRow,
  );
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  return [
    `${rows.length} cases in ${seconds.toFixed(0)} s: ${rows.length - bad.length} as expected, ${bad.length} not`,
    `the slowest: ${slowest.name}, ${slowest.seconds.toFixed(1)} s`,
    `the service: ${mebibytes(before.residentBytes)} and ${before.descriptors} descriptors before, ${mebibytes(after.residentBytes)} and ${after.descriptors} after`,
    ...faults.map((fault) => `BAD ${fault}`),
  ];
}

const noRow: CorpusRow = { name: 'none', outcome: '', seconds: 0, faults: [] };
