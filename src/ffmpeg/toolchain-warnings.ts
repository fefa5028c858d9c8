import type { Tool, Toolchain } from './toolchain.ts';
import { safeReleaseFor } from './version.ts';

/** What the operator should know about the programs in use: full sentences for logs and `doctor`; one for both if they are alike. */
export function toolchainWarnings(toolchain: Toolchain): readonly string[] {
  const { ffmpeg, ffprobe } = toolchain;
  if (ffmpeg.version.text === ffprobe.version.text && ffmpeg.origin === ffprobe.origin) {
    return warningsOf('ffmpeg and ffprobe', ffmpeg, 'work, but they get');
  }
  return [...warningsOf('ffmpeg', ffmpeg), ...warningsOf('ffprobe', ffprobe)];
}

function warningsOf(name: string, tool: Tool, works = 'works, but it gets'): readonly string[] {
  const { version, origin } = tool;
  if (origin === 'bundled') {
    const from = version.year === undefined ? '' : ` from ${version.year}`;
    return [
      `The bundled ${name} (a build${from}) ${works} no security updates: uploads from people you do not trust deserve a current ${name} of your system.`,
    ];
  }
  const safeRelease = safeReleaseFor(version);
  if (safeRelease === undefined) return [];
  return [
    `${name} ${version.text} may have a known flaw (CVE-2026-8461, a heap write in a decoder) unless your distribution has patched it: update to ${safeRelease} or later. Uploads are not given to that decoder.`,
  ];
}
