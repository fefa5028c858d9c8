import { childEnvironment } from '../processes/tool-run.ts';

/**
 * The whole environment of ffmpeg and ffprobe: that of every child, and a place without character sets.
 *
 * An MPEG-TS file names its service in a character set of its choice, for which the C library loads a
 * module of the host. A statically linked build (the bundled ffprobe, and the static builds that people
 * put on PATH) crashes on a module that was built with another version of the C library, and so on
 * every MPEG-TS file. What is no directory holds no modules: the name, which nobody needs, stays as it
 * is, and no upload decides which library is loaded (glibc manual, "glibc iconv Implementation").
 */
export function mediaEnvironment(searchPath: string): Readonly<Record<string, string>> {
  return { ...childEnvironment(searchPath), GCONV_PATH: '/dev/null' };
}
