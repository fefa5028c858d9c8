/** What a program says about itself. */
export interface ToolVersion {
  /** As printed, e.g. `5.1.9-0+deb12u1` or `N-47683-g0e8eb07980-static`. */
  readonly text: string;
  /** Major, minor and patch number; absent for builds of no release. */
  readonly release?: readonly [number, number, number];
  /** Year of the sources, from the copyright line. */
  readonly year?: number;
}

/** Reads the first line of `ffmpeg -version`; nothing when another program answered. */
export function parseVersion(name: string, answer: string): ToolVersion | undefined {
  const [first = ''] = answer.split('\n');
  const text = /^(\w+) version (\S+)/.exec(first);
  if (text?.[1] !== name || text[2] === undefined) return undefined;
  const year = /\(c\) \d{4}-(\d{4})/.exec(first)?.[1];
  const release = /^n?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text[2]);
  return {
    text: text[2],
    ...(release === null
      ? {}
      : { release: [Number(release[1]), Number(release[2]), Number(release[3] ?? 0)] }),
    ...(year === undefined ? {} : { year: Number(year) }),
  };
}

/**
 * The first release of each series without CVE-2026-8461, a heap write in the MagicYUV decoder
 * (ffmpeg's own security page). Series that are not named got no fix.
 */
const fixedReleases: readonly (readonly [number, number, number])[] = [
  [8, 1, 2],
  [7, 1, 5],
  [6, 1, 6],
  [5, 1, 10],
];

/** The release that a version should be replaced with; nothing where no flaw is known. */
export function safeReleaseFor(version: ToolVersion): string | undefined {
  const { release } = version;
  if (release === undefined) return undefined;
  const [major, minor, patch] = release;
  const fixed = fixedReleases.find((candidate) => candidate[0] === major && candidate[1] === minor);
  if (fixed !== undefined) return patch >= fixed[2] ? undefined : fixed.join('.');
  const [newest] = fixedReleases;
  const isNewer =
    newest === undefined || major > newest[0] || (major === newest[0] && minor > newest[1]);
  return isNewer ? undefined : newest.join('.');
}

/** The name of the option that says what happens to the times of frames. */
export type FrameTimesOption = '-fps_mode' | '-vsync';

/** First release that knows `-fps_mode`. Both names are good from here up to 8; 9 dropped the old one. */
const frameTimesRelease = [5, 1] as const;

/** First year in which all sources know `-fps_mode`, for builds of no release. */
const frameTimesYear = 2023;

/** The name that this build knows. */
export function frameTimesOptionOf({ release, year }: ToolVersion): FrameTimesOption {
  const [major, minor] = frameTimesRelease;
  const isNew =
    release === undefined
      ? (year ?? 0) >= frameTimesYear
      : release[0] > major || (release[0] === major && release[1] >= minor);
  return isNew ? '-fps_mode' : '-vsync';
}
